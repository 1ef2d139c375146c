package event

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"tairssl/handler"
)

// automatic is what an event asks for: renew this if it is due.
func automatic(n handler.Named) handler.Delivery {
	return handler.Delivery{OrID: n.OrID, Request: handler.Request{InstanceID: n.ID, RegionID: n.Region, SSLEnabled: handler.Update, Automatic: true}}
}

// named reads an instance out of a text that may as well be about anything else:
// there an old id, which looks like any other word, is none.
func named(text string) (handler.Named, bool) {
	if n, ok := handler.ParseInstance(text); ok && (handler.LooksLikeID(n.ID) || strings.Contains(text, ".")) {
		return n, true
	}
	return handler.Named{}, false
}

// ofEndpoint reads an instance out of a name that is an endpoint.
func ofEndpoint(name string) (handler.Named, bool) {
	if !strings.Contains(name, ".") {
		return handler.Named{}, false
	}
	return handler.ParseInstance(name)
}

// ofResource reads acs:kvstore:<region>:<account>:instance/<id>.
func ofResource(resource string) (handler.Named, bool) {
	parts := strings.SplitN(resource, ":", 5)
	if len(parts) != 5 || parts[0] != "acs" || parts[1] != "kvstore" {
		return handler.Named{}, false
	}
	id, ok := strings.CutPrefix(parts[4], "instance/")
	return handler.Named{ID: id, Region: parts[2]}, ok
}

// instanceLabels are the labels that may name an alert's instance, in the order
// in which they are asked; the first that resolves counts. An exporter of many
// targets has its own address in instance, and the target's in another label;
// Prometheus renames a label that it sets itself to exported_…. Names that people
// give to instances are in none of them, for others can change those.
var instanceLabels = []string{
	"instance_id", "instanceId", "InstanceId", "db_instance_id", "exported_instance_id",
	"exported_instance", "instance", "addr", "address", "exported_target", "target",
	"redis_addr", "redis_instance", "endpoint", "url", "connection_domain", "host", "hostname", "server", "domain",
}

// idLabels is how many of them, the first, hold an id by their name, so that it
// may be an old one, which looks like any other word.
const idLabels = 5

// labelled reads an alert's instance from its labels.
func (r *reader) labelled(labels shape) (n handler.Named, ok bool) {
	for i, label := range instanceLabels {
		text := labels.text(label)
		if text == "" {
			continue
		}
		if n, ok = r.mapped(text); !ok && i < idLabels {
			n, ok = handler.ParseInstance(text)
		} else if !ok {
			n, ok = named(text)
		}
		if ok {
			break
		}
	}
	n.Region = cmp.Or(labels.text("region_id"), labels.text("regionId"), labels.text("RegionId"), n.Region)
	return n, ok
}

// mapped looks a host up in the certificate map, which alone knows an endpoint
// whose name somebody chose.
func (r *reader) mapped(text string) (handler.Named, bool) {
	// By its exact name: a wildcard would take in what is no instance at all.
	host := handler.Host(text)
	i := slices.IndexFunc(r.Certificates, func(m Mapping) bool { return host != "" && strings.EqualFold(m.Name, host) })
	if i < 0 {
		return handler.Named{}, false
	}
	return r.Certificates[i].named(), true
}

// unresolved says why an alert names no instance, and how it can.
func (r *reader) unresolved(labels shape) string {
	said, host := "", ""
	for _, label := range instanceLabels {
		if text := labels.text(label); text != "" {
			said = fmt.Sprintf(": its label %s is %q, neither an id nor an endpoint of Tair", label, handler.Quoted(text))
			host = handler.Host(text)
			break
		}
	}
	if host == "" {
		host = "NAME"
	}
	return fmt.Sprintf("the alert %q names no instance%s. Give it a label instance_id, or add %s=INSTANCE to TAIRSSL_CERT_MAP",
		handler.Clip(labels.text("alertname")), said, handler.Clip(host))
}
