// Package served looks at what instances serve to TLS clients.
//
// [Probe] makes a TLS handshake with an instance and reads its certificate. It
// trusts nobody and needs no trust: Alibaba's instances have certificates of a
// private authority, and an expired or a wrong one is what it looks for. It sends
// nothing after the handshake.
package served

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"net"
	"strconv"
	"strings"
	"time"

	"tairssl/handler"
)

// Timeout bounds one handshake, the way to it included.
const Timeout = 5 * time.Second

// Probe connects to instances. The zero value connects to the host that the API
// gives as ConnectionDomain. It is safe for concurrent use.
type Probe struct {
	// Host, if set, is connected to in place of every ConnectionDomain, at the port
	// of the instance: the instances of the emulator are at its own address.
	Host string
}

// At is the probe for instances whose OpenAPI is at this URL. An OpenAPI on this
// machine is an emulator, whose instances are on this machine as well.
func At(endpoint string) Probe {
	if host := handler.Host(endpoint); local(host) {
		return Probe{Host: host}
	}
	return Probe{}
}

func local(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// Certificate is what a TLS client is served by the instance at domain:port,
// which are the API's ConnectionDomain and Port. Its errors are *handler.Error:
// [handler.Unsupported] for an address that is not connected to, and otherwise
// [handler.Unavailable]; they name the step that failed.
func (p Probe) Certificate(ctx context.Context, domain string, port int) (handler.Certificate, error) {
	conn, err := p.Dial(ctx, domain, port)
	if err != nil {
		return handler.Certificate{}, err
	}
	defer func() { _ = conn.Close() }()
	leaf := Chain(conn)[0]
	return handler.Certificate{Expires: leaf.NotAfter, Names: Names(leaf)}, nil
}

// Dial opens a connection of TLS to the instance at domain:port, as Certificate
// does. The caller closes it. The server has shown at least one certificate,
// which is not verified.
func (p Probe) Dial(ctx context.Context, domain string, port int) (*tls.Conn, error) {
	host := domain
	if p.Host != "" {
		host = p.Host
	}
	switch {
	case domain == "" || port == 0:
		return nil, handler.Errorf(handler.Unsupported, "the API gives no endpoint for the instance, so it cannot be connected to")
	case p.Host == "" && !handler.IsAlibaba(domain):
		return nil, handler.Errorf(handler.Unsupported, "%s is not one of Alibaba's hosts, so it is not connected to", handler.Quoted(domain))
	case port < 1 || port > 65535:
		return nil, handler.Errorf(handler.Unsupported, "%d is no port, so it is not connected to", port)
	}
	addr := net.JoinHostPort(host, strconv.Itoa(port))
	conn, err := Handshake(ctx, addr, domain)
	if err != nil {
		return nil, failure(addr, err)
	}
	return conn, nil
}

// Handshake opens a connection of TLS to an address, for a server name that may
// be empty. It verifies nothing and gives up after [Timeout].
func Handshake(ctx context.Context, addr, name string) (*tls.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, Timeout)
	defer cancel()
	raw, err := (&net.Dialer{}).DialContext(ctx, "tcp", addr)
	if err != nil {
		return nil, err
	}
	conn := tls.Client(raw, &tls.Config{
		ServerName:         strings.TrimSuffix(name, "."),
		InsecureSkipVerify: true, //nolint:gosec // to look at a certificate that nobody would trust is the point
		// Instances may be set to TLS 1.0, and an old one offers old ciphers alone.
		MinVersion:   tls.VersionTLS10,
		CipherSuites: ciphers,
	})
	if err := conn.HandshakeContext(ctx); err != nil {
		_ = raw.Close()
		return nil, err
	}
	if len(Chain(conn)) == 0 {
		_ = raw.Close()
		return nil, errNoCertificate
	}
	return conn, nil
}

// Chain is what the server has shown: its certificate first, then those that
// signed it, as far as the server sends them.
func Chain(conn *tls.Conn) []*x509.Certificate { return conn.ConnectionState().PeerCertificates }

// Names are the host names that a certificate is for. Clients look at its common
// name only where there is no other.
func Names(leaf *x509.Certificate) []string {
	if len(leaf.DNSNames) > 0 {
		return leaf.DNSNames
	}
	return []string{leaf.Subject.CommonName}
}

// ciphers are those that a server of TLS 1.2 or older may want, also such as
// nobody should use: nothing secret is sent. Those of TLS 1.3 are always offered.
var ciphers = []uint16{
	tls.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256, tls.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,
	tls.TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384, tls.TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384,
	tls.TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256, tls.TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256,
	tls.TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA, tls.TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA,
	tls.TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA, tls.TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA,
	tls.TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA256, tls.TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA256,
	tls.TLS_RSA_WITH_AES_128_GCM_SHA256, tls.TLS_RSA_WITH_AES_256_GCM_SHA384,
	tls.TLS_RSA_WITH_AES_128_CBC_SHA, tls.TLS_RSA_WITH_AES_256_CBC_SHA, tls.TLS_RSA_WITH_AES_128_CBC_SHA256,
	tls.TLS_ECDHE_RSA_WITH_3DES_EDE_CBC_SHA, tls.TLS_RSA_WITH_3DES_EDE_CBC_SHA,
}
