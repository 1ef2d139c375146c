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
	// warmConns is how many connections are opened ahead: a look at an instance
	// makes two reads at once.
	warmConns = 2
	// warmAge is how old a connection may be that is opened ahead when its first
	// request is sent. Servers give up connections that send nothing after 15 s
	// or more.
	warmAge = 10 * time.Second
)

// Warm opens connections to the OpenAPI of a region and sends nothing on them,
// so that the first reads of a new process need one round trip each: TCP and TLS
// take two more. It returns when they are open or cannot be had, or when its
// context ends; reads that come meanwhile wait for them. It is for the start of
// a process; whether it fails does not matter, and a proxy on the way leaves
// nothing to do.
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

// dialTLS is how the transport connects. Only a read gets what was opened ahead:
// should the server have given it up, the read is tried again, while a write
// would have an unknown outcome.
func (c *Client) dialTLS(ctx context.Context, _, addr string) (net.Conn, error) {
	if repeatable(ctx) {
		if conn := c.early.take(ctx, addr); conn != nil {
			return conn, nil
		}
	}
	return c.handshake(ctx, addr)
}

// handshake opens a connection of TLS, as the transport itself would.
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

// early are the connections that were opened ahead, and not used yet.
type early struct {
	mu      sync.Mutex
	closed  bool
	end     context.CancelFunc // of what is being opened
	ending  context.Context
	ready   map[string][]*opening // by address
	running sync.WaitGroup
}

// opening is a connection that is being opened, or is open.
type opening struct {
	done chan struct{} // closed when the rest is known
	conn net.Conn      // nil: it could not be had
	at   time.Time     // by the wall clock, which goes on while a process is frozen
}

func newEarly() *early {
	e := &early{ready: map[string][]*opening{}}
	e.ending, e.end = context.WithCancel(context.Background())
	return e
}

// open opens as many connections as are missing, and waits for them.
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

// take gives an open connection that is young enough; nil if there is none.
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

// pop takes one from those of an address; nil if there is none.
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

// drop closes one that nobody has taken.
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

// close ends what is being opened, closes what is open, and opens nothing more.
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
