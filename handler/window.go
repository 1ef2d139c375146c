package handler

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"time"
)

// Window says when unattended changes are made. The zero value is each
// instance's own maintenance window.
type Window struct {
	text    string
	any     bool
	written *span24 // nil: the instance's own
	days    [7]bool // of written, by the day it begins; time.Sunday is 0
	zone    *time.Location
}

// span24 is a time of the day, from start to before end, in minutes; it crosses
// midnight if end is not after start.
type span24 struct{ start, end int }

const dayMinutes = 24 * 60

var (
	windowPattern = sync.OnceValue(func() *regexp.Regexp {
		return regexp.MustCompile(`^(?:([A-Za-z,-]+) )?([0-2][0-9]):([0-5][0-9])-([0-2][0-9]):([0-5][0-9])(?: ([A-Za-z0-9_+/-]+))?$`)
	})
	weekdays = []string{"sun", "mon", "tue", "wed", "thu", "fri", "sat"}
)

// ParseWindow reads "instance" (each instance's own window), "any", or a
// written one such as "Sat,Sun 02:00-05:00 Asia/Shanghai": days (a list, or
// Mon-Fri; default all) on which it begins, times of the day, a zone of the IANA
// database (default UTC). It may cross midnight. One that can never open is an
// error.
func ParseWindow(s string) (Window, error) {
	switch s {
	case "", "instance":
		return Window{}, nil
	case "any":
		return Window{text: s, any: true}, nil
	}
	m := windowPattern().FindStringSubmatch(s)
	if m == nil {
		return Window{}, fmt.Errorf("%q is not instance, any, or a window such as Sat,Sun 02:00-05:00 Asia/Shanghai", Clip(s))
	}
	w := Window{text: s, zone: time.UTC, written: &span24{minutes(m[2], m[3]), minutes(m[4], m[5])}}
	switch {
	case w.written.start >= dayMinutes || w.written.end > dayMinutes:
		return Window{}, fmt.Errorf("%q: a day ends at 24:00", Clip(s))
	case w.written.start == w.written.end:
		return Window{}, fmt.Errorf("%q never opens: it ends when it begins; all day is 00:00-24:00", Clip(s))
	}
	if err := w.parseDays(m[1]); err != nil {
		return Window{}, err
	}
	if m[6] != "" {
		zone, err := time.LoadLocation(m[6])
		if err != nil || m[6] == "Local" {
			return Window{}, fmt.Errorf("%q: %q is not a zone such as Asia/Shanghai", Clip(s), m[6])
		}
		w.zone = zone
	}
	return w, nil
}

func (w *Window) parseDays(list string) error {
	if list == "" {
		list = "Sun-Sat"
	}
	for _, part := range strings.Split(list, ",") {
		from, to, isRange := strings.Cut(part, "-")
		if !isRange {
			to = from
		}
		a, b := weekday(from), weekday(to)
		if a < 0 || b < 0 {
			return fmt.Errorf("%q is not a day such as Sat, or days such as Mon-Fri", Clip(part))
		}
		for d := a; ; d = (d + 1) % 7 {
			if w.days[d] = true; d == b {
				break
			}
		}
	}
	return nil
}

func weekday(name string) int {
	for i, day := range weekdays {
		if strings.EqualFold(name, day) {
			return i
		}
	}
	return -1
}

// minutes of the day; the pattern has seen to it that both are digits.
func minutes(hour, minute string) int {
	h, _ := strconv.Atoi(hour)
	m, _ := strconv.Atoi(minute)
	return h*60 + m
}

// UnmarshalText reads a setting by [ParseWindow].
func (w *Window) UnmarshalText(text []byte) (err error) {
	*w, err = ParseWindow(string(text))
	return err
}

// String gives the setting back.
func (w Window) String() string {
	if w.text == "" {
		return "instance"
	}
	return w.text
}

// Own reports that the window is each instance's own.
func (w Window) Own() bool { return !w.any && w.written == nil }

// Zone is that of a written window, else UTC, in which the API writes the
// instances' own.
func (w Window) Zone() *time.Location {
	if w.zone == nil {
		return time.UTC
	}
	return w.zone
}

// defaultWindow is what Alibaba gives an instance whose owner chose none:
// 02:00 to 06:00 in China.
var defaultWindow = span24{18 * 60, 22 * 60}

var allDays = [7]bool{true, true, true, true, true, true, true}

// of is the window that counts for an instance.
func (w Window) of(i Instance) (span24, [7]bool, *time.Location) {
	if w.written != nil {
		return *w.written, w.days, w.zone
	}
	var h1, m1, h2, m2 int
	_, err1 := fmt.Sscanf(i.MaintainStartTime, "%02d:%02dZ", &h1, &m1)
	_, err2 := fmt.Sscanf(i.MaintainEndTime, "%02d:%02dZ", &h2, &m2)
	s := span24{h1*60 + m1, h2*60 + m2}
	if err1 != nil || err2 != nil || s.start == s.end || s.start >= dayMinutes || s.end > dayMinutes {
		s = defaultWindow
	}
	return s, allDays, time.UTC
}

// Opens is the earliest time at or after now at which an instance's window is
// open: now itself if it is. A window is open while a clock in its zone shows a
// time within it, so where clocks are put forward over all of it, it does not
// open that day, and an hour that comes twice opens it twice.
func (w Window) Opens(i Instance, now time.Time) time.Time {
	if w.any {
		return now
	}
	s, days, zone := w.of(i)
	for t := now; ; {
		wait := s.wait(t.In(zone), days)
		if wait == 0 {
			return t
		}
		opens := t.Add(wait)
		// A change of the clocks in between makes the reckoning wrong: go on from there.
		if _, change := t.In(zone).ZoneBounds(); !change.IsZero() && change.After(t) && !change.After(opens) {
			t = change
			continue
		}
		t = opens
	}
}

// wait is how long it is, by a clock that runs on evenly from t, until the
// window opens; 0 while it is open.
func (s span24) wait(t time.Time, days [7]bool) time.Duration {
	length := s.end - s.start
	if length <= 0 {
		length += dayMinutes
	}
	day := int(t.Weekday())
	since := time.Duration(t.Hour())*time.Hour + time.Duration(t.Minute())*time.Minute + time.Duration(t.Second())*time.Second + time.Duration(t.Nanosecond())
	for d := -1; d <= 8; d++ {
		if !days[((day+d)%7+7)%7] {
			continue
		}
		opens := time.Duration(d*dayMinutes+s.start)*time.Minute - since
		switch closes := opens + time.Duration(length)*time.Minute; {
		case closes <= 0:
		case opens <= 0:
			return 0
		default:
			return opens
		}
	}
	return 0 // some day of the week is set
}
