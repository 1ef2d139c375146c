package event

import (
	"fmt"
	"slices"
	"strings"

	"tairssl/handler"
)

// CertMap says which instances serve a certificate. An event of ACM or SLB names a
// certificate, but no instance.
type CertMap []Mapping

// Mapping is one entry: NAME=INSTANCE[@REGION].
type Mapping struct {
	Name string // a common name, a wildcard such as *.example.com, or an ARN
	Ref  handler.Ref
}

func (m Mapping) named() handler.Named {
	return handler.Named{ID: m.Ref.InstanceID, Region: m.Ref.RegionID}
}

// UnmarshalText reads comma-separated entries.
func (m *CertMap) UnmarshalText(text []byte) error {
	for _, entry := range strings.Split(string(text), ",") {
		entry = strings.TrimSpace(entry)
		if entry == "" {
			continue
		}
		name, target, ok := strings.Cut(entry, "=")
		name = strings.TrimSpace(name)
		instance, region, _ := strings.Cut(strings.TrimSpace(target), "@")
		mapping := Mapping{name, handler.Ref{InstanceID: instance, RegionID: region}}
		if err := automatic(mapping.named()).Validate(); !ok || name == "" {
			return fmt.Errorf("%q is not NAME=INSTANCE or NAME=INSTANCE@REGION", entry)
		} else if err != nil {
			return fmt.Errorf("%q: %w", entry, err)
		}
		*m = append(*m, mapping)
	}
	return nil
}

// covers reports whether an entry matches the name of a certificate.
func covers(entry, name string) bool {
	if strings.HasPrefix(entry, "arn:") || strings.HasPrefix(name, "arn:") {
		return entry == name
	}
	entry, name = strings.ToLower(entry), strings.ToLower(name)
	if parent, ok := strings.CutPrefix(entry, "*."); ok && entry != name {
		_, rest, _ := strings.Cut(name, ".")
		return rest == parent
	}
	return entry == name
}

// instances lists the instances that serve a certificate with any of the names.
func (m CertMap) instances(names ...string) (all []handler.Named) {
	add := func(n handler.Named) {
		if !slices.Contains(all, n) {
			all = append(all, n)
		}
	}
	for _, name := range names {
		for _, entry := range m {
			if name != "" && covers(entry.Name, name) {
				add(entry.named())
			}
		}
	}
	if all != nil {
		return all // the operator's entries count more than a guess by the name
	}
	for _, name := range names {
		if n, ok := ofEndpoint(name); ok {
			add(n)
		}
	}
	return all
}

// certificate asks to renew the instances that serve a certificate. If no such instance
// is known, the answer says so.
func (r *reader) certificate(trigger string, names ...string) Asked {
	asked := Asked{Trigger: trigger}
	for _, instance := range r.Certificates.instances(names...) {
		asked.Requests = append(asked.Requests, automatic(instance))
	}
	if asked.Requests == nil {
		var named []string
		for _, name := range names {
			if name != "" {
				named = append(named, name)
			}
		}
		if named == nil {
			return one(trigger, handler.Invalidf("the event names no certificate"))
		}
		return one(trigger, handler.Invalidf("no instance is known for the certificate %q: add it to TAIRSSL_CERT_MAP as NAME=INSTANCE@REGION", strings.Join(named, " ")))
	}
	asked.Batch = len(asked.Requests) > 1
	return asked
}
