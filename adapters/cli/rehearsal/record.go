package rehearsal

import (
	"fmt"
	"slices"
	"sync"
	"time"

	"tairssl/handler"
)

// Record is what was seen, in its order.
type Record struct {
	Began     time.Time
	Tags      []time.Duration // how long each measuring tag took to show
	Calls     []Call
	Sightings []Sighting
	Pings     []Ping
	Cuts      []time.Time // when a connection that was held open was cut
	Marks     []Mark
	// Sent and Answered are of ModifyInstanceSSL; zero: it was not.
	Sent, Answered time.Time
	// Flag is the key of the tag that announces the change; "" if none stands.
	Flag string
}

// sent reports that the change was sent, or may have been.
func (r Record) sent() bool { return !r.Sent.IsZero() }

// Call is one of the API, repeated attempts included.
type Call struct {
	Action string
	Began  time.Time
	Took   time.Duration
	Kind   handler.Kind // of its failure; "" if it did not fail
}

// Sighting is what the API said of the instance.
type Sighting struct {
	At      time.Time // when both answers were there
	Status  string
	Expires time.Time
}

// Ping is one connection: a handshake, and a PING that was answered.
type Ping struct {
	Began       time.Time
	Took        time.Duration
	Certificate Certificate
	Err         error
}

// Certificate is one that the instance served.
type Certificate struct {
	Fingerprint string // SHA-256, in hexadecimal digits
	Expires     time.Time
}

// Mark is a change that was seen, for people who look on.
type Mark struct {
	After handler.Duration // since the rehearsal began
	What  string
}

// log takes the rows. It is safe for concurrent use.
type log struct {
	mu   sync.Mutex
	rows Record
	tell func(Mark)
}

// read gives what was recorded to a function, which must not keep it.
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

// saw adds a sighting, and marks what has changed.
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

// pinged adds a ping in the order in which pings began, and marks what has changed.
func (l *log) pinged(p Ping) {
	l.mu.Lock()
	defer l.mu.Unlock()
	pings := l.rows.Pings
	n := len(pings)
	for n > 0 && pings[n-1].Began.After(p.Began) {
		n--
	}
	l.rows.Pings = slices.Insert(pings, n, p)
	if n == 0 || n < len(pings) { // one that was overtaken is no news
		return
	}
	switch wasGone := pings[n-1].Err != nil; {
	case p.Err != nil && !wasGone:
		l.markLocked("new connections fail: %s", handler.AsError(p.Err).Message)
	case p.Err == nil && wasGone:
		l.markLocked("new connections are taken again")
	}
	if served, known := lastServed(pings); p.Err == nil && known && served != p.Certificate {
		l.markLocked("another certificate is served, which expires %s", handler.At(p.Certificate.Expires))
	}
}

// lastServed is the certificate that was served last.
func lastServed(pings []Ping) (c Certificate, known bool) {
	for _, p := range slices.Backward(pings) {
		if p.Err == nil {
			return p.Certificate, true
		}
	}
	return c, false
}

// cut notes that the connection that was held open is gone.
func (l *log) cut(why error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.rows.Cuts = append(l.rows.Cuts, time.Now())
	l.markLocked("the connection that was held open is cut: %s", handler.AsError(why).Message)
}

// rounded is a measured time as it is reported: to the millisecond, and below ten
// of them to the hundredth of one. What took no time that can be measured took one
// of these.
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
