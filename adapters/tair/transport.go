package tair

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/http/httptrace"
	"strings"
	"time"

	"tairssl/handler"
)

const (
	// readTimeout and writeTimeout bound one attempt. The write's is longer: to
	// give it up early settles nothing.
	readTimeout  = 5 * time.Second
	writeTimeout = 10 * time.Second
	// maxBody bounds an answer. A full page of instances is some 150 kB.
	maxBody = 4 << 20
)

var (
	errRedirect = errors.New("the endpoint answered with a redirect, which is not followed")
	// errSwitched: such an answer is a raw connection, which has no end.
	errSwitched = errors.New("the endpoint answered that it switches protocols, which nobody asked for")
)

// NewTransport makes a pool of connections such as all calls of a client share.
func NewTransport(roots *x509.CertPool) *http.Transport {
	return &http.Transport{
		Proxy:                  http.ProxyFromEnvironment,
		DialContext:            (&net.Dialer{Timeout: 3 * time.Second, KeepAlive: 30 * time.Second}).DialContext,
		TLSClientConfig:        &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12},
		TLSHandshakeTimeout:    3 * time.Second,
		MaxIdleConns:           128,
		MaxIdleConnsPerHost:    128,
		MaxConnsPerHost:        128,
		IdleConnTimeout:        30 * time.Second,
		MaxResponseHeaderBytes: 64 << 10,
	}
}

// bound is the transport of one call: it brings the call's context into the
// SDK, which has none, bounds the answer, and notes when the API gave it.
type bound struct {
	ctx  context.Context
	base http.RoundTripper
	// signBy is when the request must have been signed; nil: whenever.
	signBy *time.Time

	sent bool          // a connection was had, before which nothing can have been sent
	date time.Time     // the answer's header Date; zero: none that can be read
	fast time.Duration // by how much this machine's clock is ahead of that
}

func (b *bound) RoundTrip(req *http.Request) (*http.Response, error) {
	if b.signBy != nil {
		if late := checkSigned(req, *b.signBy); late != nil {
			return nil, late
		}
	}
	ctx := b.ctx
	if b.signBy == nil {
		ctx = context.WithValue(ctx, repeatableKey{}, true)
	}
	ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		GotConn: func(httptrace.GotConnInfo) { b.sent = true },
	})
	resp, err := b.base.RoundTrip(req.WithContext(ctx))
	if err != nil {
		return nil, err
	}
	b.sent = true
	switch {
	case resp.StatusCode < 200:
		_ = resp.Body.Close()
		return nil, errSwitched
	case resp.StatusCode >= 300 && resp.StatusCode < 400:
		_ = resp.Body.Close()
		return nil, errRedirect
	}
	if date, err := http.ParseTime(resp.Header.Get("Date")); err == nil {
		b.date, b.fast = date.UTC(), time.Since(date)
	}
	resp.Body = http.MaxBytesReader(nil, resp.Body, maxBody)
	return resp, nil
}

// checkSigned fails if the Timestamp that was signed into a request is later
// than by. The API judges the same Timestamp, so however long the request was
// held up before, or is now on its way, it is not taken after its time.
func checkSigned(req *http.Request, by time.Time) error {
	said := req.URL.Query()["Timestamp"]
	if len(said) == 1 {
		if at, err := time.Parse(time.RFC3339, said[0]); err == nil && !at.After(by) {
			return nil
		}
	}
	e := handler.Errorf(handler.Unavailable, "%s was not sent: it was signed at %s, and had to be by %s",
		req.URL.Query().Get("Action"), handler.ClipTo(strings.Join(said, " "), longest), by.UTC().Format(time.RFC3339))
	e.Err = handler.ErrLate
	return e
}

// clock says what to do about a Timestamp that the API found too old or too new.
func (b *bound) clock() string {
	off := b.fast.Abs().Round(time.Second)
	switch {
	case b.date.IsZero():
		return "check this machine's clock"
	case off < time.Minute:
		return fmt.Sprintf("this machine's clock is right (%s off), so the request was held up on its way: try again", off)
	case b.fast > 0:
		return fmt.Sprintf("this machine's clock is %s ahead of the API's: set it", off)
	}
	return fmt.Sprintf("this machine's clock is %s behind the API's: set it", off)
}
