package tair

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/aliyun/alibaba-cloud-sdk-go/sdk"
	"github.com/aliyun/alibaba-cloud-sdk-go/sdk/auth/credentials"
	"github.com/aliyun/alibaba-cloud-sdk-go/sdk/requests"
	kvstore "github.com/aliyun/alibaba-cloud-sdk-go/services/r-kvstore"
	"github.com/cenkalti/backoff/v5"
	"golang.org/x/time/rate"

	"tairssl/handler"
)

// Options of a [Client]; the zero value is the public API at the default rate.
type Options struct {
	Endpoint Endpoint
	RootCAs  *x509.CertPool // nil: the system's
	Rate     float64        // calls a second, all together; default 50, negative for no limit
}

// DefaultRate is the rate unless a setting says otherwise. Alibaba publishes no
// limit for the SSL operations.
const DefaultRate = 50

// Client is a [handler.API]. It is safe for concurrent use.
type Client struct {
	credentials Credentials
	endpoint    Endpoint
	transport   *http.Transport
	limiter     *rate.Limiter
}

var _ handler.API = (*Client)(nil)

// New returns a client that connects on its first call.
func New(c Credentials, o Options) *Client {
	limiter := rate.NewLimiter(rate.Inf, 0)
	if o.Rate == 0 {
		o.Rate = DefaultRate
	}
	if o.Rate > 0 {
		limiter = rate.NewLimiter(rate.Limit(o.Rate), max(1, int(o.Rate)))
	}
	return &Client{credentials: c, endpoint: o.Endpoint, transport: NewTransport(o.RootCAs), limiter: limiter}
}

// Close drops the idle connections.
func (c *Client) Close() { c.transport.CloseIdleConnections() }

// Instance calls DescribeInstanceAttribute.
func (c *Client) Instance(ctx context.Context, ref handler.Ref) (handler.Instance, error) {
	return again(ctx, func() (handler.Instance, error) {
		req := kvstore.CreateDescribeInstanceAttributeRequest()
		req.InstanceId = ref.InstanceID
		resp, err := call(ctx, c, ref, req, readTimeout, (*kvstore.Client).DescribeInstanceAttribute)
		if err != nil {
			return handler.Instance{}, err
		}
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
			Status: i.InstanceStatus, ConnectionDomain: i.ConnectionDomain, Tags: tagsOf(i.Tags.Tag),
			MaintainStartTime: i.MaintainStartTime, MaintainEndTime: i.MaintainEndTime,
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

// List calls DescribeInstances.
func (c *Client) List(ctx context.Context, region string, tags map[string]string, page int) ([]handler.Listed, int, error) {
	var filter []kvstore.DescribeInstancesTag
	for key, value := range tags {
		filter = append(filter, kvstore.DescribeInstancesTag{Key: key, Value: value})
	}
	resp, err := again(ctx, func() (*kvstore.DescribeInstancesResponse, error) {
		req := kvstore.CreateDescribeInstancesRequest()
		req.PageNumber, req.PageSize = requests.NewInteger(page), requests.NewInteger(handler.PageSize)
		if filter != nil {
			req.Tag = &filter
		}
		resp, err := call(ctx, c, handler.Ref{RegionID: region}, req, readTimeout, (*kvstore.Client).DescribeInstances)
		if err == nil && resp.RequestId == "" {
			err = malformed("DescribeInstances")
		}
		return resp, err
	})
	if err != nil {
		return nil, 0, err
	}
	list := make([]handler.Listed, 0, len(resp.Instances.KVStoreInstance))
	for _, i := range resp.Instances.KVStoreInstance {
		l := handler.Listed{
			Ref:      handler.Ref{RegionID: region, InstanceID: i.InstanceId},
			Instance: handler.Instance{Status: i.InstanceStatus, ConnectionDomain: i.ConnectionDomain, Tags: tagsOf(i.Tags.Tag)},
		}
		if !contradicts(l.Tags, tags) {
			list = append(list, l)
		}
	}
	return list, resp.TotalCount, nil
}

// contradicts reports whether an instance has one of the tags with another
// value: for an empty one the API filters by the key alone.
func contradicts(has, wanted map[string]string) bool {
	for key, value := range wanted {
		if v, ok := has[key]; ok && v != value {
			return true
		}
	}
	return false
}

// SSL calls DescribeInstanceSSL.
func (c *Client) SSL(ctx context.Context, ref handler.Ref) (handler.SSL, error) {
	return again(ctx, func() (handler.SSL, error) {
		req := kvstore.CreateDescribeInstanceSSLRequest()
		req.InstanceId = ref.InstanceID
		resp, err := call(ctx, c, ref, req, readTimeout, (*kvstore.Client).DescribeInstanceSSL)
		if err != nil {
			return handler.SSL{}, err
		}
		expires, err := handler.ParseTime(resp.SSLExpiredTime)
		enabled := resp.SSLEnabled == string(handler.Enable)
		if err != nil || resp.InstanceId != ref.InstanceID || !enabled && resp.SSLEnabled != string(handler.Disable) {
			return handler.SSL{}, malformed("DescribeInstanceSSL")
		}
		if !enabled {
			expires = handler.Time{} // what is off has no expiry, whatever is left over
		}
		return handler.SSL{Enabled: enabled, Expires: expires.Time, CommonName: resp.CertCommonName, CertDownloadURL: resp.CertDownloadURL}, nil
	})
}

// Renewal calls DescribeActiveOperationTasks.
func (c *Client) Renewal(ctx context.Context, ref handler.Ref) (time.Time, error) {
	return again(ctx, func() (at time.Time, err error) {
		req := kvstore.CreateDescribeActiveOperationTasksRequest()
		req.InsName, req.TaskType, req.Region = ref.InstanceID, renewalTask, ref.RegionID
		resp, err := call(ctx, c, ref, req, readTimeout, (*kvstore.Client).DescribeActiveOperationTasks)
		if err == nil && resp.RequestId == "" {
			err = malformed("DescribeActiveOperationTasks")
		}
		if err != nil {
			return at, err
		}
		for _, task := range resp.Items {
			if task.InsName != ref.InstanceID || task.TaskType != renewalTask || task.Status != 3 && task.Status != 4 { // pending, in progress
				continue
			}
			for _, text := range []string{task.SwitchTime, task.StartTime, task.Deadline} {
				t, err := handler.ParseTime(text)
				if err == nil && !t.IsZero() && (at.IsZero() || t.Before(at)) {
					at = t.Time
				}
				if err == nil && !t.IsZero() {
					break
				}
			}
		}
		return at, nil
	})
}

// renewalTask is the type of task by which Alibaba renews a certificate itself.
const renewalTask = "rds_apsaradb_ssl_update"

// Modify calls ModifyInstanceSSL, once.
func (c *Client) Modify(ctx context.Context, ref handler.Ref, action handler.Action) (handler.Receipt, error) {
	req := kvstore.CreateModifyInstanceSSLRequest()
	req.InstanceId = ref.InstanceID
	req.SSLEnabled = string(action)
	resp, err := call(ctx, c, ref, req, writeTimeout, (*kvstore.Client).ModifyInstanceSSL)
	if err != nil {
		return handler.Receipt{}, err
	}
	if resp.RequestId == "" || resp.InstanceId != "" && resp.InstanceId != ref.InstanceID {
		e := malformed("ModifyInstanceSSL")
		e.Uncertain = true
		return handler.Receipt{}, e
	}
	return handler.Receipt{RequestID: resp.RequestId, TaskID: resp.TaskId}, nil
}

// Tag calls TagResources. To set a tag twice is to set it once, so it is tried
// again like a read.
func (c *Client) Tag(ctx context.Context, ref handler.Ref, key, value string) error {
	_, err := again(ctx, func() (*kvstore.TagResourcesResponse, error) {
		req := kvstore.CreateTagResourcesRequest()
		req.ResourceType = resourceType
		req.ResourceId = &[]string{ref.InstanceID}
		req.Tag = &[]kvstore.TagResourcesTag{{Key: key, Value: value}}
		return call(ctx, c, ref, req, readTimeout, (*kvstore.Client).TagResources)
	})
	return err
}

// Untag calls UntagResources.
func (c *Client) Untag(ctx context.Context, ref handler.Ref, key string) error {
	_, err := again(ctx, func() (*kvstore.UntagResourcesResponse, error) {
		req := kvstore.CreateUntagResourcesRequest()
		req.ResourceType = resourceType
		req.ResourceId = &[]string{ref.InstanceID}
		req.TagKey = &[]string{key}
		return call(ctx, c, ref, req, readTimeout, (*kvstore.Client).UntagResources)
	})
	return err
}

const resourceType = "INSTANCE"

var (
	errMalformed = errors.New("the answer is not what was asked for")
	errPanic     = errors.New("the SDK panicked")
)

func malformed(action string) *handler.Error {
	e := handler.Errorf(handler.Unavailable, "%s: %v", action, errMalformed)
	e.Err = errMalformed
	return e
}

// again tries what may be repeated up to four times, with pauses that grow from
// some 100 ms and are spread by chance.
func again[T any](ctx context.Context, op func() (T, error)) (T, error) {
	pauses := backoff.NewExponentialBackOff()
	pauses.InitialInterval = 100 * time.Millisecond
	pauses.Multiplier = 2.5
	pauses.MaxInterval = 2 * time.Second
	var last error
	v, err := backoff.Retry(ctx, func() (T, error) {
		v, err := op()
		last = err
		if err != nil && (!handler.AsError(err).Retryable || errors.Is(err, handler.ErrNoTime) || ctx.Err() != nil) {
			return v, backoff.Permanent(err)
		}
		return v, err
	}, backoff.WithBackOff(pauses), backoff.WithMaxTries(4))
	if err != nil && last != nil {
		err = last // what the API said tells more than that the time ran out since
	}
	return v, err
}

// call makes one signed call to the OpenAPI of the instance's region.
func call[Req requests.AcsRequest, Resp any](ctx context.Context, c *Client, ref handler.Ref, req Req, timeout time.Duration, do func(*kvstore.Client, Req) (Resp, error)) (Resp, error) {
	scheme, host := c.endpoint.resolve(ref.RegionID)
	return signed(ctx, c, scheme, host, ref.RegionID, req, timeout, do)
}

// signed makes one signed call by an SDK client of its own.
func signed[Req requests.AcsRequest, Resp any](ctx context.Context, c *Client, scheme, host, region string, req Req, timeout time.Duration, do func(*kvstore.Client, Req) (Resp, error)) (resp Resp, err error) {
	action := req.GetActionName()
	if err := c.limiter.Wait(ctx); err != nil {
		e := handler.Errorf(handler.Throttled, "%s: the own rate limit leaves no time for it in this invocation: raise TAIRSSL_RATE, or ask for less at once", action)
		e.Err = fmt.Errorf("%w: %w", handler.ErrNoTime, err)
		return resp, e
	}
	credential, err := c.credentials(ctx)
	if err != nil {
		return resp, handler.AsError(err)
	}
	attempt, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	transport := &bound{ctx: attempt, base: c.transport}
	began := time.Now()
	defer func() {
		if v := recover(); v != nil {
			err = fmt.Errorf("%w: %v", errPanic, v)
		}
		if err != nil {
			err = failure(ctx, action, credential, transport.sent, err)
		}
		count(ctx, time.Since(began), err)
	}()

	config := sdk.NewConfig().WithScheme(scheme).WithAutoRetry(false).WithTimeout(timeout + time.Second)
	config.Transport = transport
	var client kvstore.Client
	if err := client.InitWithOptions("", config, credentials.NewStsTokenCredential(credential.AccessKeyID, credential.AccessKeySecret, credential.SecurityToken)); err != nil {
		return resp, err
	}
	req.SetDomain(host)
	req.GetQueryParams()["RegionId"] = region
	return do(&client, req)
}
