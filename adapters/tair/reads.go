package tair

import (
	"context"
	"slices"
	"strings"

	"github.com/aliyun/alibaba-cloud-sdk-go/sdk/requests"
	kvstore "github.com/aliyun/alibaba-cloud-sdk-go/services/r-kvstore"

	"tairssl/handler"
)

// Instance calls DescribeInstanceAttribute.
func (c *Client) Instance(ctx context.Context, ref handler.Ref) (handler.Instance, error) {
	return again(ctx, func() (handler.Instance, error) {
		req := kvstore.CreateDescribeInstanceAttributeRequest()
		req.InstanceId = ref.InstanceID
		answer, err := call(ctx, c, c.to(ref.RegionID), req, (*kvstore.Client).DescribeInstanceAttribute)
		if err == nil {
			err = answer.dated("DescribeInstanceAttribute")
		}
		if err != nil {
			return handler.Instance{}, err
		}
		resp := answer.content
		list := resp.Instances.DBInstanceAttribute
		if len(list) == 0 && resp.RequestId != "" {
			// So does the API answer for some ids that are not there.
			e := handler.Errorf(handler.NotFound, "DescribeInstanceAttribute: no instance %s in %s: check the id, and RegionId or TAIRSSL_REGION", ref.InstanceID, ref.RegionID)
			e.RequestID = resp.RequestId
			return handler.Instance{}, e
		}
		if len(list) != 1 || list[0].InstanceId != ref.InstanceID || list[0].InstanceStatus == "" {
			return handler.Instance{}, malformed("DescribeInstanceAttribute")
		}
		i := list[0]
		return handler.Instance{
			Region: i.RegionId, Name: i.InstanceName, Type: i.InstanceType, GlobalID: i.GlobalInstanceId,
			Status: i.InstanceStatus, ConnectionDomain: i.ConnectionDomain, Port: int(i.Port), Tags: tagsOf(i.Tags.Tag),
			MaintainStartTime: i.MaintainStartTime, MaintainEndTime: i.MaintainEndTime, At: answer.at,
		}, nil
	})
}

func tagsOf(list []kvstore.Tag) map[string]string {
	tags := make(map[string]string, len(list))
	for _, t := range list {
		tags[t.Key] = t.Value
	}
	return tags
}

// maxTags is how many tags DescribeInstances filters by.
const maxTags = 5

// List calls DescribeInstances. Every instance that it gives is in the region:
// one endpoint serves several.
func (c *Client) List(ctx context.Context, region string, filter handler.Filter, page int) (handler.Listing, error) {
	var tags []kvstore.DescribeInstancesTag
	for key, value := range filter.Tags {
		tags = append(tags, kvstore.DescribeInstancesTag{Key: key, Value: value})
	}
	if filter.Key != "" {
		tags = append(tags, kvstore.DescribeInstancesTag{Key: filter.Key})
	}
	switch {
	case len(filter.IDs) > handler.MaxIDs:
		return handler.Listing{}, handler.Errorf(handler.Invalid, "DescribeInstances: %d ids are asked for at once; it takes %d", len(filter.IDs), handler.MaxIDs)
	case len(tags) > maxTags:
		return handler.Listing{}, handler.Errorf(handler.Invalid, "DescribeInstances: %d tags are asked for at once; it takes %d", len(tags), maxTags)
	case slices.ContainsFunc(filter.IDs, func(id string) bool { return id == "" || strings.Contains(id, ",") }):
		return handler.Listing{}, handler.Errorf(handler.Invalid, "DescribeInstances: one of the ids is empty or holds a comma")
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
			l := handler.Listed{
				Ref: handler.Ref{RegionID: region, InstanceID: i.InstanceId},
				Instance: handler.Instance{
					Region: i.RegionId, Name: i.InstanceName, Type: i.InstanceType, GlobalID: i.GlobalInstanceId,
					Status: i.InstanceStatus, ConnectionDomain: i.ConnectionDomain, Port: int(i.Port), Tags: tagsOf(i.Tags.Tag),
				},
			}
			switch {
			case i.InstanceId == "":
				return handler.Listing{}, malformed("DescribeInstances")
			case i.RegionId != "" && i.RegionId != region:
			case contradicts(l, filter):
			default:
				listing.Instances = append(listing.Instances, l)
			}
		}
		return listing, nil
	})
}

// contradicts reports whether an instance is none of those that were asked for.
// For an empty value of a tag the API filters by the key alone.
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

// SSL calls DescribeInstanceSSL. The API refuses that for an instance whose type
// has no TLS, which is a state and no failure.
func (c *Client) SSL(ctx context.Context, ref handler.Ref) (handler.SSL, error) {
	return again(ctx, func() (handler.SSL, error) {
		req := kvstore.CreateDescribeInstanceSSLRequest()
		req.InstanceId = ref.InstanceID
		answer, err := call(ctx, c, c.to(ref.RegionID), req, (*kvstore.Client).DescribeInstanceSSL)
		noTLS := err != nil && handler.AsError(err).Code == codeNoTLS
		if err == nil || noTLS {
			err = answer.dated("DescribeInstanceSSL")
		}
		if err != nil || noTLS {
			return handler.SSL{NoTLS: noTLS && err == nil, At: answer.at}, err
		}
		resp := answer.content
		expires, err := handler.ParseTime(resp.SSLExpiredTime)
		enabled := resp.SSLEnabled == string(handler.Enable)
		if err != nil || resp.InstanceId != ref.InstanceID || !enabled && resp.SSLEnabled != string(handler.Disable) {
			return handler.SSL{}, malformed("DescribeInstanceSSL")
		}
		if !enabled {
			expires = handler.Time{} // what is off has no expiry, whatever is left over
		}
		return handler.SSL{Enabled: enabled, Expires: expires.Time, CommonName: resp.CertCommonName, CertDownloadURL: resp.CertDownloadURL, At: answer.at}, nil
	})
}
