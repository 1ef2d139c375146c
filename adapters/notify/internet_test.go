package notify

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"tairssl/handler"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// internet is a server for every host. It records the requests. serve answers them.
// Without serve, internet takes every message.
type internet struct {
	*httptest.Server
	mu    sync.Mutex
	got   []*http.Request
	serve http.HandlerFunc
}

func newInternet(t *testing.T, serve http.HandlerFunc) *internet {
	t.Helper()
	w := &internet{serve: serve}
	w.Server = httptest.NewTLSServer(http.HandlerFunc(func(rw http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		r.Body = io.NopCloser(bytes.NewReader(body))
		w.mu.Lock()
		w.got = append(w.got, r)
		w.mu.Unlock()
		if w.serve != nil {
			w.serve(rw, r)
			return
		}
		well(rw, r)
	}))
	t.Cleanup(w.Close)
	return w
}

func well(w http.ResponseWriter, r *http.Request) {
	answer := `{"errcode":0,"code":0}`
	if r.Host == "hooks.slack.com" {
		answer = "ok"
	}
	_, _ = io.WriteString(w, answer)
}

// transport connects to the server for every host, over TLS.
func (w *internet) transport() http.RoundTripper {
	roots := x509.NewCertPool()
	roots.AddCert(w.Certificate())
	return &http.Transport{
		DialContext: func(ctx context.Context, network, _ string) (net.Conn, error) {
			return (&net.Dialer{}).DialContext(ctx, network, w.Listener.Addr().String())
		},
		TLSClientConfig:   &tls.Config{RootCAs: roots, ServerName: "example.com"},
		DisableKeepAlives: true,
	}
}

// sent counts the messages since the last call.
func (w *internet) sent() int {
	w.mu.Lock()
	defer w.mu.Unlock()
	defer func() { w.got = nil }()
	return len(w.got)
}

// tags are the tags of all instances. All processes share them.
type tags struct {
	mu   sync.Mutex
	of   map[handler.Ref]string
	fail error
}

func (g *tags) remember(_ context.Context, ref handler.Ref, value string) error {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.of == nil {
		g.of = map[handler.Ref]string{}
	}
	if g.fail == nil {
		g.of[ref] = value
	}
	return g.fail
}

// seen is the note of a process that has just read the tags of the instance.
func (g *tags) seen(n Note) Note {
	g.mu.Lock()
	defer g.mu.Unlock()
	n.Told = g.of[n.Ref()]
	return n
}

// world has the places, the tags and the log of one or more processes.
type world struct {
	*internet
	tags
	log         bytes.Buffer
	now         time.Time
	undelivered int
}

func newWorld(t *testing.T, serve http.HandlerFunc) *world {
	return &world{internet: newInternet(t, serve), now: now}
}

func (w *world) process(t *testing.T, setting string) *Notifier {
	n := New(urlsOf(t, setting), Options{
		On: both, Remember: w.remember, Transport: w.transport(), Now: func() time.Time { return w.now },
		Undelivered: func(context.Context) { w.undelivered++ }, Log: slog.New(slog.NewJSONHandler(&w.log, nil)),
	})
	n.pause = time.Millisecond
	return n
}

var ctx = context.Background()
