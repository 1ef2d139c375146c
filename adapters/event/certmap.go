package event

import (
	"fmt"
	"regexp"
	"strings"
	"sync"

	"tairssl/handler"
)

// CertMap says which instances serve a certificate. An event of ACM or SLB
// names a certificate, never an instance.
type CertMap []Mapping

// Mapping is one entry: NAME=INSTANCE[@REGION].
type Mapping struct {
	Name string // a common name, a wildcard such as *.example.com, or an ARN
	Ref  handler.Ref
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
		r := automatic(handler.Ref{InstanceID: instance, RegionID: region})
		if err := r.Validate(); !ok || name == "" {
			return fmt.Errorf("%q is not NAME=INSTANCE or NAME=INSTANCE@REGION", entry)
		} else if err != nil {
			return fmt.Errorf("%q: %w", entry, err)
		}
		*m = append(*m, Mapping{name, handler.Ref{InstanceID: instance, RegionID: region}})
	}
	return nil
}

// covers reports whether an entry's name stands for a certificate's.
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

// endpoint is a Tair endpoint's name; its first label is the instance's id,
// with pd behind it in a public one. Users may choose other names: those only
// the map knows.
var endpoint = sync.OnceValue(func() *regexp.Regexp {
	return regexp.MustCompile(`^((?:r|tt)-[a-z0-9]{4,40}?)(?:pd)?\.[a-z0-9-]+(?:\.([a-z0-9-]+))?\.rds\.aliyuncs\.com$`)
})

// regions are those that a name shows by another word than their id.
var regions = map[string]string{"singapore": "ap-southeast-1"}

// ofEndpoint gives the instance that a host name names, if it is an endpoint.
func ofEndpoint(host string) (handler.Ref, bool) {
	match := endpoint().FindStringSubmatch(strings.ToLower(strings.TrimSuffix(host, ".")))
	if match == nil {
		return handler.Ref{}, false
	}
	region := match[2]
	if id, ok := regions[region]; ok {
		region = id
	} else if !strings.Contains(region, "-") {
		region = ""
	}
	return handler.Ref{InstanceID: match[1], RegionID: region}, true
}

// instances gives those that serve a certificate of any of the names.
func (m CertMap) instances(names ...string) (refs []handler.Ref) {
	seen := map[handler.Ref]bool{}
	add := func(ref handler.Ref) {
		if !seen[ref] {
			seen[ref] = true
			refs = append(refs, ref)
		}
	}
	for _, name := range names {
		for _, entry := range m {
			if name != "" && covers(entry.Name, name) {
				add(entry.Ref)
			}
		}
	}
	if refs != nil {
		return refs // what the operator says counts for more than a guess by name
	}
	for _, name := range names {
		if ref, ok := ofEndpoint(name); ok {
			add(ref)
		}
	}
	return refs
}

// certificate asks for the instances of a certificate, or says that none is known.
func (r *reader) certificate(trigger string, names ...string) Asked {
	asked := Asked{Trigger: trigger}
	for _, ref := range r.Certificates.instances(names...) {
		asked.Requests = append(asked.Requests, automatic(ref))
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
