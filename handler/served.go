package handler

import (
	"context"
	"strings"
	"time"
)

// Served reads the certificate that a TLS client is served by the instance at
// host:port, which are the API's ConnectionDomain and Port. Its error says why no
// handshake could be made.
type Served func(ctx context.Context, host string, port int) (Certificate, error)

// Certificate is what a server shows to TLS clients.
type Certificate struct {
	Expires time.Time
	Names   []string // host names, of which one may begin with "*."
}

// IsAlibaba reports whether a host is a name below aliyuncs.com. Only such hosts
// are connected to because an answer of the API names them.
func IsAlibaba(host string) bool {
	name, ok := strings.CutSuffix(strings.ToLower(host), ".aliyuncs.com")
	if !ok || len(host) > 253 {
		return false
	}
	for label := range strings.SplitSeq(name, ".") {
		if !isLabel(label) || len(label) > 63 {
			return false
		}
	}
	return true
}
