package tair

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"tairssl/handler"
)

const trip = 50 * time.Millisecond

var here = handler.Ref{RegionID: "cn-hangzhou", InstanceID: "r-bp1zxszhcgatnx01"}

// warmWorld is a client of the public endpoint. The endpoint is a server in memory, a
// round trip of 50 ms away.
type warmWorld struct {
	*Client
	*memory
	mu     sync.Mutex
	served []string // the actions, in order
}

// inWarmWorld runs a test under a fake clock.
func inWarmWorld(t *testing.T, body func(t *testing.T, w *warmWorld)) {
	t.Helper()
	certificate, roots := selfSigned(t)
	synctest.Test(t, func(t *testing.T) {
		w := &warmWorld{}
		w.memory = newMemory(t, trip, certificate, http.HandlerFunc(w.serve))
		w.Client = New(func(context.Context) (Credential, error) {
			return Credential{AccessKeyID: "LTAI5tSecretKeyId", AccessKeySecret: "VerySecretKey"}, nil
		}, Options{Rate: -1, RootCAs: roots})
		w.transport.Proxy, w.transport.DialContext = nil, w.dial
		t.Cleanup(w.Client.Close)
		body(t, w)
	})
}

func (w *warmWorld) serve(rw http.ResponseWriter, r *http.Request) {
	action := r.URL.Query().Get("Action")
	w.mu.Lock()
	w.served = append(w.served, action)
	w.mu.Unlock()
	_, _ = fmt.Fprintf(rw, `{"RequestId":"1","InstanceId":%q,"TaskId":"2","SSLEnabled":"Disable","Instances":{"DBInstanceAttribute":[{"InstanceId":%q,"InstanceStatus":"Normal"}]}}`, here.InstanceID, here.InstanceID)
}

func selfSigned(t *testing.T) (*tls.Certificate, *x509.CertPool) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), DNSNames: []string{"r-kvstore.aliyuncs.com"}, BasicConstraintsValid: true, IsCA: true,
		NotBefore: time.Unix(0, 0), NotAfter: time.Date(2100, 1, 1, 0, 0, 0, 0, time.UTC),
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	leaf, err := x509.ParseCertificate(der)
	if err != nil {
		t.Fatal(err)
	}
	roots := x509.NewCertPool()
	roots.AddCert(leaf)
	return &tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, roots
}

// look reads an instance's status and certificate at once and returns how long that took.
func (w *warmWorld) look(t *testing.T) time.Duration {
	t.Helper()
	began := time.Now()
	var group sync.WaitGroup
	group.Go(func() {
		if _, err := w.Instance(context.Background(), here); err != nil {
			t.Error(err)
		}
	})
	group.Go(func() {
		if _, err := w.SSL(context.Background(), here); err != nil {
			t.Error(err)
		}
	})
	group.Wait()
	return time.Since(began)
}

func (w *warmWorld) change() error {
	_, err := w.Modify(context.Background(), here, handler.Update, time.Now().Add(time.Minute))
	return err
}

func TestFirstLookTakesOneRoundTrip(t *testing.T) {
	inWarmWorld(t, func(t *testing.T, w *warmWorld) {
		if took := w.look(t); took != 3*trip || w.dialled() != 2 {
			t.Errorf("without Warm the first look takes %s and %d connections, want 3 round trips of %s and 2", took, w.dialled(), trip)
		}
		if took := w.look(t); took != trip {
			t.Errorf("a second look takes %s", took)
		}
	})
	inWarmWorld(t, func(t *testing.T, w *warmWorld) {
		w.Warm(context.Background(), "cn-hangzhou")
		if len(w.served) != 0 || w.dialled() != 2 {
			t.Errorf("warming sent %d requests over %d connections, want none over 2", len(w.served), w.dialled())
		}
		time.Sleep(5 * time.Second)
		if took := w.look(t); took != trip || w.dialled() != 2 {
			t.Errorf("after Warm the first look takes %s and %d connections, want %s and 2", took, w.dialled(), trip)
		}
		if took := w.look(t); took != trip || w.dialled() != 2 {
			t.Errorf("a second look takes %s, over %d connections in all", took, w.dialled())
		}
	})
}

// The process starts to work before the connections are open.
func TestLookThatMeetsTheWarming(t *testing.T) {
	inWarmWorld(t, func(t *testing.T, w *warmWorld) {
		go w.Warm(context.Background(), "cn-hangzhou")
		time.Sleep(trip)
		if took := w.look(t); took != 2*trip || w.dialled() != 2 {
			t.Errorf("the look takes %s and %d connections, want 2 round trips and 2", took, w.dialled())
		}
	})
}

func TestWarmedConnectionsThatTheServerGaveUp(t *testing.T) {
	inWarmWorld(t, func(t *testing.T, w *warmWorld) {
		w.Warm(context.Background(), "cn-hangzhou")
		w.hangUp()
		if took := w.look(t); took > time.Second || len(w.served) != 2 {
			t.Errorf("the look takes %s and %d calls", took, len(w.served))
		}
	})
}

// The age counts by the wall clock, because timers stop while a process is frozen.
func TestWarmedConnectionsThatGrewOld(t *testing.T) {
	inWarmWorld(t, func(t *testing.T, w *warmWorld) {
		w.Warm(context.Background(), "cn-hangzhou")
		for _, o := range w.early.ready["r-kvstore.aliyuncs.com:443"] {
			o.at = o.at.Add(-time.Hour)
		}
		if took := w.look(t); took != 3*trip || w.dialled() != 4 || w.open() != 2 {
			t.Errorf("the look takes %s and %d connections, of which %d are open", took, w.dialled(), w.open())
		}
	})
	inWarmWorld(t, func(t *testing.T, w *warmWorld) {
		w.Warm(context.Background(), "cn-hangzhou")
		time.Sleep(warmAge + time.Second)
		if w.open() != 0 {
			t.Errorf("%d connections that nobody used stay open", w.open())
		}
		w.Warm(context.Background(), "cn-hangzhou")
		if took := w.look(t); took != trip {
			t.Errorf("warmed again, a look takes %s", took)
		}
	})
}

// A write uses its own connection, or a connection that has served a read.
func TestWritesGetNoWarmedConnection(t *testing.T) {
	inWarmWorld(t, func(t *testing.T, w *warmWorld) {
		w.Warm(context.Background(), "cn-hangzhou")
		w.hangUp()
		if err := w.change(); err != nil || w.dialled() != 3 || len(w.served) != 1 {
			t.Errorf("a write ends with %v, after %d connections and %d calls", err, w.dialled(), len(w.served))
		}
	})
	inWarmWorld(t, func(t *testing.T, w *warmWorld) {
		w.Warm(context.Background(), "cn-hangzhou")
		w.look(t)
		if err := w.change(); err != nil || w.dialled() != 2 {
			t.Errorf("a write after a look ends with %v, after %d connections", err, w.dialled())
		}
	})
}

func TestClosingEndsTheWarming(t *testing.T) {
	inWarmWorld(t, func(t *testing.T, w *warmWorld) { // open
		w.Warm(context.Background(), "cn-hangzhou")
		w.Client.Close()
		w.Warm(context.Background(), "cn-hangzhou")
		if w.open() != 0 || w.dialled() != 2 {
			t.Errorf("after Close %d connections of %d are open", w.open(), w.dialled())
		}
	})
	inWarmWorld(t, func(t *testing.T, w *warmWorld) { // on the way
		done := make(chan struct{})
		began := time.Now()
		go func() { defer close(done); w.Warm(context.Background(), "cn-hangzhou") }()
		time.Sleep(trip + trip/2)
		w.Client.Close()
		<-done
		if took := time.Since(began); took > 2*trip || w.open() != 0 {
			t.Errorf("Close took until %s, and %d connections are open", took, w.open())
		}
		if err := w.change(); err != nil {
			t.Errorf("a client that was closed does not connect again: %v", err)
		}
	})
}

func TestWhereNothingIsWarmed(t *testing.T) {
	proxy := func(*http.Request) (*url.URL, error) { return url.Parse("http://proxy.example.com:3128") }
	for name, prepare := range map[string]func(*warmWorld) string{
		"another region": func(*warmWorld) string { return "cn-nowhere" },
		"a hostile one":  func(*warmWorld) string { return "cn-hangzhou@evil.com" },
		"behind a proxy": func(w *warmWorld) string { w.transport.Proxy = proxy; return "cn-hangzhou" },
		"over http": func(w *warmWorld) string {
			w.endpoint, _ = ParseEndpoint("http://127.0.0.1:1")
			return "cn-hangzhou"
		},
	} {
		inWarmWorld(t, func(t *testing.T, w *warmWorld) {
			if w.Warm(context.Background(), prepare(w)); w.dialled() != 0 {
				t.Errorf("%s: %d connections were opened", name, w.dialled())
			}
		})
	}
}

func TestWarmingThatFailsIsForgotten(t *testing.T) {
	inWarmWorld(t, func(t *testing.T, w *warmWorld) {
		ctx, cancel := context.WithTimeout(context.Background(), trip/2)
		defer cancel()
		w.Warm(ctx, "cn-hangzhou")
		if took := w.look(t); took != 3*trip || w.open() != 2 {
			t.Errorf("the look takes %s, and %d connections are open", took, w.open())
		}
	})
}

// The transport asks the proxy for a tunnel and speaks TLS through it.
func TestCallsGoThroughAProxy(t *testing.T) {
	api := httptest.NewTLSServer(http.HandlerFunc((&warmWorld{}).serve))
	defer api.Close()
	var tunnels atomic.Int32
	proxy := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Method != http.MethodConnect {
			w.WriteHeader(http.StatusTeapot)
			return
		}
		tunnels.Add(1)
		there, err := net.Dial("tcp", r.Host)
		if err != nil {
			t.Error(err)
			return
		}
		here, _, err := http.NewResponseController(w).Hijack()
		if err != nil {
			t.Error(err)
			return
		}
		_, _ = io.WriteString(here, "HTTP/1.1 200 OK\r\n\r\n")
		go func() { _, _ = io.Copy(there, here); _ = there.Close() }()
		_, _ = io.Copy(here, there)
		_ = here.Close()
	}))
	defer proxy.Close()
	endpoint, err := ParseEndpoint(api.URL)
	if err != nil {
		t.Fatal(err)
	}
	w := newWorld(Options{Endpoint: endpoint, Rate: -1, RootCAs: api.Client().Transport.(*http.Transport).TLSClientConfig.RootCAs})
	defer w.Close()
	w.transport.DialContext = (&net.Dialer{}).DialContext
	w.transport.Proxy = func(*http.Request) (*url.URL, error) { return url.Parse(proxy.URL) }
	w.Warm(context.Background(), "cn-hangzhou")
	if _, err := w.SSL(context.Background(), here); err != nil || tunnels.Load() != 1 {
		t.Errorf("a read ends with %v after %d tunnels through the proxy", err, tunnels.Load())
	}
}
