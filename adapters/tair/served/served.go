// Package served reads the certificates that instances show to their TLS clients.
//
// [Probe] makes a TLS handshake with an instance and reads its certificate. It verifies
// nothing, because the certificates of Alibaba's instances come from a private CA, and
// because it has to find expired and wrong certificates. It sends nothing after the
// handshake.
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

// Timeout bounds one handshake together with its TCP connection.
const Timeout = 5 * time.Second

// Probe connects to instances. The zero value connects to the host that the API gives as
// ConnectionDomain. A Probe may be used concurrently.
type Probe struct {
	// Host, if set, replaces every ConnectionDomain. The port stays. The instances of the
	// emulator need this, because all of them are at the emulator's own address.
	Host string
}

// At returns the probe for the instances behind an OpenAPI at this URL. An OpenAPI on this
// machine is an emulator, so its instances are on this machine too.
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

// Certificate returns the certificate that the instance shows at domain:port, the
// ConnectionDomain and Port of the API. Its errors are *handler.Error:
// [handler.Unsupported] for an address to which the probe must not connect, otherwise
// [handler.Unavailable]. They name the step that failed.
func (p Probe) Certificate(ctx context.Context, domain string, port int) (handler.Certificate, error) {
	conn, err := p.Dial(ctx, domain, port)
	if err != nil {
		return handler.Certificate{}, err
	}
	defer func() { _ = conn.Close() }()
	leaf := Chain(conn)[0]
	return handler.Certificate{Expires: leaf.NotAfter, Names: Names(leaf)}, nil
}

// Dial opens a TLS connection to the instance at domain:port. It returns the same errors
// as Certificate. The caller closes the connection. The server has shown at least one
// certificate. Dial does not verify it.
func (p Probe) Dial(ctx context.Context, domain string, port int) (*tls.Conn, error) {
	host := domain
	if p.Host != "" {
		host = p.Host
	}
	switch {
	case domain == "" || port == 0:
		return nil, handler.Errorf(handler.Unsupported, "the API gives no endpoint for the instance, so tairssl cannot connect to it")
	case p.Host == "" && !handler.IsAlibaba(domain):
		return nil, handler.Errorf(handler.Unsupported, "%s is not one of Alibaba's hosts, so tairssl does not connect to it", handler.Quoted(domain))
	case port < 1 || port > 65535:
		return nil, handler.Errorf(handler.Unsupported, "%d is not a port, so tairssl cannot connect to it", port)
	}
	addr := net.JoinHostPort(host, strconv.Itoa(port))
	conn, err := Handshake(ctx, addr, domain)
	if err != nil {
		return nil, failure(addr, err)
	}
	return conn, nil
}

// Handshake opens a TLS connection to an address. The server name may be empty. Handshake
// verifies nothing and gives up after [Timeout].
func Handshake(ctx context.Context, addr, name string) (*tls.Conn, error) {
	ctx, cancel := context.WithTimeout(ctx, Timeout)
	defer cancel()
	raw, err := (&net.Dialer{}).DialContext(ctx, "tcp", addr)
	if err != nil {
		return nil, err
	}
	conn := tls.Client(raw, &tls.Config{
		ServerName:         strings.TrimSuffix(name, "."),
		InsecureSkipVerify: true, //nolint:gosec // reading certificates that no client would trust is the purpose
		// An instance may be set to TLS 1.0, and an old instance may offer old ciphers
		// only.
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

// Chain returns the certificates that the server has shown: first its own certificate,
// then the CA certificates.
func Chain(conn *tls.Conn) []*x509.Certificate { return conn.ConnectionState().PeerCertificates }

// Names returns the host names of a certificate. Clients use the common name only if there
// are no other names.
func Names(leaf *x509.Certificate) []string {
	if len(leaf.DNSNames) > 0 {
		return leaf.DNSNames
	}
	return []string{leaf.Subject.CommonName}
}

// ciphers are the cipher suites for TLS 1.2 and older. Weak suites are included, because
// the probe sends no secret. The suites of TLS 1.3 are always offered.
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
