package served_test

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/rsa"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"errors"
	"io"
	"math/big"
	"net"
	"slices"
	"strings"
	"testing"
	"time"

	"tairssl/adapters/tair/served"
	"tairssl/adapters/tair/tairtest"
	"tairssl/handler"
)

const domain = "r-bp1zxszhcgatnx01.redis.rds.aliyuncs.com"

var local = served.Probe{Host: "127.0.0.1"}

func portOf(t *testing.T, addr string) int {
	t.Helper()
	to, err := net.ResolveTCPAddr("tcp", addr)
	if err != nil {
		t.Fatal(err)
	}
	return to.Port
}

// The instances of an emulator are at the emulator's own address and at the port that its
// API gives.
func TestTheCertificateOfAnEmulatedInstanceIsRead(t *testing.T) {
	e, err := tairtest.New(tairtest.Options{Lag: -1, ChangeTime: -1})
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = e.Close() }()
	if err := e.Put(tairtest.Instance{InstanceID: "r-bp1zxszhcgatnx01", SSLExpiredTime: "2026-12-01T09:05:53Z"}); err != nil {
		t.Fatal(err)
	}
	i, _ := e.Instance("r-bp1zxszhcgatnx01")
	for _, endpoint := range []string{"https://127.0.0.1:8443", "http://localhost:8080", "http://[::1]:1", "http://127.0.0.2"} {
		if served.At(endpoint).Host == "" {
			t.Errorf("the OpenAPI at %s is not recognised as an emulator", endpoint)
		}
	}
	got, err := served.At("https://127.0.0.1:8443").Certificate(t.Context(), i.ConnectionDomain, portOf(t, i.DataPlane))
	if err != nil {
		t.Fatal(err)
	}
	if want := time.Date(2026, 12, 1, 9, 5, 53, 0, time.UTC); !got.Expires.Equal(want) || !slices.Equal(got.Names, []string{domain}) {
		t.Errorf("a certificate for %v until %s was served, want one for %s until %s", got.Names, got.Expires, domain, want)
	}
}

// server speaks TLS with a config, or lets talk handle each connection.
func server(t *testing.T, config *tls.Config, talk func(net.Conn)) (port int) {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
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
			go func() {
				defer func() { _ = conn.Close() }()
				if talk != nil {
					talk(conn)
					return
				}
				secure := tls.Server(conn, config)
				_ = secure.Handshake()
				_, _ = io.Copy(io.Discard, secure)
			}()
		}
	}()
	return portOf(t, listener.Addr().String())
}

func certificate(t *testing.T, key any, template x509.Certificate) tls.Certificate {
	t.Helper()
	template.SerialNumber = big.NewInt(7)
	if template.NotAfter.IsZero() {
		template.NotBefore, template.NotAfter = time.Unix(1e9, 0), time.Unix(1.1e9, 0)
	}
	var public any
	switch key := key.(type) {
	case *rsa.PrivateKey:
		public = key.Public()
	case *ecdsa.PrivateKey:
		public = key.Public()
	}
	der, err := x509.CreateCertificate(rand.Reader, &template, &template, public, key)
	if err != nil {
		t.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{der}, PrivateKey: key}
}

// Instances may be set to old versions of TLS. Their certificates must be readable too.
func TestCertificatesOfOldServersAreRead(t *testing.T) {
	key, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	old := certificate(t, key, x509.Certificate{Subject: pkix.Name{CommonName: domain}})
	for name, config := range map[string]*tls.Config{
		"TLS 1.0":                 {MinVersion: tls.VersionTLS10, MaxVersion: tls.VersionTLS10},
		"TLS 1.1":                 {MinVersion: tls.VersionTLS11, MaxVersion: tls.VersionTLS11},
		"TLS 1.2":                 {MaxVersion: tls.VersionTLS12},
		"TLS 1.3":                 {MinVersion: tls.VersionTLS13},
		"without forward secrecy": {MaxVersion: tls.VersionTLS12, CipherSuites: []uint16{tls.TLS_RSA_WITH_AES_128_CBC_SHA}},
		"3DES":                    {MinVersion: tls.VersionTLS10, MaxVersion: tls.VersionTLS12, CipherSuites: []uint16{tls.TLS_RSA_WITH_3DES_EDE_CBC_SHA}},
	} {
		config.Certificates = []tls.Certificate{old}
		got, err := local.Certificate(t.Context(), domain, server(t, config, nil))
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if !got.Expires.Equal(time.Unix(1.1e9, 0)) || !slices.Equal(got.Names, []string{domain}) {
			t.Errorf("%s: a certificate for %v until %s was served", name, got.Names, got.Expires)
		}
	}
}

// A server for several instances learns from the client which instance is meant.
func TestTheServerIsToldTheName(t *testing.T) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	names := make(chan string, 1)
	port := server(t, &tls.Config{GetCertificate: func(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
		names <- hello.ServerName
		c := certificate(t, key, x509.Certificate{DNSNames: []string{hello.ServerName, "*.other.example"}})
		return &c, nil
	}}, nil)
	got, err := local.Certificate(t.Context(), domain, port)
	if err != nil {
		t.Fatal(err)
	}
	if name := <-names; name != domain || !slices.Equal(got.Names, []string{domain, "*.other.example"}) {
		t.Errorf("the server was told %q, and its certificate is for %v", name, got.Names)
	}
}

// The error of a failed handshake names the step that failed and gives advice.
func TestAHandshakeThatFailsNamesTheStep(t *testing.T) {
	closed, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_ = closed.Close()
	gone, cancel := context.WithCancel(t.Context())
	cancel()
	late, stop := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer stop()
	for name, test := range map[string]struct {
		ctx    context.Context
		probe  served.Probe
		domain string
		port   int
		kind   handler.Kind
		says   string
	}{
		"refused":             {nil, local, domain, portOf(t, closed.Addr().String()), handler.Unavailable, "refused"},
		"plain Redis":         {nil, local, domain, server(t, nil, func(c net.Conn) { _, _ = io.WriteString(c, "-ERR Protocol error\r\n") }), handler.Unavailable, "does not speak TLS"},
		"it hangs up":         {nil, local, domain, server(t, nil, func(net.Conn) {}), handler.Unavailable, "closed the connection"},
		"it is silent":        {late, local, domain, server(t, nil, func(c net.Conn) { _, _ = io.Copy(io.Discard, c) }), handler.Unavailable, "no answer"},
		"no certificate":      {nil, local, domain, server(t, &tls.Config{GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return nil, errors.New("none") }}, nil), handler.Unavailable, "the server refused it"},
		"interrupted":         {gone, local, domain, 6379, handler.Unavailable, "interrupted"},
		"no name":             {nil, served.Probe{Host: "no-such-host.invalid"}, domain, 6379, handler.Unavailable, "cannot be resolved"},
		"no domain":           {nil, served.Probe{}, "", 6379, handler.Unsupported, "gives no endpoint"},
		"no port":             {nil, served.Probe{}, domain, 0, handler.Unsupported, "gives no endpoint"},
		"a port too far":      {nil, served.Probe{}, domain, 65536, handler.Unsupported, "65536 is not a port"},
		"a negative port":     {nil, served.Probe{}, domain, -1, handler.Unsupported, "is not a port"},
		"a stranger's host":   {nil, served.Probe{}, "redis.example.com", 6379, handler.Unsupported, "not one of Alibaba's hosts"},
		"an address":          {nil, served.Probe{}, "169.254.169.254", 80, handler.Unsupported, "not one of Alibaba's hosts"},
		"a name in disguise":  {nil, served.Probe{}, "evil.example/.aliyuncs.com", 443, handler.Unsupported, "not one of Alibaba's hosts"},
		"no label":            {nil, served.Probe{}, ".aliyuncs.com", 443, handler.Unsupported, "not one of Alibaba's hosts"},
		"a name that ends so": {nil, served.Probe{}, "evilaliyuncs.com", 443, handler.Unsupported, "not one of Alibaba's hosts"},
	} {
		ctx := test.ctx
		if ctx == nil {
			ctx = t.Context()
		}
		_, err := test.probe.Certificate(ctx, test.domain, test.port)
		if !errors.Is(err, test.kind) || !strings.Contains(err.Error(), test.says) {
			t.Errorf("%s: it failed with %v, want %s and %q", name, err, test.kind, test.says)
		}
	}
}

// With a real OpenAPI, the probe connects to Alibaba's hosts only.
func TestOnlyAnOpenAPIOnThisMachineIsAnEmulator(t *testing.T) {
	for _, endpoint := range []string{"", "https://r-kvstore.aliyuncs.com", "https://127.0.0.1.example.com", "https://localhost.example.com", "https://10.0.0.1", "vpc"} {
		if host := served.At(endpoint).Host; host != "" {
			t.Errorf("for the OpenAPI at %q the probe connects to %q", endpoint, host)
		}
	}
}
