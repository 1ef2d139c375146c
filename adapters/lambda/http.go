package lambda

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"tairssl/adapters/webhook"
)

// httpEvent is an HTTP request in the form of a gateway: API Gateway's REST API (v1), its
// HTTP API and function URLs (v2), or the load balancer (ALB). It has only the fields that
// are used.
type httpEvent struct {
	HTTPMethod                      string `json:"httpMethod"` // v1, ALB
	Path                            string // v1, ALB
	RawPath                         string // v2
	RawQueryString                  string // v2
	QueryStringParameters           map[string]string
	MultiValueQueryStringParameters map[string][]string
	PathParameters                  map[string]string // v1
	Headers                         map[string]string
	MultiValueHeaders               map[string][]string // v1; ALB, if the load balancer is set to it
	Body                            string
	IsBase64Encoded                 bool
	RequestContext                  *struct {
		ELB   json.RawMessage `json:"elb"`
		Stage string
		HTTP  *struct{ Method, SourceIP string }
		// DomainName is in v1 and v2.
		DomainName string
		// Identity is in v1.
		Identity struct{ SourceIP string }
	}
	// bad is true if a field has the wrong type.
	bad bool
}

// httpEventOf returns the HTTP request in a payload, or nil.
func httpEventOf(payload []byte) *httpEvent {
	if !bytes.Contains(payload, []byte(`"requestContext"`)) {
		return nil // most payloads end here without being decoded
	}
	var e httpEvent
	err := json.Unmarshal(payload, &e)
	if _, odd := err.(*json.UnmarshalTypeError); err != nil && !odd || e.RequestContext == nil {
		return nil
	}
	if e.HTTPMethod == "" && e.RequestContext.HTTP == nil && e.RequestContext.ELB == nil {
		return nil
	}
	e.bad = err != nil
	return &e
}

func (e *httpEvent) forwarded() webhook.Forwarded {
	f := webhook.Forwarded{
		Method: e.HTTPMethod, Path: (&url.URL{Path: e.Path}).EscapedPath(), Header: http.Header{},
		Body: e.Body, Base64: e.IsBase64Encoded, SourceIP: e.RequestContext.Identity.SourceIP, Bad: e.bad,
	}
	// A header with different capitals appears once for each spelling.
	for name, values := range e.MultiValueHeaders {
		for _, value := range values {
			f.Header.Add(name, value)
		}
	}
	if e.MultiValueHeaders == nil {
		for name, value := range e.Headers {
			f.Header.Add(name, value)
		}
	}
	if v2 := e.RequestContext.HTTP; v2 != nil {
		f.Method, f.Path, f.RawQuery, f.SourceIP = v2.Method, e.withoutStage(e.RawPath), e.RawQueryString, v2.SourceIP
		return f
	}
	query := url.Values{}
	for name, value := range e.QueryStringParameters {
		query.Set(name, value)
	}
	for name, values := range e.MultiValueQueryStringParameters {
		query[name] = values
	}
	f.RawQuery = query.Encode()
	if proxy := e.PathParameters["proxy"]; proxy != "" && strings.HasSuffix(e.Path, "/"+proxy) {
		f.Path = (&url.URL{Path: "/" + proxy}).EscapedPath() // without the base path of the domain
	} else {
		f.Path = e.withoutStage(f.Path)
	}
	if e.RequestContext.ELB != nil {
		// The load balancer appends the address that it sees to the addresses in the
		// request.
		told := strings.Split(f.Header.Get("X-Forwarded-For"), ",")
		f.Path, f.SourceIP = e.Path, strings.TrimSpace(told[len(told)-1])
		f.RawQuery, _ = url.QueryUnescape(f.RawQuery) // an ALB does not decode the query
	}
	return f
}

// withoutStage removes the name of the stage from the start of a path.
func (e *httpEvent) withoutStage(path string) string {
	if rest, ok := strings.CutPrefix(path, "/"+e.RequestContext.Stage+"/"); ok && e.RequestContext.Stage != "" {
		return "/" + rest
	}
	return path
}

// httpAnswer is the answer that all gateways accept. An ALB wants its answer's headers in
// the form of the request's headers, and not null.
type httpAnswer struct {
	StatusCode        int                 `json:"statusCode"`
	StatusDescription string              `json:"statusDescription,omitempty"`
	Headers           map[string]string   `json:"headers"`
	MultiValueHeaders map[string][]string `json:"multiValueHeaders,omitempty"`
	Body              string              `json:"body"`
	IsBase64Encoded   bool                `json:"isBase64Encoded"`
}

// apiWaits is the time limit for an answer to API Gateway. A REST API waits 29 s. The
// function itself may run longer, for work that was handed over.
const apiWaits = 28 * time.Second

// ofAPI reports whether API Gateway sent the event. Function URLs and load balancers wait
// until the function ends.
func (e *httpEvent) ofAPI() bool {
	return e.RequestContext.ELB == nil && !strings.Contains(e.RequestContext.DomainName, ".lambda-url.")
}

// serve answers a gateway's event with the function's routes.
func (i invoker) serve(ctx context.Context, e *httpEvent) ([]byte, error) {
	if e.ofAPI() {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, apiWaits)
		defer cancel()
	}
	status, header, body, err := i.Function.Serve(ctx, e.forwarded())
	if err != nil {
		return nil, err
	}
	answer := httpAnswer{StatusCode: status, Headers: map[string]string{}, Body: string(body)}
	for name := range header {
		answer.Headers[name] = header.Get(name)
	}
	if e.RequestContext.ELB != nil {
		answer.StatusDescription = fmt.Sprintf("%d %s", status, http.StatusText(status))
		if e.MultiValueHeaders != nil {
			answer.MultiValueHeaders = header
		}
	}
	return json.Marshal(answer)
}
