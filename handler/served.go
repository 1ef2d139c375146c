package handler

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"
)

// Served reads the certificate that the instance at host:port serves to TLS clients. The
// host and the port are the API's ConnectionDomain and Port. The error says why the
// handshake failed.
type Served func(ctx context.Context, host string, port int) (Certificate, error)

// Certificate is the part of a served certificate that matters here.
type Certificate struct {
	Expires time.Time
	Names   []string // host names; a name may begin with "*."
}

// Contradicts says how a served certificate differs from the API's description; "" if it
// does not differ.
func (c Certificate) Contradicts(o Observation) string {
	// The API and the certificate have whole seconds. They may round a fraction in
	// different directions.
	if At(c.Expires).Sub(At(o.Expires).Time).Abs() > time.Second {
		return fmt.Sprintf("a TLS client is served the certificate that expires %s, and not the one that expires %s", At(c.Expires), At(o.Expires))
	}
	if !slices.ContainsFunc(c.Names, func(name string) bool { return isFor(name, o.ConnectionDomain) }) {
		return fmt.Sprintf("the certificate that a TLS client is served is for %s, and not for %s", Clip(strings.Join(c.Names, ", ")), o.ConnectionDomain)
	}
	return ""
}

// doubt is why a change that the API reports as done does not count as verified.
type doubt struct {
	why         string // "" for none
	contradicts bool   // the handshake shows that the change is not done
}

// doubted checks by a handshake whether the API's report about a changed instance is
// true. Without encryption there is no certificate to check.
func (a *attempt) doubted(ctx context.Context, o Observation) (d doubt) {
	if a.Served == nil || !o.Enabled {
		return d
	}
	var c Certificate
	err := Guarded(func() (err error) { c, err = a.Served(ctx, o.ConnectionDomain, o.Port); return })
	if err != nil {
		return doubt{why: AsError(err).Message + "; or set TAIRSSL_VERIFY=api to make no handshake"}
	}
	why := c.Contradicts(o)
	return doubt{why, why != ""}
}

// shown says that a handshake has shown the change; "" if no handshake was made.
func (a *attempt) shown(o Observation) string {
	if a.Served == nil || !o.Enabled {
		return ""
	}
	return ", and a TLS client is served it"
}

// accepted ends a change that the API reports as done and that no handshake has shown.
func (d doubt) accepted(reason string) decision {
	end := decision{outcome: Accepted, alert: d.contradicts, reason: reason + "; the API says that it is done, but it is not verified: " + d.why}
	if d.contradicts {
		end.reason += ": run tairssl status --tls later, and ask Alibaba's support if it does not change"
	}
	return end
}

// isFor reports whether a name in a certificate matches a host.
func isFor(name, host string) bool {
	name, host = strings.ToLower(name), strings.ToLower(host)
	if suffix, ok := strings.CutPrefix(name, "*."); ok {
		_, parent, _ := strings.Cut(host, ".")
		return parent == suffix
	}
	return name == host
}

// IsAlibaba reports whether a host is below aliyuncs.com. If an answer of the API names a
// host, tairssl connects only to a host below aliyuncs.com.
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
