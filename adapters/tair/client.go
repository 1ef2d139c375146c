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

// Options configure a [Client]. The zero value means the public endpoints and the default
// rate.
type Options struct {
	Endpoint Endpoint
	RootCAs  *x509.CertPool // nil for the roots of the system
	Rate     float64        // calls per second over all actions; default DefaultRate, negative for no limit
	// Regions are the regions that the client signs for; default [Regions]. A region that
	// is not in the table gets a host name by the naming rule of the other regions.
	Regions []string
	// Quotas limit the calls of each action in each region; default [PublishedQuotas]. An
	// account may have other quotas.
	Quotas map[string]Quota
}

// DefaultRate is the default of [Options].Rate. Alibaba publishes no limit for the SSL
// operations.
const DefaultRate = 50

// Client is a [handler.API]. It is safe for concurrent use.
type Client struct {
	credentials Credentials
	endpoint    Endpoint
	regions     []string // empty for all regions of the table
	transport   *http.Transport
	base        http.RoundTripper // transport, except in tests
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

// Close closes idle connections. The client connects again if it is called again.
func (c *Client) Close() {
	c.early.close()
	c.transport.CloseIdleConnections()
}

// permit returns nil for a region that the client signs for. A region may come from a
// caller. It must not send a credential to a host that the caller chooses.
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
		e = handler.Errorf(handler.Forbidden, "%s: %s is not one of the %d regions that this version knows: if the region is new, add it to TAIRSSL_REGION", action, shown, len(places))
	default:
		e = handler.Errorf(handler.Forbidden, "%s: %s is not one of the regions of TAIRSSL_REGION (%s): add it there", action, shown, handler.ClipTo(strings.Join(c.regions, ", "), longest))
	}
	e.Err = handler.ErrRegion
	return e
}
