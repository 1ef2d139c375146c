package function

import (
	"maps"
	"slices"

	"tairssl/handler"
)

// IsMetric reports whether a name is the name of a metric.
func IsMetric(name string) bool { return unitOf(name) != "" }

// MetricNames lists the names of all metrics.
func MetricNames() []string {
	names := slices.Collect(maps.Keys(units))
	for _, o := range handler.Outcomes() {
		names = append(names, string(o))
	}
	return names
}
