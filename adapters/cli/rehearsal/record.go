package rehearsal

import (
	"fmt"
	"slices"
	"sync"
	"time"

	"tairssl/handler"
)

// Record holds everything that a rehearsal has seen, in the order of time.
type Record struct {
	Began     time.Time
	Tags      []time.Duration // the time until each measuring tag was visible
	Calls     []Call
	Sightings []Sighting
	Pings     []Ping
	Cuts      []time.Time // when the open connection was cut
	Marks     []Mark
	// Sent and Answered are the times of ModifyInstanceSSL; zero if it was not sent or
	// not answered.
	Sent, Answered time.Time
	// Flag is the key of the lease's tag on the instance, or "".
	Flag string
}

// sent reports whether the change was sent, or may have been sent.
func (r Record) sent() bool { return !r.Sent.IsZero() }

// Call is one call of the API, including its repeated attempts.
type Call struct {
	Action string
	Began  time.Time
	Took   time.Duration
	Kind   handler.Kind // of its error; "" if it succeeded
}

// Sighting is the state of the instance in one look.
type Sighting struct {
	At      time.Time // when both calls of the look were answered
	Status  string
	Expires time.Time
}

// Ping is one new connection: a TLS handshake and a PING.
type Ping struct {
	Began       time.Time
	Took        time.Duration
	Certificate Certificate
	Err         error
}

// Certificate is a certificate that the instance served.
type Certificate struct {
	Fingerprint string // SHA-256, in hexadecimal digits
	Expires     time.Time
}

// Mark is an event of the rehearsal, in words for people.
type Mark struct {
	After handler.Duration // since the rehearsal began
	What  string
}

// log collects the rows of the record. It is safe for concurrent use.
type log struct {
	mu   sync.Mutex
	rows Record
	tell func(Mark)
}

// read calls f with the record. f must not keep it.
func (l *log) read(f func(Record)) {
	l.mu.Lock()
	defer l.mu.Unlock()
	f(l.rows)
}

func (l *log) write(f func(*Record)) {
	l.mu.Lock()
	defer l.mu.Unlock()
	f(&l.rows)
}

func (l *log) mark(format string, args ...any) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.markLocked(format, args...)
}

func (l *log) markLocked(format string, args ...any) {
	m := Mark{After: rounded(time.Since(l.rows.Began)), What: fmt.Sprintf(format, args...)}
	l.rows.Marks = append(l.rows.Marks, m)
	l.tell(m)
}

// saw adds a sighting, and marks a change of status or expiry.
func (l *log) saw(s Sighting) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if n := len(l.rows.Sightings); n > 0 {
		last := l.rows.Sightings[n-1]
		if last.Status != s.Status {
			l.markLocked("the status is %s", s.Status)
		}
		if !last.Expires.Equal(s.Expires) {
			l.markLocked("the certificate expires %s", handler.At(s.Expires))
		}
	}
	l.rows.Sightings = append(l.rows.Sightings, s)
}

// pinged inserts a ping in the order in which pings began. It marks an outage, its end,
// and another certificate.
func (l *log) pinged(p Ping) {
	l.mu.Lock()
	defer l.mu.Unlock()
	pings := l.rows.Pings
	n := len(pings)
	for n > 0 && pings[n-1].Began.After(p.Began) {
		n--
	}
	l.rows.Pings = slices.Insert(pings, n, p)
	if n == 0 || n < len(pings) { // a later ping was answered before this one
		return
	}
	switch wasGone := pings[n-1].Err != nil; {
	case p.Err != nil && !wasGone:
		l.markLocked("new connections fail: %s", handler.AsError(p.Err).Message)
	case p.Err == nil && wasGone:
		l.markLocked("new connections work again")
	}
	if served, known := lastServed(pings); p.Err == nil && known && served != p.Certificate {
		l.markLocked("another certificate is served; it expires %s", handler.At(p.Certificate.Expires))
	}
}

// lastServed returns the certificate of the last successful ping.
func lastServed(pings []Ping) (c Certificate, known bool) {
	for _, p := range slices.Backward(pings) {
		if p.Err == nil {
			return p.Certificate, true
		}
	}
	return c, false
}

// cut records that the open connection was cut.
func (l *log) cut(why error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.rows.Cuts = append(l.rows.Cuts, time.Now())
	l.markLocked("the open connection is cut: %s", handler.AsError(why).Message)
}

// rounded rounds a measured time for the report: to 1 ms, or below 10 ms to 10 µs. A
// positive time is never rounded to 0.
func rounded(d time.Duration) handler.Duration {
	const least = 10 * time.Microsecond
	switch {
	case d > 0 && d < least:
		return handler.Duration(least)
	case d.Abs() < 10*time.Millisecond:
		return handler.Duration(d.Round(least))
	}
	return handler.Duration(d.Round(time.Millisecond))
}
