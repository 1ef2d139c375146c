package rehearsal

import (
	"slices"
	"time"

	"tairssl/handler"
)

// Connections says how the change affected the connections of clients. Times count
// from the moment when the change was sent; nil means that an event was not seen.
type Connections struct {
	Pings  int // new connections that were tried
	Failed int
	Cuts   int // of the open connection
	// GoneFrom and GoneFor are the beginning and the length of the longest outage: no
	// PING on a new connection was answered. GoneFor does not include the usual
	// interval between two connections.
	GoneFrom, GoneFor *handler.Duration
	ServedNew         *handler.Duration // when the new certificate was first served
	OldUntil          *handler.Duration // when the old one was last served after the new one
	Precision         handler.Duration  // how far each of these times may be wrong
}

// Connections evaluates the pings and cuts since the change was sent. every is the
// interval between two new connections.
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

// ended is the time when a ping was answered or failed.
func (p Ping) ended() time.Time { return p.Began.Add(p.Took) }

// hung is the time after which a slow answer is due to the instance, not to this
// machine.
const hung = 500 * time.Millisecond

// gone returns the beginning and the length of the longest outage, without the usual
// interval between two pings. A late answer ends an outage when it arrives, because
// its client had to wait. A gap without a failed or hanging ping is no outage: this
// machine may have been too busy to send pings.
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
	if n := len(r.Pings); n > 0 && r.Pings[n-1].Err != nil { // the outage goes on
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
