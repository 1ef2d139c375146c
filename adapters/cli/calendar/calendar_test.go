package calendar_test

import (
	"bytes"
	"fmt"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	ical "github.com/emersion/go-ical" // not the library that writes

	"tairssl/adapters/cli/calendar"
)

var now = time.Date(2026, 11, 24, 6, 51, 8, 0, time.UTC)

func written(t *testing.T, events ...calendar.Event) (text string, read []ical.Event) {
	t.Helper()
	var b bytes.Buffer
	if err := calendar.Write(&b, "Tair certificates", now, events); err != nil {
		t.Fatal(err)
	}
	text = b.String()
	c, err := ical.NewDecoder(&b).Decode()
	if err != nil {
		t.Fatalf("another program cannot read it: %v\n%s", err, text)
	}
	for name, want := range map[string]string{"VERSION": "2.0", "METHOD": "PUBLISH", "CALSCALE": "GREGORIAN", "X-WR-CALNAME": "Tair certificates"} {
		if p := c.Props.Get(name); p == nil || p.Value != want {
			t.Errorf("%s is %v, want %s", name, p, want)
		}
	}
	return text, c.Events()
}

func TestACalendarIsReadByAnotherProgram(t *testing.T) {
	berlin, err := time.LoadLocation("Europe/Berlin")
	if err != nil {
		t.Fatal(err)
	}
	_, read := written(t,
		calendar.Event{UID: "expiry.cn-hangzhou.r-1@tairssl", At: now.AddDate(0, 0, 12), Summary: "expires", Description: "two\nlines", Category: "Expiry"},
		calendar.Event{UID: "renewal.cn-hangzhou.r-1@tairssl", At: now.In(berlin), Summary: "is renewed", Category: "Renewal"})
	if len(read) != 2 {
		t.Fatalf("%d events are read", len(read))
	}
	for n, want := range []struct {
		uid, summary, category string
		at                     time.Time
	}{{"expiry.cn-hangzhou.r-1@tairssl", "expires", "Expiry", now.AddDate(0, 0, 12)}, {"renewal.cn-hangzhou.r-1@tairssl", "is renewed", "Renewal", now}} {
		e := read[n]
		at, err := e.DateTimeStart(time.UTC)
		if err != nil || !at.Equal(want.at) {
			t.Errorf("the event %d begins at %s, %v, want %s", n, at, err, want.at)
		}
		stamp, err := e.Props.DateTime("DTSTAMP", time.UTC)
		if err != nil || !stamp.Equal(now) {
			t.Errorf("the event %d is stamped %s, %v, want %s", n, stamp, err, now)
		}
		for name, value := range map[string]string{"UID": want.uid, "SUMMARY": want.summary, "CATEGORIES": want.category, "TRANSP": "TRANSPARENT"} {
			if got, err := e.Props.Text(name); err != nil || got != value {
				t.Errorf("%s of the event %d is %q, %v, want %q", name, n, got, err, value)
			}
		}
	}
}

// People choose the names of instances, so a text may contain any character.
func TestTextsMayContainAnyCharacter(t *testing.T) {
	for given, want := range map[string]string{
		`commas, semicolons; and \ "quotes": all`: `commas, semicolons; and \ "quotes": all`,
		"two\nlines":                    "two\nlines",
		"two\r\nlines":                  "two\nlines",
		"a bell\a, a tab\t, a return\r": "a bell , a tab , a return ",
		"no UTF-8: \xff\xfe":            "no UTF-8: \uFFFD",
		"x\nEND:VEVENT\nBEGIN:VEVENT":   "x\nEND:VEVENT\nBEGIN:VEVENT",
		strings.Repeat("订单缓存", 60):      strings.Repeat("订单缓存", 60),
		strings.Repeat("word ", 60):     strings.Repeat("word ", 60),
		strings.Repeat(" ", 200):        strings.Repeat(" ", 200),
		strings.Repeat("x", 500):        strings.Repeat("x", 500),
		strings.Repeat("a>b<c ", 50):    strings.Repeat("a>b<c ", 50),
		"":                              "",
	} {
		text, read := written(t, calendar.Event{UID: "u@tairssl", At: now, Summary: given, Description: given, Category: "Expiry"})
		if len(read) != 1 {
			t.Fatalf("for %q, %d events are read:\n%s", given, len(read), text)
		}
		for _, name := range []string{"SUMMARY", "DESCRIPTION"} {
			if got, err := read[0].Props.Text(name); err != nil || got != want {
				t.Errorf("%s is read as %q, %v, want %q", name, got, err, want)
			}
		}
		for n, line := range strings.Split(strings.TrimSuffix(text, "\r\n"), "\r\n") {
			if len(line) > 75 || strings.ContainsAny(line, "\r\n") || !utf8.ValidString(line) {
				t.Errorf("line %d has %d bytes, and has to be folded: %q", n, len(line), line)
			}
		}
	}
}

// Subscribers know an event by its UID, and replace it if DTSTAMP is later.
func TestTheSameEventsAreTheSameCalendar(t *testing.T) {
	var events []calendar.Event
	for n := range 20 {
		events = append(events, calendar.Event{UID: fmt.Sprintf("expiry.r-%d@tairssl", n), At: now.AddDate(0, 0, n), Summary: "expires", Category: "Expiry"})
	}
	first, _ := written(t, events...)
	for range 3 {
		if again, _ := written(t, events...); again != first {
			t.Fatalf("the second calendar is\n%s\nand the first\n%s", again, first)
		}
	}
}
