package function

import (
	"log/slog"
	"math"
	"slices"
	"time"

	"tairssl/adapters/tair"
	"tairssl/handler"
)

// facts is the content of an invocation's line in the log. A [line] collects the facts
// while the invocation runs. render writes them down once, at the end.
type facts struct {
	level    slog.Level
	fields   []slog.Attr // each key once
	outcomes map[handler.Outcome]int
	only     *handler.Decided // the result of the only request; nil if there are several
	earliest time.Time        // first expiry among the instances seen and not renewed
	swept    *bool            // whether the sweep succeeded; nil without a sweep
	unread   *int             // instances that a sweep listed and did not read; nil without a sweep
	unsent   int              // notices and chat answers that could not be sent
	atRisk   int              // results with an alert
	failure  *Failure         // how the invocation failed; nil if it did not
	calls    tair.Counts
	took     time.Duration
	cold     bool // the first invocation of the process
}

// set adds fields. The last value of a key counts, and an empty text is left out.
func (f *facts) set(attrs ...slog.Attr) {
	for _, a := range attrs {
		if a.Value.Kind() == slog.KindString && a.Value.String() == "" {
			continue
		}
		if i := slices.IndexFunc(f.fields, func(old slog.Attr) bool { return old.Key == a.Key }); i >= 0 {
			f.fields[i].Value = a.Value
			continue
		}
		f.fields = append(f.fields, a)
	}
}

// tally counts outcomes. The worst outcome sets the level.
func (f *facts) tally(outcomes map[handler.Outcome]int) {
	if f.outcomes == nil {
		f.outcomes = map[handler.Outcome]int{}
	}
	for o, n := range outcomes {
		f.outcomes[o] += n
		f.level = max(f.level, levelOf(o))
	}
}

// saw records the expiry of an instance that was not renewed.
func (f *facts) saw(expires time.Time) {
	if !expires.IsZero() && (f.earliest.IsZero() || expires.Before(f.earliest)) {
		f.earliest = expires
	}
}

// decided records the result of a request.
func (f *facts) decided(r handler.Result) {
	f.tally(map[handler.Outcome]int{r.Outcome: 1})
	if r.Alert {
		f.atRisk++
	}
	switch {
	case r.After != nil:
		f.saw(r.After.SSLExpiredTime.Time)
	case r.Before != nil && r.Outcome != handler.Accepted:
		f.saw(r.Before.SSLExpiredTime.Time)
	}
}

// render returns the level and the fields of the line. namespace is the namespace of its
// metrics; "" for a line without metrics.
func (f facts) render(now time.Time, namespace string) (slog.Level, []slog.Attr) {
	f.fields = slices.Clone(f.fields)
	if f.only != nil {
		f.set(fieldsOf(*f.only)...)
	}
	if f.failure != nil {
		f.level = max(f.level, slog.LevelError)
		f.set(slog.String("error_type", f.failure.Type), slog.String("error", handler.ClipText(f.failure.Message)))
	}
	for _, a := range f.fields {
		if a.Key == "outcome" { // a chat message may have an outcome without a request
			f.level = max(f.level, levelOf(handler.Outcome(a.Value.String())))
		}
	}
	numbers := f.numbers(now)
	attrs := slices.Concat(f.fields, numbers, []slog.Attr{
		slog.Int64("duration_ms", f.took.Milliseconds()), slog.Bool("cold_start", f.cold), slog.String("version", handler.Version),
	})
	return f.level, withMetrics(attrs, namespace, numbers, now)
}

// numbers returns the fields that count or measure. Some of these fields are also
// metrics.
func (f facts) numbers(now time.Time) (attrs []slog.Attr) {
	requests := 0
	for _, n := range f.outcomes {
		requests += n
	}
	attrs = append(attrs, slog.Int("requests", requests))
	add := func(name string, n int) {
		if n > 0 {
			attrs = append(attrs, slog.Int(name, n))
		}
	}
	for _, o := range handler.Outcomes() {
		add(string(o), f.outcomes[o])
	}
	if f.swept != nil {
		succeeded := 0
		if *f.swept {
			succeeded = 1
		}
		attrs = append(attrs, slog.Int("sweep_succeeded", succeeded))
	}
	if f.unread != nil {
		attrs = append(attrs, slog.Int("unread", *f.unread))
	}
	add("at_risk", f.atRisk)
	add("notices_failed", f.unsent)
	if !f.earliest.IsZero() {
		attrs = append(attrs, slog.Float64("days_to_expiry", math.Floor(f.earliest.Sub(now).Hours()/24*100)/100))
	}
	attrs = append(attrs, slog.Int("api_calls", f.calls.Calls), slog.Int("throttled", f.calls.Throttled), slog.Int64("api_ms", f.calls.Spent.Milliseconds()))
	if len(f.calls.Latencies) > 0 {
		ms := make([]int64, len(f.calls.Latencies))
		for i, d := range f.calls.Latencies {
			ms[i] = d.Milliseconds()
		}
		attrs = append(attrs, slog.Any("api_latency_ms", ms))
	}
	return attrs
}
