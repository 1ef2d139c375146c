package event

import (
	"encoding/json"

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
	seen := map[handler.Named]bool{}
	firing := false
	for _, a := range alerts {
		if a.Status != "firing" {
			continue
		}
		firing = true
		instance, ok := r.labelled(a.Labels)
		switch {
		case !ok:
			asked.Requests = append(asked.Requests, handler.Invalidf("the alert %q names no instance: give it a label instance_id, or an instance that is an endpoint", handler.Unquote(a.Labels["alertname"])))
		case !seen[instance]:
			seen[instance] = true
			asked.Requests = append(asked.Requests, automatic(instance))
		}
	}
	if !firing {
		return one(name, handler.Unchangedf("no alert is firing"))
	}
	asked.Batch = len(asked.Requests) > 1
	return asked
}
