// Package exporter shows a fleet of instances to Prometheus.
//
// [Exporter.Run] reads the fleet in the background, at a fixed interval. A scrape
// makes no API call; it shows the last [State]. Each reading of the fleet is a
// [Look]. The pure function [State.After] merges a Look into the State:
//
//   - An instance that was read gets new values.
//   - An instance that could not be read keeps its old values, and the time of its
//     last look stays.
//   - An instance that no longer exists disappears, but only after a look that
//     listed its region completely.
//
// README.md in this folder lists the metrics; rules.yaml has example alerts.
package exporter
