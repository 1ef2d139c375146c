package rehearsal

import (
	"bufio"
	"context"
	"crypto/sha256"
	"crypto/tls"
	"encoding/hex"
	"io"
	"strings"
	"time"

	"tairssl/handler"
)

// Prober connects to the instance in the same way as its clients.
type Prober interface {
	// Ping opens a connection, sends a PING, reads its answer and closes the
	// connection.
	Ping(ctx context.Context) (Certificate, error)
	// Hold keeps a connection open, with a PING at each interval, until it is cut or
	// ctx ends. held says whether the connection answered at least once; err says why
	// it ended.
	Hold(ctx context.Context, every time.Duration) (held bool, err error)
}

// Redis pings over the connections that it dials. It has no password; an error that
// asks for a password counts as an answer.
type Redis func(ctx context.Context) (*tls.Conn, error)

// Ping implements [Prober].
func (dial Redis) Ping(ctx context.Context) (c Certificate, err error) {
	conn, err := dial(ctx)
	if err != nil {
		return c, err
	}
	defer func() { _ = conn.Close() }()
	defer context.AfterFunc(ctx, func() { _ = conn.Close() })()
	leaf := conn.ConnectionState().PeerCertificates[0]
	sum := sha256.Sum256(leaf.Raw)
	return Certificate{hex.EncodeToString(sum[:]), leaf.NotAfter}, ping(conn, bufio.NewReader(conn))
}

// Hold implements [Prober].
func (dial Redis) Hold(ctx context.Context, every time.Duration) (held bool, err error) {
	conn, err := dial(ctx)
	if err != nil {
		return false, err
	}
	defer func() { _ = conn.Close() }()
	defer context.AfterFunc(ctx, func() { _ = conn.Close() })()
	turn := time.NewTicker(every)
	defer turn.Stop()
	for answers := bufio.NewReader(conn); ; held = true {
		if err := conn.SetDeadline(time.Now().Add(pingTimeout)); err != nil {
			return held, broken(err)
		}
		if err := ping(conn, answers); err != nil {
			return held, err
		}
		select {
		case <-ctx.Done():
			return true, ctx.Err()
		case <-turn.C:
		}
	}
}

// ping sends a PING and reads its answer. A server that is still loading its data is
// an error, because it does not serve clients yet.
func ping(w io.Writer, answers *bufio.Reader) error {
	if _, err := io.WriteString(w, "*1\r\n$4\r\nPING\r\n"); err != nil {
		return broken(err)
	}
	line, err := answers.ReadSlice('\n')
	switch {
	case err != nil:
		return broken(err)
	case strings.HasPrefix(string(line), "-LOADING"):
		return handler.Errorf(handler.Unavailable, "the server is loading its data")
	case line[0] != '+' && line[0] != '-':
		return handler.Errorf(handler.Unavailable, "the answer to PING is not an answer of Redis")
	}
	return nil
}

func broken(err error) error {
	e := handler.Errorf(handler.Unavailable, "a PING was not answered: %s", handler.Clip(err.Error()))
	e.Err = err
	return e
}
