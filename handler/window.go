package handler

import (
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"time"
)

// Window is when unattended changes are made. The zero value is each instance's own
// maintenance window.
type Window struct {
	text    string
	any     bool
	written *weekly // nil for the instance's own window
}

var (
	windowPattern = sync.OnceValue(func() *regexp.Regexp {
		return regexp.MustCompile(`^(?:([A-Za-z,-]+) )?([0-2][0-9]):([0-5][0-9])-([0-2][0-9]):([0-5][0-9])(?: ([A-Za-z0-9_+/-]+))?$`)
	})
	weekdays = []string{"sun", "mon", "tue", "wed", "thu", "fri", "sat"}
)

// ParseWindow reads "instance" (each instance's own window), "any", or a window such as
// "Sat,Sun 02:00-05:00 Asia/Shanghai": the days on which it begins (a list, or Mon-Fri;
// default all), the times of day, and a zone of the IANA database (default UTC). A window
// may cross midnight. A window that can never open is an error.
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
	start, end := minutes(m[2], m[3]), minutes(m[4], m[5])
	switch {
	case start >= dayMinutes || end > dayMinutes:
		return Window{}, fmt.Errorf("%q: a day ends at 24:00", Clip(s))
	case start == end:
		return Window{}, fmt.Errorf("%q never opens: it ends when it begins; all day is 00:00-24:00", Clip(s))
	}
	days, err := parseDays(m[1])
	if err != nil {
		return Window{}, err
	}
	zone, err := parseZone(m[6])
	if err != nil {
		return Window{}, fmt.Errorf("%q: %w", Clip(s), err)
	}
	w := daily(start, end, days, zone)
	return Window{text: s, written: &w}, nil
}

// parseDays reads the days on which a window begins, numbered as by time.Weekday.
func parseDays(list string) (days []int, err error) {
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
			return nil, fmt.Errorf("%q is not a day such as Sat, or days such as Mon-Fri", Clip(part))
		}
		for d := a; ; d = (d + 1) % 7 {
			if days = append(days, d); d == b {
				break
			}
		}
	}
	return days, nil
}

// parseZone reads a zone of the IANA database; "" is UTC.
func parseZone(name string) (*time.Location, error) {
	zone, err := time.LoadLocation(name)
	if err != nil || name == "Local" {
		return nil, fmt.Errorf("%q is not a zone such as Asia/Shanghai", Clip(name))
	}
	return zone, nil
}

// daily is a time of day on some days of the week, from start until just before end, in
// minutes. It crosses midnight if end is not after start.
func daily(start, end int, days []int, zone *time.Location) weekly {
	if end <= start {
		end += dayMinutes
	}
	spans := make([]weekSpan, len(days))
	for i, d := range days {
		spans[i] = weekSpan{d*dayMinutes + start, d*dayMinutes + end}
	}
	return newWeekly(zone, spans...)
}

func weekday(name string) int {
	for i, day := range weekdays {
		if strings.EqualFold(name, day) {
			return i
		}
	}
	return -1
}

// minutes converts a time of day to minutes. The pattern has checked that both texts are
// digits.
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

// String returns the text of the setting.
func (w Window) String() string {
	if w.text == "" {
		return "instance"
	}
	return w.text
}

// Own reports whether the window is each instance's own.
func (w Window) Own() bool { return !w.any && w.written == nil }

// Zone is the zone of a written window. Otherwise it is UTC, in which the API writes the
// instances' own windows.
func (w Window) Zone() *time.Location {
	if w.written == nil {
		return time.UTC
	}
	return w.written.zone
}

// defaultStart and defaultEnd are the window of an instance whose owner chose none: 02:00
// to 06:00 in China.
const defaultStart, defaultEnd = 18 * 60, 22 * 60

var allDays = []int{0, 1, 2, 3, 4, 5, 6}

// of is the window that holds for an instance; nil if the window is always open.
func (w Window) of(i Instance) *weekly {
	switch {
	case w.any:
		return nil
	case w.written != nil:
		return w.written
	}
	var h1, m1, h2, m2 int
	_, err1 := fmt.Sscanf(i.MaintainStartTime, "%02d:%02dZ", &h1, &m1)
	_, err2 := fmt.Sscanf(i.MaintainEndTime, "%02d:%02dZ", &h2, &m2)
	start, end := h1*60+m1, h2*60+m2
	if err1 != nil || err2 != nil || start == end || start >= dayMinutes || end > dayMinutes {
		start, end = defaultStart, defaultEnd
	}
	own := daily(start, end, allDays, time.UTC)
	return &own
}

// Opens is the first time at or after now at which an instance's window is open. A window
// is open while the clocks of its zone show a time in it. If the clocks are put forward
// over the whole window, it does not open that day. If an hour comes twice, the window
// opens twice.
func (w Window) Opens(i Instance, now time.Time) time.Time {
	if week := w.of(i); week != nil {
		return week.first(now, true)
	}
	return now
}
