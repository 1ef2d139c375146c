package rehearsal

import (
	"slices"
	"time"

	"tairssl/handler"
)

// Connections is what clients met. Times are since the change was sent; nil: that
// was not seen.
type Connections struct {
	Pings  int
	Failed int
	Cuts   int // of the connection that was held open
	// GoneFor is the longest time in which no PING was answered on a new connection,
	// beside the usual time between two, and GoneFrom its beginning.
	GoneFrom, GoneFor *handler.Duration
	ServedNew         *handler.Duration // the new certificate was served first
	OldUntil          *handler.Duration // the old one was served last, if that was after the new one
	Precision         handler.Duration  // how far each of these may be off
}

// Connections says what clients met since the change was sent, while a connection
// was tried at each interval.
func (r Record) Connections(every time.Duration) Connections {
	c := Connections{Precision: rounded(2 * every)}
	if r.Sent.IsZero() {
		return c
	}
	since := func(t time.Time) *handler.Duration { d := rounded(t.Sub(r.Sent)); return &d }
	old, servedNew := "", false
	for _, p := range r.Pings {
		if p.Began.Before(r.Sent) {
			if p.Err == nil {
				old = p.Certificate.Fingerprint
			}
			continue
		}
		c.Pings++
		if p.Err != nil {
			c.Failed++
			continue
		}
		switch isOld := p.Certificate.Fingerprint == old; {
		case isOld && servedNew:
			c.OldUntil = since(p.ended())
		case !isOld && old != "" && !servedNew:
			servedNew, c.ServedNew = true, since(p.ended())
		}
	}
	for _, at := range r.Cuts {
		if !at.Before(r.Sent) {
			c.Cuts++
		}
	}
	if from, gone := r.gone(every); gone > 0 {
		g := rounded(gone)
		c.GoneFrom, c.GoneFor = since(from), &g
	}
	return c
}

// ended is when a ping was answered, or given up.
func (p Ping) ended() time.Time { return p.Began.Add(p.Took) }

// hung is how long an answer takes that is no longer this machine's doing.
const hung = 500 * time.Millisecond

// gone is the longest time in which no PING was answered, beside the usual time
// between two. An answer that comes late counts when it comes, for its client had
// to wait. That this machine was too busy to ask is no reason to think that nobody
// would have answered.
func (r Record) gone(every time.Duration) (from time.Time, longest time.Duration) {
	var answers []time.Time
	var bad []Ping
	for _, p := range r.Pings {
		if p.Err == nil {
			answers = append(answers, p.ended())
		}
		if p.Err != nil || p.Took > hung {
			bad = append(bad, p)
		}
	}
	if n := len(r.Pings); n > 0 && r.Pings[n-1].Err != nil { // they are gone still
		answers = append(answers, r.Pings[n-1].ended())
	}
	slices.SortFunc(answers, time.Time.Compare)
	for n := range max(0, len(answers)-1) {
		a, b := answers[n], answers[n+1]
		gone := b.Sub(a) - every
		if b.Before(r.Sent) || gone <= max(2*every, longest) {
			continue
		}
		if slices.ContainsFunc(bad, func(p Ping) bool { return p.Began.Before(b) && p.ended().After(a) }) {
			from, longest = a, gone
		}
	}
	return from, longest
}
