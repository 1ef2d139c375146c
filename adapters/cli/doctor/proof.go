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

// handshakes tries the TLS handshake by which the function verifies a change: with the
// named instance, and with TAIRSSL_VERIFY=tls also with one instance of each region.
func (x *examination) handshakes(l look) []Finding {
	needed := x.settings.Verify == function.VerifyTLS
	if !needed && l.why != "" {
		return []Finding{skip(Handshake, "", "not needed, because TAIRSSL_VERIFY is api; run with --instance ID to try one")}
	}
	return each(x.proofs(l, needed), func(s seen) Finding {
		if s.InstanceID == "" {
			return x.skipped(Handshake, s.RegionID, "no instance with a certificate was found for a handshake: name one with --instance")
		}
		return x.handshake(s, needed)
	})
}

// proofs returns the instances whose handshake or CA is checked: the named instance and,
// if all is true, one instance of each other region. If a region has no suitable
// instance, its entry has no instance id.
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
		return skip(Handshake, s.InstanceID, handler.AsError(err).Message+". Only TAIRSSL_VERIFY=tls and tairssl status --tls need a handshake")
	case err != nil:
		e := handler.AsError(err)
		return fail(Handshake, s.InstanceID, e.Kind, e.Message, "connect the function to the VPC of the instance and add its address to the instance's IP whitelist; or set TAIRSSL_VERIFY=api")
	}
	defer func() { _ = conn.Close() }()
	leaf := served.Chain(conn)[0]
	found := fmt.Sprintf("%s, certificate until %s", tls.VersionName(conn.ConnectionState().Version), minute(leaf.NotAfter))
	o := s.Observation
	o.ConnectionDomain = cmp.Or(o.CommonName, o.ConnectionDomain) // the check of the instance reports a wrong name
	if why := (handler.Certificate{Expires: leaf.NotAfter, Names: served.Names(leaf)}).Contradicts(o); why != "" {
		return warn(Handshake, s.InstanceID, found+", but "+why, "check again in some minutes with tairssl status --tls; if the result is the same, ask Alibaba's support")
	}
	return pass(Handshake, s.InstanceID, "%s, as the API says", found)
}

// authorities checks whether the CA can be read. The function compares the CA before
// and after a change. It also checks whether a region waits because its CA changed.
func (x *examination) authorities(l look) (findings []Finding) {
	if !x.settings.CACheck {
		return []Finding{skip(CA, "", "TAIRSSL_CA_CHECK is not set: a change of the CA is not noticed")}
	}
	for _, found := range each(x.proofs(l, true), func(s seen) []Finding { return x.authority(s) }) {
		findings = append(findings, found...)
	}
	return findings
}

// fingerprint is the finding of the CA of one instance.
func (x *examination) fingerprint(s seen) Finding {
	if s.InstanceID == "" {
		return x.skipped(CA, s.RegionID, "no instance with a certificate was found, so no CA was read: name one with --instance")
	}
	ca, err := x.client.CAFingerprint(x.ctx, s.RegionID, s.CertDownloadURL)
	if err == nil {
		return pass(CA, s.InstanceID, "SHA-256 %s", ca)
	}
	f := x.called(CA, s.InstanceID, err)
	if f.State == Failed {
		f.Fix = "let the function download it: without the CA nothing is changed unattended until the last day before the expiry"
	}
	return f
}

// authority checks the CA of an instance and the mark of a changed CA in its region.
func (x *examination) authority(s seen) (findings []Finding) {
	if why := x.barred(s.RegionID); why != "" {
		return []Finding{x.skipped(CA, s.RegionID, why)}
	}
	findings = append(findings, x.fingerprint(s))
	marked, err := x.client.List(x.ctx, s.RegionID, handler.Filter{Key: handler.CAChangedTag}, 1)
	if err != nil {
		return findings // the check of permissions reports this error
	}
	for _, m := range marked.Instances {
		if mark := m.Tags[handler.CAChangedTag]; !slices.Contains(x.settings.CAAccept, mark) {
			return append(findings, warn(CA, s.RegionID, "nothing is changed unattended, because the CA changed with the renewal of "+m.InstanceID,
				fmt.Sprintf("give all clients the new CA (tairssl ca %s), then set TAIRSSL_CA_ACCEPT=%s", m.InstanceID, handler.ClipTo(mark, longest))))
		}
	}
	return findings
}
