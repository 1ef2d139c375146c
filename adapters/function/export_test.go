package function

import (
	"maps"
	"slices"

	"tairssl/handler"
)

// IsMetric tells the names of metrics.
func IsMetric(name string) bool { return unitOf(name) != "" }

// MetricNames are those of all metrics.
func MetricNames() []string {
	names := slices.Collect(maps.Keys(units))
	for _, o := range handler.Outcomes() {
		names = append(names, string(o))
	}
	return names
}
