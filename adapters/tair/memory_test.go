package tair

import (
	"bytes"
	"context"
	"crypto/tls"
	"errors"
	"io"
	"log"
	"net"
	"net/http"
	"sync"
	"testing"
	"time"
)

// memory is a network without sockets, so that [testing/synctest] can move its clock. Each
// direction to its server takes half a round trip.
type memory struct {
	trip  time.Duration
	conns chan net.Conn
	done  chan struct{}
	dials int
	mu    sync.Mutex
	ends  []net.Conn // of the servers
}

// newMemory serves HTTP, or HTTPS if there is a certificate.
func newMemory(t *testing.T, trip time.Duration, certificate *tls.Certificate, serve http.Handler) *memory {
	m := &memory{trip: trip, conns: make(chan net.Conn), done: make(chan struct{})}
	server := &http.Server{Handler: serve, ErrorLog: log.New(io.Discard, "", 0)}
	served := make(chan struct{})
	go func() {
		defer close(served)
		if certificate == nil {
			_ = server.Serve(m)
			return
		}
		server.TLSConfig = &tls.Config{Certificates: []tls.Certificate{*certificate}}
		_ = server.ServeTLS(m, "", "")
	}()
	t.Cleanup(func() { _ = server.Close(); <-served })
	return m
}

// hangUp closes the server's end of all connections.
func (m *memory) hangUp() {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, c := range m.ends {
		_ = c.Close()
	}
	m.ends = nil
}

// open counts the connections that the client has not closed.
func (m *memory) open() (n int) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, c := range m.ends {
		w := c.(*end).read
		w.mu.Lock()
		if !w.closed {
			n++
		}
		w.mu.Unlock()
	}
	return n
}

func (m *memory) dialled() int {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.dials
}

func (m *memory) Accept() (net.Conn, error) {
	select {
	case c := <-m.conns:
		return c, nil
	case <-m.done:
		return nil, net.ErrClosed
	}
}

func (m *memory) Close() error   { close(m.done); return nil }
func (m *memory) Addr() net.Addr { return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 443} }

// dial takes a round trip, like a TCP handshake.
func (m *memory) dial(ctx context.Context, _, _ string) (net.Conn, error) {
	select {
	case <-time.After(m.trip):
	case <-ctx.Done():
		return nil, ctx.Err()
	}
	client, here := newWire(m.trip/2), newWire(m.trip/2)
	ours, theirs := &end{read: here, write: client}, &end{read: client, write: here}
	m.mu.Lock()
	m.dials++
	m.ends = append(m.ends, theirs)
	m.mu.Unlock()
	select {
	case m.conns <- theirs:
		return ours, nil
	case <-m.done:
		return nil, errors.New("connection refused")
	}
}

// wire is one direction of a connection.
type wire struct {
	lag time.Duration

	mu     sync.Mutex
	sent   []parcel
	closed bool
	stir   chan struct{} // closed and replaced at every change
}

type parcel struct {
	at   time.Time
	data []byte
}

func newWire(lag time.Duration) *wire { return &wire{lag: lag, stir: make(chan struct{})} }

func (w *wire) change(f func()) {
	w.mu.Lock()
	defer w.mu.Unlock()
	f()
	close(w.stir)
	w.stir = make(chan struct{})
}

// end is one end of a connection.
type end struct {
	read, write *wire
	mu          sync.Mutex
	deadline    time.Time
}

func (e *end) Write(b []byte) (n int, err error) {
	e.write.change(func() {
		if e.write.closed {
			err = io.ErrClosedPipe
			return
		}
		n = len(b)
		e.write.sent = append(e.write.sent, parcel{time.Now().Add(e.write.lag), bytes.Clone(b)})
	})
	return n, err
}

func (e *end) Read(b []byte) (int, error) {
	for {
		e.mu.Lock()
		deadline := e.deadline
		e.mu.Unlock()
		w := e.read
		w.mu.Lock()
		var next time.Time
		switch now := time.Now(); {
		case !deadline.IsZero() && !now.Before(deadline):
			w.mu.Unlock()
			return 0, context.DeadlineExceeded
		case len(w.sent) > 0 && !w.sent[0].at.After(now):
			n := copy(b, w.sent[0].data)
			if w.sent[0].data = w.sent[0].data[n:]; len(w.sent[0].data) == 0 {
				w.sent = w.sent[1:]
			}
			w.mu.Unlock()
			return n, nil
		case len(w.sent) > 0:
			next = w.sent[0].at
		case w.closed:
			w.mu.Unlock()
			return 0, io.EOF
		}
		stir := w.stir
		w.mu.Unlock()
		var timer, limit <-chan time.Time
		if !next.IsZero() {
			timer = time.After(time.Until(next))
		}
		if !deadline.IsZero() {
			limit = time.After(time.Until(deadline))
		}
		select {
		case <-stir:
		case <-timer:
		case <-limit:
		}
	}
}

func (e *end) Close() error {
	e.read.change(func() { e.read.closed = true; e.read.sent = nil })
	e.write.change(func() { e.write.closed = true })
	return nil
}

func (e *end) SetReadDeadline(t time.Time) error {
	e.mu.Lock()
	e.deadline = t
	e.mu.Unlock()
	e.read.change(func() {})
	return nil
}

func (e *end) SetDeadline(t time.Time) error    { return e.SetReadDeadline(t) }
func (e *end) SetWriteDeadline(time.Time) error { return nil }
func (e *end) LocalAddr() net.Addr              { return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)} }
func (e *end) RemoteAddr() net.Addr             { return e.LocalAddr() }
