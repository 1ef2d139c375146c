// Package exporter shows a fleet of instances to Prometheus.
//
// [Exporter.Run] reads the fleet in the background, at a set interval; a scrape
// reads nothing, it shows the last [State]. What one look came to is a [Look],
// and [State.After] is the pure function that joins it with what was known
// before:
//
//   - an instance that was read replaces its old values;
//   - one that could not be read keeps them, and its last look grows old;
//   - one that is gone disappears, but only if its region was read whole.
//
// README.md beside this file has the names of the metrics; rules.yaml has
// examples of alerts.
package exporter
