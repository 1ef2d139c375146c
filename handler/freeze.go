package handler

import (
	"fmt"
	"regexp"
	"strings"
	"sync"
	"time"
)

// Freezes are the times in which no unattended change is made. The zero value contains no
// time.
type Freezes []Freeze

// Freeze is one time without unattended changes: from one date to another, or every week.
type Freeze struct {
	text     string
	week     *weekly // nil for a freeze that comes once
	from, to time.Time
}

// maxFreezes is the greatest number of freezes in the setting.
const maxFreezes = 100

// freezeForms lists the forms of a freeze, for error messages.
const freezeForms = "write dates such as 2026-12-24/2027-01-02 Asia/Shanghai, with times 2026-12-24T18:00/2027-01-02T08:00 Asia/Shanghai, or days of every week such as Fri 16:00-Mon 08:00 Asia/Shanghai"

var (
	datesPattern = sync.OnceValue(func() *regexp.Regexp {
		return regexp.MustCompile(`^(\S+?) ?/ ?(\S+)(?: (\S+))?$`)
	})
	weekPattern = sync.OnceValue(func() *regexp.Regexp {
		return regexp.MustCompile(`^([A-Za-z]+) ([0-2][0-9]):([0-5][0-9]) ?- ?([A-Za-z]+) ([0-2][0-9]):([0-5][0-9])(?: (\S+))?$`)
	})
)

// ParseFreezes reads a comma list of freezes, each in a zone of the IANA database
// (default UTC):
//
//   - "2026-12-24/2027-01-02 Asia/Shanghai": from the beginning of the first day to
//     the end of the last one
//   - "2026-12-24T18:00/2027-01-02T08:00 Asia/Shanghai": from a time to another
//   - "Fri 16:00-Mon 08:00 Asia/Shanghai": every week; it may cross the week's end
//   - "Mon-Fri 09:00-18:00 Asia/Shanghai": every week, in the form of a window
//
// ParseFreezes refuses freezes that together cover the whole week.
func ParseFreezes(s string) (all Freezes, err error) {
	if strings.TrimSpace(s) == "" {
		return nil, nil
	}
	parts := strings.Split(s, ",")
	if len(parts) > maxFreezes {
		return nil, fmt.Errorf("%d freezes are too many: at most %d", len(parts), maxFreezes)
	}
	for _, part := range parts {
		f, err := parseFreeze(strings.Join(strings.Fields(part), " "))
		if err != nil {
			return nil, err
		}
		all = append(all, f)
	}
	last := time.Date(2000, 1, 1, 0, 0, 0, 0, time.UTC)
	for _, f := range all {
		last = later(last, f.to)
	}
	if all.Ends(last).Equal(forever) {
		return nil, fmt.Errorf("%q freezes every time of the week, so no certificate would ever be renewed: leave some time in which changes are made", Clip(s))
	}
	return all, nil
}

func parseFreeze(part string) (Freeze, error) {
	fault := func(format string, args ...any) (Freeze, error) {
		return Freeze{}, fmt.Errorf("%q %s: %s", Clip(part), fmt.Sprintf(format, args...), freezeForms)
	}
	if part == "" {
		return fault("is no freeze")
	}
	if m := weekPattern().FindStringSubmatch(part); m != nil {
		zone, err := parseZone(m[7])
		a, b := weekday(m[1]), weekday(m[4])
		start, end := minutes(m[2], m[3]), minutes(m[5], m[6])
		switch {
		case err != nil:
			return fault("has a bad zone, %v", err)
		case a < 0 || b < 0:
			return fault("does not name its days as Mon, Tue, Wed, Thu, Fri, Sat or Sun")
		case start > dayMinutes || end > dayMinutes:
			return fault("has a time after 24:00")
		}
		span := weekSpan{a*dayMinutes + start, b*dayMinutes + end}
		if span.start%weekMinutes == span.end%weekMinutes {
			return fault("is the whole week, or no time of it")
		}
		if span.start >= weekMinutes { // Sat 24:00
			span.start -= weekMinutes
		}
		week := newWeekly(zone, span)
		return Freeze{text: part, week: &week}, nil
	}
	if m := datesPattern().FindStringSubmatch(part); m != nil && strings.ContainsAny(m[1], "0123456789") {
		return parseDates(part, m[1], m[2], m[3])
	}
	w, err := ParseWindow(part)
	if err != nil || w.written == nil {
		return fault("is no freeze")
	}
	return Freeze{text: part, week: w.written}, nil
}

// parseDates reads a freeze from one date to another.
func parseDates(part, first, last, name string) (Freeze, error) {
	fault := func(format string, args ...any) (Freeze, error) {
		return Freeze{}, fmt.Errorf("%q %s: %s", Clip(part), fmt.Sprintf(format, args...), freezeForms)
	}
	zone, err := parseZone(name)
	if err != nil {
		return fault("has a bad zone, %v", err)
	}
	from, _, err := parseDay(first)
	if err != nil {
		return fault("has a bad beginning, %q", Clip(first))
	}
	to, whole, err := parseDay(last)
	if err != nil {
		return fault("has a bad end, %q", Clip(last))
	}
	if whole {
		to = to.AddDate(0, 0, 1)
	}
	f := Freeze{text: part, from: showing(from, zone), to: showingLast(to, zone)}
	if from.Before(to) && !f.from.Before(f.to) {
		return fault("is a time that the clocks of its zone skip that day")
	}
	if !from.Before(to) {
		return fault("ends before it begins")
	}
	return f, nil
}

// parseDay reads a date, with or without a time of day.
func parseDay(s string) (t time.Time, whole bool, err error) {
	if t, err = time.Parse(time.DateOnly, s); err == nil {
		return t, true, inRange(t)
	}
	for _, layout := range []string{"2006-01-02T15:04", "2006-01-02T15:04:05"} {
		if t, err = time.Parse(layout, s); err == nil {
			return t, false, inRange(t)
		}
	}
	return t, false, err
}

// inRange refuses years outside the range for which time zones are known.
func inRange(t time.Time) error {
	if t.Year() < 1970 || t.Year() > 9000 {
		return fmt.Errorf("the year %d is out of range", t.Year())
	}
	return nil
}

// UnmarshalText reads a setting by [ParseFreezes].
func (f *Freezes) UnmarshalText(text []byte) (err error) {
	*f, err = ParseFreezes(string(text))
	return err
}

// String returns the text of the setting.
func (f Freezes) String() string {
	texts := make([]string, len(f))
	for i, freeze := range f {
		texts[i] = freeze.text
	}
	return strings.Join(texts, ", ")
}

// String returns the text of the freeze in the setting.
func (f Freeze) String() string { return f.text }

// Once returns the times of a freeze with dates. ok is false for a weekly freeze.
func (f Freeze) Once() (from, to time.Time, ok bool) { return f.from, f.to, f.week == nil }

// ends is the end of the freeze if the freeze is on at t. Otherwise it is t.
func (f Freeze) ends(t time.Time) time.Time {
	switch {
	case f.week != nil:
		return f.week.first(t, false)
	case t.Before(f.from) || !t.Before(f.to):
		return t
	}
	return f.to
}

// begins is the first time at or after t at which the freeze is on. It is [forever] if
// there is no such time.
func (f Freeze) begins(t time.Time) time.Time {
	switch {
	case f.week != nil:
		return f.week.first(t, true)
	case !t.Before(f.to):
		return forever
	}
	return later(t, f.from)
}

// On reports whether a freeze is on at t.
func (f Freezes) On(t time.Time) bool { return f.Ends(t).After(t) }

// Ends is the first time at or after t at which no freeze is on. It is the end of the
// year 9999 if there is none.
func (f Freezes) Ends(t time.Time) time.Time {
	free := t
	for again := true; again; {
		again = false
		for _, freeze := range f {
			if end := freeze.ends(free); end.After(free) {
				free, again = end, true
			}
		}
		if free.Equal(forever) || again && f.endless(free.Sub(t)) {
			return forever
		}
	}
	return free
}

// endless reports whether weekly freezes follow each other without a gap. since is the
// time for which the freezes have been on. Without the freezes with dates, it is then
// more than two years.
func (f Freezes) endless(since time.Duration) bool {
	for _, freeze := range f {
		if freeze.week == nil {
			since -= freeze.to.Sub(freeze.from)
		}
	}
	return since > 2*366*24*time.Hour
}

// Begins is the first time at or after t at which a freeze is on. It is the end of the
// year 9999 if there is none.
func (f Freezes) Begins(t time.Time) time.Time {
	first := forever
	for _, freeze := range f {
		if begins := freeze.begins(t); begins.Before(first) {
			first = begins
		}
	}
	return first
}
