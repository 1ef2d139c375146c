package webhook

import (
	"sync"
	"time"
)

// doneOnce remembers which signed messages have changed something, for as long
// as they are fresh. Alibaba's state makes a repeated Update harmless; but a
// Disable that is played back after somebody enabled again would not be.
type doneOnce struct {
	mu   sync.Mutex
	keys map[string]time.Time
}

func (d *doneOnce) has(key string, now time.Time) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	at, ok := d.keys[key]
	return ok && now.Sub(at).Abs() <= 2*Window
}

func (d *doneOnce) add(key string, now time.Time) { d.first(key, now) }

// first adds a key and reports whether it is new.
func (d *doneOnce) first(key string, now time.Time) bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.keys == nil {
		d.keys = map[string]time.Time{}
	}
	for old, at := range d.keys {
		if now.Sub(at).Abs() > 2*Window {
			delete(d.keys, old)
		}
	}
	_, again := d.keys[key]
	d.keys[key] = now
	return !again
}
