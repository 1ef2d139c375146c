package chatops

import (
	"cmp"
	"context"
	"fmt"
	"strings"

	"golang.org/x/sync/errgroup"

	"tairssl/handler"
)

// say carries out a command within the time of ctx.
func (b *Bot) say(ctx context.Context, m Message, c Command, t ticket, a *audit) Reply {
	switch c.Verb {
	case help:
		a.outcome = answered
		return b.help(c.wording(), m)
	case status:
		return b.status(ctx, m, c, a)
	case confirm:
		return b.confirm(ctx, m, c, t, a)
	}
	return b.plan(ctx, m, c, a)
}

// refused says why the command is refused, and which rule would allow it.
func (b *Bot) refused(w *wording, m Message, verb, instance string, a *audit) Reply {
	a.outcome, a.why = handler.Refused, "no rule allows it"
	a.err = handler.Errorf(handler.Forbidden, "%s", a.why)
	if m.Tenant == "" || m.User == "" {
		return text(w.WhoAreYou)
	}
	instance = cmp.Or(instance, "*")
	what := fmt.Sprintf(w.MayNot, w.Verbs[verb], instance)
	switch {
	case verb == status && instance == "*":
		what = w.MayNotSeeAny
	case verb == status:
		what = fmt.Sprintf(w.MayNotSee, instance)
	}
	if !plainID().MatchString(m.Tenant) || !plainID().MatchString(m.User) {
		// People copy the rule into the settings, where a star would stand for everybody.
		return text(what, w.AllowInLog)
	}
	return text(what, w.AllowBy, fmt.Sprintf("%s:%s/%s %s %s", m.Platform, m.Tenant, m.User, verb, instance))
}

// plainID matches an id without special meaning in a rule or in a platform's formatting.
// If the signature does not cover the message, any person may have written the id.
var plainID = pattern(`^[A-Za-z0-9_.:@$=+/-]{1,200}$`)

func (b *Bot) help(w *wording, m Message) Reply {
	lines := []string{w.Intro}
	n := 0
	for _, verb := range []string{status, approve, "update", "enable", "disable"} {
		usage := w.Verbs[verb] + " " + w.Usage + " [region=R] [dry-run]"
		if verb == status {
			usage = w.Verbs[verb] + " [" + w.Usage + "…] [region=R]"
		}
		if b.Allow.allow(m, verb, "") && b.can(m, verb) {
			lines = append(lines, usage)
			n++
		}
	}
	switch {
	case n == 0:
		return Reply{Lines: append(lines, b.refused(w, m, status, "*", &audit{}).Lines...)}
	case b.readsOnly() != nil:
		lines = append(lines, w.ReadsOnly)
	default:
		lines = append(lines, w.AsksBack)
	}
	return Reply{Lines: lines}
}

// can reports whether the message's platform proves the sender well enough for a verb. If a second person
// has to confirm, a weak platform can change nothing: everyone who sees a message there
// can write the next one in any name, and so be both persons.
func (b *Bot) can(m Message, verb string) bool {
	return m.Trust > handler.Weak || verb == status || verb == "update" && !b.Second
}

// tooWeak explains why a verb that a rule allows is not possible on this platform.
func (b *Bot) tooWeak(w *wording) string {
	if b.Second {
		return w.TooWeakForTwo
	}
	return w.TooWeak
}

// found is the instance that a person named.
type found struct {
	handler.Ref
	refused bool // no rule allows it
	err     error
}

// find finds the instance that a person names. For an id, it checks the rules first. For
// every other name, it finds only instances that a rule allows. So nobody learns of an
// instance that they may not see.
func (b *Bot) find(ctx context.Context, m Message, verb, name, region string) found {
	if n, ok := handler.ParseInstance(name); ok && n.OrID == "" && handler.LooksLikeID(n.ID) {
		return found{Ref: handler.Ref{RegionID: cmp.Or(region, n.Region), InstanceID: n.ID}, refused: !b.Allow.allow(m, verb, n.ID)}
	}
	if !b.Allow.allow(m, verb, "") {
		return found{refused: true}
	}
	l, err := b.fleet.Find(ctx, name, func(l handler.Listed) bool {
		return (region == "" || l.RegionID == region) && b.Allow.allow(m, verb, l.InstanceID)
	})
	return found{Ref: l.Ref, err: err}
}

// plan is the first step of one or several changes.
func (b *Bot) plan(ctx context.Context, m Message, c Command, a *audit) Reply {
	if w := c.wording(); !b.can(m, c.Verb) && !c.DryRun && b.Allow.allow(m, c.Verb, "") {
		a.outcome, a.why = handler.Refused, b.tooWeak(inEnglish())
		return text(w.sentence(b.tooWeak(w)))
	}
	replies, audits := make([]Reply, len(c.Instances)), make([]audit, len(c.Instances))
	var group errgroup.Group
	group.SetLimit(b.fleet.Concurrency)
	for i, name := range c.Instances {
		audits[i] = *a
		group.Go(func() error {
			replies[i] = b.planOne(ctx, m, c, name, &audits[i])
			return nil
		})
	}
	_ = group.Wait() // the functions return no error
	worst := 0
	for i := range audits {
		if audits[i].severity() > audits[worst].severity() {
			worst = i
		}
	}
	*a = audits[worst]
	if len(replies) == 1 {
		return replies[0]
	}
	var all Reply
	a.instances = nil
	for i, r := range replies {
		all.Lines, all.Public = append(all.Lines, r.Lines...), all.Public || r.Public
		a.instances = append(a.instances, audits[i].instances...)
	}
	return all
}

func (b *Bot) planOne(ctx context.Context, m Message, c Command, name string, a *audit) Reply {
	w := c.wording()
	f := b.find(ctx, m, c.Verb, name, c.Region)
	a.instances = []string{cmp.Or(f.InstanceID, name)}
	switch {
	case f.refused:
		return b.refused(w, m, c.Verb, f.InstanceID, a)
	case f.err != nil:
		return w.failed(handler.AsError(f.err), a)
	}
	if why := b.readsOnly(); why != nil && !c.DryRun {
		a.outcome, a.why = handler.Refused, why(inEnglish())
		return text(w.sentence(why(w)), w.AddDryRun)
	}
	p := plan{Verb: c.Verb, Instance: f.InstanceID, Region: f.RegionID}
	result, request := b.fleet.Plan(ctx, b.delivery(m, p))
	a.outcome, a.why, a.region, a.err = result.Outcome, result.Reason, result.RegionID, result.Error
	if result.Outcome != handler.Planned {
		return b.describe(w, result)
	}
	reply := Reply{Lines: w.announce(c.Verb, result, b.Now())}
	if c.DryRun {
		reply.Lines = append(reply.Lines, w.DryRun)
		return reply
	}
	p.Instance, p.Region, p.Expires = result.InstanceID, result.RegionID, request.SSLExpiredTime
	reply.Code = b.coder().code(p, m, c.Chinese, b.Now())
	b.given.add(reply.Code, p, b.Now())
	b.used.forget(reply.Code) // the same plan has the same code within a minute
	reply.Confirm, reply.Button = w.Confirm+" "+reply.Code, w.Button
	whom := w.GoOn
	if reply.Public = b.Second; b.Second {
		whom = w.SomebodyGoesOn
	}
	reply.Lines = append(reply.Lines, whom, strings.TrimSpace(m.Call+" "+reply.Confirm))
	return reply
}

// failed answers with an error.
func (w *wording) failed(e *handler.Error, a *audit) Reply {
	a.outcome, a.why, a.err = handler.Failed, e.Message, e
	return text(w.fault(e))
}
