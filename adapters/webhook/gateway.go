package webhook

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strings"
)

// Forwarded is an HTTP request inside JSON, as a gateway of either cloud sends it to a
// function. The library awslabs/aws-lambda-go-api-proxy is no alternative: it does not know
// the format of Function Compute, and answers an ALB with null headers.
type Forwarded struct {
	Method   string
	Path     string // percent-encoded
	RawQuery string
	Header   http.Header
	Body     string
	Base64   bool   // Body is base64
	SourceIP string // the sender's address, from the gateway
	Bad      bool   // the envelope could not be read completely
}

// Serve lets h answer the request.
func (f Forwarded) Serve(ctx context.Context, h http.Handler) (status int, header http.Header, body []byte) {
	w := &recorder{header: http.Header{}}
	h.ServeHTTP(w, f.request().WithContext(ctx))
	w.WriteHeader(http.StatusOK) // if no status was written
	return w.status, w.header, w.body.Bytes()
}

// request never fails. If a part cannot be read, the handler refuses the request.
func (f Forwarded) request() *http.Request {
	u, err := url.ParseRequestURI(f.Path)
	if err != nil {
		u = &url.URL{Path: f.Path}
	}
	u.RawQuery = f.RawQuery
	header := f.Header
	if header == nil {
		header = http.Header{}
	}
	var body io.Reader = strings.NewReader(f.Body)
	if f.Base64 {
		body = base64.NewDecoder(base64.StdEncoding, body)
	}
	if f.Bad {
		body = unreadable{}
	}
	return &http.Request{
		Method: f.Method, URL: u, Header: header, Host: header.Get("Host"), RemoteAddr: f.SourceIP,
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, ContentLength: -1, Body: io.NopCloser(body),
	}
}

// unreadable is the body of an envelope that could not be read.
type unreadable struct{}

func (unreadable) Read([]byte) (int, error) { return 0, errEnvelope }

var errEnvelope = errors.New("the gateway's event has fields of the wrong type")

// recorder stores an answer.
type recorder struct {
	header http.Header
	status int
	body   bytes.Buffer
}

func (w *recorder) Header() http.Header { return w.header }

func (w *recorder) WriteHeader(status int) {
	if w.status == 0 {
		w.status = status
	}
}

func (w *recorder) Write(b []byte) (int, error) {
	w.WriteHeader(http.StatusOK)
	return w.body.Write(b)
}
