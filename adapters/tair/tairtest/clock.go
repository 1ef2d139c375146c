package tairtest

import (
	"net/http"
	"time"
)

// There are two clocks. The machine's clock, [Options].Now, judges the timestamps of
// requests and the quotas, because callers sign by their machine's clock and no test can
// move that. The emulated clock drives the instances, their tags and the header Date.
// Callers use the header Date to judge the age of a tag.

// Now is the emulated time: the machine's clock [Options].Now, moved by Advance.
func (e *Emulator) Now() time.Time {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.now()
}

func (e *Emulator) now() time.Time { return e.options.Now().Add(e.offset) }

// Advance moves the emulated clock. The timestamps of requests are still judged by the
// machine's clock.
func (e *Emulator) Advance(d time.Duration) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.offset += d
}

// SkewDate sets the header Date of the API's answers to the emulated clock plus d. Nothing
// else in the emulator depends on the header.
func (e *Emulator) SkewDate(d time.Duration) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.skew = d
}

// date is the header Date of an answer.
func (e *Emulator) date() string {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.now().Add(e.skew).UTC().Format(http.TimeFormat)
}
