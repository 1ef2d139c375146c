package tair

import (
	"context"
	"time"

	kvstore "github.com/aliyun/alibaba-cloud-sdk-go/services/r-kvstore"

	"tairssl/handler"
)

// Modify calls ModifyInstanceSSL once. Nothing sends the request again: the SDK's retry is
// off, and http.Transport repeats a POST only if it wrote no byte of the first one.
func (c *Client) Modify(ctx context.Context, ref handler.Ref, action handler.Action, signBy time.Time) (handler.Receipt, error) {
	req := kvstore.CreateModifyInstanceSSLRequest()
	req.InstanceId = ref.InstanceID
	req.SSLEnabled = string(action)
	to := c.to(ref.RegionID)
	to.timeout, to.signBy = writeTimeout, &signBy
	answer, err := call(ctx, c, to, req, (*kvstore.Client).ModifyInstanceSSL)
	if err != nil {
		return handler.Receipt{}, err
	}
	resp := answer.content
	if resp.RequestId == "" || resp.InstanceId != "" && resp.InstanceId != ref.InstanceID {
		e := malformed("ModifyInstanceSSL")
		e.Uncertain = true
		return handler.Receipt{}, e
	}
	return handler.Receipt{RequestID: resp.RequestId, TaskID: resp.TaskId}, nil
}

// Tag calls TagResources. Setting a tag twice has the same result as setting it once, so
// the call is tried again like a read.
func (c *Client) Tag(ctx context.Context, ref handler.Ref, key, value string) error {
	return retag(ctx, "TagResources", func() (string, error) {
		req := kvstore.CreateTagResourcesRequest()
		req.ResourceType = resourceType
		req.ResourceId = &[]string{ref.InstanceID}
		req.Tag = &[]kvstore.TagResourcesTag{{Key: key, Value: value}}
		answer, err := call(ctx, c, c.to(ref.RegionID), req, (*kvstore.Client).TagResources)
		if err != nil {
			return "", err
		}
		return answer.content.RequestId, nil
	})
}

// Untag calls UntagResources once for all keys. Without a key it does nothing. The call is
// tried again like a read.
func (c *Client) Untag(ctx context.Context, ref handler.Ref, keys ...string) error {
	if len(keys) == 0 {
		return nil // the API would refuse an empty list or remove all tags
	}
	return retag(ctx, "UntagResources", func() (string, error) {
		req := kvstore.CreateUntagResourcesRequest()
		req.ResourceType = resourceType
		req.ResourceId = &[]string{ref.InstanceID}
		req.TagKey = &keys
		answer, err := call(ctx, c, c.to(ref.RegionID), req, (*kvstore.Client).UntagResources)
		if err != nil {
			return "", err
		}
		return answer.content.RequestId, nil
	})
}

// retag makes a call that changes tags, and tries it again like [again]. The error is uncertain
// if any try may have taken effect, even if the API surely refused the last try.
func retag(ctx context.Context, action string, try func() (requestID string, err error)) error {
	uncertain := false
	_, err := again(ctx, func() (string, error) {
		id, err := try()
		if err == nil && id == "" {
			e := malformed(action)
			e.Uncertain = true
			err = e
		}
		uncertain = uncertain || err != nil && handler.AsError(err).Uncertain
		return id, err
	})
	if err == nil || !uncertain {
		return err
	}
	e := *handler.AsError(err)
	e.Uncertain = true
	return &e
}

const resourceType = "INSTANCE"
