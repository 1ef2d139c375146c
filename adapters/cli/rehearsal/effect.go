package rehearsal

import (
	"time"

	"tairssl/handler"
)

// Effect says when the effect of a change became visible. Times count from the moment
// when the change was sent; nil means that an event was not seen.
type Effect struct {
	Accepted      *handler.Duration // the answer to ModifyInstanceSSL
	Shows         *handler.Duration // the first sign of the change: SSLModifying, or another expiry
	ModifyingFrom *handler.Duration // the first look with SSLModifying
	ModifyingFor  *handler.Duration // from the first look with SSLModifying to the first look after it
	ExpiryMoved   *handler.Duration
	ExpiryMoves   string            `json:",omitempty"` // the moment of ExpiryMoved, relative to SSLModifying, in words
	Complete      *handler.Duration // the status was Normal with the new expiry, and stayed so
	// Stale is how long some answers still showed the old state after another answer
	// had shown the change; 0 if there were no such answers.
	Stale handler.Duration
	// Precision is the longest time between two looks. Each event may have happened
	// that much earlier.
	Precision handler.Duration
}

const modifying, normal = "SSLModifying", "Normal"

// Effect evaluates the sightings since the change was sent. before is the expiry of the
// certificate before the change.
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

// turn is the look that first showed an event of the change. The zero value means that
// the event was not seen.
type turn struct {
	at   time.Time
	look int // counted from 1
}

func (t turn) seen() bool { return t.look > 0 }

// near reports whether two turns are in the same look or in two consecutive ones.
// Status and expiry come from two calls, so events at the same time may appear in two
// consecutive looks.
func (t turn) near(other turn) bool {
	return other.seen() && max(t.look-other.look, other.look-t.look) <= 1
}

// set records a turn unless there is an earlier one.
func (t *turn) set(now turn) {
	if !t.seen() {
		*t = now
	}
}

// turns holds the turns of one change. SSLModifying begins at from and ends at until.
type turns struct {
	looks                               int
	shows, from, until, moved, complete turn
	old                                 time.Time // the last look with the old state
	stale                               time.Duration
}

// see adds the next sighting. A look with the old state does not yet prove that an
// answer was stale, because the expiry may move last. Later looks decide.
func (t *turns) see(s Sighting, before time.Time) {
	t.looks++
	now, isNew := turn{s.At, t.looks}, s.Expires.After(before)
	switch {
	case s.Status == modifying && t.until.seen() && t.old.After(t.from.at): // the looks in between were stale
		t.stale = max(t.stale, t.old.Sub(t.shows.at))
	case s.Status == modifying && t.until.seen(): // this look is stale
		t.stale = max(t.stale, s.At.Sub(t.until.at))
	case !isNew && t.moved.seen():
		t.stale = max(t.stale, s.At.Sub(t.moved.at))
	}
	switch {
	case s.Status == modifying:
		t.from.set(now)
		t.until = turn{} // SSLModifying goes on
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

// moves says when the expiry moved, relative to SSLModifying.
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
