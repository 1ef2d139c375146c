package fc

import (
	"bytes"
	"context"
	"encoding/json"
	"net/http"
	"net/url"

	"tairssl/adapters/webhook"
)

// httpEvent is the event of an HTTP trigger, version v1. It has only the fields that are
// used.
type httpEvent struct {
	RawPath         string // percent-encoded
	QueryParameters map[string]string
	Headers         map[string]string
	Body            string
	IsBase64Encoded bool
	RequestContext  *struct {
		HTTP *struct{ Method, SourceIP string }
	}
	bad bool // a field has the wrong type
}

// httpEventOf returns the HTTP request in a payload, or nil.
func httpEventOf(payload []byte) *httpEvent {
	if !bytes.Contains(payload, []byte(`"requestContext"`)) {
		return nil // most payloads end here without being decoded
	}
	var e httpEvent
	err := json.Unmarshal(payload, &e)
	if _, odd := err.(*json.UnmarshalTypeError); err != nil && !odd || e.RequestContext == nil || e.RequestContext.HTTP == nil {
		return nil
	}
	e.bad = err != nil
	return &e
}

func (e *httpEvent) forwarded() webhook.Forwarded {
	f := webhook.Forwarded{
		Method: e.RequestContext.HTTP.Method, Path: e.RawPath, Header: http.Header{}, Body: e.Body, Base64: e.IsBase64Encoded,
		SourceIP: e.RequestContext.HTTP.SourceIP, Bad: e.bad,
	}
	for name, value := range e.Headers {
		f.Header.Set(name, value)
	}
	query := url.Values{}
	for name, value := range e.QueryParameters {
		query.Set(name, value)
	}
	f.RawQuery = query.Encode()
	return f
}

type httpAnswer struct {
	StatusCode      int               `json:"statusCode"`
	Headers         map[string]string `json:"headers"`
	IsBase64Encoded bool              `json:"isBase64Encoded"`
	Body            string            `json:"body"`
}

// serve answers an HTTP trigger with the function's routes.
func (i invoker) serve(ctx context.Context, e *httpEvent) ([]byte, error) {
	status, header, body, err := i.Function.Serve(ctx, e.forwarded())
	if err != nil {
		return nil, err
	}
	answer := httpAnswer{StatusCode: status, Headers: map[string]string{}, Body: string(body)}
	for name := range header {
		answer.Headers[name] = header.Get(name)
	}
	return json.Marshal(answer)
}
