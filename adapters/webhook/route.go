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

// Route is a path that another package answers. Its requests pass the same checks
// as all others before they reach Serve.
type Route struct {
	Methods string // as in the header Allow; "" for POST
	Limit   int64  // of the body, in bytes
	Schemes []Scheme
	// Within is how soon the answer has to be there, from the receipt of the
	// request; 0: in the invocation's time.
	Within time.Duration
	// Unsigned serves what needs no signature, if it takes the request; nil: nothing.
	Unsigned func(Request) bool
	Media    func(string) bool // says whether a body's media type is taken
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

// Request is one on its way through: authentic, but in [Route].Unsigned.
type Request struct{ q *request }

// HTTP is the request as it came. Its context ends when the answer has to be there.
func (r Request) HTTP() *http.Request { return r.q.http }

// Invocation lasts longer than the answer may take.
func (r Request) Invocation() context.Context { return r.q.invocation }

// Body is the raw body.
func (r Request) Body() []byte { return r.q.body }

// Trust says what the request's scheme proves.
func (r Request) Trust() handler.Trust { return r.q.trust }

// Note adds fields to the request's line in the log.
func (r Request) Note(attrs ...slog.Attr) { r.q.attrs = append(r.q.attrs, attrs...) }

// Write answers, once.
func (r Request) Write(status int, body []byte) { r.q.write(status, body) }

// WriteAs is Write with a media type that is not JSON.
func (r Request) WriteAs(status int, media string, body []byte) {
	r.q.media = media
	r.q.write(status, body)
}

type beganKey struct{}

// Began returns the context of a request that came at a time before it reaches
// the handler: a function may have had to start first.
func Began(ctx context.Context, at time.Time) context.Context {
	return context.WithValue(ctx, beganKey{}, at)
}

// beganAt is when a request came.
func beganAt(ctx context.Context) time.Time {
	if at, ok := ctx.Value(beganKey{}).(time.Time); ok {
		return at
	}
	return time.Now()
}

// Form reads a form in which no field is doubled, but for those that may be.
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

// IsForm reports whether a media type is that of a form.
func IsForm(media string) bool { return media == "application/x-www-form-urlencoded" }

// IsJSON reports whether a media type is JSON, or begins with another format's name
// and says that it is JSON.
func IsJSON(media string) bool { return isJSON(media) }

// IfSet is a scheme whose secrets are there; a route without a scheme is closed.
func IfSet(secrets Secrets, s Scheme) []Scheme {
	if len(secrets) == 0 {
		return nil
	}
	return []Scheme{s}
}
