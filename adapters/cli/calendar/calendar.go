// Package calendar writes calendars in the format iCalendar (RFC 5545). Other programs
// can import such a calendar, or subscribe to it.
//
// The UID of an event does not depend on its time. For example, the expiry of an
// instance's certificate always has the same UID. So after a renewal the event moves, and
// no old event stays.
package calendar

import (
	"io"
	"strings"
	"time"
	"unicode"

	ics "github.com/arran4/golang-ical"
)

// Event is an event at a point in time. It has no duration.
type Event struct {
	UID         string
	At          time.Time
	Summary     string
	Description string
	Category    string
}

// Refresh is the interval at which subscribers should read a calendar again, as an ISO 8601
// duration.
const Refresh = "PT1H"

// Write writes the events in the given order. now is the time of writing. The events have
// no duration, and do not mark a person as busy.
func Write(w io.Writer, name string, now time.Time, events []Event) error {
	c := ics.NewCalendar()
	c.SetProductId("-//tairssl//status//EN")
	c.SetCalscale("GREGORIAN")
	c.SetMethod(ics.MethodPublish)
	c.SetName(text(name))
	c.SetRefreshInterval(Refresh)
	c.SetXPublishedTTL(Refresh)
	for _, e := range events {
		event := c.AddEvent(e.UID)
		event.SetDtStampTime(now)
		event.SetStartAt(e.At)
		event.SetSummary(text(e.Summary))
		event.SetDescription(text(e.Description))
		event.AddCategory(text(e.Category))
		event.SetTimeTransparency(ics.TransparencyTransparent)
	}
	return c.SerializeTo(w, ics.WithNewLineWindows)
}

// text replaces the parts of a text that a calendar may not contain: invalid UTF-8, and
// all control characters except line feeds.
func text(s string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r == '\n':
			return r
		case r == '\t', r == '\u2028', r == '\u2029', unicode.IsControl(r):
			return ' '
		}
		return r
	}, strings.ToValidUTF8(strings.ReplaceAll(s, "\r\n", "\n"), "\uFFFD"))
}
