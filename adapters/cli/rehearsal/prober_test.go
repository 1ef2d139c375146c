package rehearsal_test

import (
	"bufio"
	"context"
	"crypto/tls"
	"io"
	"net"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"tairssl/adapters/cli/rehearsal"
	"tairssl/adapters/tair/served"
)

// redis starts a TLS server that answers each PING with the next of answers. It hangs
// up at "" and after the last answer.
func redis(t *testing.T, answers ...string) rehearsal.Redis {
	t.Helper()
	web := httptest.NewTLSServer(nil)
	t.Cleanup(web.Close)
	listener, err := tls.Listen("tcp", "127.0.0.1:0", &tls.Config{Certificates: web.TLS.Certificates})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = listener.Close() })
	go func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			go talk(conn, answers)
		}
	}()
	return func(ctx context.Context) (*tls.Conn, error) {
		return served.Handshake(ctx, listener.Addr().String(), "")
	}
}

func talk(conn net.Conn, answers []string) {
	defer func() { _ = conn.Close() }()
	asked := bufio.NewReader(conn)
	for _, answer := range answers {
		for range 3 { // *1, $4, PING
			if _, err := asked.ReadString('\n'); err != nil {
				return
			}
		}
		if _, err := io.WriteString(conn, answer); err != nil || answer == "" {
			return
		}
	}
}

func TestAnswersToAPing(t *testing.T) {
	for answer, fault := range map[string]string{
		"+PONG\r\n":                               "",
		"-NOAUTH Authentication required.\r\n":    "", // the server works, and asks for a password
		"-LOADING Redis is loading the data\r\n":  "loading",
		"HTTP/1.1 400 Bad Request\r\n":            "not an answer of Redis",
		"":                                        "was not answered",
		strings.Repeat("x", 100_000) + "\r\n":     "was not answered",
		"-DENIED Redis is in protected mode.\r\n": "",
	} {
		c, err := redis(t, answer).Ping(t.Context())
		if fault == "" && err != nil || fault != "" && (err == nil || !strings.Contains(err.Error(), fault)) {
			t.Errorf("the answer %.40q gives the error %v, want one with %q", answer, err, fault)
		}
		if len(c.Fingerprint) != 64 || c.Expires.IsZero() {
			t.Errorf("the certificate is %+v", c)
		}
	}
}

func TestAConnectionIsHeldUntilItIsCut(t *testing.T) {
	for want, answers := range map[bool][]string{true: {"+PONG\r\n", "+PONG\r\n", ""}, false: {""}} {
		held, err := redis(t, answers...).Hold(t.Context(), time.Millisecond)
		if held != want || err == nil {
			t.Errorf("with the answers %q the connection was held: %v, %v; want %v", answers, held, err, want)
		}
	}
	closed := func(context.Context) (*tls.Conn, error) { return nil, io.EOF }
	if held, err := rehearsal.Redis(closed).Hold(t.Context(), time.Millisecond); held || err == nil {
		t.Errorf("a connection that never opened was held: %v, %v", held, err)
	}
}

func TestAHeldConnectionEndsWithItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	endless := make([]string, 10_000)
	for i := range endless {
		endless[i] = "+PONG\r\n"
	}
	server := redis(t, endless...)
	time.AfterFunc(50*time.Millisecond, cancel)
	if held, err := server.Hold(ctx, time.Millisecond); !held || err == nil || ctx.Err() == nil {
		t.Errorf("until its context ended the connection was held: %v, %v; want true and an error", held, err)
	}
}
