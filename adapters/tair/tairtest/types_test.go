package tairtest_test

import (
	"encoding/json"
	"fmt"
	"net"
	"reflect"
	"strings"
	"testing"

	"tairssl/adapters/tair/tairtest"
)

func TestNamesAndTypesAreListed(t *testing.T) {
	w := newWorldOf(t, tairtest.Options{},
		tairtest.Instance{InstanceID: "r-plain"}, tairtest.Instance{InstanceID: "tt-plain"},
		tairtest.Instance{InstanceID: "r-child", InstanceName: "orders cache", InstanceType: "Tair", EngineVersion: "5.0", GlobalInstanceID: "gr-world"},
		tairtest.Instance{InstanceID: "memo", InstanceType: "Memcache", EngineVersion: "4.0"})
	want := map[string]string{ // name, type, engine, version, global instance, port of its data plane
		"r-plain":  "r-plain Redis Redis 7.0 ",
		"tt-plain": "tt-plain Tair Redis 7.0 ",
		"r-child":  "orders cache Tair Redis 5.0 gr-world",
		"memo":     "memo Memcache Memcache 4.0 ",
	}
	for id := range want {
		i, _ := w.Instance(id)
		_, port, err := net.SplitHostPort(i.DataPlane)
		if err != nil {
			t.Fatal(err)
		}
		want[id] += " " + port
	}
	told := func(row map[string]any) string {
		return fmt.Sprintln(row["InstanceName"], row["InstanceType"], row["Engine"], row["EngineVersion"], row["GlobalInstanceId"], row["Port"])
	}
	rows := w.ask("DescribeInstances", "RegionId=cn-hangzhou").rows()
	if len(rows) != len(want) {
		t.Errorf("%d instances are listed, want %d", len(rows), len(want))
	}
	for _, row := range rows {
		id := row["InstanceId"].(string)
		if got := told(row); got != want[id]+"\n" {
			t.Errorf("%s is listed as %s, want %s", id, got, want[id])
		}
		attributes := w.ask("DescribeInstanceAttribute", "InstanceId="+id).rows()
		if len(attributes) != 1 || told(attributes[0]) != want[id]+"\n" {
			t.Errorf("the attributes of %s are %v, want %s", id, attributes, want[id])
		}
	}
}

func TestASearchFindsByIdOrName(t *testing.T) {
	w := newWorld(t)
	for key, want := range map[string]string{
		"orders-cache": id, "orders": id, "gatnx05": "tt-bp1zxszhcgatnx05", "carts": "", "r-bp1zxszhcgatnx0": "r-bp1zxszhcgatnx01 r-bp1zxszhcgatnx02 r-bp1zxszhcgatnx03 r-bp1zxszhcgatnx04 r-bp1zxszhcgatnx06 r-bp1zxszhcgatnx08",
	} {
		if got := w.ask("DescribeInstances", "RegionId=cn-hangzhou&SearchKey="+key).ids(); got != want {
			t.Errorf("a search for %s finds %q, want %q", key, got, want)
		}
	}
}

func TestATypeWithoutTLSHasNoneToDescribeOrChange(t *testing.T) {
	w := newWorldOf(t, tairtest.Options{}, tairtest.Instance{InstanceID: "r-without", NoTLS: true}, tairtest.Instance{InstanceID: "memo", InstanceType: "Memcache"})
	for _, id := range []string{"r-without", "memo"} {
		if got := w.ask("DescribeInstanceSSL", "InstanceId="+id); got.code() != "403 IncorrectEngineVersion" || got.body["Message"] != "Current engine version does not support operations." {
			t.Errorf("the encryption of %s is answered %s %v", id, got.code(), got.body["Message"])
		}
		for _, action := range []string{"Enable", "Disable", "Update"} {
			if got := w.ask("ModifyInstanceSSL", "InstanceId="+id+"&SSLEnabled="+action).code(); got != "403 IncorrectEngineVersion" {
				t.Errorf("%s of %s is answered %s", action, id, got)
			}
		}
		i, _ := w.Instance(id)
		if !i.NoTLS || i.SSLEnabled+i.SSLExpiredTime+i.CertCommonName != "" || i.Restarts != 0 {
			t.Errorf("without TLS the instance is %+v", i)
		}
	}
}

func TestAReleasedInstanceHasNoEncryptionAndAnInactiveOneKeepsIt(t *testing.T) {
	w := newWorldOf(t, tairtest.Options{}, tairtest.Instance{InstanceID: "r-released", InstanceStatus: "Released"}, tairtest.Instance{InstanceID: "r-inactive", InstanceStatus: "Inactive"})
	for id, want := range map[string]string{"r-released": absent, "r-inactive": "200"} {
		if got := w.ask("DescribeInstanceSSL", "InstanceId="+id).code(); got != want {
			t.Errorf("the encryption of %s is answered %s, want %s", id, got, want)
		}
		if got := w.ask("ModifyInstanceSSL", "InstanceId="+id+"&SSLEnabled=Update").code(); got != "403 IncorrectDBInstanceState" {
			t.Errorf("an Update of %s is answered %s", id, got)
		}
	}
}

func TestAnImpossibleInstanceIsNotPut(t *testing.T) {
	w := newWorld(t)
	for input, want := range map[string]string{
		`{"InstanceId":"r-a","InstanceType":"Mongo"}`:                       `InstanceType "Mongo" is none of Redis, Tair, Memcache`,
		`{"InstanceId":"r-a","NoTLS":true,"SSLEnabled":"Enable"}`:           `SSLEnabled is "Enable", but the instance has no TLS`,
		`{"InstanceId":"m","InstanceType":"Memcache","CertCommonName":"m"}`: `CertCommonName is "m", but the instance has no TLS`,
		`{"InstanceId":"r-a","InstanceName":"` + strings.Repeat("n", 81):    `is longer than 80 characters`,
	} {
		if !strings.HasSuffix(input, "}") {
			input += `"}`
		}
		if status, text := w.control("instances", input); status != 400 || !strings.Contains(unquoted(t, text), want) {
			t.Errorf("%s is answered %d %s, want %s", input, status, text, want)
		}
	}
}

// unquoted returns the field Error of a control's answer.
func unquoted(t *testing.T, text string) string {
	var answer struct{ Error string }
	if err := json.Unmarshal([]byte(text), &answer); err != nil {
		t.Fatalf("the answer is %s: %v", text, err)
	}
	return answer.Error
}

// The emulator accepts a fleet in the form in which it shows its own fleet.
func TestAFleetThatWasShownCanBePutAgain(t *testing.T) {
	w := newWorld(t)
	before := w.Instances()
	shown, err := json.Marshal(before)
	if err != nil {
		t.Fatal(err)
	}
	if status, text := w.control("instances", string(shown)); status != 200 {
		t.Fatalf("the fleet that was shown is answered %d %s", status, text)
	}
	if after := w.Instances(); !reflect.DeepEqual(after, before) {
		t.Errorf("the fleet was %+v and became %+v", before, after)
	}
}
