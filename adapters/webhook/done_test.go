package webhook

import (
	"fmt"
	"testing"
	"time"
)

func TestTheNumberOfRememberedMessagesIsLimited(t *testing.T) {
	now := time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)
	nth := func(n int) (key string, at time.Time) {
		return fmt.Sprint(n), now.Add(time.Duration(n) * time.Millisecond)
	}
	d := doneOnce{keys: map[string]mark{}}
	for n := range maxDone - 10 { // in the form in which begin records them
		key, at := nth(n)
		d.keys[key] = mark{at, underWay}
	}
	for n := range 20 {
		d.begin(nth(maxDone - 10 + n))
	}
	if len(d.keys) != maxDone {
		t.Errorf("%d messages are remembered, want %d", len(d.keys), maxDone)
	}
	if d.begin("9", now) != unheard || d.begin(fmt.Sprint(maxDone), now) == unheard {
		t.Error("the message that was forgotten is not the oldest")
	}
	if d.begin("late", now.Add(time.Hour)); len(d.keys) != 1 {
		t.Errorf("an hour later %d messages are remembered, want 1", len(d.keys))
	}
}
