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

var errLimit = errors.New("too many messages in this minute: a later run sends the notices that are missing")

// maxAnswer is the greatest number of bytes that are read from an answer. Every vendor
// answers with a sentence or less.
const maxAnswer = 16 << 10

// NewTransport returns the transport for messages. It keeps no connection open. It trusts
// roots; nil for the system's certificate authorities.
func NewTransport(roots *x509.CertPool) *http.Transport {
	return &http.Transport{
		Proxy:                  http.ProxyFromEnvironment,
		TLSClientConfig:        &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12},
		TLSHandshakeTimeout:    sendTimeout,
		DisableKeepAlives:      true,
		MaxResponseHeaderBytes: 64 << 10,
	}
}

// deliver sends a message to one place. It leaves enough time for the rest of the
// invocation.
func (n *Notifier) deliver(ctx context.Context, t *target, d digest) error {
	ctx, cancel := context.WithTimeout(ctx, deliverTimeout)
	defer cancel()
	sender := Sender{Transport: n.transport(), pause: n.pause}
	return sender.Send(ctx, Send{
		Make: func(ctx context.Context, renew bool) (Post, error) {
			p := t.fit(d, n.Now())
			if err := n.authorize(ctx, t, p.Header, renew); err != nil {
				return Post{}, err
			}
			return p, nil
		},
		Accepted: t.accepted,
		Tries:    deliverTries,
	})
}

// authorize adds the vendor's access token.
func (n *Notifier) authorize(ctx context.Context, t *target, header http.Header, renew bool) error {
	if !t.bearer {
		return nil
	}
	if n.Token == nil {
		return errNoToken
	}
	token, err := n.Token(ctx, t.url.Host, renew)
	if err != nil {
		return err
	}
	header.Set("Authorization", "Bearer "+token)
	return nil
}

// unanswered says why there was no answer.
func unanswered(ctx context.Context, began time.Time, err error) error {
	if ctx.Err() != nil {
		return fmt.Errorf("no answer within %s", time.Since(began).Round(100*time.Millisecond))
	}
	return err
}
