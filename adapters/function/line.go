package function

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"math"
	"slices"
	"strings"
	"sync"
	"time"

	"tairssl/adapters/event"
	"tairssl/adapters/tair"
	"tairssl/handler"
)

// line is the one line that an invocation leaves in the log. It is begun where
// the invocation begins, told of what happens on the way, and written at the
// end. The decision of a single request is part of it; of several each has a
// line of its own, and the counts are here.
type line struct {
	log     *slog.Logger
	metrics string // namespace of CloudWatch's, in the same line; empty: none
	began   time.Time
	cold    bool
	usage   tair.Usage

	mu       sync.Mutex
	level    slog.Level
	attrs    []slog.Attr
	triggers []string // that asked
	ids      []string // of their events
	outcomes map[handler.Outcome]int
	only     *handler.Decided // while there is but one
	several  bool
	named    map[handler.Ref]bool // have a line of their own
	earliest time.Time            // expiry, of all that were seen and not renewed
	swept    *bool                // a sweep was asked for, and succeeded
	unread   *int                 // instances that a sweep listed and did not read
	ended    bool
	unsent   int // notices and answers in chats
	atRisk   int // results with an alert
}

type lineKey struct{}

// lineOf is the line of ctx's invocation; every invocation has one.
func lineOf(ctx context.Context) *line {
	l, _ := ctx.Value(lineKey{}).(*line)
	if l == nil {
		l = &line{ended: true, log: slog.New(slog.DiscardHandler)}
	}
	return l
}

// Together makes one invocation, with one line in the log, of all that is
// answered in its context until done is called with the error it ends in, if
// any.
func (f *Function) Together(ctx context.Context) (_ context.Context, done func(error)) {
	if _, ok := ctx.Value(lineKey{}).(*line); ok {
		return ctx, func(error) {} // part of another
	}
	l := &line{log: f.log, began: time.Now()}
	f.cold.Do(func() { l.cold = true })
	ctx = context.WithValue(tair.Counting(ctx, &l.usage), lineKey{}, l)
	return ctx, func(err error) {
		if namespace := f.metrics.Load(); namespace != nil { // the settings are known by now
			l.metrics = *namespace
		}
		l.write(ctx, err)
	}
}

// set adds fields, each once: the last word counts, and nothing is not one.
func (l *line) set(level slog.Level, attrs ...slog.Attr) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.level = max(l.level, level)
	l.setLocked(attrs)
}

func (l *line) setLocked(attrs []slog.Attr) {
next:
	for _, a := range attrs {
		if a.Value.Kind() == slog.KindString && a.Value.String() == "" {
			continue
		}
		for i := range l.attrs {
			if l.attrs[i].Key == a.Key {
				l.attrs[i].Value = a.Value
				continue next
			}
		}
		l.attrs = append(l.attrs, a)
	}
}

// asked notes what the invocation was asked for. Records that keep their order
// are asked for in several rounds.
func (l *line) asked(asked []event.Asked) {
	l.mu.Lock()
	for _, a := range asked {
		if !slices.Contains(l.triggers, a.Trigger) {
			l.triggers = append(l.triggers, a.Trigger)
		}
		if a.ID != "" {
			l.ids = append(l.ids, a.ID)
		}
		l.several = l.several || a.Sweep != nil
	}
	triggers, ids := strings.Join(l.triggers, ","), strings.Join(l.ids, ",")
	l.mu.Unlock()
	l.set(slog.LevelInfo, slog.String("trigger", handler.ClipText(triggers)), slog.String("event_id", handler.ClipText(ids)))
	for _, a := range asked {
		if a.LeftOut != "" {
			l.set(slog.LevelWarn, slog.String("left_out", handler.ClipText(a.LeftOut)))
		}
	}
}

// decided notes what became of a request.
func (l *line) decided(ctx context.Context, d handler.Decided) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.tallyLocked(map[handler.Outcome]int{d.Result.Outcome: 1})
	if d.Result.Alert {
		l.atRisk++
	}
	switch r := d.Result; {
	case r.After != nil:
		l.sawLocked(r.After.SSLExpiredTime.Time)
	case r.Before != nil && r.Outcome != handler.Accepted:
		l.sawLocked(r.Before.SSLExpiredTime.Time)
	}
	switch {
	case l.several || l.ended:
		l.decision(ctx, d)
	case l.only == nil:
		l.only = &d
	default:
		l.several = true
		l.decision(ctx, *l.only)
		l.only = nil
		l.decision(ctx, d)
	}
}

// decision writes the line of one of several requests.
func (l *line) decision(ctx context.Context, d handler.Decided) {
	level := levelOf(d.Result.Outcome)
	if o := d.Result.Outcome; o == handler.Unchanged || o == handler.Planned {
		level = slog.LevelDebug // nothing happened; they are counted
	}
	if l.named == nil {
		l.named = map[handler.Ref]bool{}
	}
	l.named[handler.Ref{RegionID: d.Result.RegionID, InstanceID: d.Result.InstanceID}] = true
	if !l.log.Enabled(ctx, level) {
		return
	}
	shown := &line{}
	shown.setLocked(append([]slog.Attr{slog.String("event_id", handler.ClipText(d.Delivery.Event))}, attrsOf(d)...))
	if l.ended {
		// The invocation could not wait for it: a chat has seconds. Its count was
		// missed there.
		count := slog.Int(string(d.Result.Outcome), 1)
		shown.attrs = append(shown.attrs, count)
		if l.metrics != "" {
			shown.attrs = append(shown.attrs, slog.Any("_aws", metricsIn(l.metrics, []slog.Attr{count}, time.Now())))
		}
	}
	l.log.LogAttrs(ctx, level, "outcome", shown.attrs...)
}

func (l *line) tallyLocked(outcomes map[handler.Outcome]int) {
	if l.outcomes == nil {
		l.outcomes = map[handler.Outcome]int{}
	}
	for o, n := range outcomes {
		l.outcomes[o] += n
		l.level = max(l.level, levelOf(o))
	}
}

// failed counts what failed as a whole, a sweep that could list nothing: no
// request of it was made that would be counted.
func (l *line) failed() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.tallyLocked(map[handler.Outcome]int{handler.Failed: 1})
}

// undelivered counts a message that a place did not take.
func (l *line) undelivered() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.unsent++
	l.level = max(l.level, slog.LevelWarn)
}

func (l *line) sawLocked(expires time.Time) {
	if !expires.IsZero() && (l.earliest.IsZero() || expires.Before(l.earliest)) {
		l.earliest = expires
	}
}

// write ends the line. It is written whatever level is logged: the metrics and
// the audit are made of it.
func (l *line) write(ctx context.Context, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.ended = true
	if l.only != nil {
		l.setLocked(append([]slog.Attr{slog.String("event_id", handler.ClipText(l.only.Delivery.Event))}, attrsOf(*l.only)...))
	}
	var failure *Failure
	if errors.As(err, &failure) {
		l.level = max(l.level, slog.LevelError)
		l.setLocked([]slog.Attr{slog.String("error_type", failure.Type), slog.String("error", handler.ClipText(failure.Message))})
	}
	for _, a := range l.attrs {
		if a.Key == "outcome" { // of a chat message, which need not be a request
			l.level = max(l.level, levelOf(handler.Outcome(a.Value.String())))
		}
	}
	now := time.Now()
	r := slog.NewRecord(now, l.level, "invocation", 0)
	numbers := l.numbers(now)
	r.AddAttrs(l.attrs...)
	r.AddAttrs(numbers...)
	r.AddAttrs(slog.Int64("duration_ms", now.Sub(l.began).Milliseconds()), slog.Bool("cold_start", l.cold), slog.String("version", handler.Version))
	if l.metrics != "" {
		if m := metricsIn(l.metrics, numbers, now); m != nil {
			r.AddAttrs(slog.Any("_aws", m))
		}
	}
	_ = l.log.Handler().Handle(ctx, r) // there is nowhere else to say it
	l.slowed(ctx)
}

// slowed says that a quota of Alibaba's, and not the fleet, made an invocation
// slow.
func (l *line) slowed(ctx context.Context) {
	c := l.usage.Counts()
	if c.Waited < time.Second {
		return
	}
	var waits []string
	for _, action := range slices.Sorted(maps.Keys(c.QuotaWaits)) {
		waits = append(waits, fmt.Sprintf("%s: %d calls", action, c.QuotaWaits[action]))
	}
	l.log.WarnContext(ctx, "calls waited for a quota that Alibaba publishes: the quota, and not the number of instances, made this invocation slow",
		"quotas", strings.Join(waits, ", "), "waited_ms", c.Waited.Milliseconds())
}

// numbers are the fields that metrics are made of, and others that count.
func (l *line) numbers(now time.Time) (attrs []slog.Attr) {
	requests := 0
	for _, o := range handler.Outcomes() {
		requests += l.outcomes[o]
	}
	attrs = append(attrs, slog.Int("requests", requests))
	for _, o := range handler.Outcomes() {
		if n := l.outcomes[o]; n > 0 {
			attrs = append(attrs, slog.Int(string(o), n))
		}
	}
	if l.swept != nil {
		n := 0
		if *l.swept {
			n = 1
		}
		attrs = append(attrs, slog.Int("sweep_succeeded", n))
	}
	if l.unread != nil {
		attrs = append(attrs, slog.Int("unread", *l.unread))
	}
	if l.atRisk > 0 {
		attrs = append(attrs, slog.Int("at_risk", l.atRisk))
	}
	if l.unsent > 0 {
		attrs = append(attrs, slog.Int("notices_failed", l.unsent))
	}
	if !l.earliest.IsZero() {
		attrs = append(attrs, slog.Float64("days_to_expiry", math.Floor(l.earliest.Sub(now).Hours()/24*100)/100))
	}
	c := l.usage.Counts()
	attrs = append(attrs, slog.Int("api_calls", c.Calls), slog.Int("throttled", c.Throttled), slog.Int64("api_ms", c.Spent.Milliseconds()))
	if len(c.Latencies) > 0 {
		ms := make([]int64, len(c.Latencies))
		for i, d := range c.Latencies {
			ms[i] = d.Milliseconds()
		}
		attrs = append(attrs, slog.Any("api_latency_ms", ms))
	}
	return attrs
}
