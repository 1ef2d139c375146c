package notify

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net/http"
	"time"
)

var (
	errLimit = errors.New("this minute's messages are used up; what was not told is told by a later run")
	errPanic = errors.New("an unexpected fault; the log has the details")
)

// maxAnswer is how much of an answer is read: none says more than a sentence.
const maxAnswer = 16 << 10

// NewTransport is what messages are sent with: it keeps no connection open. It
// trusts roots; nil stands for the system's.
func NewTransport(roots *x509.CertPool) *http.Transport {
	return &http.Transport{
		Proxy:                  http.ProxyFromEnvironment,
		TLSClientConfig:        &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12},
		TLSHandshakeTimeout:    sendTimeout,
		DisableKeepAlives:      true,
		MaxResponseHeaderBytes: 64 << 10,
	}
}

// deliver sends a message to one place, once. It goes through a RoundTripper, for a
// Client would follow redirects and put the URL into its errors.
func (n *Notifier) deliver(ctx context.Context, t *target, d digest) error {
	ctx, cancel := context.WithTimeout(ctx, sendTimeout)
	defer cancel()
	p := t.fit(d, n.Now())
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, p.url.String(), bytes.NewReader(p.body))
	if err != nil {
		return errors.New("the URL can not be used")
	}
	req.Header = p.header
	req.Header.Set("User-Agent", "tairssl")
	began := time.Now()
	resp, err := n.transport().RoundTrip(req)
	if err != nil {
		return unanswered(ctx, began, err)
	}
	defer resp.Body.Close()
	if resp.StatusCode >= 300 && resp.StatusCode < 400 {
		return fmt.Errorf("answered with a redirect (%d), which is not followed: set the URL that it leads to", resp.StatusCode)
	}
	body, err := io.ReadAll(io.LimitReader(resp.Body, maxAnswer))
	if err != nil {
		return unanswered(ctx, began, err)
	}
	return t.accepted(resp.StatusCode, body)
}

// unanswered says why no answer came.
func unanswered(ctx context.Context, began time.Time, err error) error {
	if ctx.Err() != nil {
		return fmt.Errorf("no answer within %s", time.Since(began).Round(100*time.Millisecond))
	}
	return err
}
