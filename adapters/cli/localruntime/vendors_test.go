package localruntime_test

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"io"
	"math/big"
	"net"
	"net/http"
	"net/http/httptest"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"
)

// vendorHosts are the hosts that receive the answers of chats.
var vendorHosts = []string{"hooks.slack.com", "slack.com", "oapi.dingtalk.com", "open.feishu.cn", "chat.example.com"}

// vendors plays all vendors' hosts. Functions reach it through its proxy.
type vendors struct {
	proxy   string // the URL of the proxy
	ca      []byte // the certificate of all hosts, as PEM
	refusal string // DingTalk's answer; "" if DingTalk accepts messages

	mu     sync.Mutex
	posted map[string][]string // bodies by host and path
	more   chan struct{}       // closed and replaced by each post
}

func newVendors(t *testing.T) *vendors {
	t.Helper()
	certificate, ca := certificateOf(t, vendorHosts)
	v := &vendors{ca: ca, posted: map[string][]string{}, more: make(chan struct{})}
	tunnels := &tunnels{conns: make(chan net.Conn), closed: make(chan struct{})}
	hosts := &http.Server{Handler: v, ReadHeaderTimeout: deadline}
	served := make(chan struct{})
	go func() {
		defer close(served)
		_ = hosts.Serve(tls.NewListener(tunnels, &tls.Config{Certificates: []tls.Certificate{certificate}}))
	}()
	proxy := httptest.NewServer(tunnels)
	v.proxy = proxy.URL
	t.Cleanup(func() {
		proxy.Close()
		_ = hosts.Close()
		<-served
	})
	return v
}

// ServeHTTP accepts a message or a request for a token.
func (v *vendors) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	v.mu.Lock()
	defer v.mu.Unlock()
	v.posted[r.Host+r.URL.Path] = append(v.posted[r.Host+r.URL.Path], string(body))
	close(v.more)
	v.more = make(chan struct{})
	answer := `{"ok":true,"code":0,"errcode":0,"tenant_access_token":"t-secret","expire":7200}`
	if r.Host == "oapi.dingtalk.com" && v.refusal != "" {
		answer = v.refusal
	}
	_, _ = io.WriteString(w, answer)
}

// told waits for message number n, counted from 0, at a host and path.
func (v *vendors) told(t *testing.T, where string, n int) string {
	t.Helper()
	late := time.After(deadline)
	for {
		v.mu.Lock()
		posted, more := v.posted[where], v.more
		v.mu.Unlock()
		if len(posted) > n {
			return posted[n]
		}
		select {
		case <-more:
		case <-late:
			t.Fatalf("%s received only %d messages, want %d", where, len(posted), n+1)
		}
	}
}

// count returns the number of messages at a host and path.
func (v *vendors) count(where string) int {
	v.mu.Lock()
	defer v.mu.Unlock()
	return len(v.posted[where])
}

// certificateOf makes a self-signed certificate for hosts.
func certificateOf(t *testing.T, hosts []string) (tls.Certificate, []byte) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), DNSNames: hosts, NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})
}

// tunnels is a proxy, and the listener at the end of all its tunnels.
type tunnels struct {
	conns  chan net.Conn
	once   sync.Once
	closed chan struct{}
}

func (l *tunnels) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	host, _, _ := strings.Cut(r.Host, ":")
	if r.Method != http.MethodConnect || !slices.Contains(vendorHosts, host) {
		http.Error(w, "no such host", http.StatusBadGateway)
		return
	}
	conn, _, err := http.NewResponseController(w).Hijack()
	if err != nil {
		return
	}
	_, _ = fmt.Fprint(conn, "HTTP/1.1 200 OK\r\n\r\n")
	select {
	case l.conns <- conn:
	case <-l.closed:
		_ = conn.Close()
	}
}

func (l *tunnels) Accept() (net.Conn, error) {
	select {
	case conn := <-l.conns:
		return conn, nil
	case <-l.closed:
		return nil, net.ErrClosed
	}
}

func (l *tunnels) Close() error   { l.once.Do(func() { close(l.closed) }); return nil }
func (l *tunnels) Addr() net.Addr { return &net.TCPAddr{} }
