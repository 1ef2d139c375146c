package handler

import (
	"fmt"
	"time"
)

// Rule names the reason that holds an unattended Update back. The rules are checked in
// the order below, and the first rule that applies is named. A change is [Deferred] if a
// rule after RuleOptOut holds it back.
type Rule string

// The rules, in their order.
const (
	RuleNone       Rule = ""            // no rule holds the Update back
	RulePause      Rule = "pause"       // TAIRSSL_PAUSE stops every change
	RuleOptOut     Rule = "opt-out"     // the instance is tagged tairssl=off
	RuleApproval   Rule = "approval"    // nobody has approved the Update yet
	RuleFreeze     Rule = "freeze"      // changes are frozen
	RuleAlibaba    Rule = "alibaba"     // Alibaba itself renews the certificate
	RuleWindow     Rule = "window"      // the maintenance window is closed
	RuleCA         Rule = "ca"          // the CA changed, and clients may not have the new one
	RuleMembers    Rule = "members"     // another member of the global instance is being changed
	RuleMaxTargets Rule = "max-targets" // this sweep has changed MaxTargets instances
)

const (
	// DefaultRenewBefore is the time before the expiry in which a certificate is due,
	// unless a setting or a request says otherwise.
	DefaultRenewBefore = 720 * time.Hour
	// MissedBefore is the time before the expiry by which a certificate should be
	// renewed.
	MissedBefore = 24 * time.Hour
	// UnapprovedAlarm is the time before the expiry at which a certificate without an
	// approval asks for attention.
	UnapprovedAlarm = 7 * 24 * time.Hour

	// leastLead is how long before a freeze people hear that no opening comes before the
	// freeze. It holds even if TAIRSSL_RENEW_BEFORE is shorter.
	leastLead = DefaultRenewBefore
)

// dueness says when a certificate becomes due.
type dueness struct {
	from time.Time
	// squeeze is the freeze that makes the certificate due earlier than RenewBefore:
	// nothing opens between the end of the freeze and the last day of the certificate.
	squeeze stretch
}

// dueness computes when a certificate becomes due. Usually this is RenewBefore before its
// expiry. If freezes leave no opening between that time and the last day, the certificate
// becomes due in the last opening before the freeze, and stays due after that opening. If
// there is no opening before the freeze either, the certificate becomes due early enough
// for people to act.
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
	// If there is no opening, the freeze that closed the last window may already be over.
	// The certificate stays due.
	after := sooner(now, before.Add(-lead-8*24*time.Hour))
	if found {
		after = front.to
	}
	freeze := p.Freezes.Begins(after)
	if freeze.After(last) {
		return d // no freeze is the reason: the window itself never opens
	}
	d.squeeze = stretch{freeze, p.Freezes.Ends(freeze)}
	earlier := freeze.Add(-max(within, leastLead))
	if found {
		earlier = later(front.from, front.to.Add(-lead))
	}
	d.from = sooner(d.from, earlier)
	return d
}

// squeezed reports whether a certificate is due early because of a freeze, and says why.
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

// hold decides whether an unattended Update may happen now and, if not, which rule holds
// it back and until when. reason says why the Update is due. The caller has checked the
// pause and the owner's tag.
func (p Policy) hold(d Delivery, o Observation, reason string, now time.Time) decision {
	last := o.Expires.Add(-MissedBefore)
	thawed := p.Freezes.Ends(now)
	opening, opens := p.openings(o.Instance).next(now, now.Add(horizon))
	at := opening.from // zero if no window opens
	missed := o.Enabled && (!opens || at.After(last))
	if missed && p.MissedActs && !thawed.Equal(forever) { // a missed window lifts the window, but not a freeze
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

// missed says that a held-back change comes too late, and what to do.
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

// frozen says how long changes are frozen, and when a window opens after that. If thawed
// is zero, only the windows before at are frozen. If at is zero, no window opens.
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

// unapproved reports whether the certificate waits for an approval.
func (p Policy) unapproved(o Observation) bool { return p.Approval && !approvalOf(o.Tags).of(o) }

// unapprovedAlarm reports whether people have to hear that an approval is missing: at
// most [UnapprovedAlarm] is left before the expiry. RenewBefore does not matter.
func (p Policy) unapprovedAlarm(o Observation, now time.Time) bool {
	return p.unapproved(o) && o.Expires.Sub(now) <= UnapprovedAlarm
}

// squeezes reports whether an approval in a week would be too late because of a freeze.
func (p Policy) squeezes(o Observation, now time.Time) bool {
	last := o.Expires.Add(-MissedBefore)
	if p.Freezes.Begins(now).After(last) {
		return false
	}
	_, fine := p.openings(o.Instance).next(now.Add(UnapprovedAlarm), last)
	return !fine
}

// needsWindow reports whether the decision on a certificate depends on the instance's own
// maintenance window, which a listing does not show. It depends on the window if the
// freezes leave no whole day. In a whole day every window opens.
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
