package tair_test

import (
	"context"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"tairssl/adapters/tair"
	"tairssl/handler"
)

// recorded returns a client of a server that answers every call with body, and the
// parameters of the last call.
func recorded(t *testing.T, body string) (*tair.Client, *url.Values) {
	var last url.Values
	return against(t, func(w http.ResponseWriter, r *http.Request) {
		last = r.URL.Query()
		answer(200, body)(w, r)
	}), &last
}

func idsOf(l handler.Listing) string {
	var ids []string
	for _, i := range l.Instances {
		ids = append(ids, i.InstanceID)
	}
	return strings.Join(ids, " ")
}

// If a tag has no value, the API filters by the key alone.
func TestListingKeepsToTheTags(t *testing.T) {
	client, sent := recorded(t, `{"RequestId":"A","TotalCount":3,"Instances":{"KVStoreInstance":[
		{"InstanceId":"r-empty","Tags":{"Tag":[{"Key":"env","Value":""}]}},
		{"InstanceId":"r-prod","Tags":{"Tag":[{"Key":"env","Value":"prod"}]}},
		{"InstanceId":"r-untold","Tags":{"Tag":[]}}]}}`)
	list, err := client.List(context.Background(), "cn-hangzhou", handler.Filter{Tags: map[string]string{"env": ""}}, 1)
	if err != nil || list.Total != 3 || idsOf(list) != "r-empty r-untold" {
		t.Errorf("the instances with an empty tag are %s of %d, %v", idsOf(list), list.Total, err)
	}
	if sent.Get("Tag.1.Key") != "env" || sent.Get("RegionId") != "cn-hangzhou" || sent.Get("PageSize") != "50" {
		t.Errorf("the call had the parameters %v", *sent)
	}
}

// The central endpoint serves several regions. A listing of one region shows no instance
// of another region. It keeps an instance whose region is unknown.
func TestListingKeepsToTheRegion(t *testing.T) {
	client, sent := recorded(t, `{"RequestId":"A","TotalCount":4,"Instances":{"KVStoreInstance":[
		{"InstanceId":"r-here","RegionId":"cn-shanghai","InstanceName":"orders","InstanceType":"Tair","GlobalInstanceId":"gr-1","Port":6380,"InstanceStatus":"Normal","ConnectionDomain":"r-here.redis.rds.aliyuncs.com"},
		{"InstanceId":"r-there","RegionId":"cn-hangzhou"},
		{"InstanceId":"r-untold"},
		{"InstanceId":"r-notasked","RegionId":"cn-shanghai"}]}}`)
	list, err := client.List(context.Background(), "cn-shanghai", handler.Filter{IDs: []string{"r-here", "r-there", "r-untold"}}, 2)
	if err != nil || list.Total != 4 || idsOf(list) != "r-here r-untold" {
		t.Fatalf("the listing of cn-shanghai is %s of %d, %v", idsOf(list), list.Total, err)
	}
	if sent.Get("InstanceIds") != "r-here,r-there,r-untold" || sent.Get("PageNumber") != "2" || sent.Get("RegionId") != "cn-shanghai" {
		t.Errorf("the call had the parameters %v", *sent)
	}
	want := "{{cn-shanghai r-here} {cn-shanghai orders Tair gr-1 Normal r-here.redis.rds.aliyuncs.com 6380 map[]"
	if got := fmt.Sprint(list.Instances[0]); !strings.HasPrefix(got, want) {
		t.Errorf("the listing shows %s, want %s", got, want)
	}
	if l := list.Instances[1]; l.RegionID != "cn-shanghai" || l.Region != "" {
		t.Errorf("an instance without a region in the answer is in %q, with the region %q", l.RegionID, l.Region)
	}
}

func TestUnusableListingsFail(t *testing.T) {
	for _, body := range []string{
		`{"TotalCount":1,"Instances":{"KVStoreInstance":[{"InstanceId":"r-a"}]}}`,
		`{"RequestId":"A","TotalCount":1,"Instances":{"KVStoreInstance":[{"RegionId":"cn-hangzhou"}]}}`,
		`{"RequestId":"A","TotalCount":-1,"Instances":{"KVStoreInstance":[]}}`,
	} {
		client, _ := recorded(t, body)
		if list, err := client.List(context.Background(), "cn-hangzhou", handler.Filter{}, 1); err == nil {
			t.Errorf("%s was read as %+v", body, list)
		}
	}
}

// The API would read an id with a comma as two ids.
func TestListingTakesNoOddIDs(t *testing.T) {
	client, sent := recorded(t, `{"RequestId":"A"}`)
	for _, id := range []string{"", "r-a,r-b"} {
		if _, err := client.List(context.Background(), "cn-hangzhou", handler.Filter{IDs: []string{id}}, 1); handler.AsError(err).Kind != handler.Invalid || *sent != nil {
			t.Errorf("a listing of the id %q ends with %v", id, err)
		}
	}
}

func TestUntagIsOneCallForAllKeys(t *testing.T) {
	client, sent := recorded(t, `{"RequestId":"A"}`)
	if err := client.Untag(context.Background(), ref); err != nil || *sent != nil {
		t.Errorf("without a key a call was made: %v, %v", *sent, err)
	}
	err := client.Untag(context.Background(), ref, "a", "b")
	if err != nil || sent.Get("Action") != "UntagResources" || sent.Get("TagKey.1") != "a" || sent.Get("TagKey.2") != "b" || sent.Get("ResourceId.1") != ref.InstanceID || sent.Has("All") {
		t.Errorf("the call had the parameters %v, %v", *sent, err)
	}
}

func TestInstanceShowsWhatTheAPISays(t *testing.T) {
	client, _ := recorded(t, `{"RequestId":"A","Instances":{"DBInstanceAttribute":[{"InstanceId":"r-bp1zxszhcgatnx01","RegionId":"cn-shanghai","InstanceName":"orders","InstanceType":"Redis","GlobalInstanceId":"gr-1",
		"InstanceStatus":"Normal","ConnectionDomain":"a.example","Port":6380,"MaintainStartTime":"18:00Z","MaintainEndTime":"22:00Z","Tags":{"Tag":[{"Key":"env","Value":"prod"}]}}]}}`)
	i, err := client.Instance(context.Background(), ref)
	want := "{cn-shanghai orders Redis gr-1 Normal a.example 6380 map[env:prod] 18:00Z 22:00Z"
	if err != nil || !strings.HasPrefix(fmt.Sprint(i), want) {
		t.Errorf("the instance reads %v, %v; want %s", i, err, want)
	}
}
