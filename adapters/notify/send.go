package notify

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
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

// deliver sends a message to one place. It gives up early enough for the rest of
// the invocation.
func (n *Notifier) deliver(ctx context.Context, t *target, d digest) error {
	ctx, cancel := context.WithTimeout(ctx, deliverTimeout)
	defer cancel()
	sender := Sender{Transport: n.transport(), pause: n.pause}
	return sender.Send(ctx, Send{
		Make:     func(context.Context, bool) (Post, error) { return t.fit(d, n.Now()), nil },
		Accepted: t.accepted,
		Tries:    deliverTries,
	})
}

// unanswered says why no answer came.
func unanswered(ctx context.Context, began time.Time, err error) error {
	if ctx.Err() != nil {
		return fmt.Errorf("no answer within %s", time.Since(began).Round(100*time.Millisecond))
	}
	return err
}
