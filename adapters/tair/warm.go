package tair

import (
	"context"
	"crypto/tls"
	"net"
	"net/http"
	"net/url"
	"slices"
	"sync"
	"time"
)

const (
	// warmConns is the number of connections that are opened early. Reading an instance
	// makes two calls at once.
	warmConns = 2
	// warmAge is the largest age of a connection at its first request. Servers close
	// connections on which nothing was sent for 15 s or more.
	warmAge = 10 * time.Second
)

// Warm opens connections to the OpenAPI of a region and sends nothing on them. So the
// first reads of a new process need one round trip each, without the two round trips of
// TCP and TLS. Warm returns when the connections are open or have failed, or when its
// context ends. Reads that start in the meantime wait for the connections. Warm is meant
// for the start of a process. A failure does not matter. If there is a proxy, Warm does
// nothing.
func (c *Client) Warm(ctx context.Context, region string) {
	if c.permit("Warm", region) != nil {
		return
	}
	scheme, host := c.endpoint.resolve(region)
	to := &url.URL{Scheme: "https", Host: host}
	if scheme != "HTTPS" || c.proxied(to) {
		return
	}
	addr := host
	if to.Port() == "" {
		addr = net.JoinHostPort(to.Hostname(), "443")
	}
	c.early.open(ctx, addr, c.handshake)
}

func (c *Client) proxied(to *url.URL) bool {
	if c.transport.Proxy == nil {
		return false
	}
	proxy, err := c.transport.Proxy(&http.Request{URL: to})
	return proxy != nil || err != nil
}

// dialTLS is the dialer of the transport. Only a read may use a connection that was opened
// early. If the server has closed such a connection, a read is tried again, but a write
// would have an unknown outcome.
func (c *Client) dialTLS(ctx context.Context, _, addr string) (net.Conn, error) {
	if repeatable(ctx) {
		if conn := c.early.take(ctx, addr); conn != nil {
			return conn, nil
		}
	}
	return c.handshake(ctx, addr)
}

// handshake opens a TLS connection as the transport would open it.
func (c *Client) handshake(ctx context.Context, addr string) (net.Conn, error) {
	raw, err := c.transport.DialContext(ctx, "tcp", addr)
	if err != nil {
		return nil, err
	}
	config := c.transport.TLSClientConfig.Clone()
	if config.ServerName, _, err = net.SplitHostPort(addr); err != nil {
		_ = raw.Close()
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, c.transport.TLSHandshakeTimeout)
	defer cancel()
	conn := tls.Client(raw, config)
	if err := conn.HandshakeContext(ctx); err != nil {
		_ = raw.Close()
		return nil, err
	}
	return conn, nil
}

type repeatableKey struct{}

// repeatable reports whether a request may be sent again after a failure.
func repeatable(ctx context.Context) bool { return ctx.Value(repeatableKey{}) != nil }

// early holds the connections that were opened early and are not used yet.
type early struct {
	mu      sync.Mutex
	closed  bool
	end     context.CancelFunc // cancels the handshakes under way
	ending  context.Context
	ready   map[string][]*opening // by address
	running sync.WaitGroup
}

// opening is a connection that is being opened or is open.
type opening struct {
	done chan struct{} // closed when conn and at are set
	conn net.Conn      // nil if the connection failed
	at   time.Time     // by the wall clock, which goes on while a process is frozen
}

func newEarly() *early {
	e := &early{ready: map[string][]*opening{}}
	e.ending, e.end = context.WithCancel(context.Background())
	return e
}

// open opens connections until there are warmConns of them, and waits until they are open
// or have failed.
func (e *early) open(ctx context.Context, addr string, dial func(context.Context, string) (net.Conn, error)) {
	e.mu.Lock()
	var mine []*opening
	for n := len(e.ready[addr]); n < warmConns && !e.closed; n++ {
		o := &opening{done: make(chan struct{})}
		e.ready[addr] = append(e.ready[addr], o)
		mine = append(mine, o)
	}
	e.running.Add(len(mine))
	e.mu.Unlock()

	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer context.AfterFunc(e.ending, cancel)()
	for _, o := range mine {
		go func() {
			defer e.running.Done()
			conn, err := dial(ctx, addr)
			if err != nil {
				conn = nil
			}
			o.conn, o.at = conn, time.Now().Round(0)
			close(o.done)
			if err != nil {
				e.drop(addr, o)
				return
			}
			time.AfterFunc(warmAge, func() { e.drop(addr, o) })
		}()
	}
	for _, o := range mine {
		<-o.done
	}
}

// take returns an open connection that is young enough, or nil.
func (e *early) take(ctx context.Context, addr string) net.Conn {
	for {
		o := e.pop(addr)
		if o == nil {
			return nil
		}
		select {
		case <-o.done:
		case <-ctx.Done():
			e.mu.Lock()
			e.ready[addr] = append(e.ready[addr], o)
			e.mu.Unlock()
			return nil
		}
		if age := time.Now().Round(0).Sub(o.at); o.conn != nil && age >= 0 && age < warmAge {
			return o.conn
		}
		o.close()
	}
}

// pop removes and returns the first connection of an address, or nil.
func (e *early) pop(addr string) *opening {
	e.mu.Lock()
	defer e.mu.Unlock()
	list := e.ready[addr]
	if len(list) == 0 {
		return nil
	}
	e.ready[addr] = list[1:]
	return list[0]
}

// drop closes a connection if nobody has taken it.
func (e *early) drop(addr string, o *opening) {
	e.mu.Lock()
	n := slices.Index(e.ready[addr], o)
	if n >= 0 {
		e.ready[addr] = slices.Delete(e.ready[addr], n, n+1)
	}
	e.mu.Unlock()
	if n >= 0 {
		o.close()
	}
}

// close cancels the handshakes under way, closes the open connections and prevents new
// ones.
func (e *early) close() {
	e.mu.Lock()
	e.closed = true
	e.mu.Unlock()
	e.end()
	e.running.Wait()
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, list := range e.ready {
		for _, o := range list {
			o.close()
		}
	}
	clear(e.ready)
}

func (o *opening) close() {
	if o.conn != nil {
		_ = o.conn.Close()
	}
}
