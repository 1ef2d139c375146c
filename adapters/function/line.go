package function

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"tairssl/adapters/event"
	"tairssl/adapters/tair"
	"tairssl/handler"
)

// line collects the [facts] of an invocation for its one line in the log. If the
// invocation has a single request, the line contains its result. If it has several, the
// line has their counts, and each result that matters has its own line.
type line struct {
	log     *slog.Logger
	metrics string // namespace of CloudWatch's metrics in the line; "" for none
	began   time.Time
	cold    bool
	usage   tair.Usage

	mu       sync.Mutex
	facts    facts
	triggers []string
	ids      []string             // of the events
	several  bool                 // there are several requests, or a sweep
	named    map[handler.Ref]bool // instances whose result has its own line
	ended    bool                 // the line is written
}

type lineKey struct{}

// lineOf gives the line of ctx's invocation. Without an invocation, it gives a line that is
// never written.
func lineOf(ctx context.Context) *line {
	l, _ := ctx.Value(lineKey{}).(*line)
	if l == nil {
		l = &line{ended: true, log: slog.New(slog.DiscardHandler)}
	}
	return l
}

// Together begins an invocation. Everything that is answered with the returned context
// shares one line in the log. The caller ends the invocation by done, with its error.
func (f *Function) Together(ctx context.Context) (_ context.Context, done func(error)) {
	if _, ok := ctx.Value(lineKey{}).(*line); ok {
		return ctx, func(error) {} // it is a part of the invocation that began before
	}
	l := &line{log: f.log, began: time.Now()}
	f.cold.Do(func() { l.cold = true })
	ctx = context.WithValue(tair.Counting(ctx, &l.usage), lineKey{}, l)
	return ctx, func(err error) {
		if namespace := f.metrics.Load(); namespace != nil { // the settings have been read by now
			l.metrics = *namespace
		}
		l.write(ctx, err)
	}
}

// set adds fields to the line, which has at least this level.
func (l *line) set(level slog.Level, attrs ...slog.Attr) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.facts.level = max(l.facts.level, level)
	l.facts.set(attrs...)
}

// asked records the triggers and the ids of messages. Records that must stay in order come
// in several rounds, so it may be called several times.
func (l *line) asked(asked []event.Asked) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, a := range asked {
		if !slices.Contains(l.triggers, a.Trigger) {
			l.triggers = append(l.triggers, a.Trigger)
		}
		if a.ID != "" {
			l.ids = append(l.ids, a.ID)
		}
		if a.LeftOut != "" {
			l.facts.level = max(l.facts.level, slog.LevelWarn)
			l.facts.set(slog.String("left_out", handler.ClipText(a.LeftOut)))
		}
		l.several = l.several || a.Sweep != nil
	}
	l.facts.set(slog.String("trigger", handler.ClipText(strings.Join(l.triggers, ","))), slog.String("event_id", handler.ClipText(strings.Join(l.ids, ","))))
}

// decided records the result of a request.
func (l *line) decided(ctx context.Context, d handler.Decided) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.facts.decided(d.Result)
	switch {
	case l.several || l.ended:
		l.ownLine(ctx, d)
	case l.facts.only == nil:
		l.facts.only = &d
	default:
		l.several = true
		l.ownLine(ctx, *l.facts.only)
		l.facts.only = nil
		l.ownLine(ctx, d)
	}
}

// ownLine writes the line of one of several requests. The caller holds l.mu.
func (l *line) ownLine(ctx context.Context, d handler.Decided) {
	outcome := d.Result.Outcome
	level := levelOf(outcome)
	if outcome == handler.Unchanged || outcome == handler.Planned {
		level = slog.LevelDebug // nothing happened, and the count says so
	}
	if l.named == nil {
		l.named = map[handler.Ref]bool{}
	}
	l.named[handler.Ref{RegionID: d.Result.RegionID, InstanceID: d.Result.InstanceID}] = true
	if !l.log.Enabled(ctx, level) {
		return
	}
	var own facts
	own.set(fieldsOf(d)...)
	if l.ended {
		// The invocation ended before this request, because a chat waits only for
		// seconds. So the invocation's line lacks this count.
		count := slog.Int(string(outcome), 1)
		own.set(count)
		own.fields = withMetrics(own.fields, l.metrics, []slog.Attr{count}, time.Now())
	}
	l.log.LogAttrs(ctx, level, "outcome", own.fields...)
}

// failed counts a failure that belongs to no request, such as a sweep that could list no
// region.
func (l *line) failed() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.facts.tally(map[handler.Outcome]int{handler.Failed: 1})
}

// failedBy adds the error with which a whole sweep, or handed work, failed.
func (l *line) failedBy(e *handler.Error) {
	l.set(slog.LevelError, append([]slog.Attr{slog.String("outcome", string(handler.Failed)), slog.String("reason", e.Message)}, attrsOfError(e)...)...)
}

// undelivered counts a message that could not be sent.
func (l *line) undelivered() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.facts.unsent++
	l.facts.level = max(l.facts.level, slog.LevelWarn)
}

// write writes the line at every log level, because metrics and audits need it.
func (l *line) write(ctx context.Context, err error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.ended = true
	now := time.Now()
	f := l.facts
	_ = errors.As(err, &f.failure)
	f.calls, f.took, f.cold = l.usage.Counts(), now.Sub(l.began), l.cold
	level, attrs := f.render(now, l.metrics)
	record := slog.NewRecord(now, level, "invocation", 0)
	record.AddAttrs(attrs...)
	_ = l.log.Handler().Handle(ctx, record) // a failure to log cannot be logged
	l.warnOfQuotas(ctx, f.calls)
}

// warnOfQuotas warns if the quotas of Alibaba's API made the invocation slow.
func (l *line) warnOfQuotas(ctx context.Context, c tair.Counts) {
	if c.Waited < time.Second {
		return
	}
	var waits []string
	for _, action := range slices.Sorted(maps.Keys(c.QuotaWaits)) {
		waits = append(waits, fmt.Sprintf("%s: %d calls", action, c.QuotaWaits[action]))
	}
	l.log.WarnContext(ctx, "calls waited for the quotas of Alibaba's API, which made this invocation slow",
		"quotas", strings.Join(waits, ", "), "waited_ms", c.Waited.Milliseconds())
}
