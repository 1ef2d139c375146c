package webhook

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"slices"
	"time"

	"tairssl/handler"
)

// Route is a path that another package answers. A request passes the same checks as on
// every other route before it reaches Serve.
type Route struct {
	Methods string // in the form of the header Allow; "" for POST
	Limit   int64  // greatest size of the body, in bytes
	Schemes []Scheme
	// Within is the time limit of the answer, from the receipt of the request. 0 means
	// the time limit of the invocation.
	Within time.Duration
	// Unsigned answers requests that need no signature, and returns false for other
	// requests. If it is nil, every request needs a signature.
	Unsigned func(Request) bool
	Media    func(string) bool // reports whether a media type is accepted
	Serve    func(Request)
}

func (r Route) route() route {
	own := route{
		methods: r.Methods, limit: r.Limit, schemes: r.Schemes, within: r.Within, media: r.Media,
		serve: func(_ *Handler, q *request) { r.Serve(Request{q}) },
	}
	if r.Unsigned != nil {
		own.unsigned = func(_ *Handler, q *request) bool { return r.Unsigned(Request{q}) }
	}
	return own
}

// Request is a request without an answer yet. It is authentic, except in
// [Route].Unsigned.
type Request struct{ q *request }

// HTTP is the request as it arrived. Its context ends at the time limit of the answer.
func (r Request) HTTP() *http.Request { return r.q.http }

// Invocation is a context that may last longer than the time limit of the answer.
func (r Request) Invocation() context.Context { return r.q.invocation }

// Body is the raw body.
func (r Request) Body() []byte { return r.q.body }

// Trust says how far the sender is trusted.
func (r Request) Trust() handler.Trust { return r.q.trust }

// Note adds fields to the request's line in the log.
func (r Request) Note(attrs ...slog.Attr) { r.q.attrs = append(r.q.attrs, attrs...) }

// Write answers. It may be called once.
func (r Request) Write(status int, body []byte) { r.q.write(status, body) }

// WriteAs answers with another media type than JSON.
func (r Request) WriteAs(status int, media string, body []byte) {
	r.q.media = media
	r.q.write(status, body)
}

type beganKey struct{}

// Began returns a context that remembers when a request arrived. The function may have
// had to start before it could handle the request.
func Began(ctx context.Context, at time.Time) context.Context {
	return context.WithValue(ctx, beganKey{}, at)
}

// beganAt is the time at which a request arrived.
func beganAt(ctx context.Context) time.Time {
	if at, ok := ctx.Value(beganKey{}).(time.Time); ok {
		return at
	}
	return time.Now()
}

// Form reads a form. Only the fields in repeatable may occur more than once.
func Form(body []byte, repeatable ...string) (url.Values, error) {
	values, err := url.ParseQuery(string(body))
	if err != nil {
		return nil, errors.New("it is not a form")
	}
	for name, list := range values {
		if len(list) > 1 && !slices.Contains(repeatable, name) {
			return nil, fmt.Errorf("the field %s is doubled", handler.ClipText(name))
		}
	}
	return values, nil
}

// IsForm reports whether a media type is a form.
func IsForm(media string) bool { return media == "application/x-www-form-urlencoded" }

// IsJSON reports whether a media type is JSON, or a format that is written in JSON
// (+json).
func IsJSON(media string) bool { return isJSON(media) }

// IfSet returns the scheme if its secrets are set. A route without a scheme is closed.
func IfSet(secrets Secrets, s Scheme) []Scheme {
	if len(secrets) == 0 {
		return nil
	}
	return []Scheme{s}
}
