package tair

import (
	"context"

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
			// For some unknown ids the API answers with an empty list.
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

// SSL calls DescribeInstanceSSL. The API refuses this call for an instance whose type has
// no TLS. That is a state of the instance and not a failure.
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
			expires = handler.Time{} // an old expiry may be left, but without encryption nothing expires
		}
		return handler.SSL{Enabled: enabled, Expires: expires.Time, CommonName: resp.CertCommonName, CertDownloadURL: resp.CertDownloadURL, At: answer.at}, nil
	})
}
