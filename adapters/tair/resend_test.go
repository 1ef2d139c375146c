package tair_test

import (
	"context"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"tairssl/adapters/tair"
	"tairssl/handler"
)

// A connection that served a read breaks during the next write. Go's transport resends
// many requests in that case. It must not resend a write.
func TestNothingResendsAWrite(t *testing.T) {
	for name, breaks := range map[string]func(*net.TCPConn){
		"closed": func(c *net.TCPConn) { _ = c.Close() },
		"reset":  func(c *net.TCPConn) { _ = c.SetLinger(0); _ = c.Close() },
		"half answered": func(c *net.TCPConn) {
			_, _ = c.Write([]byte("HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n{"))
			_ = c.Close()
		},
		"not answered in HTTP": func(c *net.TCPConn) { _, _ = c.Write([]byte("no\r\n\r\n")); _ = c.Close() },
	} {
		t.Run(name, func(t *testing.T) {
			var writes, connections atomic.Int32
			server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
				if r.URL.Query().Get("Action") != "ModifyInstanceSSL" {
					answer(200, onState)(w, r)
					return
				}
				writes.Add(1)
				if conn, _, err := http.NewResponseController(w).Hijack(); err == nil {
					breaks(conn.(*net.TCPConn))
				}
			}))
			server.Config.ConnState = func(_ net.Conn, s http.ConnState) {
				if s == http.StateNew {
					connections.Add(1)
				}
			}
			server.Start()
			t.Cleanup(server.Close)
			client := clientOf(t, server.URL)
			for round := range int32(20) {
				if _, err := client.SSL(context.Background(), ref); err != nil {
					t.Fatal(err)
				}
				before := connections.Load()
				if e := modify(client); e == nil || !e.Uncertain {
					t.Errorf("a write with a broken connection ends with %v, want uncertain", e)
				}
				if after := connections.Load(); writes.Load() != round+1 || after != before {
					t.Fatalf("after %d writes %d arrived; the last took %d new connections", round+1, writes.Load(), after-before)
				}
			}
		})
	}
}

// The server closes idle connections, like the real one, at the moment in which the next
// write may start.
func TestWriteOnAConnectionThatWasGivenUp(t *testing.T) {
	var writes atomic.Int32
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Query().Get("Action") == "ModifyInstanceSSL" {
			writes.Add(1)
			answer(200, `{"RequestId":"1","InstanceId":"r-bp1zxszhcgatnx01","TaskId":"2"}`)(w, r)
			return
		}
		answer(200, onState)(w, r)
	}))
	defer server.Close()
	client := clientOf(t, server.URL)
	for round := range 30 {
		if _, err := client.SSL(context.Background(), ref); err != nil {
			t.Fatal(err)
		}
		before := writes.Load()
		go server.CloseClientConnections()
		e := modify(client)
		if sent := writes.Load() - before; sent > 1 || e == nil && sent != 1 || e != nil && !e.Uncertain && sent != 0 {
			t.Errorf("in round %d a write that ended with %v arrived %d times", round, e, sent)
		}
	}
}

// With HTTP/2, a transport resends requests that the server did not process.
func TestNoHTTP2(t *testing.T) {
	var proto atomic.Value
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		proto.Store(r.Proto)
		answer(200, onState)(w, r)
	}))
	server.EnableHTTP2 = true
	server.StartTLS()
	defer server.Close()
	endpoint, err := tair.ParseEndpoint(server.URL)
	if err != nil {
		t.Fatal(err)
	}
	client := tair.New(static(secret), tair.Options{Endpoint: endpoint, Rate: -1, RootCAs: server.Client().Transport.(*http.Transport).TLSClientConfig.RootCAs})
	defer client.Close()
	if _, err := client.SSL(context.Background(), ref); err != nil || proto.Load() != "HTTP/1.1" {
		t.Errorf("the client speaks %v, %v", proto.Load(), err)
	}
}

func TestNoWriteIsSentThatWasSignedTooLate(t *testing.T) {
	var writes atomic.Int32
	client := against(t, func(w http.ResponseWriter, r *http.Request) {
		writes.Add(1)
		answer(200, `{"RequestId":"1","InstanceId":"r-bp1zxszhcgatnx01","TaskId":"2"}`)(w, r)
	})
	for name, test := range map[string]struct {
		by   time.Time
		sent bool
	}{
		"an hour ago":  {time.Now().Add(-time.Hour), false},
		"2 s ago":      {time.Now().Add(-2 * time.Second), false},
		"never":        {time.Time{}, false},
		"in 5 minutes": {inTime(), true},
	} {
		before := writes.Load()
		_, err := client.Modify(context.Background(), ref, handler.Update, test.by)
		if test.sent != (err == nil) || test.sent != (writes.Load() > before) {
			t.Errorf("%s: %d writes were sent, %v", name, writes.Load()-before, err)
		}
		if e := handler.AsError(err); !test.sent && (!errors.Is(err, handler.ErrLate) || e.Kind != handler.Unavailable || e.Uncertain || !strings.Contains(e.Message, "was not sent")) {
			t.Errorf("%s: ends with %v", name, err)
		}
	}
}
