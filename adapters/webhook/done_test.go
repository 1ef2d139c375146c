package webhook

import (
	"fmt"
	"testing"
	"time"
)

func TestWhatIsRememberedIsBounded(t *testing.T) {
	var d doneOnce
	now := time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)
	for n := range maxDone + 10 {
		d.begin(fmt.Sprint(n), now.Add(time.Duration(n)*time.Millisecond))
	}
	if len(d.keys) != maxDone {
		t.Errorf("%d messages are remembered, want %d", len(d.keys), maxDone)
	}
	if d.begin("9", now) != unheard || d.begin(fmt.Sprint(maxDone), now) == unheard {
		t.Error("not the oldest was forgotten")
	}
	if d.begin("late", now.Add(time.Hour)); len(d.keys) != 1 {
		t.Errorf("an hour later %d messages are remembered", len(d.keys))
	}
}
