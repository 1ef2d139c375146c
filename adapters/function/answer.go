package function

import (
	"context"
	"log/slog"

	"tairssl/adapters/event"
	"tairssl/handler"
	"tairssl/handler/fleet"
)

// answer carries out the requests and sweep orders of all messages, and sends the notices.
func (r *running) answer(ctx context.Context, asked ...event.Asked) []event.Answer {
	var requests []handler.Delivery
	lineOf(ctx).asked(asked)
	for _, a := range asked {
		for i := range a.Requests {
			a.Requests[i].Event = a.ID
		}
		requests = append(requests, a.Requests...)
	}
	working, cancel := r.people.TimeToTell(ctx)
	defer cancel()
	results := r.fleet.Handle(working, requests)
	answers := make([]event.Answer, len(asked))
	for i, a := range asked {
		answers[i] = event.Answer{Asked: a, Results: results[:len(a.Requests)]}
		results = results[len(a.Requests):]
		if a.Sweep != nil {
			r.sweep(working, &answers[i])
		}
	}
	all := notes(answers)
	for i := range all {
		all[i].Approve = r.chat.Invitations(all[i].Result)
	}
	r.people.Tell(ctx, all)
	return answers
}

// sweep carries out a sweep order. It fails only if no instance was changed and no region
// could be listed. In every other case, another delivery could change more instances than
// the order allows.
func (r *running) sweep(ctx context.Context, a *event.Answer) {
	var err error
	if a.Sweep.Plan {
		var page fleet.Page
		if page, err = r.fleet.PlanPage(ctx, *a.Sweep); err == nil {
			a.Planned = &page
			lineOf(ctx).set(slog.LevelInfo, slog.Int("planned_requests", len(page.Requests)))
		}
	} else {
		var result fleet.Result
		if result, err = lineOf(ctx).sweep(ctx, *a.Sweep, r.fleet.Sweep); err == nil {
			a.Swept = &result
		}
	}
	if err != nil {
		e := handler.AsError(err)
		a.Failed = e
		lineOf(ctx).failed()
		lineOf(ctx).failedBy(e)
	}
}

// panicked logs a panic and returns the failure of the invocation.
func (r *running) panicked(ctx context.Context, v any) *Failure {
	e := handler.Panicked(ctx, r.log, v)
	return &Failure{string(e.Kind), e.Message}
}
