package event

import (
	"encoding/json"
	"net"
	"net/url"
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
		Status string            `json:"status"`
		Labels map[string]string `json:"labels"`
	}
	if err := json.Unmarshal(s.raw("alerts"), &alerts); err != nil {
		return one(name, handler.Invalidf("the alerts can not be read: want a list with status and labels"))
	}
	if len(alerts) > handler.MaxBatch {
		return one(name, handler.Invalidf("%d alerts at once are too many: at most %d", len(alerts), handler.MaxBatch))
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
			asked.Requests = append(asked.Requests, handler.Invalidf("the alert %q names no instance: give it a label instance_id, or an instance that is an endpoint", a.Labels["alertname"]))
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
func (r *reader) labelled(labels map[string]string) (ref handler.Ref, ok bool) {
	region := labels["region_id"]
	if id := labels["instance_id"]; id != "" {
		return handler.Ref{InstanceID: id, RegionID: region}, true
	}
	host := hostOf(labels["instance"])
	if refs := r.Certificates.instances(host); len(refs) == 1 {
		ref, ok = refs[0], true
	} else {
		ref, ok = hostRef(host)
	}
	if region != "" {
		ref.RegionID = region
	}
	return ref, ok
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
	bare := automatic(handler.Ref{InstanceID: host})
	if (strings.HasPrefix(host, "r-") || strings.HasPrefix(host, "tt-")) && bare.Validate() == nil {
		return handler.Ref{InstanceID: host}, true
	}
	return handler.Ref{}, false
}
