package webhook

import (
	"sync"
	"time"
)

// maxDone is the greatest number of remembered messages. Only a sender with a secret can
// add a message, so no stranger can displace one.
const maxDone = 10_000

// doneOnce remembers signed messages that are being carried out or have changed
// something, for as long as they are fresh. A repeated Update is harmless, because the
// instance shows the new certificate. A repeated Disable does harm if encryption was
// switched on again before it.
type doneOnce struct {
	mu   sync.Mutex
	keys map[string]mark
}

type mark struct {
	at       time.Time
	progress progress
}

// progress says how far the work of a message has come.
type progress uint8

const (
	unheard progress = iota
	underWay
	over
)

// begin records that a message is being carried out. It returns the progress before.
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

// end records that a message was carried out, or forgets it.
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
