package rehearsal

import (
	"time"

	"tairssl/handler"
)

// Effect is how a change came true. Times are since it was sent; nil: that was not
// seen.
type Effect struct {
	Accepted      *handler.Duration // ModifyInstanceSSL was answered
	Shows         *handler.Duration // the first sign of it: SSLModifying, or another expiry
	ModifyingFrom *handler.Duration
	ModifyingFor  *handler.Duration // from the first sight of SSLModifying to the first of what came after
	ExpiryMoved   *handler.Duration
	ExpiryMoves   string            `json:",omitempty"` // in words: at which point of the change
	Complete      *handler.Duration // Normal, with the new expiry, and so it stayed
	// Stale is for how long answers showed the state before the change after others
	// had shown the change; 0: none did.
	Stale handler.Duration
	// Precision is how far each of these may be off: the longest time between two
	// looks.
	Precision handler.Duration
}

const modifying, normal = "SSLModifying", "Normal"

// Effect says how the change came true that was sent for a certificate that
// expired then.
func (r Record) Effect(before time.Time) (e Effect) {
	if r.Sent.IsZero() {
		return e
	}
	since := func(t time.Time) *handler.Duration {
		if t.IsZero() {
			return nil
		}
		d := rounded(t.Sub(r.Sent))
		return &d
	}
	var t turns
	var last time.Time
	for _, s := range r.Sightings {
		if !s.At.Before(r.Sent) {
			t.see(s, before)
			if !last.IsZero() {
				e.Precision = max(e.Precision, rounded(s.At.Sub(last)))
			}
		}
		last = s.At
	}
	e.Accepted, e.Shows, e.ModifyingFrom = since(r.Answered), since(t.shows.at), since(t.from.at)
	e.ExpiryMoved, e.ExpiryMoves, e.Complete = since(t.moved.at), t.moves(), since(t.complete.at)
	e.Stale = rounded(t.stale)
	if t.until.seen() {
		d := rounded(t.until.at.Sub(t.from.at))
		e.ModifyingFor = &d
	}
	return e
}

// turn is a moment at which what is seen of a change turned: the look that showed
// it first, by its time and its number, from 1. The zero value: it has not turned.
type turn struct {
	at   time.Time
	look int
}

func (t turn) seen() bool { return t.look > 0 }

// near reports that two turns were seen by the same look, or one after the other.
// Status and expiry are read by two calls, so what turns at once may show so.
func (t turn) near(other turn) bool {
	return other.seen() && max(t.look-other.look, other.look-t.look) <= 1
}

// set notes a turn unless it was seen before.
func (t *turn) set(now turn) {
	if !t.seen() {
		*t = now
	}
}

// turns are those of a change. Until is the end of SSLModifying, which began at
// from.
type turns struct {
	looks                               int
	shows, from, until, moved, complete turn
	old                                 time.Time // when the state before the change was seen last
	stale                               time.Duration
}

// see takes the next sighting. That the state before the change is seen once more
// is no sign of an old answer: the expiry may move last. What follows tells.
func (t *turns) see(s Sighting, before time.Time) {
	t.looks++
	now, isNew := turn{s.At, t.looks}, s.Expires.After(before)
	switch {
	case s.Status == modifying && t.until.seen() && t.old.After(t.from.at): // the answers in between were old ones
		t.stale = max(t.stale, t.old.Sub(t.shows.at))
	case s.Status == modifying && t.until.seen(): // this one is
		t.stale = max(t.stale, s.At.Sub(t.until.at))
	case !isNew && t.moved.seen():
		t.stale = max(t.stale, s.At.Sub(t.moved.at))
	}
	switch {
	case s.Status == modifying:
		t.from.set(now)
		t.until = turn{} // it goes on
	case t.from.seen():
		t.until.set(now)
	}
	if isNew {
		t.moved.set(now)
	}
	if isNew || s.Status == modifying {
		t.shows.set(now)
	} else {
		t.old = s.At
	}
	if isNew && s.Status == normal {
		t.complete.set(now)
	} else {
		t.complete = turn{}
	}
}

// moves says at which point of SSLModifying the expiry moved.
func (t turns) moves() string {
	switch {
	case !t.moved.seen():
		return ""
	case !t.from.seen():
		return "SSLModifying was never seen"
	case t.moved.near(t.until):
		return "at the end of SSLModifying"
	case t.moved.near(t.from):
		return "at the start of SSLModifying"
	case t.moved.look < t.from.look:
		return "before SSLModifying showed"
	case !t.until.seen(), t.moved.look < t.until.look:
		return "during SSLModifying"
	}
	return "after SSLModifying"
}
