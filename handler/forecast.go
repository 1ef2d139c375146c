package handler

import (
	"fmt"
	"time"
)

// RuleExcluded means that TAIRSSL_INSTANCES or TAIRSSL_ACTIONS forbids the change. Only a
// [Forecast] uses it.
const RuleExcluded Rule = "excluded"

// Forecast says when an unattended Update of an instance will happen if nothing else
// changes.
type Forecast struct {
	At     Time // zero for never
	Rule   Rule // the rule that sets the time; "" if the Update happens as soon as it is due
	Due    Time // when the certificate becomes due
	InTime bool // the Update happens at least a day before the expiry
	Alert  bool // a person has to do something
	Reason string
}

// Forecast says when an unattended Update of an instance will happen. The observation
// must contain the maintenance window and Alibaba's own renewal, if there is one.
// Forecast uses the same rules as a sweep. It ignores the limit on the changes of one
// sweep; see package fleet.
func (h *Handler) Forecast(ref Ref, o Observation) Forecast {
	return h.Policy.Forecast(ref, o, h.clock(o))
}

// Forecast is [Handler.Forecast] at a given time.
func (p Policy) Forecast(ref Ref, o Observation, now time.Time) Forecast {
	d := Delivery{Trust: Trusted, Request: Request{InstanceID: ref.InstanceID, RegionID: ref.RegionID, SSLEnabled: Update, Automatic: true}}
	return p.forecast(d, o, now)
}

// Opening is the first time at or after t at which an unattended Update could happen: the
// instance's window is open, and nothing is frozen. It reports false if there is no such
// time within a year.
func (h *Handler) Opening(o Observation, t time.Time) (time.Time, bool) {
	s, ok := h.Policy.openings(o.Instance).next(t, t.Add(horizon))
	return s.from, ok
}

func (p Policy) forecast(d Delivery, o Observation, now time.Time) Forecast {
	never := func(rule Rule, reason string) Forecast { return Forecast{Rule: rule, Reason: reason} }
	switch allowed := p.permit(d); {
	case o.WithoutTLS() || !o.Enabled || o.Expires.IsZero():
		return never(RuleNone, o.described())
	case o.Gone():
		return never(RuleNone, "the instance is "+o.Status)
	case o.Renewal.Counts(o, now):
		return p.left(o, now, allowed.act && !p.Pause && !o.Off() && (!p.Approval || approvalOf(o.Tags).of(o)))
	case !allowed.act:
		return never(RuleExcluded, allowed.reason)
	case p.Pause:
		return never(RulePause, "all changes are paused: unset TAIRSSL_PAUSE")
	case o.Off():
		return never(RuleOptOut, fmt.Sprintf("the instance is tagged %s=off", offTag))
	}
	due := p.dueness(o, p.within(d), now)
	f := Forecast{Due: At(due.from)}
	from := later(due.from, now)
	reason := "due from " + f.Due.String()
	if why, squeezed := p.squeezed(o, p.within(d), from); squeezed {
		f.Rule = RuleFreeze
		reason += ", because " + why
	}
	held := p.hold(d, o, reason, from)
	f.Reason = held.reason
	if held.act && !held.to.IsZero() {
		return p.at(o, held.to, Forecast{Rule: RuleAlibaba, Reason: held.reason + ", so it is moved"})
	}
	if held.act {
		return p.at(o, from, f)
	}
	f.Rule, f.Alert = held.rule, held.alert
	return p.at(o, held.until, f)
}

// at completes a forecast with its time.
func (p Policy) at(o Observation, at time.Time, f Forecast) Forecast {
	f.At = At(at)
	if f.Due.IsZero() {
		f.Due = At(o.Expires.Add(-p.within(Delivery{})))
	}
	f.InTime = !at.IsZero() && !at.After(o.Expires.Add(-MissedBefore))
	if f.Rule == RuleAlibaba { // Alibaba has time until the expiry
		f.InTime = at.Before(o.Expires)
	}
	return f
}

// inWords says when a certificate will be renewed.
func (f Forecast) inWords(now time.Time) string {
	when := fmt.Sprintf("it is renewed from %s on", f.At)
	switch {
	case f.At.IsZero():
		return "it will not be renewed automatically: " + f.Reason
	case f.Rule == RuleAlibaba:
		return fmt.Sprintf("Alibaba itself renews it %s", f.At)
	case !f.At.After(now):
		return "the next sweep renews it"
	case f.Rule == RuleFreeze:
		return when + ", because of TAIRSSL_FREEZE"
	case f.Rule == RuleWindow:
		return when + ", when the maintenance window opens"
	}
	return when + ", when it is due"
}
