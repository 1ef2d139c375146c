package handler

import (
	"context"
	"fmt"
	"slices"
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

// Contradicts says in which way a certificate that is served is not the one of
// which the API tells; "" if it is that one.
func (c Certificate) Contradicts(o Observation) string {
	// The API and the certificate count whole seconds. One may cut off what the
	// other rounds up.
	if At(c.Expires).Sub(At(o.Expires).Time).Abs() > time.Second {
		return fmt.Sprintf("a TLS client is served the certificate that expires %s, and not the one that expires %s", At(c.Expires), At(o.Expires))
	}
	if !slices.ContainsFunc(c.Names, func(name string) bool { return isFor(name, o.ConnectionDomain) }) {
		return fmt.Sprintf("the certificate that a TLS client is served is for %s, and not for %s", Clip(strings.Join(c.Names, ", ")), o.ConnectionDomain)
	}
	return ""
}

// doubt is why a change that is done by the API's word is not verified.
type doubt struct {
	why         string // "" for none
	contradicts bool   // a handshake shows that it is not done
}

// doubted asks a handshake whether what the API says of a changed instance is
// true. An instance whose encryption is off serves no certificate to look at.
func (a *attempt) doubted(ctx context.Context, o Observation) (d doubt) {
	if a.Served == nil || !o.Enabled {
		return d
	}
	var c Certificate
	err := Guarded(func() (err error) { c, err = a.Served(ctx, o.ConnectionDomain, o.Port); return })
	if err != nil {
		return doubt{why: AsError(err).Message + "; or set TAIRSSL_VERIFY=api to do without the handshake"}
	}
	why := c.Contradicts(o)
	return doubt{why, why != ""}
}

// shown says that a handshake has shown a change, "" if none was made.
func (a *attempt) shown(o Observation) string {
	if a.Served == nil || !o.Enabled {
		return ""
	}
	return ", and a TLS client is served it"
}

// accepted ends a change that the API calls done and that a handshake has not
// shown.
func (d doubt) accepted(reason string) decision {
	end := decision{outcome: Accepted, alert: d.contradicts, reason: reason + "; the API says that it is done, but it is not verified: " + d.why}
	if d.contradicts {
		end.reason += ": look at it with tairssl status --tls, and ask Alibaba's support if that stays so"
	}
	return end
}

// isFor reports whether a name in a certificate is that of a host.
func isFor(name, host string) bool {
	name, host = strings.ToLower(name), strings.ToLower(host)
	if suffix, ok := strings.CutPrefix(name, "*."); ok {
		_, parent, _ := strings.Cut(host, ".")
		return parent == suffix
	}
	return name == host
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
