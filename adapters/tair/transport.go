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
	// readTimeout and writeTimeout bound one try. The write has more time, because after a
	// write without an answer its outcome is unknown.
	readTimeout  = 5 * time.Second
	writeTimeout = 10 * time.Second
	// maxBody is the largest answer in bytes. A full page of instances has about 150 kB.
	maxBody = 4 << 20
)

var (
	errRedirect = errors.New("the endpoint answered with a redirect, which is not followed")
	// errSwitched is the error for an answer that switches protocols. Its body would be a
	// raw connection without an end.
	errSwitched = errors.New("the endpoint answered that it switches protocols, which nobody asked for")
)

// NewTransport returns a pool of connections for all calls of a client. If roots is nil,
// the roots of the system are used.
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

// bound is the transport of one call. It gives the SDK the call's context, which the SDK
// cannot carry. It also limits the size of the answer and records the time of the answer.
type bound struct {
	ctx  context.Context
	base http.RoundTripper
	// signBy is the latest time at which the request may be signed; nil for no limit.
	signBy *time.Time

	sent bool          // true as soon as there was a connection; before that nothing can have been sent
	date time.Time     // the header Date of the answer; zero if it is missing or unreadable
	fast time.Duration // this machine's clock minus date
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

// checkSigned fails if the Timestamp that is signed into a request is later than by. The
// API checks the same Timestamp. So the API cannot accept the request too late, however
// long the request waits before or after this check.
func checkSigned(req *http.Request, by time.Time) error {
	said := req.URL.Query()["Timestamp"]
	if len(said) == 1 {
		if at, err := time.Parse(time.RFC3339, said[0]); err == nil && !at.After(by) {
			return nil
		}
	}
	e := handler.Errorf(handler.Unavailable, "%s was not sent: it was signed at %s, but %s was the latest time allowed",
		req.URL.Query().Get("Action"), handler.ClipTo(strings.Join(said, " "), longest), by.UTC().Format(time.RFC3339))
	e.Err = handler.ErrLate
	return e
}

// clock says what to do if the API found the Timestamp too old or too new.
func (b *bound) clock() string {
	off := b.fast.Abs().Round(time.Second)
	switch {
	case b.date.IsZero():
		return "check this machine's clock"
	case off < time.Minute:
		return fmt.Sprintf("this machine's clock is right (%s off), so the request took too long on its way: try again", off)
	case b.fast > 0:
		return fmt.Sprintf("this machine's clock is %s ahead of the API's: set it", off)
	}
	return fmt.Sprintf("this machine's clock is %s behind the API's: set it", off)
}
