package chatops

import (
	"sync"
	"time"

	"tairssl/handler"
)

// once remembers keys for some time.
type once struct {
	mu   sync.Mutex
	seen map[string]time.Time // the time until which each key is remembered
}

// first adds a key and reports whether it is new.
func (o *once) first(key string, now time.Time, life time.Duration) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	if o.seen == nil {
		o.seen = map[string]time.Time{}
	}
	for old, until := range o.seen {
		if now.After(until) {
			delete(o.seen, old)
		}
	}
	if _, again := o.seen[key]; again {
		return false
	}
	o.seen[key] = now.Add(life)
	return true
}

func (o *once) forget(key string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	delete(o.seen, key)
}

// errorOnce keeps the first error.
type errorOnce struct {
	mu  sync.Mutex
	err *handler.Error
}

func (e *errorOnce) set(err *handler.Error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.err == nil {
		e.err = err
	}
}

func (e *errorOnce) get() *handler.Error {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.err
}
