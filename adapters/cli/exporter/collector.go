package exporter

import (
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"tairssl/handler"
)

// The labels. region_id and instance_id are among those by which the function
// finds the instance of an alert.
var (
	ofRegion   = []string{"region_id"}
	ofInstance = []string{"region_id", "instance_id", "instance_name"}
)

func describe(name, help string, labels []string) *prometheus.Desc {
	return prometheus.NewDesc("tairssl_"+name, help, labels, nil)
}

// The metrics, by what they are about.
var (
	expiry   = describe("certificate_expiry_timestamp_seconds", "When the certificate expires; absent while there is none.", ofInstance)
	running  = describe("instance_running", "1 if the instance runs; 0: it is not paid for or was released, and nothing is renewed.", ofInstance)
	tlsState = describe("tls_state", "1 for the state that the encryption is in: on, off, or none for a type of instance without TLS.", append(ofInstance[:3:3], "state"))
	due      = describe("update_due", "1 if the certificate is due to be renewed.", ofInstance)
	deferred = describe("update_deferred_until_timestamp_seconds", "Until when an unattended update that is due waits; absent if it does not wait.", ofInstance)
	alert    = describe("update_alert", "1 if a person has to look at it: no time for an unattended update comes before the expiry, for one.", ofInstance)
	seen     = describe("instance_last_look_timestamp_seconds", "When the instance was read last; the age of its values.", ofInstance)
	seenOK   = describe("instance_last_look_success", "1 if the last look could read the instance; 0: its values are old.", ofInstance)

	listed   = describe("region_instances", "Instances of the region, as the API counts them.", ofRegion)
	whole    = describe("region_last_look_timestamp_seconds", "When the region was listed whole last.", ofRegion)
	wholeOK  = describe("region_last_look_success", "1 if the last look listed the region whole.", ofRegion)
	failures = describe("look_errors_total", "What could not be read, a region or an instance each time, by the kind of the error.", []string{"region_id", "kind"})

	looks    = describe("looks_total", "Looks at the whole fleet.", nil)
	took     = describe("look_duration_seconds", "How long the last look took.", nil)
	interval = describe("look_interval_seconds", "How often the fleet is looked at.", nil)
)

var all = []*prometheus.Desc{expiry, running, tlsState, due, deferred, alert, seen, seenOK, listed, whole, wholeOK, failures, looks, took, interval}

// kinds are those of look_errors_total, so that each counts from 0.
var kinds = handler.Kinds()

// Describe gives all metrics: [prometheus.Collector].
func (e *Exporter) Describe(to chan<- *prometheus.Desc) {
	for _, d := range all {
		to <- d
	}
}

// Collect shows what is known. It reads nothing: [prometheus.Collector].
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

func (i Instance) collect(gauge sink) {
	labels := []string{safe(i.RegionID), safe(i.InstanceID), safe(i.Name)}
	gauge(seenOK, number(!i.Unread), labels...)
	moment(gauge, seen, i.Seen, labels...)
	if i.Seen.IsZero() {
		return // nothing is known of it
	}
	gauge(running, number(!i.Stopped), labels...)
	if i.TLS == "" {
		return // of one that does not run the API may tell no more
	}
	for _, state := range []TLS{On, Off, None} {
		gauge(tlsState, number(i.TLS == state), append(labels[:3:3], string(state))...)
	}
	moment(gauge, expiry, i.Expires, labels...)
	gauge(due, number(i.Due), labels...)
	moment(gauge, deferred, i.DeferredUntil, labels...)
	gauge(alert, number(i.Alert), labels...)
}

// moment gives a time, unless there is none.
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

// safe makes a text one that a label takes; the format itself escapes what it
// has to.
func safe(text string) string { return strings.ToValidUTF8(text, "\uFFFD") }
