package chatops

import (
	"context"

	"tairssl/handler"
)

// confirm is the second step of a change. It has time to find the instance for which the
// code was given, and to watch the change until it is done. Two confirmations of one plan
// are harmless, because of the lease and the expiry in the request.
func (b *Bot) confirm(ctx context.Context, m Message, c Command, t ticket, a *audit) Reply {
	w := c.wording()
	if !b.Allow.allow(m, t.verb, "") {
		return b.refused(w, m, t.verb, "", a)
	}
	if !b.can(m, t.verb) {
		a.outcome, a.why = handler.Refused, b.tooWeak(inEnglish())
		return text(w.sentence(b.tooWeak(w)))
	}
	p, fault := b.planOf(ctx, m, t)
	switch {
	case fault != nil:
		b.used.forget(t.text)
		a.outcome, a.why, a.err = handler.Failed, fault.Message, fault
		return text(w.CouldNotLook, w.fault(fault))
	case p.Instance == "":
		b.pauses.add(m, b.Now())
		a.outcome, a.why, a.wrong = handler.Refused, inEnglish().CodeFitsNothing, true
		return text(w.sentence(w.CodeFitsNothing))
	}
	a.instances, a.region = []string{p.Instance}, p.Region
	wait := handler.Duration(timeToWatch(ctx))
	d := b.delivery(m, p)
	d.Wait, d.Order = &wait, handler.OrderOf(t.text)
	changing, cancel := handler.TextMargin.Before(ctx) // the change includes notices, and sending them may take all the time
	defer cancel()
	result := b.Change(changing, d)
	a.outcome, a.why, a.requestID, a.err = result.Outcome, result.Reason, result.RequestID, result.Error
	if _, again := result.Redeliver(); again && result.Outcome != handler.Unknown {
		b.used.forget(t.text) // nothing was written, so the same code may be used again
	}
	reply := b.describe(w, result)
	reply.Public = b.Second
	return reply
}

// planOf finds the plan of a code. It reads the certificates of all instances that the
// code selects and a rule allows. The seal shows which instance fits. The plan is empty if
// no instance fits. The error says that an instance could not be read.
func (b *Bot) planOf(ctx context.Context, m Message, t ticket) (p plan, unread *handler.Error) {
	if t.plan != nil {
		if !b.Allow.allow(m, t.verb, t.plan.Instance) {
			return plan{}, nil
		}
		return *t.plan, nil
	}
	looking, found := context.WithCancel(ctx)
	defer found()
	regions := b.fleet.Regions
	if len(regions) == 0 {
		regions = []string{b.Region}
	}
	looks := make(chan plan, 1)
	var first errorOnce
	coverage := b.fleet.Each(looking, regions, nil,
		func(l handler.Listed) bool { return t.selects(l.Ref) && b.Allow.allow(m, t.verb, l.InstanceID) },
		func(l handler.Listed, o handler.Observation, err error) {
			if err != nil {
				first.set(handler.AsError(err))
				return
			}
			seen := plan{Verb: t.verb, Instance: l.InstanceID, Region: l.RegionID, Expires: handler.At(o.Expires)}
			if t.fits(seen) {
				select {
				case looks <- seen:
					found() // the other instances need not be read
				default:
				}
			}
		})
	select {
	case p := <-looks:
		return p, nil
	default:
	}
	for _, r := range coverage {
		if r.Error != nil {
			first.set(r.Error)
		}
		if r.Unread > 0 {
			first.set(handler.Errorf(handler.Unavailable, "not all instances could be listed in time"))
		}
	}
	return plan{}, first.get()
}

// delivery makes the request of a plan. It counts as confirmed by a person, even when the
// bot only shows the plan.
func (b *Bot) delivery(m Message, p plan) handler.Delivery {
	d := handler.Delivery{Trust: m.Trust, Confirmed: true, Request: handler.Request{
		InstanceID: p.Instance, RegionID: p.Region, SSLEnabled: actions[p.Verb], SSLExpiredTime: p.Expires,
	}}
	if p.Verb == approve {
		d.ApprovedBy = m.who()
	}
	return d
}
