package tair

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/aliyun/alibaba-cloud-sdk-go/sdk"
	"github.com/aliyun/alibaba-cloud-sdk-go/sdk/auth/credentials"
	"github.com/aliyun/alibaba-cloud-sdk-go/sdk/requests"
	kvstore "github.com/aliyun/alibaba-cloud-sdk-go/services/r-kvstore"

	"tairssl/handler"
)

// answered is an answer with the time at which the API gave it, from the header Date. The
// time is zero if the header is missing or unreadable.
type answered[Resp any] struct {
	content Resp
	at      time.Time
}

// way holds the target, the time limit and the signing limit of a call.
type way struct {
	region string
	// endpoint returns the scheme and the host of the region. It is called only for a
	// region that the client signs for.
	endpoint func(region string) (scheme, host string)
	timeout  time.Duration
	// signBy is the latest time at which the call may be signed; nil for no limit.
	signBy *time.Time
}

// to returns the way of a read to the OpenAPI of a region.
func (c *Client) to(region string) way {
	return way{region: region, endpoint: c.endpoint.resolve, timeout: readTimeout}
}

// call makes one signed call with its own SDK client. The time in the answer is also set
// if the API refuses the call.
func call[Req requests.AcsRequest, Resp any](ctx context.Context, c *Client, to way, req Req, do func(*kvstore.Client, Req) (Resp, error)) (a answered[Resp], err error) {
	action := req.GetActionName()
	if err := c.permit(action, to.region); err != nil {
		return a, err
	}
	scheme, host := to.endpoint(to.region)
	transport := &bound{base: c.base, signBy: to.signBy}
	ended, err := c.quotas.wait(ctx, action, to.region)
	if err != nil {
		return a, err
	}
	defer func() { ended(transport.sent) }()
	if err := c.limiter.Wait(ctx); err != nil {
		return a, noTime(ctx, err, "%s: the limit of TAIRSSL_RATE leaves no time for this call in this invocation: raise TAIRSSL_RATE, or ask for less at once", action)
	}
	credential, err := c.credentials(ctx)
	if err != nil {
		return a, notSent(handler.AsError(err))
	}
	var cancel context.CancelFunc
	transport.ctx, cancel = context.WithTimeout(ctx, to.timeout)
	defer cancel()
	began := time.Now()
	defer func() {
		if v := recover(); v != nil {
			err = fmt.Errorf("%w: %v", errPanic, v)
		}
		if err != nil {
			err = failure(ctx, action, credential, transport, err)
		}
		a.at = transport.date
		count(ctx, time.Since(began), err)
	}()

	config := sdk.NewConfig().WithScheme(scheme).WithAutoRetry(false).WithTimeout(to.timeout + time.Second)
	config.Transport = transport
	var client kvstore.Client
	if err := client.InitWithOptions("", config, credentials.NewStsTokenCredential(credential.AccessKeyID, credential.AccessKeySecret, credential.SecurityToken)); err != nil {
		return a, err
	}
	client.AppendUserAgent("tairssl", handler.Version)
	req.SetDomain(host)
	req.GetQueryParams()["RegionId"] = to.region
	a.content, err = do(&client, req)
	return a, err
}

var (
	errMalformed = errors.New("the answer has an unexpected form")
	errPanic     = errors.New("the SDK panicked")
	errNoDate    = errors.New("the answer has no Date header that can be read: a proxy on the way must pass it on")
)

func malformed(action string) *handler.Error { return unreadable(action, errMalformed) }

// unreadable is the failure of an answer that holds no usable information.
func unreadable(action string, why error) *handler.Error {
	e := handler.Errorf(handler.Unavailable, "%s: %v", action, why)
	e.Err = why
	return e
}

// dated fails if an answer has no time. Leases are judged by the API's clock, so a read
// without a time cannot decide anything.
func (a answered[Resp]) dated(action string) error {
	if a.at.IsZero() {
		return unreadable(action, errNoDate)
	}
	return nil
}

// notSent marks a failure that happened before anything was sent. It copies the error,
// because other callers may hold the same error.
func notSent(e *handler.Error) *handler.Error {
	marked := *e
	marked.Err = handler.ErrNotSent
	if e.Err != nil {
		marked.Err = fmt.Errorf("%w: %w", handler.ErrNotSent, e.Err)
	}
	return &marked
}
