package fleetpage

import (
	"fmt"
	"strings"
	"time"
	"unicode"

	"tairssl/handler"
)

// Plain replaces characters that are invisible or change the direction of writing,
// because they can make one id look like another. html/template escapes only markup.
// Plain also cuts the text after 400 characters, because the API's messages have no
// limit.
func Plain(s string) string {
	const most = 400
	var b strings.Builder
	n := 0
	for _, r := range s {
		switch {
		case n == most:
			return b.String() + "…"
		case unicode.IsPrint(r):
			b.WriteRune(r)
		default:
			fmt.Fprintf(&b, `\u%04x`, r)
		}
		n++
	}
	return b.String()
}

// plainAll applies Plain to each text.
func plainAll(texts []string) (plain []string) {
	for _, text := range texts {
		plain = append(plain, Plain(text))
	}
	return plain
}

// moment is a time for people and for programs.
type moment struct {
	Machine string // RFC 3339 without seconds, in UTC; sorts by time
	Text    string // with its zone
	Away    string // "in 12d", "3d ago"
}

// clock formats times in one zone, relative to one moment.
type clock struct {
	now  time.Time
	zone *time.Location
}

func (p Page) clock() clock {
	if p.Zone == nil {
		return clock{p.Generated, time.UTC}
	}
	return clock{p.Generated, p.Zone}
}

func (c clock) moment(t time.Time) *moment {
	if t.IsZero() {
		return nil
	}
	return &moment{t.UTC().Format("2006-01-02T15:04Z"), c.text(t), c.away(t)}
}

func (c clock) text(t time.Time) string {
	t = t.In(c.zone)
	return t.Format("2006-01-02 15:04 ") + zoneOf(t)
}

func (c clock) away(t time.Time) string {
	if d := t.Sub(c.now); d > 0 {
		return "in " + handler.Span(d)
	}
	return handler.Span(c.now.Sub(t)) + " ago"
}

// zoneOf formats the offset of t from UTC. It avoids names of zones because they are
// ambiguous: CST is used in Shanghai and in Chicago.
func zoneOf(t time.Time) string {
	_, seconds := t.Zone()
	sign := '+'
	if seconds < 0 {
		sign, seconds = '-', -seconds
	}
	switch hours, minutes := seconds/3600, seconds/60%60; {
	case seconds == 0:
		return "UTC"
	case minutes == 0:
		return fmt.Sprintf("UTC%c%d", sign, hours)
	default:
		return fmt.Sprintf("UTC%c%d:%02d", sign, hours, minutes)
	}
}

// number writes a number with separators: 5,000.
func number(n int) string {
	text := fmt.Sprint(n)
	for i := len(text) - 3; i > 0; i -= 3 {
		text = text[:i] + "," + text[i:]
	}
	return text
}

// counted writes a number with its noun: "1 instance", "5,000 instances".
func counted(n int, noun string) string {
	if n != 1 {
		noun += "s"
	}
	return number(n) + " " + noun
}

// either chooses the form of a word for a number.
func either(n int, one, many string) string {
	if n == 1 {
		return one
	}
	return many
}
