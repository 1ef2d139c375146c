package function

import (
	"fmt"
	"log/slog"
	"regexp"
	"strings"
	"time"

	"tairssl/handler"
)

// Metrics is a setting: the namespace of CloudWatch metrics, empty for none.
type Metrics string

// UnmarshalText reads emf, which stands for the namespace tairssl, emf:NAMESPACE,
// or none. Two deployments in one region of an account need two namespaces, or
// the sweeps of one hide the silence of the other.
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
		return fmt.Errorf("%q is none of emf, emf:NAMESPACE and none", handler.ClipText(string(text)))
	}
	return nil
}

// units names the fields of an invocation's line that are metrics as well, with
// their units. The counts of the outcomes are metrics, too. A field that is not in
// the line is not published and costs nothing.
var units = map[string]string{
	"sweep_succeeded": "Count",
	"at_risk":         "Count",
	"unread":          "Count",
	"throttled":       "Count",
	"notices_failed":  "Count",
	"days_to_expiry":  "None",
	"api_latency_ms":  "Milliseconds",
}

// unitOf is the unit of a field; "" for a field that is no metric.
func unitOf(field string) string {
	if handler.Outcome(field).Rank() >= 0 {
		return "Count"
	}
	return units[field]
}

// embedded is the member _aws by which CloudWatch Logs reads metrics out of a
// line, as the specification of the embedded metric format has it.
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

// metricsIn names the metrics among a line's numbers; nil if there are none.
// They have no dimension: each value of one would be metrics of its own, billed
// as such, and an alarm would have to name it. The region, the trigger and the
// instance are in the same line.
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
