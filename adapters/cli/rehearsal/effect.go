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
	e.Accepted, e.Shows, e.ModifyingFrom = since(r.Answered), since(t.shows), since(t.from)
	e.ExpiryMoved, e.ExpiryMoves, e.Complete = since(t.moved), t.moves(), since(t.complete)
	e.Stale = rounded(t.stale)
	if !t.until.IsZero() {
		d := rounded(t.until.Sub(t.from))
		e.ModifyingFor = &d
	}
	return e
}

// turns are the moments at which what is seen of a change turned; zero: it has
// not.
type turns struct {
	shows, from, until, moved, complete time.Time
	old                                 time.Time // when the state before the change was seen last
	stale                               time.Duration
}

// see takes the next sighting. That the state before the change is seen once more
// is no sign of an old answer: the expiry may move last. What follows tells.
func (t *turns) see(s Sighting, before time.Time) {
	isNew := s.Expires.After(before)
	switch {
	case s.Status == modifying && !t.until.IsZero() && t.old.After(t.from): // the answers in between were old ones
		t.stale = max(t.stale, t.old.Sub(t.shows))
	case s.Status == modifying && !t.until.IsZero(): // this one is
		t.stale = max(t.stale, s.At.Sub(t.until))
	case !isNew && !t.moved.IsZero():
		t.stale = max(t.stale, s.At.Sub(t.moved))
	}
	switch {
	case s.Status == modifying:
		first(&t.from, s.At)
		t.until = time.Time{} // it goes on
	case !t.from.IsZero():
		first(&t.until, s.At)
	}
	if isNew {
		first(&t.moved, s.At)
	}
	if isNew || s.Status == modifying {
		first(&t.shows, s.At)
	} else {
		t.old = s.At
	}
	if isNew && s.Status == normal {
		first(&t.complete, s.At)
	} else {
		t.complete = time.Time{}
	}
}

// first sets a time that is not set yet.
func first(t *time.Time, at time.Time) {
	if t.IsZero() {
		*t = at
	}
}

// moves says at which point of SSLModifying the expiry moved. What happens between
// two looks has the time of the second.
func (t turns) moves() string {
	switch {
	case t.moved.IsZero():
		return ""
	case t.from.IsZero():
		return "SSLModifying was never seen"
	case t.moved.Before(t.from):
		return "before SSLModifying showed"
	case t.moved.Equal(t.from):
		return "at the start of SSLModifying"
	case t.until.IsZero(), t.moved.Before(t.until):
		return "during SSLModifying"
	case t.moved.Equal(t.until):
		return "at the end of SSLModifying"
	}
	return "after SSLModifying"
}
