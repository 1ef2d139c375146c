package handler

import (
	"fmt"
	"time"
)

// Rule names what keeps an Update that nobody decided on from happening now. The
// rules are asked in this order, and the first that holds is named. What a rule
// after RuleOptOut holds back is [Deferred].
type Rule string

// The rules, in their order.
const (
	RuleNone       Rule = ""            // nothing keeps it back
	RulePause      Rule = "pause"       // TAIRSSL_PAUSE stops every change
	RuleOptOut     Rule = "opt-out"     // the instance is tagged tairssl=off
	RuleApproval   Rule = "approval"    // nobody approved it yet
	RuleFreeze     Rule = "freeze"      // changes are frozen
	RuleAlibaba    Rule = "alibaba"     // Alibaba itself renews it
	RuleWindow     Rule = "window"      // the maintenance window is shut
	RuleCA         Rule = "ca"          // the CA changed, and clients may not have the new one
	RuleMembers    Rule = "members"     // another member of its global instance is being changed
	RuleMaxTargets Rule = "max-targets" // one sweep changes no more at once
)

const (
	// DefaultRenewBefore is when a certificate is due unless a setting or a
	// request says otherwise.
	DefaultRenewBefore = 720 * time.Hour
	// MissedBefore is how long before its expiry a certificate should be renewed
	// at the latest.
	MissedBefore = 24 * time.Hour
	// UnapprovedAlarm is how long before its expiry a certificate that nobody
	// approved asks for attention.
	UnapprovedAlarm = 7 * 24 * time.Hour

	// leastLead is how long before a freeze people are told at the latest that
	// there is no opening in front of it, if TAIRSSL_RENEW_BEFORE is less.
	leastLead = DefaultRenewBefore
)

// dueness is from when a certificate is due.
type dueness struct {
	from time.Time
	// squeeze is the freeze because of which it is due earlier than RenewBefore
	// says: nothing opens between its end and the last day of the certificate.
	squeeze stretch
}

// dueness says from when a certificate is due: so long before its expiry, or
// earlier if freezes leave no opening from then until a day before the expiry.
// Then it is due in the last opening in front of the freeze, also when that is
// over. Where there never is one, it is due so long before the freeze that people
// can still do something.
func (p Policy) dueness(o Observation, within time.Duration, now time.Time) dueness {
	d := dueness{from: o.Expires.Add(-within)}
	last := o.Expires.Add(-MissedBefore)
	if len(p.Freezes) == 0 || !d.from.After(now) {
		return d
	}
	open := p.openings(o.Instance)
	if _, fine := open.next(d.from, last); fine {
		return d
	}
	lead := max(within, MissedBefore)
	before := sooner(d.from, last)
	front, found := open.last(before, lead)
	// Where nothing ever opens, the freeze may be over that shut the last window: it
	// stays due.
	after := sooner(now, before.Add(-lead-8*24*time.Hour))
	if found {
		after = front.to
	}
	freeze := p.Freezes.Begins(after)
	if freeze.After(last) {
		return d // it is the window alone that does not open
	}
	d.squeeze = stretch{freeze, p.Freezes.Ends(freeze)}
	earlier := freeze.Add(-max(within, leastLead))
	if found {
		earlier = later(front.from, front.to.Add(-lead))
	}
	d.from = sooner(d.from, earlier)
	return d
}

// squeezed reports, and says why, that a certificate is due by now because of a
// freeze.
func (p Policy) squeezed(o Observation, within time.Duration, now time.Time) (why string, ok bool) {
	d := p.dueness(o, within, now)
	switch freeze := d.squeeze; {
	case freeze.from.IsZero() || d.from.After(now):
		return "", false
	case freeze.to.Equal(forever):
		return "changes are frozen from " + At(freeze.from).String() + " without end", true
	default:
		return fmt.Sprintf("no maintenance window opens between the end of a freeze, %s to %s, and the last day before the expiry", At(freeze.from), At(freeze.to)), true
	}
}

// hold says whether an Update that nobody decided on may happen now, and if not,
// which rule keeps it back and until when. It is due for a reason. Pause and the
// owner's tag were asked before.
func (p Policy) hold(d Delivery, o Observation, reason string, now time.Time) decision {
	last := o.Expires.Add(-MissedBefore)
	thawed := p.Freezes.Ends(now)
	opening, opens := p.openings(o.Instance).next(now, now.Add(horizon))
	at := opening.from // zero: never
	missed := o.Enabled && (!opens || at.After(last))
	if missed && p.MissedActs && !thawed.Equal(forever) { // the window is lifted, and nothing else
		at, opens = thawed, true
		missed = thawed.After(now) && at.After(last)
	}
	alibaba := o.Renewal.Counts(o, now)
	place := p.place(o, now)
	held := decision{outcome: Deferred, until: at, alert: missed && !alibaba}
	switch {
	case p.unapproved(o):
		held.rule = RuleApproval
		held.alert = !alibaba && (missed || p.unapprovedAlarm(o, now) || p.squeezes(o, now))
		held.reason = fmt.Sprintf("%s, but %s: %s", reason, unapproved(o), howToApprove(d))
		if opens {
			held.reason += fmt.Sprintf("; it is renewed then, %s at the earliest", At(at))
		}
	case thawed.After(now):
		held.rule = RuleFreeze
		held.reason = fmt.Sprintf("%s, but %s", reason, p.frozen(at, thawed))
	case !place.to.IsZero():
		return decision{act: true, renewal: o.Renewal, to: place.to, reason: fmt.Sprintf("%s, and %s, %s", reason, o.Renewal, place.outside)}
	case alibaba:
		held.rule = RuleAlibaba
		held.reason = fmt.Sprintf("%s, but %s", reason, o.Renewal)
	case at.Equal(now):
		return proceed(reason)
	case !at.Equal(p.Window.Opens(o.Instance, now)):
		held.rule = RuleFreeze
		held.reason = fmt.Sprintf("%s, but %s", reason, p.frozen(at, time.Time{}))
	default:
		held.rule = RuleWindow
		held.reason = fmt.Sprintf("%s, but deferred to the maintenance window that opens %s", reason, At(at))
	}
	if alibaba {
		if held.until = o.Renewal.At; held.rule != RuleAlibaba {
			held.reason += fmt.Sprintf("; %s", o.Renewal)
		}
		return place.warn(held, o.Renewal, thawed)
	}
	if missed {
		held.reason += p.missed(held, o)
	}
	return held
}

// missed says that what is held back comes too late, and what to do.
func (p Policy) missed(held decision, o Observation) string {
	what := "change TAIRSSL_FREEZE or TAIRSSL_WINDOW"
	if held.rule == RuleWindow {
		what = "widen TAIRSSL_WINDOW"
	}
	late := "which is"
	if held.until.IsZero() {
		late = "so it will be"
	}
	return fmt.Sprintf(", %s too late for the expiry %s: renew it by hand, or %s", late, At(o.Expires), what)
}

// frozen says until when changes are, and when a window opens after that. thawed
// is zero if only the windows before at are frozen, and at is zero if none opens.
func (p Policy) frozen(at, thawed time.Time) string {
	said := "the maintenance windows before are frozen (TAIRSSL_FREEZE)"
	if !thawed.IsZero() {
		said = fmt.Sprintf("changes are frozen until %s (TAIRSSL_FREEZE)", At(thawed))
	}
	switch {
	case thawed.Equal(forever):
		return "changes are frozen without end (TAIRSSL_FREEZE)"
	case at.IsZero():
		return "no maintenance window opens outside the freezes (TAIRSSL_FREEZE)"
	case at.Equal(thawed):
		return said
	}
	return fmt.Sprintf("%s; deferred to the maintenance window that opens %s", said, At(at))
}

// unapproved reports that the certificate waits for an approval.
func (p Policy) unapproved(o Observation) bool { return p.Approval && !approvalOf(o.Tags).of(o) }

// unapprovedAlarm reports that people have to hear of that: a week is left at most,
// whatever RenewBefore says.
func (p Policy) unapprovedAlarm(o Observation, now time.Time) bool {
	return p.unapproved(o) && o.Expires.Sub(now) <= UnapprovedAlarm
}

// squeezes reports that an approval that comes a week from now comes too late
// because of a freeze.
func (p Policy) squeezes(o Observation, now time.Time) bool {
	last := o.Expires.Add(-MissedBefore)
	if p.Freezes.Begins(now).After(last) {
		return false
	}
	_, fine := p.openings(o.Instance).next(now.Add(UnapprovedAlarm), last)
	return !fine
}

// needsWindow reports that what is decided on a certificate depends on the
// instance's own maintenance window, which a listing does not show: freezes leave
// no whole day in which it would open in any case.
func (p Policy) needsWindow(o Observation, within time.Duration, now time.Time) bool {
	if len(p.Freezes) == 0 || !p.Window.Own() || o.MaintainStartTime != "" || !o.Enabled || o.Expires.IsZero() {
		return false
	}
	last := o.Expires.Add(-MissedBefore)
	thawed := openings{freezes: p.Freezes}
	for t := later(now, o.Expires.Add(-within)); ; {
		s, more := thawed.next(t, last)
		if !more {
			return true
		}
		if sooner(s.to, last).Sub(s.from) >= 24*time.Hour {
			return false
		}
		t = s.to
	}
}
