package tair

import (
	"context"
	"errors"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"tairssl/adapters/tair/cachain"
	"tairssl/handler"
)

const (
	// maxDownload is the largest archive of a CA chain in bytes. Alibaba's archives have
	// about 20 kB.
	maxDownload = 1 << 20
	// downloadTimeout bounds all tries of a download together.
	downloadTimeout = 10 * time.Second
)

// CAChain downloads the CA chain of an instance from its CertDownloadURL. It downloads
// only from Alibaba's hosts over https, and from the endpoint of the settings. It follows
// no redirect. Its errors are *handler.Error: [handler.Unsupported] for a URL that it
// does not open, otherwise [handler.Unavailable]. The errors do not contain the URL,
// because the URL may be signed.
func (c *Client) CAChain(ctx context.Context, region, from string) (cachain.Chain, error) {
	u, err := c.downloadable(region, from)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, downloadTimeout)
	defer cancel()
	data, err := again(ctx, func() (string, error) { return c.download(ctx, u) })
	if err != nil {
		return nil, err
	}
	chain, err := cachain.Parse([]byte(data))
	if err != nil {
		return nil, lasting(handler.Errorf(handler.Unavailable, "cannot read the CA chain from %s: %s", u.Host, err))
	}
	return chain, nil
}

// downloadable parses the URL and fails if the host of the URL is not allowed.
func (c *Client) downloadable(region, from string) (*url.URL, error) {
	u, err := url.Parse(from)
	switch {
	case from == "":
		return nil, handler.Errorf(handler.Unsupported, "the API gives no URL for the CA chain of this instance")
	case err != nil || u.Host == "" || u.User != nil:
		return nil, handler.Errorf(handler.Unsupported, "the URL of the CA chain cannot be read")
	case c.endpoint.host != "" && u.Scheme+"://"+u.Host == c.endpoint.URL(region):
		return u, nil
	case u.Scheme != "https":
		return nil, handler.Errorf(handler.Unsupported, "the URL of the CA chain is not https, so tairssl does not open it")
	case !handler.IsAlibaba(u.Hostname()) || u.Port() != "" && u.Port() != "443":
		return nil, handler.Errorf(handler.Unsupported, "the CA chain is at %s, which is not one of Alibaba's hosts, so tairssl does not open it", handler.ClipTo(u.Host, longest))
	}
	return u, nil
}

// download makes one try.
func (c *Client) download(ctx context.Context, u *url.URL) (string, error) {
	ctx, cancel := context.WithTimeout(ctx, readTimeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, u.String(), nil)
	if err != nil {
		return "", handler.Errorf(handler.Unsupported, "the URL of the CA chain cannot be read")
	}
	resp, err := c.base.RoundTrip(req)
	if err != nil {
		return "", undelivered(u, err)
	}
	defer func() { _ = resp.Body.Close() }()
	if resp.StatusCode != http.StatusOK {
		e := handler.Errorf(handler.Unavailable, "cannot download the CA chain: %s answers with status %d", u.Host, resp.StatusCode)
		if resp.StatusCode >= 300 && resp.StatusCode < 400 {
			e.Message += ", a redirect, which is not followed"
		}
		if resp.StatusCode < 500 && resp.StatusCode != http.StatusTooManyRequests {
			e = lasting(e)
		}
		return "", e
	}
	data, err := io.ReadAll(io.LimitReader(resp.Body, maxDownload+1))
	switch {
	case len(data) > maxDownload:
		return "", lasting(handler.Errorf(handler.Unavailable, "the CA chain from %s is larger than %d KiB", u.Host, maxDownload>>10))
	case err != nil:
		return "", undelivered(u, err)
	}
	return string(data), nil
}

// undelivered is the failure of a download without an answer. It removes the URL from the
// transport's message.
func undelivered(u *url.URL, err error) *handler.Error {
	var wrapped *url.Error
	for errors.As(err, &wrapped) {
		err = wrapped.Err
	}
	why := handler.ClipTo(strings.ReplaceAll(err.Error(), u.String(), u.Host), longest)
	if errors.Is(err, context.DeadlineExceeded) {
		why = "no answer in time"
	}
	e := handler.Errorf(handler.Unavailable, "cannot download the CA chain from %s: %s; allow https from this network to that host", u.Host, why)
	e.Err = err
	return e
}

// lasting marks a failure that another try within seconds cannot cure.
func lasting(e *handler.Error) *handler.Error {
	e.Retryable = false
	return e
}

// CAFingerprint is the fingerprint of [Client.CAChain], for [handler.Options].
func (c *Client) CAFingerprint(ctx context.Context, region, from string) (string, error) {
	chain, err := c.CAChain(ctx, region, from)
	if err != nil {
		return "", err
	}
	return chain.Fingerprint(), nil
}
