package tair

import (
	"context"
	"slices"
	"strings"

	"github.com/aliyun/alibaba-cloud-sdk-go/sdk/requests"
	kvstore "github.com/aliyun/alibaba-cloud-sdk-go/services/r-kvstore"

	"tairssl/handler"
)

// maxTags is the largest number of tags that DescribeInstances filters by.
const maxTags = 5

// List calls DescribeInstances. It leaves out instances of other regions, because one
// endpoint serves several regions.
func (c *Client) List(ctx context.Context, region string, filter handler.Filter, page int) (handler.Listing, error) {
	tags := tagFilters(filter)
	if err := checkFilter(filter, tags); err != nil {
		return handler.Listing{}, err
	}
	return again(ctx, func() (handler.Listing, error) {
		req := kvstore.CreateDescribeInstancesRequest()
		req.PageNumber, req.PageSize = requests.NewInteger(page), requests.NewInteger(handler.PageSize)
		req.InstanceIds, req.SearchKey = strings.Join(filter.IDs, ","), filter.Search
		if filter.Members {
			req.GlobalInstance = requests.NewBoolean(true)
		}
		if tags != nil {
			req.Tag = &tags
		}
		answer, err := call(ctx, c, c.to(region), req, (*kvstore.Client).DescribeInstances)
		if err == nil {
			err = answer.dated("DescribeInstances")
		}
		if err != nil {
			return handler.Listing{}, err
		}
		resp := answer.content
		if resp.RequestId == "" || resp.TotalCount < 0 {
			return handler.Listing{}, malformed("DescribeInstances")
		}
		listing := handler.Listing{Total: resp.TotalCount, At: answer.at}
		for _, i := range resp.Instances.KVStoreInstance {
			if i.InstanceId == "" {
				return handler.Listing{}, malformed("DescribeInstances")
			}
			l := listedOf(region, i)
			if elsewhere := i.RegionId != "" && i.RegionId != region; !elsewhere && !contradicts(l, filter) {
				listing.Instances = append(listing.Instances, l)
			}
		}
		return listing, nil
	})
}

// tagFilters returns the tags of a filter in the form of the SDK.
func tagFilters(filter handler.Filter) (tags []kvstore.DescribeInstancesTag) {
	for key, value := range filter.Tags {
		tags = append(tags, kvstore.DescribeInstancesTag{Key: key, Value: value})
	}
	if filter.Key != "" {
		tags = append(tags, kvstore.DescribeInstancesTag{Key: filter.Key})
	}
	return tags
}

// checkFilter fails if DescribeInstances does not take the ids or the tags.
func checkFilter(filter handler.Filter, tags []kvstore.DescribeInstancesTag) error {
	switch {
	case len(filter.IDs) > handler.MaxIDs:
		return handler.Errorf(handler.Invalid, "DescribeInstances takes at most %d ids at once, not %d", handler.MaxIDs, len(filter.IDs))
	case len(tags) > maxTags:
		return handler.Errorf(handler.Invalid, "DescribeInstances takes at most %d tags at once, not %d", maxTags, len(tags))
	case slices.ContainsFunc(filter.IDs, func(id string) bool { return id == "" || strings.Contains(id, ",") }):
		return handler.Errorf(handler.Invalid, "DescribeInstances: one of the ids is empty or has a comma")
	}
	return nil
}

// listedOf turns an instance of a page into the handler's form.
func listedOf(region string, i kvstore.KVStoreInstance) handler.Listed {
	return handler.Listed{
		Ref: handler.Ref{RegionID: region, InstanceID: i.InstanceId},
		Instance: handler.Instance{
			Region: i.RegionId, Name: i.InstanceName, Type: i.InstanceType, GlobalID: i.GlobalInstanceId,
			Status: i.InstanceStatus, ConnectionDomain: i.ConnectionDomain, Port: int(i.Port), Tags: tagsOf(i.Tags.Tag),
		},
	}
}

// contradicts reports whether an instance does not fit the filter. The API ignores the
// value of a tag if it is empty, so the listing may contain such instances.
func contradicts(l handler.Listed, filter handler.Filter) bool {
	for key, value := range filter.Tags {
		if v, ok := l.Tags[key]; ok && v != value {
			return true
		}
	}
	if _, tagged := l.Tags[filter.Key]; filter.Key != "" && !tagged {
		return true
	}
	return len(filter.IDs) > 0 && !slices.Contains(filter.IDs, l.InstanceID) || filter.Members && l.GlobalID == ""
}
