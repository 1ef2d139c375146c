package exporter

import (
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"tairssl/handler"
)

// The labels of metrics. The function finds the instance of an alert by the labels
// region_id and instance_id.
var (
	ofRegion   = []string{"region_id"}
	ofInstance = []string{"region_id", "instance_id", "instance_name"}
)

func describe(name, help string, labels []string) *prometheus.Desc {
	return prometheus.NewDesc("tairssl_"+name, help, labels, nil)
}

// The metrics of an instance, of a region, and of the looks.
var (
	expiry   = describe("certificate_expiry_timestamp_seconds", "When the certificate expires; absent if the instance has no certificate.", ofInstance)
	running  = describe("instance_running", "1 if the instance runs; 0 if it is unpaid or released, so that it is not renewed.", ofInstance)
	tlsState = describe("tls_state", "1 for the current state of encryption, 0 for the other states: on, off, or none (a type of instance without TLS).", append(ofInstance[:3:3], "state"))
	due      = describe("update_due", "1 if the certificate is due to be renewed.", ofInstance)
	deferred = describe("update_deferred_until_timestamp_seconds", "The time until which a due unattended update waits; absent if it does not wait.", ofInstance)
	alert    = describe("update_alert", "1 if a person has to act, for example because no unattended update is possible before the expiry.", ofInstance)
	seen     = describe("instance_last_look_timestamp_seconds", "When the instance was last read; its other values are as old as this.", ofInstance)
	seenOK   = describe("instance_last_look_success", "1 if the last look could read the instance; 0 if its values are from an earlier look.", ofInstance)

	listed   = describe("region_instances", "The number of instances in the region, as counted by the API.", ofRegion)
	whole    = describe("region_last_look_timestamp_seconds", "When the region was last listed completely.", ofRegion)
	wholeOK  = describe("region_last_look_success", "1 if the last look listed the region completely, otherwise 0.", ofRegion)
	failures = describe("look_errors_total", "Failed readings of a region or an instance, by the kind of the error.", []string{"region_id", "kind"})

	looks    = describe("looks_total", "Completed readings of the whole fleet.", nil)
	took     = describe("look_duration_seconds", "How long the last reading of the fleet took.", nil)
	interval = describe("look_interval_seconds", "The time between two readings of the fleet.", nil)
)

var all = []*prometheus.Desc{expiry, running, tlsState, due, deferred, alert, seen, seenOK, listed, whole, wholeOK, failures, looks, took, interval}

// kinds are the values of the label kind of look_errors_total. Every kind is shown,
// so that its counter starts from 0.
var kinds = handler.Kinds()

// Describe implements [prometheus.Collector].
func (e *Exporter) Describe(to chan<- *prometheus.Desc) {
	for _, d := range all {
		to <- d
	}
}

// Collect implements [prometheus.Collector]. It shows the state after the last look and
// makes no API call.
func (e *Exporter) Collect(to chan<- prometheus.Metric) {
	s := e.State()
	gauge := func(d *prometheus.Desc, v float64, labels ...string) {
		to <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, v, labels...)
	}
	to <- prometheus.MustNewConstMetric(looks, prometheus.CounterValue, float64(s.Looks))
	gauge(interval, e.Every.Seconds())
	if s.Looks == 0 {
		return
	}
	gauge(took, s.Took.Seconds())
	for _, r := range s.Regions {
		id := safe(r.ID)
		gauge(listed, float64(r.Listed), id)
		gauge(wholeOK, number(r.Kind == ""), id)
		moment(gauge, whole, r.Whole, id)
		for _, kind := range kinds {
			to <- prometheus.MustNewConstMetric(failures, prometheus.CounterValue, float64(s.Errors[Fault{r.ID, kind}]), id, string(kind))
		}
	}
	for _, i := range s.Instances {
		i.collect(gauge)
	}
}

// sink takes the value of a gauge.
type sink func(d *prometheus.Desc, value float64, labels ...string)

// collect shows the metrics of one instance.
func (i Instance) collect(gauge sink) {
	labels := []string{safe(i.RegionID), safe(i.InstanceID), safe(i.Name)}
	gauge(seenOK, number(!i.Unread), labels...)
	moment(gauge, seen, i.Seen, labels...)
	if i.Seen.IsZero() {
		return // it was never read
	}
	gauge(running, number(!i.Stopped), labels...)
	if i.TLS == "" {
		return // the API may not tell the encryption of an instance that does not run
	}
	for _, state := range []TLS{On, Off, None} {
		gauge(tlsState, number(i.TLS == state), append(labels[:3:3], string(state))...)
	}
	moment(gauge, expiry, i.Expires, labels...)
	gauge(due, number(i.Due), labels...)
	moment(gauge, deferred, i.DeferredUntil, labels...)
	gauge(alert, number(i.Alert), labels...)
}

// moment sets a gauge to a time in Unix seconds. It leaves a zero time out.
func moment(gauge sink, d *prometheus.Desc, t time.Time, labels ...string) {
	if !t.IsZero() {
		gauge(d, float64(t.Unix()), labels...)
	}
}

func number(yes bool) float64 {
	if yes {
		return 1
	}
	return 0
}

// safe replaces invalid UTF-8, which a label must not have. The metrics format
// escapes all other characters.
func safe(text string) string { return strings.ToValidUTF8(text, "\uFFFD") }
