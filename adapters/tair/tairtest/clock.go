package tairtest

import (
	"net/http"
	"time"
)

// There are two clocks. The machine's, [Options].Now, judges the timestamps of
// requests and the quotas: callers sign by their own machine's clock, which no
// test can move. The emulated clock is the machine's, moved by Advance. It
// drives the instances, their tags and the header Date, by which callers judge
// the ages of what they find in tags.

// Now is the emulated time.
func (e *Emulator) Now() time.Time {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.now()
}

func (e *Emulator) now() time.Time { return e.options.Now().Add(e.offset) }

// Advance moves the emulated clock; it does not age the timestamps of requests.
func (e *Emulator) Advance(d time.Duration) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.offset += d
}

// SkewDate sets the header Date of the API's answers that much ahead of the
// emulated clock, or behind it. Nothing else goes by that.
func (e *Emulator) SkewDate(d time.Duration) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.skew = d
}

// date is the header Date of an answer that is given now.
func (e *Emulator) date() string {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.now().Add(e.skew).UTC().Format(http.TimeFormat)
}
