package function

import (
	"maps"
	"slices"
)

// IsMetric tells the names of metrics.
func IsMetric(name string) bool { return units[name] != "" }

// MetricNames are those of all metrics.
func MetricNames() []string { return slices.Sorted(maps.Keys(units)) }
