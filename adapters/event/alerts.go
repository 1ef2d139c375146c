package event

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"tairssl/handler"
)

// alerts is the trigger of a webhook in the format of Alertmanager:
// {"status","alerts":[{"status","labels":{…}}]}. Alertmanager, Grafana, ARMS and Managed
// Prometheus send it, each with its own version and further fields. A template in Grafana
// may leave out any field.
var alerts = trigger{"alertmanager", "a webhook of Alertmanager's shape", isAlerts, (*reader).alerts}

func isAlerts(s shape) bool {
	if !s.has("alerts") {
		return false
	}
	if s.hasAny("status", "groupKey", "receiver", "commonLabels", "groupLabels") {
		return true
	}
	items := s.list("alerts")
	return len(items) > 0 && shapeOf(items[0]).has("labels")
}

// alertsName is the name of the sender.
func alertsName(s shape) string {
	if s.text("version") == "1" || s.hasAny("orgId", "orgID") {
		return "grafana"
	}
	return "alertmanager"
}

func (r *reader) alerts(s shape) Asked {
	name := alertsName(s)
	items := s.list("alerts")
	if len(items) == 0 {
		return one(name, handler.Invalidf("the webhook has no alerts: want a list of them, each with status and labels"))
	}
	asked := Asked{Trigger: name, ID: s.text("groupKey")}
	seen := map[handler.Named]bool{}
	said, firing := map[string]bool{}, false
	for _, item := range items {
		a := shapeOf(item)
		status := statusOf(a, s)
		if status == "resolved" {
			continue
		}
		firing = true
		labels := a.object("labels")
		instance, ok := r.labelled(labels)
		switch {
		case status != "firing":
			fault := "an alert is neither firing nor resolved: the alert or the webhook needs a status"
			if !said[fault] {
				asked.Requests = append(asked.Requests, handler.Invalidf("%s", fault))
			}
			said[fault] = true
		case !ok:
			if fault := r.unresolved(labels); !said[fault] { // several alerts of one host have the same fault
				said[fault] = true
				asked.Requests = append(asked.Requests, unreadable(fault))
			}
		case !seen[instance]:
			seen[instance] = true
			asked.Requests = append(asked.Requests, automatic(instance))
		}
	}
	if !firing {
		asked.Requests = append(asked.Requests, handler.Unchangedf("no alert is firing"))
	}
	if cut := number(s.raw("truncatedAlerts")); cut > 0 {
		asked = asked.leaveOut("the sender left out %d more alerts: raise its limit on alerts in a message; the next sweep looks at every instance", cut)
	}
	asked.Batch = len(asked.Requests) > 1
	return asked
}

// unreadable answers with a fault. The text of the fault is not shortened as the text of
// a sender would be.
func unreadable(fault string) handler.Delivery {
	return handler.Unreadable(handler.Errorf(handler.Invalid, "%s", fault))
}

// leaveOut records that a part of the payload was not read. It adds a result with this
// fact, unless all other results are faults.
func (a Asked) leaveOut(format string, args ...any) Asked {
	a.LeftOut = fmt.Sprintf(format, args...)
	if !a.Unread() {
		a.Requests = append(slices.Clip(a.Requests), handler.Unchangedf(format, args...))
		a.Batch = true
	}
	return a
}

// Limit keeps the first n requests and records how many were left out.
func (a Asked) Limit(n int) Asked {
	if len(a.Requests) <= n {
		return a
	}
	left := len(a.Requests) - n
	a.Requests = a.Requests[:n:n]
	return a.leaveOut("%d more alerts were not looked at, because one message causes at most %d requests; the next sweep looks at every instance", left, n)
}

// statusOf is an alert's own status. If the alert has none, it is the status of the
// webhook.
func statusOf(alert, webhook shape) string {
	for _, s := range []shape{alert, webhook} {
		switch status := strings.ToLower(s.text("status")); status {
		case "firing", "resolved":
			return status
		case "":
		default:
			return "unknown"
		}
	}
	return "unknown"
}

// number reads a count; 0 if the value is not a number.
func number(raw json.RawMessage) (n int) {
	_ = json.Unmarshal(raw, &n) // any other value is not a count
	return max(n, 0)
}
