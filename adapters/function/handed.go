package function

import (
	"context"
	"crypto/x509"
	"log/slog"
	"net/url"

	"tairssl/adapters/tair"
	"tairssl/handler"
)

// Invoke starts an asynchronous invocation of the very function that runs, with
// a payload for [Function.InvokeHanded]. It returns once the payload is queued.
//
// Its error is a [handler.Error]: Forbidden names the right that is missing, and
// one that is Uncertain may have started the invocation all the same.
type Invoke func(ctx context.Context, api InvokeAPI, payload []byte) error

// InvokeAPI says how a cloud's invoke API is reached.
type InvokeAPI struct {
	Endpoint *url.URL       // INVOKE_ENDPOINT; nil for the cloud's own
	Roots    *x509.CertPool // to trust; nil for the system's
	// Credentials are those of Alibaba Cloud, by which the function makes its
	// changes. AWS's API takes the role's own.
	Credentials tair.Credentials
}

// hand is what a bot hands its work to; nil if nothing takes it.
func (f *Function) hand(s Settings, c tair.Credentials) func(context.Context, []byte) error {
	if f.options.Invoke == nil {
		return nil
	}
	api := InvokeAPI{Endpoint: s.InvokeEndpoint.URL, Roots: s.Roots(), Credentials: c}
	return func(ctx context.Context, payload []byte) error { return f.options.Invoke(ctx, api, payload) }
}

// InvokeHanded does work that this function handed over by [Options].Invoke. The
// payload has to be the whole of what an invocation that is not HTTP got. To do
// it twice is harmless.
//
// Its error, a *[Failure], is unauthorized if the payload is not ours, or says
// that the work did not begin. Work that began is no error, however it ended: its
// sender was told.
func (f *Function) InvokeHanded(ctx context.Context, payload []byte) (answer []byte, err error) {
	ctx, done := f.Together(ctx)
	defer func() { done(err) }()
	r, err := f.start(ctx)
	if err != nil {
		return nil, err
	}
	defer func() {
		if v := recover(); v != nil {
			answer, err = nil, r.panicked(ctx, v)
		}
	}()
	if err := r.chat.Handed(ctx, payload); err != nil {
		e := handler.AsError(err)
		lineOf(ctx).set(slog.LevelError, append([]slog.Attr{slog.String("outcome", string(handler.Failed)), slog.String("reason", e.Message)}, attrsOfError(e)...)...)
		return nil, &Failure{string(e.Kind), e.Message}
	}
	return []byte("{}"), nil
}
