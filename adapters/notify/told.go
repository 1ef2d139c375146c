package notify

import (
	"slices"
	"strings"
	"time"

	"tairssl/handler"
)

// ToldTag is the tag of an instance that remembers the notices about its certificate. A
// change that finds no room for its own tag removes this one.
const ToldTag = handler.ToldTag

// told is the memory of the notices about one certificate. As a tag it is
// "2026-12-01T00:00:00Z/2026-11-24T10:40Z/d14,deferred,forb": the expiry, the time of the
// last notice, the last reminder, and the marks. All marks together fit into the 128
// characters of a tag's value.
type told struct {
	expires handler.Time
	at      time.Time
	stage   int // number of reminders that were sent or are no longer needed
	marks   []string
}

// minuteLayout is RFC 3339 without seconds.
const minuteLayout = "2006-01-02T15:04Z"

// String is the value of the tag; "" if nothing was told.
func (t told) String() string {
	words := t.marks
	if t.stage > 0 {
		words = append([]string{reminders[t.stage-1].mark}, words...)
	}
	if len(words) == 0 {
		return ""
	}
	return t.expires.String() + "/" + t.at.UTC().Format(minuteLayout) + "/" + strings.Join(words, ",")
}

// parseTold reads the value of a tag. An unreadable value counts as no notice, because it
// is better to tell people twice than not at all.
func parseTold(value string) (t told) {
	parts := strings.Split(value, "/")
	if len(parts) != 3 {
		return told{}
	}
	expires, err1 := handler.ParseTime(parts[0])
	at, err2 := time.Parse(minuteLayout, parts[1])
	if err1 != nil || err2 != nil || expires.IsZero() {
		return told{}
	}
	t = told{expires: expires, at: at}
	for _, word := range strings.Split(parts[2], ",") {
		for i, r := range reminders {
			if r.mark == word {
				t.stage = max(t.stage, i+1)
			}
		}
		if isMark(word) && !t.has(word) {
			t.marks = append(t.marks, word)
		}
	}
	return t
}

// of is the memory for the certificate with this expiry. The memory of another
// certificate does not count.
func (t told) of(expires handler.Time) told {
	if !t.expires.Equal(expires.Time) {
		return told{expires: expires}
	}
	return t
}

func (t told) has(mark string) bool { return slices.Contains(t.marks, mark) }

// with adds a mark, unless it is "", and a stage.
func (t told) with(mark string, stage int, now time.Time) told {
	t.at, t.stage = now, max(t.stage, stage)
	if mark != "" && !t.has(mark) {
		t.marks = append(slices.Clip(t.marks), mark)
	}
	return t
}

// and joins two memories of the same certificate.
func (t told) and(other told) told {
	at := t.at
	if other.at.After(at) {
		at = other.at
	}
	t = t.with("", other.stage, at)
	for _, mark := range other.marks {
		t = t.with(mark, 0, at)
	}
	return t
}
