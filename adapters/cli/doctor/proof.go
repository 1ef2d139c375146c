package doctor

import (
	"cmp"
	"crypto/tls"
	"fmt"
	"slices"

	"tairssl/adapters/function"
	"tairssl/adapters/tair/served"
	"tairssl/handler"
)

// handshakes finds out whether instances can be reached for the handshake that
// proves a change: one of each region, and the named one.
func (x *examination) handshakes(l look) []Finding {
	needed := x.settings.Verify == function.VerifyTLS
	if !needed && l.why != "" {
		return []Finding{skip(Handshake, "", "TAIRSSL_VERIFY is api, so none is made; with --instance ID one is tried")}
	}
	return each(x.proofs(l, needed), func(s seen) Finding {
		if s.InstanceID == "" {
			return x.skipped(Handshake, s.RegionID, "there is no instance with a certificate to shake hands with: name one with --instance")
		}
		return x.handshake(s, needed)
	})
}

// proofs are the instances on which is tried what proves a change: the named one,
// and one of each other region if all matter. A region without one has no id.
func (x *examination) proofs(l look, all bool) (found []seen) {
	for _, region := range x.settings.Region {
		var s seen
		s.RegionID = region
		switch c := x.censuses[region]; {
		case l.why == "" && l.err == nil && x.isIn(region):
			if l.seen.Enabled {
				s.Observation, s.Ref = l.seen, x.subject.Ref
			}
		case !all:
			continue
		default:
			for _, other := range c.seen {
				if other.asked && other.err == nil && other.Enabled && x.fleet.Policy.Covers(other.InstanceID) {
					s = other
					break
				}
			}
		}
		found = append(found, s)
	}
	return found
}

func (x *examination) handshake(s seen, needed bool) Finding {
	conn, err := x.settings.Probe().Dial(x.ctx, s.ConnectionDomain, s.Port)
	switch {
	case err != nil && x.over() != "":
		return x.cutShort(Handshake, s.InstanceID, x.over())
	case err != nil && !needed:
		return skip(Handshake, s.InstanceID, handler.AsError(err).Message+". It matters only for TAIRSSL_VERIFY=tls and tairssl status --tls")
	case err != nil:
		e := handler.AsError(err)
		return fail(Handshake, s.InstanceID, e.Kind, e.Message, "see that the function can: give it the VPC of the instance, and let its address through the IP whitelist; or set TAIRSSL_VERIFY=api")
	}
	defer func() { _ = conn.Close() }()
	leaf := served.Chain(conn)[0]
	found := fmt.Sprintf("%s, certificate until %s", tls.VersionName(conn.ConnectionState().Version), minute(leaf.NotAfter))
	o := s.Observation
	o.ConnectionDomain = cmp.Or(o.CommonName, o.ConnectionDomain) // a wrong name is told by the instance's own finding
	if why := (handler.Certificate{Expires: leaf.NotAfter, Names: served.Names(leaf)}).Contradicts(o); why != "" {
		return warn(Handshake, s.InstanceID, found+", but "+why, "look at it again in some minutes, with tairssl status --tls; ask Alibaba's support if that stays so")
	}
	return pass(Handshake, s.InstanceID, "%s, as the API says", found)
}

// authorities finds out whether the CA can be read that is compared before and
// after a change, and whether a region waits because it changed.
func (x *examination) authorities(l look) (findings []Finding) {
	if !x.settings.CACheck {
		return []Finding{skip(CA, "", "TAIRSSL_CA_CHECK is not set: that the CA changed is not noticed")}
	}
	for _, found := range each(x.proofs(l, true), func(s seen) []Finding { return x.authority(s) }) {
		findings = append(findings, found...)
	}
	return findings
}

// fingerprint is the finding of an instance's own CA.
func (x *examination) fingerprint(s seen) Finding {
	if s.InstanceID == "" {
		return x.skipped(CA, s.RegionID, "there is no instance with a certificate whose CA could be read: name one with --instance")
	}
	ca, err := x.client.CAFingerprint(x.ctx, s.RegionID, s.CertDownloadURL)
	if err == nil {
		return pass(CA, s.InstanceID, "SHA-256 %s", ca)
	}
	f := x.called(CA, s.InstanceID, err)
	if f.State == Failed {
		f.Fix = "see that the function can have it: without it nothing is changed unattended until the last day before the expiry"
	}
	return f
}

func (x *examination) authority(s seen) (findings []Finding) {
	if why := x.barred(s.RegionID); why != "" {
		return []Finding{x.skipped(CA, s.RegionID, why)}
	}
	findings = append(findings, x.fingerprint(s))
	marked, err := x.client.List(x.ctx, s.RegionID, handler.Filter{Key: handler.CAChangedTag}, 1)
	if err != nil {
		return findings // the permissions above say so
	}
	for _, m := range marked.Instances {
		if mark := m.Tags[handler.CAChangedTag]; !slices.Contains(x.settings.CAAccept, mark) {
			return append(findings, warn(CA, s.RegionID, "nothing is changed unattended, because the CA changed with the renewal of "+m.InstanceID,
				fmt.Sprintf("give all clients the new CA, tairssl ca %s, and then set TAIRSSL_CA_ACCEPT=%s", m.InstanceID, handler.ClipTo(mark, longest))))
		}
	}
	return findings
}
