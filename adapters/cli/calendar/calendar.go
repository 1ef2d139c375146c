// Package calendar writes a calendar that other programs import or subscribe to:
// iCalendar, RFC 5545.
//
// A UID stands for one thing, such as the expiry of one instance's certificate,
// whenever it happens. So an event moves when a calendar is read again after a
// renewal, and no old one stays.
package calendar

import (
	"io"
	"strings"
	"time"
	"unicode"

	ics "github.com/arran4/golang-ical"
)

// Event is something that happens at a moment.
type Event struct {
	UID         string
	At          time.Time
	Summary     string
	Description string
	Category    string
}

// Refresh is how often who subscribes to a calendar should read it again.
const Refresh = "PT1H"

// Write writes the events in their order, as of a moment. No event lasts, and none
// makes its reader busy.
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

// text leaves out what no text of a calendar may hold: bytes that are no UTF-8 and
// control characters, but for the end of a line.
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
