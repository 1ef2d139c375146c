package function

import (
	"context"
	"crypto/x509"
	"net/url"

	"tairssl/adapters/tair"
	"tairssl/handler"
)

// Invoke starts an asynchronous invocation of this same function, with a payload for
// [Function.InvokeHanded]. It returns when the payload is queued.
//
// Its error is a [handler.Error]. Forbidden names the missing right. Uncertain means that
// the invocation may have been started.
type Invoke func(ctx context.Context, api InvokeAPI, payload []byte) error

// InvokeAPI says how to call the invoke API of a cloud.
type InvokeAPI struct {
	Endpoint *url.URL       // INVOKE_ENDPOINT; nil for the cloud's own
	Roots    *x509.CertPool // certificate authorities to trust; nil for the system's
	// Credentials are the function's credentials for Alibaba Cloud. AWS's API uses the
	// credentials of the function's own role.
	Credentials tair.Credentials
}

// hand returns the func to which a chat hands its work; nil if the cloud has no way to
// invoke the function.
func (f *Function) hand(s Settings, c tair.Credentials) func(context.Context, []byte) error {
	if f.options.Invoke == nil {
		return nil
	}
	api := InvokeAPI{Endpoint: s.InvokeEndpoint.URL, Roots: s.Roots(), Credentials: c}
	return func(ctx context.Context, payload []byte) error { return f.options.Invoke(ctx, api, payload) }
}

// InvokeHanded does work that this function handed over by [Options].Invoke. The payload
// must be the whole payload of an invocation that is not HTTP. Doing it twice is
// harmless.
//
// Its error, a *[Failure], is unauthorized if the payload is not from this function. It
// may also say that the work did not begin. If the work began, there is no error: its
// result has been sent to the chat.
func (f *Function) InvokeHanded(ctx context.Context, payload []byte) (answer []byte, err error) {
	err = f.within(ctx, func(ctx context.Context, r *running) error {
		if err := r.chat.Handed(ctx, payload); err != nil {
			e := handler.AsError(err)
			lineOf(ctx).failedBy(e)
			return &Failure{string(e.Kind), e.Message}
		}
		answer = []byte("{}")
		return nil
	})
	return answer, err
}
