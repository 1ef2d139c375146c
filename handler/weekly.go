package handler

import (
	"slices"
	"time"
)

const (
	dayMinutes  = 24 * 60
	weekMinutes = 7 * dayMinutes
)

// forever is later than every time that matters here.
var forever = time.Date(9999, 12, 31, 0, 0, 0, 0, time.UTC)

// weekly is a set of times of the week, by the wall clocks of a zone. A moment is in the
// set if the clocks show such a time. If the clocks are put forward over a whole span,
// the span is skipped that week. If an hour comes twice, both are in the set.
type weekly struct {
	spans []weekSpan // sorted, with time between them
	zone  *time.Location
}

// weekSpan is from start until just before end, in minutes since Sunday 00:00.
type weekSpan struct{ start, end int }

// newWeekly joins overlapping spans. A span may begin before the week or end after it. It
// then goes on at the other end of the week.
func newWeekly(zone *time.Location, spans ...weekSpan) weekly {
	var all []weekSpan
	for _, s := range spans {
		if s.end <= s.start {
			s.end += weekMinutes
		}
		all = append(all, weekSpan{s.start, min(s.end, weekMinutes)})
		if s.end > weekMinutes {
			all = append(all, weekSpan{0, s.end - weekMinutes})
		}
	}
	slices.SortFunc(all, func(a, b weekSpan) int { return a.start - b.start })
	w := weekly{zone: zone}
	for _, s := range all {
		if last := len(w.spans) - 1; last >= 0 && s.start <= w.spans[last].end {
			w.spans[last].end = max(w.spans[last].end, s.end)
			continue
		}
		w.spans = append(w.spans, s)
	}
	return w
}

// always reports whether every time is in the set.
func (w weekly) always() bool {
	return len(w.spans) == 1 && w.spans[0] == weekSpan{0, weekMinutes}
}

// first is the first time at or after t that is in the set. If in is false, it is the
// first time outside of the set. It is [forever] if there is no such time.
func (w weekly) first(t time.Time, in bool) time.Time {
	if in && len(w.spans) == 0 || !in && w.always() {
		return forever
	}
	for {
		wait := w.wait(t.In(w.zone), in)
		if wait == 0 {
			return t
		}
		then := t.Add(wait)
		// The clocks change before then, so the computed time is wrong. Go on from the
		// change.
		if _, change := t.In(w.zone).ZoneBounds(); !change.IsZero() && change.After(t) && !change.After(then) {
			t = change
			continue
		}
		t = then
	}
}

// wait is the time until a clock that runs evenly from t shows a time in the set. If in
// is false, wait is the time until it shows a time outside of the set. It is 0 if the
// clock already shows such a time.
func (w weekly) wait(t time.Time, in bool) time.Duration {
	since := sinceSunday(t)
	for i, s := range w.spans {
		start, end := time.Duration(s.start)*time.Minute, time.Duration(s.end)*time.Minute
		switch {
		case since >= end:
		case since < start && in:
			return start - since
		case since < start || in:
			return 0
		case s.end == weekMinutes && w.spans[0].start == 0 && i > 0: // the span goes on in the next week
			return end + time.Duration(w.spans[0].end)*time.Minute - since
		default:
			return end - since
		}
	}
	if !in {
		return 0
	}
	return time.Duration(weekMinutes+w.spans[0].start)*time.Minute - since
}

// sinceSunday is the time since Sunday 00:00 that a clock of t's zone shows. It looks the
// zone up once. t.Weekday, t.Hour and t.Minute would look it up each time.
func sinceSunday(t time.Time) time.Duration {
	const firstSunday, week = 3 * 24 * 3600, 7 * 24 * 3600 // 1970-01-04 was a Sunday
	_, offset := t.Zone()
	seconds := (t.Unix() + int64(offset) - firstSunday) % week
	if seconds < 0 { // before 1970
		seconds += week
	}
	return time.Duration(seconds)*time.Second + time.Duration(t.Nanosecond())
}

// showing is the first moment at which the clocks of a zone show the given date and time,
// or a later time. The date and time are given as if they were UTC.
func showing(wall time.Time, zone *time.Location) time.Time {
	for t := wall.Add(-48 * time.Hour); ; {
		left := wall.Sub(onWall(t, zone))
		if left <= 0 {
			return t
		}
		then := t.Add(left)
		if _, change := t.In(zone).ZoneBounds(); !change.IsZero() && change.After(t) && change.Before(then) {
			t = change
			continue
		}
		t = then
	}
}

// showingLast is the first moment after which the clocks of a zone never again show a
// time before the given time.
func showingLast(wall time.Time, zone *time.Location) time.Time {
	t := showing(wall, zone)
	if _, change := t.In(zone).ZoneBounds(); !change.IsZero() && change.Sub(t) < 24*time.Hour && onWall(change, zone).Before(wall) {
		return change.Add(wall.Sub(onWall(change, zone)))
	}
	return t
}

// onWall is the date and time that the clocks of a zone show, written as if it were UTC.
func onWall(t time.Time, zone *time.Location) time.Time {
	_, offset := t.In(zone).Zone()
	return t.UTC().Add(time.Duration(offset) * time.Second)
}
