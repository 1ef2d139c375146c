package chatops

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"

	"tairssl/handler"
)

// say does what a command asks for, in as much time as ctx has.
func (b *Bot) say(ctx context.Context, m Message, c Command, p plan, a *audit) Reply {
	switch c.Verb {
	case help:
		a.decision = "answered"
		return b.help(m)
	case status:
		return b.status(ctx, m, c, a)
	case confirm:
		return b.confirm(ctx, m, c, p, a)
	}
	return b.plan(ctx, m, c, a)
}

// refused says why, and what would allow it.
func (b *Bot) refused(m Message, verb, instance string, a *audit) Reply {
	a.decision, a.why = "refused", "no rule allows it"
	if instance == "" {
		instance = "*"
	}
	if m.Tenant == "" || m.User == "" {
		return text("I can not tell who you are, so you may do nothing here.")
	}
	what := verb + " " + instance
	switch {
	case verb == status && instance == "*":
		what = "see any instance"
	case verb == status:
		what = "see " + instance
	}
	if !plainID().MatchString(m.Tenant) || !plainID().MatchString(m.User) {
		// A rule is copied into the settings, where a star stands for everybody.
		return text("You may not "+what+" here.", "An operator can allow it in TAIRSSL_CHAT_ALLOW; the log has your ids.")
	}
	return text("You may not "+what+" here.",
		"An operator can allow it in TAIRSSL_CHAT_ALLOW:",
		fmt.Sprintf("%s:%s/%s %s %s", m.Platform, m.Tenant, m.User, verb, instance))
}

// plainID is an id that means itself in a rule, and nothing in a platform's
// formatting. Where the signature does not cover the message, anybody may have
// written it.
var plainID = pattern(`^[A-Za-z0-9_.:@$=+/-]{1,200}$`)

func (b *Bot) help(m Message) Reply {
	lines := []string{"I renew the TLS certificates of Tair instances."}
	rows := []struct{ verb, usage string }{
		{status, "status [INSTANCE…] [region=R]"}, {"update", "update INSTANCE [region=R] [dry-run]"}, {"enable", "enable INSTANCE [region=R] [dry-run]"}, {"disable", "disable INSTANCE [region=R] [dry-run]"},
	}
	n := 0
	for _, row := range rows {
		if b.Allow.allow(m, row.verb, "") && b.can(m, row.verb) {
			lines = append(lines, row.usage)
			n++
		}
	}
	switch {
	case n == 0:
		return Reply{Lines: append(lines, b.refused(m, "status", "*", &audit{}).Lines...)}
	case b.readsOnly() != nil:
		lines = append(lines, "Changes by chat are switched off; dry-run shows what one would do.")
	default:
		lines = append(lines, "Every change asks back before it is made.")
	}
	return Reply{Lines: lines}
}

// can reports whether a verb makes sense on the message's platform.
func (b *Bot) can(m Message, verb string) bool {
	return m.Trust > handler.Weak || verb == status || verb == "update"
}

// plan is the first step of a change.
func (b *Bot) plan(ctx context.Context, m Message, c Command, a *audit) Reply {
	instance := c.Instances[0]
	if !b.Allow.allow(m, c.Verb, instance) {
		return b.refused(m, c.Verb, instance, a)
	}
	if why := b.readsOnly(); why != nil && !c.DryRun {
		a.decision, a.why = "refused", why.Error()
		return text(sentence(why.Error()), "Add dry-run to see what it would do.")
	}
	asked := b.delivery(m, plan{Verb: c.Verb, Instance: instance, Region: a.region})
	result, request := b.fleet.Plan(ctx, asked)
	a.decision, a.why = string(result.Outcome), result.Reason
	if result.Outcome != handler.Planned {
		return b.describe(result)
	}
	reply := Reply{Lines: announce(c.Verb, result, b.Now())}
	if c.DryRun {
		reply.Lines = append(reply.Lines, "This was a dry run: nothing changes.")
		return reply
	}
	p := plan{Verb: c.Verb, Instance: instance, Region: result.RegionID, Expires: request.SSLExpiredTime, Deadline: b.Now().Add(codeLife)}
	reply.Code = code(b.Key, p, m)
	whom := "To go on, say within 5 minutes:"
	if reply.Public = b.Second; b.Second {
		whom = "Somebody else with the right to do it has to say, within 5 minutes:"
	}
	reply.Lines = append(reply.Lines, whom, confirm+" "+reply.Code)
	return reply
}

// confirm is the second step. There is time now, so it watches the change come
// true. That the same is asked twice does no harm: the lease and the expiry in
// the request see to it.
func (b *Bot) confirm(ctx context.Context, m Message, c Command, p plan, a *audit) Reply {
	if !b.Allow.allow(m, p.Verb, p.Instance) {
		return b.refused(m, p.Verb, p.Instance, a)
	}
	d := b.delivery(m, p)
	wait := handler.Duration(timeToWatch(ctx))
	d.Wait, d.Order = &wait, handler.OrderOf(c.Code)
	result := b.fleet.Handle(ctx, []handler.Delivery{d})[0]
	a.decision, a.why, a.requestID = string(result.Outcome), result.Reason, result.RequestID
	if _, again := result.Redeliver(); again && result.Outcome != handler.Unknown {
		b.used.forget(c.Code) // nothing was written: the same code may try again
	}
	return b.describe(result)
}

const (
	longestWatch = 2 * time.Minute
	// watchMargin is what is left of the invocation for the last look and for the
	// answer.
	watchMargin = 15 * time.Second
)

// timeToWatch is how long a change is watched.
func timeToWatch(ctx context.Context) time.Duration {
	deadline, ok := ctx.Deadline()
	if !ok {
		return longestWatch
	}
	return min(longestWatch, max(0, time.Until(deadline)-watchMargin))
}

// delivery is what handler is asked for: what a person has confirmed, or what a
// confirmation would do.
func (b *Bot) delivery(m Message, p plan) handler.Delivery {
	return handler.Delivery{Trust: m.Trust, Confirmed: true, Request: handler.Request{
		InstanceID: p.Instance, RegionID: p.Region, SSLEnabled: actions[p.Verb], SSLExpiredTime: p.Expires,
	}}
}

// maxStatus bounds how many instances one answer shows.
const maxStatus = 20

// status reads the instances that are named, or else the fleet.
func (b *Bot) status(ctx context.Context, m Message, c Command, a *audit) Reply {
	ids := c.Instances
	if len(ids) == 0 {
		return b.fleetStatus(ctx, m, c, a)
	}
	for _, id := range ids {
		if !b.Allow.allow(m, status, id) {
			return b.refused(m, status, id, a)
		}
	}
	a.decision = "answered"
	looks := make([]look, len(ids))
	var group errgroup.Group
	group.SetLimit(b.fleet.Concurrency)
	for i, id := range ids {
		group.Go(func() error {
			ref := handler.Ref{InstanceID: id, RegionID: a.region}
			looks[i].id = b.place(ref)
			_, looks[i].o, looks[i].err = b.fleet.Observe(ctx, ref)
			return nil
		})
	}
	_ = group.Wait() // no function fails
	slices.SortStableFunc(looks, mostUrgent)
	var lines []string
	for _, l := range looks {
		lines = append(lines, l.line(b.fleet, b.Now()))
	}
	if slices.ContainsFunc(looks, func(l look) bool { return errors.Is(l.err, handler.NotFound) }) {
		lines = append(lines, elsewhere)
	}
	return Reply{Lines: lines}
}
