package tairtest_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/aliyun/alibaba-cloud-sdk-go/sdk/requests"
	kvstore "github.com/aliyun/alibaba-cloud-sdk-go/services/r-kvstore"
)

func TestPagesAndFilters(t *testing.T) {
	w := newWorld(t)
	find := func(change func(*kvstore.DescribeInstancesRequest)) string {
		r := kvstore.CreateDescribeInstancesRequest()
		r.RegionId = "cn-hangzhou"
		change(r)
		answer, err := w.sdk.DescribeInstances(r)
		if err != nil {
			return codeOf(err)
		}
		var ids []string
		for _, i := range answer.Instances.KVStoreInstance {
			ids = append(ids, i.InstanceId[len(i.InstanceId)-2:])
		}
		return fmt.Sprint(ids, " of ", answer.TotalCount)
	}
	for name, test := range map[string]struct {
		change func(*kvstore.DescribeInstancesRequest)
		want   string
	}{
		"all of a region": {func(*kvstore.DescribeInstancesRequest) {}, "[01 02 03 04 06 08 10 11 05 09] of 10"},
		"another region":  {func(r *kvstore.DescribeInstancesRequest) { r.RegionId = "cn-shanghai" }, "[07] of 1"},
		"past the end":    {func(r *kvstore.DescribeInstancesRequest) { r.PageNumber = requests.NewInteger(9) }, "[] of 10"},
		"page too large":  {func(r *kvstore.DescribeInstancesRequest) { r.PageSize = requests.NewInteger(51) }, "400 InvalidParameter"},
		"by ids": {func(r *kvstore.DescribeInstancesRequest) {
			r.InstanceIds = "r-bp1zxszhcgatnx04,r-bp1zxszhcgatnx02,r-gone,r-bp1zxszhcgatnx02"
		}, "[02 04] of 2"},
		"31 ids":    {func(r *kvstore.DescribeInstancesRequest) { r.InstanceIds = strings.Repeat("r-x,", 30) + "r-x" }, "400 InvalidParameter"},
		"by status": {func(r *kvstore.DescribeInstancesRequest) { r.InstanceStatus = "SSLModifying" }, "[] of 0"},
		"by tag": {func(r *kvstore.DescribeInstancesRequest) {
			r.Tag = &[]kvstore.DescribeInstancesTag{{Key: "env", Value: "prod"}}
		}, "[05] of 1"},
	} {
		if got := find(test.change); got != test.want {
			t.Errorf("%s: %s, want %s", name, got, test.want)
		}
	}
}

// An instance takes 20 tags. ListTagResources finds instances by a tag.
func TestTagLimitsAndListings(t *testing.T) {
	w := newWorld(t)
	tag := func(from, to int) string {
		r := kvstore.CreateTagResourcesRequest()
		r.ResourceType, r.ResourceId = "INSTANCE", &[]string{id}
		var tags []kvstore.TagResourcesTag
		for n := from; n <= to; n++ {
			tags = append(tags, kvstore.TagResourcesTag{Key: fmt.Sprint("key", n), Value: strings.Repeat("值", 128)})
		}
		r.Tag = &tags
		_, err := w.sdk.TagResources(r)
		return codeOf(err)
	}
	if got := tag(1, 20); got != "<nil>" || len(w.instance().Tags) != 20 {
		t.Errorf("20 tags of the greatest length are answered %s, %d are held", got, len(w.instance().Tags))
	}
	if got := tag(20, 20); got != "<nil>" {
		t.Errorf("writing over a tag of a full instance is answered %s", got)
	}
	if got := tag(21, 21); got != "400 QuotaExceed.TagsPerResource" || len(w.instance().Tags) != 20 {
		t.Errorf("the 21st tag is answered %s, %d are held", got, len(w.instance().Tags))
	}
	list := kvstore.CreateListTagResourcesRequest()
	list.ResourceType, list.ResourceId = "INSTANCE", &[]string{id, "tt-bp1zxszhcgatnx05"}
	list.Tag = &[]kvstore.ListTagResourcesTag{{Key: "env"}}
	answer, err := w.sdk.ListTagResources(list)
	if err != nil || fmt.Sprint(answer.TagResources.TagResource) != "[{prod ALIYUN::KVSTORE::INSTANCE tt-bp1zxszhcgatnx05 env} {off ALIYUN::KVSTORE::INSTANCE tt-bp1zxszhcgatnx05 tairssl}]" {
		t.Errorf("ListTagResources: %+v, %v", answer, err)
	}
}
