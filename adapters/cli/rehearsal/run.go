package rehearsal

import (
	"context"
	"errors"
	"sync"
	"time"

	"tairssl/adapters/cli/tagprobe"
	"tairssl/handler"
)

// told holds the results of the steps that are not in the record.
type told struct {
	end                 End
	result              *handler.Result
	err                 *handler.Error
	unreached, caUnread string
	ca                  *CA
	warnings            []string
}

var errLimit = handler.Errorf(handler.Unavailable, "the time limit of the rehearsal is over")

// Run makes the rehearsal. It returns when everything is measured, at the time limit,
// or when ctx ends; the report says which. Before it returns, it removes the measuring
// tag. The lease's flag of a change that was sent stays.
func Run(ctx context.Context, o Options) Report {
	o = o.withDefaults()
	began := time.Now()
	limited, cancel := context.WithTimeoutCause(ctx, o.Limit, errLimit)
	defer cancel()
	l := &log{rows: Record{Began: began}, tell: o.Tell}
	r := &run{Options: o, api: recorded{o.API, l}, log: l}
	r.perform(limited)
	if ctx.Err() != nil && r.end != Complete {
		r.end = Interrupted
	}
	var report Report
	l.read(func(rows Record) { report = o.report(rows, r.told) })
	return report
}

// run is a rehearsal in progress.
type run struct {
	Options
	api recorded
	log *log
	told
}

// perform makes the steps in their order.
func (r *run) perform(ctx context.Context) {
	r.end = NotChanged
	if !r.Settings.LeaseNone && !r.tags(ctx) {
		return
	}
	before := ""
	if r.CA == nil {
		r.caUnread = "reading the CA was turned off"
	} else {
		before = r.fingerprint(ctx)
	}
	watching, stop := context.WithCancel(ctx)
	var watchers sync.WaitGroup
	defer func() { stop(); watchers.Wait() }()
	r.reach(watching, &watchers)
	watchers.Go(func() { r.watch(watching) })
	if !r.change(ctx) {
		return
	}
	r.await(ctx)
	switch {
	case before == "":
	case r.end == Complete:
		r.compare(ctx, before)
	default:
		r.caUnread = "the change was not complete"
	}
}

// change lets the handler make the change, and reports whether there is a change to
// watch.
func (r *run) change(ctx context.Context) bool {
	settings := r.Settings
	settings.Served, settings.CA = nil, nil // the rehearsal checks both, and writes no tag for them
	r.log.read(func(rows Record) {
		for _, took := range rows.Tags { // with a pause that is too short the lease would give up
			if took > settings.LeasePause/2 {
				settings.LeasePause = max(settings.LeasePause, tagprobe.LeasePause(took))
			}
		}
	})
	change, now := r.Change, handler.Duration(0)
	change.Wait = &now // the rehearsal itself watches the change
	result := handler.New(r.api, settings).Handle(ctx, []handler.Delivery{change})[0]
	r.result = &result
	switch result.Outcome {
	case handler.Accepted, handler.Verified:
		return true
	case handler.Unknown:
		r.log.mark("it is not known whether the change was accepted: %s", result.Reason)
		return true
	}
	r.log.mark("nothing was changed: %s: %s", result.Outcome, result.Reason)
	return false
}

// await waits until everything is measured, until the time limit, or until ctx ends.
func (r *run) await(ctx context.Context) {
	r.end = Unseen
	turn := time.NewTicker(r.Poll)
	defer turn.Stop()
	for {
		settled := false
		r.log.read(func(rows Record) { settled = r.settled(rows, r.Before.Expires, time.Now()) })
		if settled {
			r.end = Complete
			r.log.mark("everything is measured")
			return
		}
		select {
		case <-ctx.Done():
			if errors.Is(context.Cause(ctx), errLimit) {
				r.log.mark("the time limit of %s is over", handler.Span(r.Limit))
			}
			return
		case <-turn.C:
		}
	}
}
