package tairtest

import (
	"crypto/tls"
	"errors"
	"net"
	"sync"
	"time"
)

// plane is an instance's own address: a Redis server that speaks TLS while encryption is
// on, and plain TCP while it is off. The methods of a nil plane do nothing.
type plane struct {
	listener net.Listener
	mu       sync.Mutex
	open     map[net.Conn]bool
	// certificate is the last certificate that was made. of is the state that it belongs
	// to.
	certificate *tls.Certificate
	of          state
}

func (e *Emulator) newPlane(id string) (*plane, error) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	p := &plane{listener: listener, open: map[net.Conn]bool{}}
	e.running.Go(func() {
		for {
			conn, err := listener.Accept()
			switch {
			case errors.Is(err, net.ErrClosed):
				return
			case err != nil: // such as too many open files, which passes
				select {
				case <-e.closed:
				case <-time.After(10 * time.Millisecond):
				}
				continue
			}
			e.running.Go(func() { e.serve(p, id, conn) })
		}
	})
	return p, nil
}

// serve speaks Redis on a connection until either side or a restart closes it.
func (e *Emulator) serve(p *plane, id string, conn net.Conn) {
	p.mu.Lock()
	p.open[conn] = true
	p.mu.Unlock()
	defer func() {
		_ = conn.Close()
		p.mu.Lock()
		delete(p.open, conn)
		p.mu.Unlock()
	}()
	if e.isClosed() {
		return
	}
	now, ok := e.serving(id)
	if !ok {
		return
	}
	served := conn
	if now.enabled == "Enable" {
		secure := tls.Server(conn, &tls.Config{
			MinVersion: tls.VersionTLS12,
			GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) {
				return p.certificateOf(now)
			},
		})
		_ = conn.SetDeadline(time.Now().Add(10 * time.Second))
		if secure.Handshake() != nil {
			return
		}
		_ = conn.SetDeadline(time.Time{})
		served = secure
	}
	ended := make(chan struct{})
	e.server.ServeConn(&watched{Conn: served, ended: ended})
	<-ended
}

// watched closes ended when its server has finished.
type watched struct {
	net.Conn
	once  sync.Once
	ended chan struct{}
}

func (w *watched) Close() error {
	w.once.Do(func() { close(w.ended) })
	return w.Conn.Close()
}

// certificateOf returns the certificate of a state.
func (p *plane) certificateOf(s state) (*tls.Certificate, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	s.status = "" // the certificate does not depend on the status
	if p.certificate == nil || p.of != s {
		notAfter, err := time.Parse(timeLayout, s.expires)
		if err != nil {
			return nil, errors.New("the certificate has no expiry")
		}
		if p.certificate, err = s.ca.issue(s.name, notAfter, net.IPv4(127, 0, 0, 1)); err != nil {
			return nil, err
		}
		p.of = s
	}
	return p.certificate, nil
}

// drop closes the open connections, as a restart does.
func (p *plane) drop() {
	if p == nil {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	for conn := range p.open {
		_ = conn.Close()
	}
}

func (p *plane) close() {
	if p != nil {
		_ = p.listener.Close()
		p.drop()
	}
}

func (p *plane) addr() string {
	if p == nil {
		return ""
	}
	return p.listener.Addr().String()
}

func (p *plane) port() int { return p.listener.Addr().(*net.TCPAddr).Port }
