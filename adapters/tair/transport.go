package tair

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net"
	"net/http"
	"net/http/httptrace"
	"time"
)

const (
	// readTimeout and writeTimeout bound one attempt. The write's is longer: to
	// give it up early settles nothing.
	readTimeout  = 5 * time.Second
	writeTimeout = 10 * time.Second
	// maxBody bounds an answer. A full page of instances is some 150 kB.
	maxBody = 4 << 20
)

var errRedirect = errors.New("the endpoint answered with a redirect, which is not followed")

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
// SDK, which has none, bounds the answer, and notes whether a connection was
// had, before which nothing can have been sent.
type bound struct {
	ctx  context.Context
	base http.RoundTripper
	sent bool
}

func (b *bound) RoundTrip(req *http.Request) (*http.Response, error) {
	ctx := httptrace.WithClientTrace(b.ctx, &httptrace.ClientTrace{
		GotConn: func(httptrace.GotConnInfo) { b.sent = true },
	})
	resp, err := b.base.RoundTrip(req.WithContext(ctx))
	if err != nil {
		return nil, err
	}
	if resp.StatusCode >= 300 && resp.StatusCode < 400 {
		_ = resp.Body.Close()
		return nil, errRedirect
	}
	resp.Body = http.MaxBytesReader(nil, resp.Body, maxBody)
	return resp, nil
}
