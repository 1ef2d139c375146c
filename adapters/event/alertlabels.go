package event

import (
	"cmp"
	"fmt"
	"slices"
	"strings"

	"tairssl/handler"
)

// instanceLabels lists the labels that may name an alert's instance. They are read in
// this order, and the first that names an instance counts. An exporter for many targets
// has its own address in the label instance, and the address of the target in another
// label. If an exporter sets a label that Prometheus sets as well, Prometheus adds
// exported_ to the exporter's label. No label for InstanceName is in the list, because
// other people can change that name.
var instanceLabels = []string{
	"instance_id", "instanceId", "InstanceId", "db_instance_id", "exported_instance_id",
	"exported_instance", "instance", "addr", "address", "exported_target", "target",
	"redis_addr", "redis_instance", "endpoint", "url", "connection_domain", "host", "hostname", "server", "domain",
}

// idLabels is the number of labels, from the first, that hold an id. The id may be an old
// id without a prefix.
const idLabels = 5

// labelled finds an alert's instance by its labels.
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

// mapped looks a host up in the certificate map, because only the map contains custom
// endpoints.
func (r *reader) mapped(text string) (handler.Named, bool) {
	// Only the exact name counts: a wildcard would match hosts that are not instances.
	host := handler.Host(text)
	i := slices.IndexFunc(r.Certificates, func(m Mapping) bool { return host != "" && strings.EqualFold(m.Name, host) })
	if i < 0 {
		return handler.Named{}, false
	}
	return r.Certificates[i].named(), true
}

// unresolved says why an alert names no instance, and how to correct the alert.
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
