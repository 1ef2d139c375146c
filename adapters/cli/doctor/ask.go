package doctor

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"net/http"
	"net/http/httptrace"
	"time"
)

const (
	askTimeout = 5 * time.Second // the time limit of one request
	maxAnswer  = 16 << 10        // bytes
)

// answer is a host's answer to a request without content.
type answer struct {
	addr     string // of the host, or of a proxy
	tls      *tls.ConnectionState
	took     time.Duration // from the open connection to the answer
	connects time.Duration // until the connection was open
	date     time.Time     // the Date header; zero if there is none
	skew     time.Duration // this machine's clock minus date
	body     []byte
	status   int
}

var errProxy = errors.New("the proxy in HTTPS_PROXY or HTTP_PROXY is not a valid address")

// ask sends a request without a body and without a credential, and reads the
// answer.
func ask(ctx context.Context, transport http.RoundTripper, method, to string) (a answer, err error) {
	ctx, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	began, had := time.Now(), time.Time{}
	ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{GotConn: func(info httptrace.GotConnInfo) {
		had, a.addr = time.Now(), info.Conn.RemoteAddr().String()
	}})
	req, err := http.NewRequestWithContext(ctx, method, to, nil)
	if err != nil {
		return a, errors.New("not a valid address")
	}
	if _, err := http.ProxyFromEnvironment(req); err != nil {
		return a, errProxy // the original error may contain a password
	}
	resp, err := transport.RoundTrip(req)
	if err != nil {
		return a, err
	}
	ended := time.Now()
	a.body, err = io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	_ = resp.Body.Close()
	if err != nil {
		return a, err
	}
	a.status, a.tls, a.connects, a.took = resp.StatusCode, resp.TLS, had.Sub(began), ended.Sub(had)
	if a.date, err = http.ParseTime(resp.Header.Get("Date")); err == nil {
		// A Date header has whole seconds, so the real time is half a second later on
		// average. Round(0) drops the monotonic reading: wall clocks are compared.
		between := had.Add(a.took / 2).Round(0)
		a.skew = between.Sub(a.date.Add(500 * time.Millisecond))
	}
	return a, nil
}
