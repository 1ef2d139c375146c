package event

import (
	"cmp"
	"encoding/json"
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
	if n, ok := handler.ParseInstance(text); ok && (strings.Contains(n.ID, "-") || strings.Contains(text, ".")) {
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

// labelled reads an alert's instance from its labels. An endpoint whose name
// somebody chose is known to the certificate map alone.
func (r *reader) labelled(labels map[string]json.RawMessage) (n handler.Named, ok bool) {
	label := func(name string) string { return handler.Unquote(labels[name]) }
	if n, ok = handler.ParseInstance(label("instance_id")); !ok {
		// By its exact name: a wildcard would take in what is no instance at all.
		host := handler.Host(label("instance"))
		if i := slices.IndexFunc(r.Certificates, func(m Mapping) bool { return host != "" && strings.EqualFold(m.Name, host) }); i >= 0 {
			n, ok = r.Certificates[i].named(), true
		} else {
			n, ok = named(label("instance"))
		}
	}
	n.Region = cmp.Or(label("region_id"), n.Region)
	return n, ok
}
