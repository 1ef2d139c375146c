package handler

import (
	"fmt"
	"time"
)

const (
	// moveLead is the shortest time between the move of a renewal and the beginning of
	// the renewal. All calls of a move take less time.
	moveLead = 10 * time.Minute
	// apart is the shortest time between two of Alibaba's renewals in one global instance
	// if tairssl moves one of the renewals.
	apart = time.Hour
)

// placing says whether and how to move one of Alibaba's renewals. The zero value means
// that the renewal stays, because its time is good or does not matter.
type placing struct {
	outside string    // in words: why the time is outside the openings
	to      time.Time // the new time; zero if the renewal cannot be moved
	why     string    // why the renewal cannot be moved
}

// place finds a good time for a renewal. A renewal outside the openings, or after the
// expiry, moves to the first opening before its deadline.
func (p Policy) place(o Observation, now time.Time) (place placing) {
	r, counts := o.Renewal, o.Renewal.Counts(o, now)
	open := p.openings(o.Instance)
	switch {
	case !p.MovesRenewals || !r.Coming():
		return placing{}
	case counts && open.at(r.At):
		return placing{}
	case counts && p.Freezes.On(r.At):
		place.outside = "in a freeze (TAIRSSL_FREEZE)"
	case counts:
		place.outside = "outside the maintenance window"
	case r.At.After(now):
		place.outside = "after the expiry"
	default: // the renewal is overdue, so its time is unknown
		return placing{}
	}
	last := o.Expires.Add(-MissedBefore)
	if !r.Deadline.IsZero() {
		last = sooner(last, r.Deadline)
	}
	switch to, ok := open.room(now.Add(moveLead+r.Lead), last, o.taken); {
	case r.Status == RenewalRunning || !r.begins().After(now):
		place.why = "it has begun"
	case r.Fixed:
		place.why = "Alibaba does not allow another time"
	case r.ID == "":
		place.why = "Alibaba gives no id for it"
	case !ok && last.Equal(r.Deadline):
		place.why = fmt.Sprintf("no maintenance window opens before its deadline, %s: widen TAIRSSL_WINDOW, or move it in Alibaba's console", At(last))
	case !ok:
		place.why = fmt.Sprintf("no maintenance window opens a day before the expiry, %s: widen TAIRSSL_WINDOW, or move it in Alibaba's console", At(o.Expires))
	default:
		place.to = to
	}
	return place
}

// MayMove reports whether a renewal may have to be moved. It uses a listing, which does
// not show the instance's own window.
func (h *Handler) MayMove(o Observation) bool {
	if h.Policy.Window.Own() {
		return h.Policy.MovesRenewals && o.Renewal.Coming()
	}
	return h.Policy.place(o, h.clock(o)).outside != ""
}

// begins is when the preparation of the renewal begins.
func (r Renewal) begins() time.Time {
	if r.Begins.IsZero() {
		return r.At.Add(-r.Lead)
	}
	return r.Begins
}

// at reports whether a time is in the openings.
func (o openings) at(t time.Time) bool {
	s, ok := o.next(t, t)
	return ok && s.from.Equal(t)
}

// room is the first whole minute in the openings between two times that is at least
// [apart] from every taken time.
func (o openings) room(from, last time.Time, taken []time.Time) (time.Time, bool) {
	const minute = time.Minute
	for from = from.Add(minute - 1).Truncate(minute); ; {
		s, ok := o.next(from, last)
		if !ok {
			return time.Time{}, false
		}
		from = s.from
		for _, t := range taken {
			if from.Sub(t).Abs() < apart {
				from = later(from, t.Add(apart))
			}
		}
		if from.Equal(s.from) {
			return from, true
		}
	}
}

// warn adds the renewal to a decision that holds a change back. It warns people of a
// restart outside the openings and says what they can do. If only a freeze holds the
// change back, and the freeze ends in time, the renewal can still be moved later.
func (p placing) warn(held decision, r Renewal, thawed time.Time) decision {
	held.renewal = r
	switch {
	case p.outside == "":
		return held
	case p.why != "":
		held.reason += fmt.Sprintf(", %s, which restarts the instance then: it cannot be moved, because %s", p.outside, p.why)
	case held.rule == RuleFreeze && thawed.Add(moveLead).Before(r.begins()):
		held.reason += fmt.Sprintf(", %s; it will be moved after the freeze", p.outside)
		return held
	case held.rule == RuleFreeze:
		held.reason += fmt.Sprintf(", %s, which restarts the instance then: it is not moved while changes are frozen", p.outside)
	default:
		held.reason += fmt.Sprintf(", %s, which restarts the instance then unless it is approved before, and moved", p.outside)
	}
	held.alert, held.exposed = true, true
	return held
}

// left forecasts a renewal that Alibaba makes. If moves is true, and the renewal is
// outside the openings, the next sweep moves it into an opening.
func (p Policy) left(o Observation, now time.Time, moves bool) Forecast {
	f := Forecast{Rule: RuleAlibaba, Reason: "Alibaba itself renews it"}
	place := p.place(o, now)
	switch {
	case place.outside == "":
	case moves && !place.to.IsZero():
		f.Reason = fmt.Sprintf("%s, %s, so it is moved", o.Renewal, place.outside)
		return p.at(o, place.to, f)
	default:
		f.Reason, f.Alert = fmt.Sprintf("%s, %s", f.Reason, place.outside), true
	}
	return p.at(o, o.Renewal.At, f)
}
