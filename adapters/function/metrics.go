package function

import (
	"fmt"
	"log/slog"
	"regexp"
	"strings"
	"time"

	"tairssl/handler"
)

// Metrics is a setting: the namespace of CloudWatch metrics; "" for none.
type Metrics string

// UnmarshalText reads emf (the namespace tairssl), emf:NAMESPACE, or none. Two
// deployments in one region of an account need two namespaces. Otherwise the sweeps of
// one deployment hide that the sweeps of the other deployment have stopped.
func (m *Metrics) UnmarshalText(text []byte) error {
	kind, namespace, named := strings.Cut(string(text), ":")
	switch {
	case kind == "none" && !named:
		*m = ""
	case kind == "emf" && !named:
		*m = "tairssl"
	case kind == "emf" && regexp.MustCompile(`^[0-9A-Za-z._/#-]{1,255}$`).MatchString(namespace) && !strings.HasPrefix(namespace, "AWS/"):
		*m = Metrics(namespace)
	default:
		return fmt.Errorf("%q is neither emf, emf:NAMESPACE nor none", handler.ClipText(string(text)))
	}
	return nil
}

// units lists the fields of an invocation's line that are metrics, with their units. The
// counts of outcomes are metrics, too. A missing field is not published and costs
// nothing.
var units = map[string]string{
	"sweep_succeeded": "Count",
	"at_risk":         "Count",
	"unread":          "Count",
	"throttled":       "Count",
	"notices_failed":  "Count",
	"days_to_expiry":  "None",
	"api_latency_ms":  "Milliseconds",
}

// unitOf is the unit of a field; "" if the field is not a metric.
func unitOf(field string) string {
	if handler.Outcome(field).Rank() >= 0 {
		return "Count"
	}
	return units[field]
}

// embedded is the member _aws, from which CloudWatch Logs reads the metrics of a line.
// Source: the specification of the embedded metric format.
type embedded struct {
	Timestamp         int64 // ms since 1970
	CloudWatchMetrics []directive
}

type directive struct {
	Namespace  string
	Dimensions [][]string
	Metrics    []metric
}

type metric struct{ Name, Unit string }

// metricsIn lists the metrics among a line's numbers; nil if there are none. They have no
// dimensions: AWS would bill every value of a dimension as a metric, and alarms would
// have to name it. The same line has the region, the trigger and the instance.
func metricsIn(namespace string, numbers []slog.Attr, now time.Time) *embedded {
	var list []metric
	for _, n := range numbers {
		if unit := unitOf(n.Key); unit != "" && !(n.Key == "throttled" && n.Value.Int64() == 0) {
			list = append(list, metric{n.Key, unit})
		}
	}
	if list == nil {
		return nil
	}
	return &embedded{now.UnixMilli(), []directive{{namespace, [][]string{{}}, list}}}
}

// withMetrics adds the member _aws to a line, if any of the numbers is a metric.
func withMetrics(attrs []slog.Attr, namespace string, numbers []slog.Attr, now time.Time) []slog.Attr {
	if namespace == "" {
		return attrs
	}
	if m := metricsIn(namespace, numbers, now); m != nil {
		attrs = append(attrs, slog.Any("_aws", m))
	}
	return attrs
}
