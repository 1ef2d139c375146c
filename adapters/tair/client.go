package tair

import (
	"crypto/x509"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/time/rate"

	"tairssl/handler"
)

// Options of a [Client]; the zero value is the public API at the default rate.
type Options struct {
	Endpoint Endpoint
	RootCAs  *x509.CertPool // nil: the system's
	Rate     float64        // calls a second, all together; default 50, negative for no limit
	// Regions are those that the client signs for, whoever asks; default
	// [Regions]. A region that is none of [Regions] is at the host that the others'
	// names suggest.
	Regions []string
	// Quotas are what the calls of an action keep to in each region; default
	// [PublishedQuotas]. An account may have been granted others.
	Quotas map[string]Quota
}

// DefaultRate is the rate unless a setting says otherwise. Alibaba publishes no
// limit for the SSL operations.
const DefaultRate = 50

// Client is a [handler.API]. It is safe for concurrent use.
type Client struct {
	credentials Credentials
	endpoint    Endpoint
	regions     []string // empty: those of the table
	transport   *http.Transport
	base        http.RoundTripper // the transport, but in tests
	limiter     *rate.Limiter
	quotas      quotas
	early       *early
}

var _ handler.API = (*Client)(nil)

// New returns a client that connects on its first call.
func New(c Credentials, o Options) *Client {
	limiter := rate.NewLimiter(rate.Inf, 0)
	if o.Rate == 0 {
		o.Rate = DefaultRate
	}
	if o.Rate > 0 {
		limiter = rate.NewLimiter(rate.Limit(o.Rate), max(1, int(o.Rate)))
	}
	if o.Quotas == nil {
		o.Quotas = PublishedQuotas()
	}
	transport := NewTransport(o.RootCAs)
	client := &Client{
		credentials: c, endpoint: o.Endpoint, regions: slices.Clone(o.Regions), transport: transport, base: transport, limiter: limiter,
		quotas: quotas{of: maps.Clone(o.Quotas), windows: map[string]*window{}}, early: newEarly(),
	}
	transport.DialTLSContext = client.dialTLS
	return client
}

// Close drops the connections that nobody uses. The client connects anew if it is
// called again.
func (c *Client) Close() {
	c.early.close()
	c.transport.CloseIdleConnections()
}

// permit is nil for a region that the client signs for. A region may be a
// caller's word, which must lead no credential to a host of the caller's choice.
func (c *Client) permit(action, region string) error {
	shown := region
	if !handler.ValidRegion(region) {
		shown = strconv.Quote(handler.ClipTo(region, longest))
	}
	var e *handler.Error
	switch {
	case len(c.regions) == 0 && Known(region), slices.Contains(c.regions, region) && handler.ValidRegion(region):
		return nil
	case len(c.regions) == 0:
		e = handler.Errorf(handler.Forbidden, "%s: %s is not one of the %d regions that this version knows: if it is a new one, add it to TAIRSSL_REGION", action, shown, len(places))
	default:
		e = handler.Errorf(handler.Forbidden, "%s: %s is not one of the regions of TAIRSSL_REGION (%s): add it there", action, shown, handler.ClipTo(strings.Join(c.regions, ", "), longest))
	}
	e.Err = handler.ErrRegion
	return e
}
