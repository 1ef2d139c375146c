package tairtest_test

import (
	"testing"

	"tairssl/adapters/tair/tairtest"
)

const (
	shanghai = "r-uf6zxszhcgatnx07"
	absent   = "404 InvalidInstanceId.NotFound"
)

// byID are calls of every action that names an instance.
func byID(region, instance string) map[string]string {
	tagged := "RegionId=" + region + "&ResourceType=INSTANCE&ResourceId.1=" + instance
	return map[string]string{
		"DescribeInstanceSSL":       "RegionId=" + region + "&InstanceId=" + instance,
		"DescribeInstanceAttribute": "RegionId=" + region + "&InstanceId=" + instance,
		"TagResources":              tagged + "&Tag.1.Key=a&Tag.1.Value=b",
		"UntagResources":            tagged + "&TagKey.1=a",
		"ModifyInstanceSSL":         "RegionId=" + region + "&SSLEnabled=Update&InstanceId=" + instance,
	}
}

func TestAnInstanceAnswersInItsOwnRegionAlone(t *testing.T) {
	for name, test := range map[string]struct {
		o            tairtest.Options
		host, region string
		want         string
	}{
		"its own":                                  {region: "cn-shanghai", want: "200"},
		"another":                                  {region: "cn-beijing", want: absent},
		"another of the central endpoint":          {region: "cn-hangzhou", want: absent},
		"another, where those share an endpoint":   {o: tairtest.Options{Central: true}, region: "cn-hangzhou", want: "200"},
		"another that is not central":              {o: tairtest.Options{Central: true}, region: "cn-beijing", want: absent},
		"its own at the central host":              {host: "r-kvstore.aliyuncs.com", region: "cn-shanghai", want: "200"},
		"its own at its host inside a VPC":         {host: "r-kvstore-vpc.cn-shanghai.aliyuncs.com:443", region: "cn-shanghai", want: "200"},
		"its own at another's host":                {host: "r-kvstore.cn-beijing.aliyuncs.com", region: "cn-shanghai", want: absent},
		"another's at that one's host":             {o: tairtest.Options{Central: true}, host: "r-kvstore-vpc.cn-hangzhou.aliyuncs.com", region: "cn-hangzhou", want: absent},
		"another at the central host":              {o: tairtest.Options{Central: true}, host: "r-kvstore.aliyuncs.com", region: "cn-heyuan", want: "200"},
		"its own at a host of some other product":  {host: "ecs.cn-beijing.aliyuncs.com", region: "cn-shanghai", want: "200"},
		"its own at a host with two regions in it": {host: "r-kvstore.cn-beijing.cn-shanghai.aliyuncs.com", region: "cn-shanghai", want: "200"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorldOf(t, test.o, tairtest.Instance{InstanceID: shanghai, RegionID: "cn-shanghai"})
			for action, query := range byID(test.region, shanghai) {
				if got := w.askAt(test.host, action, query).code(); got != test.want {
					t.Errorf("%s is answered %s, want %s", action, got, test.want)
				}
			}
			i, _ := w.Instance(shanghai)
			if restarts := map[string]int{"200": 1}[test.want]; i.Restarts != restarts {
				t.Errorf("the instance restarted %d times, want %d", i.Restarts, restarts)
			}
		})
	}
}

func TestTheCentralEndpointTellsTheRealRegion(t *testing.T) {
	w := newWorldOf(t, tairtest.Options{Central: true}, tairtest.Instance{InstanceID: shanghai, RegionID: "cn-shanghai",
		ActiveOperationTasks: []tairtest.Task{{TaskType: "rds_apsaradb_ssl_update", Status: 3}}})
	rows := w.ask("DescribeInstanceAttribute", "RegionId=cn-hangzhou&InstanceId="+shanghai).rows()
	if len(rows) != 1 || rows[0]["RegionId"] != "cn-shanghai" {
		t.Errorf("the central endpoint shows the instance as %v", rows)
	}
	if got := w.ask("DescribeInstances", "RegionId=cn-hangzhou&InstanceIds="+shanghai).ids(); got != "" {
		t.Errorf("a listing of cn-hangzhou holds %s of cn-shanghai", got)
	}
	for region, want := range map[string]float64{"cn-hangzhou": 0, "cn-shanghai": 1} {
		if got := w.ask("DescribeActiveOperationTasks", "RegionId="+region+"&Region=all").body["TotalRecordCount"]; got != want {
			t.Errorf("%s has %v tasks, want %v", region, got, want)
		}
	}
}

func TestCallsWithoutARegion(t *testing.T) {
	for _, central := range []bool{false, true} {
		w := newWorldOf(t, tairtest.Options{Central: central}, tairtest.Instance{InstanceID: id, Tags: map[string]string{"env": "prod"}}, tairtest.Instance{InstanceID: shanghai, RegionID: "cn-shanghai"})
		resource := "ResourceType=INSTANCE&ResourceId.1=" + id
		for _, call := range []struct{ action, query, want string }{
			{"DescribeInstanceSSL", "InstanceId=" + id, "200"},
			{"DescribeInstanceSSL", "InstanceId=" + shanghai, absent},
			{"DescribeInstanceAttribute", "InstanceId=" + shanghai, absent},
			{"ModifyInstanceSSL", "SSLEnabled=Update&InstanceId=" + shanghai, absent},
			{"DescribeInstances", "", "200"},
			{"DescribeInstances", "Tag.1.Key=env", "400 MissingRegionId"},
			{"TagResources", resource + "&Tag.1.Key=a", "400 MissingRegionId"},
			{"UntagResources", resource + "&TagKey.1=a", "400 MissingRegionId"},
			{"ListTagResources", resource, "400 MissingRegionId"},
		} {
			if got := w.ask(call.action, call.query).code(); got != call.want {
				t.Errorf("with Central %t, %s %s is answered %s, want %s", central, call.action, call.query, got, call.want)
			}
		}
		if got := w.ask("DescribeInstances", "").ids(); got != id {
			t.Errorf("a listing without a region holds %s", got)
		}
		if got := w.askAt("r-kvstore.aliyuncs.com", "DescribeInstances", "").ids(); got != id {
			t.Errorf("a listing without a region at the central host holds %s", got)
		}
		if got := w.askAt("r-kvstore-vpc.cn-shanghai.aliyuncs.com", "DescribeInstances", "").ids(); got != shanghai {
			t.Errorf("a listing without a region at a host of cn-shanghai holds %s", got)
		}
	}
}

// A policy judges a call by the region of the instance, whatever region the call names.
func TestAPolicyIsAskedForTheInstancesRegion(t *testing.T) {
	w := newWorldOf(t, tairtest.Options{Central: true}, tairtest.Instance{InstanceID: shanghai, RegionID: "cn-shanghai"})
	if err := w.Policy([]byte(`{"Version":"1","Statement":[{"Effect":"Allow","Action":"kvstore:*","Resource":"acs:kvstore:cn-shanghai:*:*"}]}`)); err != nil {
		t.Fatal(err)
	}
	if got := w.ask("DescribeInstanceSSL", "RegionId=cn-hangzhou&InstanceId="+shanghai).code(); got != "200" {
		t.Errorf("an instance of an allowed region is answered %s", got)
	}
	if got := w.ask("DescribeInstances", "RegionId=cn-hangzhou").code(); got != "403 Forbidden.RAM" {
		t.Errorf("a listing of another region is answered %s", got)
	}
}
