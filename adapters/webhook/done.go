package webhook

import (
	"sync"
	"time"
)

// maxDone bounds how many messages are remembered. Each was signed by who holds a
// secret, so that nobody else can push one out.
const maxDone = 10_000

// doneOnce remembers which signed messages are being carried out and which have
// changed something, for as long as they are fresh. Alibaba's state makes a
// repeated Update harmless; but a Disable that is played back after somebody
// enabled again would not be.
type doneOnce struct {
	mu   sync.Mutex
	keys map[string]mark
}

type mark struct {
	at       time.Time
	progress progress
}

// progress is how far a message has come.
type progress uint8

const (
	unheard progress = iota
	underWay
	over
)

// begin notes that a message is being carried out, and returns how far it had
// come before.
func (d *doneOnce) begin(key string, now time.Time) progress {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.keys == nil {
		d.keys = map[string]mark{}
	}
	oldest, at := "", now
	for old, kept := range d.keys {
		switch {
		case now.Sub(kept.at).Abs() > 2*Window:
			delete(d.keys, old)
		case !kept.at.After(at):
			oldest, at = old, kept.at
		}
	}
	if kept, ok := d.keys[key]; ok {
		return kept.progress
	}
	if len(d.keys) >= maxDone {
		delete(d.keys, oldest)
	}
	d.keys[key] = mark{now, underWay}
	return unheard
}

// end notes that a message that began was carried out, or forgets it.
func (d *doneOnce) end(key string, done bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	m, ok := d.keys[key]
	if !ok {
		return
	}
	if m.progress = over; done {
		d.keys[key] = m
		return
	}
	delete(d.keys, key)
}
