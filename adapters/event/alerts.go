package event

import (
	"cmp"
	"encoding/json"
	"net"
	"net/url"
	"slices"
	"strings"

	"tairssl/handler"
)

// A webhook of Alertmanager (version "4") or of Grafana ("1"), which has the
// same envelope.
func isAlerts(s shape) bool { return s.has("alerts", "version", "status") }

func (r *reader) alerts(s shape) Asked {
	name := "alertmanager"
	switch s.text("version") {
	case "4":
	case "1":
		name = "grafana"
	default:
		return one(name, handler.Invalidf("alerts of version %q are not known; there are 4 and 1", s.text("version")))
	}
	var alerts []struct {
		Status string
		Labels map[string]json.RawMessage // a label of the wrong type spoils itself alone
	}
	if err := json.Unmarshal(s.raw("alerts"), &alerts); err != nil {
		return one(name, handler.Invalidf("the alerts can not be read: want a list with status and labels"))
	}
	asked := Asked{Trigger: name, ID: s.text("groupKey")}
	seen := map[handler.Ref]bool{}
	firing := false
	for _, a := range alerts {
		if a.Status != "firing" {
			continue
		}
		firing = true
		ref, ok := r.labelled(a.Labels)
		switch {
		case !ok:
			asked.Requests = append(asked.Requests, handler.Invalidf("the alert %q names no instance: give it a label instance_id, or an instance that is an endpoint", handler.Unquote(a.Labels["alertname"])))
		case !seen[ref]:
			seen[ref] = true
			asked.Requests = append(asked.Requests, automatic(ref))
		}
	}
	if !firing {
		return one(name, handler.Unchangedf("no alert is firing"))
	}
	asked.Batch = len(asked.Requests) > 1
	return asked
}

// labelled reads an alert's instance from its labels. An endpoint whose name
// somebody chose is known to the certificate map alone.
func (r *reader) labelled(labels map[string]json.RawMessage) (ref handler.Ref, ok bool) {
	label := func(name string) string { return handler.Unquote(labels[name]) }
	if ref = (handler.Ref{InstanceID: label("instance_id")}); validID(ref.InstanceID) {
		ok = true
	} else if host := hostOf(label("instance")); host != "" {
		// By its exact name: a wildcard would take in what is no instance at all.
		if i := slices.IndexFunc(r.Certificates, func(m Mapping) bool { return strings.EqualFold(m.Name, host) }); i >= 0 {
			ref, ok = r.Certificates[i].Ref, true
		} else {
			ref, ok = hostRef(host)
		}
	}
	ref.RegionID = cmp.Or(label("region_id"), ref.RegionID)
	return ref, ok
}

func validID(id string) bool {
	r := automatic(handler.Ref{InstanceID: id})
	return id != "" && r.Validate() == nil
}

// hostOf is the host of a host:port, a URL or a bare host.
func hostOf(s string) string {
	s = strings.TrimSpace(s)
	if u, err := url.Parse(s); err == nil && u.Host != "" {
		return u.Hostname()
	}
	if host, _, err := net.SplitHostPort(s); err == nil {
		return host
	}
	return s
}

// hostRef reads an instance out of a host:port, a URL, a bare host or an id.
func hostRef(s string) (handler.Ref, bool) {
	host := hostOf(s)
	if ref, ok := ofEndpoint(host); ok {
		return ref, true
	}
	if (strings.HasPrefix(host, "r-") || strings.HasPrefix(host, "tt-")) && validID(host) {
		return handler.Ref{InstanceID: host}, true
	}
	return handler.Ref{}, false
}
