package handler_test

import (
	"fmt"
	"strings"
	"testing"
	"time"
	_ "time/tzdata"

	"pgregory.net/rapid"

	"tairssl/handler"
	"tairssl/handler/handlertest"
)

func freezes(t interface{ Fatal(...any) }, text string) handler.Freezes {
	f, err := handler.ParseFreezes(text)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// Each error names the wrong part and shows how to write it.
func TestFreezesThatAreNone(t *testing.T) {
	for text, part := range map[string]string{
		"soon":                                     "soon",
		"2026-12-24":                               "2026-12-24",
		"2026-12-24/2027-01-02 Mars/Base":          "Mars/Base",
		"2026-12-24/2027-01-02 Local":              "Local",
		"2027-01-02/2026-12-24 Asia/Shanghai":      "2027-01-02/2026-12-24 Asia/Shanghai",
		"2026-02-30/2026-03-02":                    "2026-02-30",
		"2026-12-24/2027-13-01":                    "2027-13-01",
		"2026-12-24T25:00/2027-01-02":              "2026-12-24T25:00",
		"2026-12-24T08:00/2026-12-24T08:00":        "2026-12-24T08:00/2026-12-24T08:00",
		"0001-01-01/2027-01-02":                    "0001-01-01",
		"2026-01-01/9999-12-31":                    "9999-12-31",
		"Fri 16:00-Mon":                            "Fri 16:00-Mon",
		"Fri 16:00-Mom 08:00":                      "Fri 16:00-Mom 08:00",
		"Fri 16:60-Mon 08:00":                      "Fri 16:60-Mon 08:00",
		"Fri 16:00-Mon 25:00":                      "Fri 16:00-Mon 25:00",
		"Fri 16:00-Fri 16:00":                      "Fri 16:00-Fri 16:00",
		"Sun 00:00-Sat 24:00":                      "Sun 00:00-Sat 24:00",
		"instance":                                 "instance",
		"any":                                      "any",
		"2026-12-24/2027-01-02, ":                  `""`,
		"2026-12-24/2027-01-02, tomorrow":          "tomorrow",
		"00:00-24:00":                              "00:00-24:00",
		"Mon 00:00-Fri 12:00, Fri 12:00-Mon 00:00": "every time",
		"Mon 00:00-Fri 12:00 Asia/Shanghai, Thu 00:00-Mon 12:00 America/Los_Angeles": "every time",
		strings.Repeat("2026-12-24/2027-01-02,", 101):                                "at most 100",
	} {
		f, err := handler.ParseFreezes(text)
		switch {
		case err == nil:
			t.Errorf("%q is taken for %v", text, f)
		case !strings.Contains(err.Error(), part):
			t.Errorf("of %q the fault does not say %q: %v", text, part, err)
		case part != "at most 100" && !strings.Contains(err.Error(), "every time") && !strings.Contains(err.Error(), "2026-12-24/2027-01-02 Asia/Shanghai"):
			t.Errorf("of %q the fault shows no right form: %v", text, err)
		}
	}
	for _, text := range []string{
		"2026-12-24/2027-01-02 Asia/Shanghai", "2026-12-24/2026-12-24", "2026-12-24T18:00/2027-01-02T08:00:30 Europe/Berlin", "2026-12-24/2027-01-02T08:00",
		"Fri 16:00-Mon 08:00 Asia/Shanghai", "fri 16:00-fri 18:00", "Sat 24:00-Mon 08:00", "Fri 16:00-Sat 24:00", "Mon-Fri 09:00-18:00 Asia/Shanghai", "22:00-02:00",
		"2026-12-24/2027-01-02 Asia/Shanghai, Fri 16:00-Mon 08:00 Asia/Shanghai",
	} {
		if f, err := handler.ParseFreezes(text); err != nil || f.String() != text {
			t.Errorf("%q is read as %q: %v", text, f, err)
		}
	}
	for _, none := range []string{"", "  "} {
		if f, err := handler.ParseFreezes(none); err != nil || f != nil {
			t.Errorf("%q is read as %q: %v", none, f, err)
		}
	}
}

func TestWhenFreezesAreOn(t *testing.T) {
	for name, test := range map[string]struct{ freeze, at, begins, ends string }{
		"before it":                     {"2026-12-24/2027-01-02 Asia/Shanghai", "2026-12-01T00:00:00Z", "2026-12-23T16:00:00Z", "2026-12-01T00:00:00Z"},
		"its first second":              {"2026-12-24/2027-01-02 Asia/Shanghai", "2026-12-23T16:00:00Z", "2026-12-23T16:00:00Z", "2027-01-02T16:00:00Z"},
		"its last day, whole":           {"2026-12-24/2027-01-02 Asia/Shanghai", "2027-01-02T15:59:59Z", "2027-01-02T15:59:59Z", "2027-01-02T16:00:00Z"},
		"it is over":                    {"2026-12-24/2027-01-02 Asia/Shanghai", "2027-01-02T16:00:00Z", "9999-12-31T00:00:00Z", "2027-01-02T16:00:00Z"},
		"in UTC":                        {"2026-12-24/2026-12-24", "2026-12-24T12:00:00Z", "2026-12-24T12:00:00Z", "2026-12-25T00:00:00Z"},
		"by the minute":                 {"2026-12-24T18:30/2026-12-25T06:00 Asia/Shanghai", "2026-12-24T12:00:00Z", "2026-12-24T12:00:00Z", "2026-12-24T22:00:00Z"},
		"a weekend":                     {"Fri 16:00-Mon 08:00 Asia/Shanghai", "2026-11-24T12:00:00Z", "2026-11-27T08:00:00Z", "2026-11-24T12:00:00Z"},
		"in a weekend":                  {"Fri 16:00-Mon 08:00 Asia/Shanghai", "2026-11-29T12:00:00Z", "2026-11-29T12:00:00Z", "2026-11-30T00:00:00Z"},
		"over the end of the week":      {"Sat 20:00-Sun 04:00", "2026-11-28T23:59:59Z", "2026-11-28T23:59:59Z", "2026-11-29T04:00:00Z"},
		"until the end of the week":     {"Fri 20:00-Sat 24:00", "2026-11-28T23:59:59Z", "2026-11-28T23:59:59Z", "2026-11-29T00:00:00Z"},
		"two in a row":                  {"2026-12-24/2026-12-25, 2026-12-26/2026-12-27", "2026-12-24T12:00:00Z", "2026-12-24T12:00:00Z", "2026-12-28T00:00:00Z"},
		"a weekend in a longer one":     {"Fri 16:00-Mon 08:00, 2026-12-24/2026-12-26", "2026-12-24T12:00:00Z", "2026-12-24T12:00:00Z", "2026-12-28T08:00:00Z"},
		"office hours":                  {"Mon-Fri 09:00-18:00 Europe/Berlin", "2026-11-27T18:00:00Z", "2026-11-30T08:00:00Z", "2026-11-27T18:00:00Z"},
		"shorter by summer time":        {"Sat 22:00-Sun 04:00 Europe/Berlin", "2027-03-27T21:00:00Z", "2027-03-27T21:00:00Z", "2027-03-28T02:00:00Z"},
		"longer by winter time":         {"Sat 22:00-Sun 04:00 Europe/Berlin", "2026-10-24T20:00:00Z", "2026-10-24T20:00:00Z", "2026-10-25T03:00:00Z"},
		"from an hour that comes not":   {"2027-03-28T02:30/2027-03-29 Europe/Berlin", "2027-03-28T00:59:59Z", "2027-03-28T01:00:00Z", "2027-03-28T00:59:59Z"},
		"from an hour that comes again": {"2026-10-25T02:30/2026-10-26 Europe/Berlin", "2026-10-25T00:00:00Z", "2026-10-25T00:30:00Z", "2026-10-25T00:00:00Z"},
		"to an hour that comes again":   {"2026-10-24/2026-10-25T02:30 Europe/Berlin", "2026-10-25T00:00:00Z", "2026-10-25T00:00:00Z", "2026-10-25T01:30:00Z"},
		"a day without midnight":        {"2026-09-06/2026-09-06 America/Santiago", "2026-09-05T12:00:00Z", "2026-09-06T04:00:00Z", "2026-09-05T12:00:00Z"},
	} {
		at, _ := time.Parse(time.RFC3339, test.at)
		f := freezes(t, test.freeze)
		if got := f.Begins(at).UTC().Format(time.RFC3339); got != test.begins {
			t.Errorf("%s: at %s the freeze %s is on next %s, want %s", name, test.at, test.freeze, got, test.begins)
		}
		if got := f.Ends(at).UTC().Format(time.RFC3339); got != test.ends {
			t.Errorf("%s: at %s the freeze %s is off next %s, want %s", name, test.at, test.freeze, got, test.ends)
		}
	}
}

var zones = []string{"UTC", "Asia/Shanghai", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "America/St_Johns", "America/Santiago"}

// drawnFreeze is a random freeze, with a function that asks a wall clock whether it is
// on.
type drawnFreeze struct {
	text string
	on   func(t time.Time) bool
}

// drawFreeze draws a freeze near a day. Its times are multiples of step minutes.
func drawFreeze(t *rapid.T, near time.Time, step int) drawnFreeze {
	name := rapid.SampledFrom(zones).Draw(t, "zone")
	zone, _ := time.LoadLocation(name)
	if rapid.Bool().Draw(t, "weekly") {
		days := []string{"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"}
		start := rapid.IntRange(0, 10079/step).Draw(t, "start") * step
		length := rapid.IntRange(1, 10079/step-1).Draw(t, "length") * step
		end := (start + length) % 10080
		return drawnFreeze{
			fmt.Sprintf("%s %02d:%02d-%s %02d:%02d %s", days[start/1440], start%1440/60, start%60, days[end/1440], end%1440/60, end%60, name),
			func(t time.Time) bool {
				wall := t.In(zone)
				m := int(wall.Weekday())*1440 + wall.Hour()*60 + wall.Minute()
				if start < end {
					return m >= start && m < end
				}
				return m >= start || m < end
			},
		}
	}
	from := near.Truncate(24 * time.Hour).Add(time.Duration(rapid.IntRange(-5*1440/step, 25*1440/step).Draw(t, "from")*step) * time.Minute)
	to := from.Add(time.Duration(rapid.IntRange(1, 20*1440/step).Draw(t, "days")*step) * time.Minute)
	layout := "2006-01-02T15:04"
	text := from.Format(layout) + "/" + to.Format(layout) + " " + name
	if rapid.Bool().Draw(t, "whole days") {
		from, to = from.Truncate(24*time.Hour), to.Truncate(24*time.Hour)
		text = from.Format(time.DateOnly) + "/" + to.Format(time.DateOnly) + " " + name
		to = to.AddDate(0, 0, 1)
	}
	if _, err := handler.ParseFreezes(text); err != nil && strings.Contains(err.Error(), "that the clocks of its zone skip") {
		t.Skip("no clock shows it")
	}
	shows := func(t time.Time) time.Time {
		wall := t.In(zone)
		return time.Date(wall.Year(), wall.Month(), wall.Day(), wall.Hour(), wall.Minute(), 0, 0, time.UTC)
	}
	return drawnFreeze{text, func(t time.Time) bool {
		// The freeze is on from the first moment at which the clock shows the beginning
		// until the last moment at which it shows a time before the end. In between, the
		// clock may go back by an hour.
		begun, over := false, true
		if now := shows(t); now.Sub(from).Abs() > 4*time.Hour && now.Sub(to).Abs() > 4*time.Hour {
			return !now.Before(from) && now.Before(to)
		}
		for back := range 3*60/step + 1 {
			begun = begun || !shows(t.Add(-time.Duration(back*step)*time.Minute)).Before(from)
			over = over && !shows(t.Add(time.Duration(back*step)*time.Minute)).Before(to)
		}
		return begun && !over
	}}
}

// near lists days, most of them with a change of the clocks.
var near = []string{"2027-03-14", "2027-03-28", "2026-10-25", "2026-11-01", "2027-04-04", "2026-10-04", "2026-09-06", "2026-06-01"}

func TestAFreezeThatNoClockShowsIsAnError(t *testing.T) {
	_, err := handler.ParseFreezes("2026-09-06T00:00/2026-09-06T00:01 America/Santiago")
	if err == nil || !strings.Contains(err.Error(), "is a time that the clocks of its zone skip") {
		t.Errorf("it ends as %v", err)
	}
}

// The model looks at a wall clock every minute.
func TestFreezesAgreeWithTheClockOnTheWall(t *testing.T) {
	t.Parallel() // it needs a processor for seconds
	handlertest.Check(t, func(t *rapid.T) {
		base, _ := time.Parse(time.DateOnly, rapid.SampledFrom(near).Draw(t, "near"))
		drawn := drawFreeze(t, base, 1)
		f, err := handler.ParseFreezes(drawn.text)
		if err != nil {
			t.Fatal(err)
		}
		now := base.Add(time.Duration(rapid.IntRange(-3*1440, 2*1440).Draw(t, "at")) * time.Minute)
		if f.On(now) != drawn.on(now) {
			t.Fatalf("at %s %s is on: %v", now, drawn.text, f.On(now))
		}
		ends, begins := f.Ends(now), f.Begins(now)
		for at := now; at.Before(now.AddDate(0, 0, 9)); at = at.Add(time.Minute) {
			switch on := drawn.on(at); {
			case at.Before(ends) && !on:
				t.Fatalf("at %s %s ends %s, and is off %s", now, drawn.text, ends, at)
			case at.Before(begins) && on:
				t.Fatalf("at %s %s begins %s, and is on %s", now, drawn.text, begins, at)
			case at.Equal(ends) && on, at.Equal(begins) && !on:
				t.Fatalf("at %s %s ends %s and begins %s, and is on at %s: %v", now, drawn.text, ends, begins, at, on)
			}
		}
	})
}

// Every freeze that is accepted is written back unchanged, and every question about it
// ends.
func FuzzFreezes(f *testing.F) {
	for _, text := range []string{
		"", "2026-12-24/2027-01-02 Asia/Shanghai", "2026-12-24T18:00/2027-01-02T08:00", "Fri 16:00-Mon 08:00 Asia/Shanghai", "Mon-Fri 09:00-18:00", "Sun 02:15-Sun 02:45 Europe/Berlin",
		"2026-12-24/2027-01-02 Asia/Shanghai, Fri 16:00-Mon 08:00 Asia/Shanghai", "Mon 00:00-Thu 12:00 Asia/Shanghai,Thu 00:00-Mon 12:00 America/Los_Angeles", "1970-01-01/9000-01-01, 00:00-23:59",
	} {
		f.Add(text, start.Unix())
	}
	f.Fuzz(func(t *testing.T, text string, unix int64) {
		freezes, err := handler.ParseFreezes(text)
		if err != nil {
			if freezes != nil {
				t.Errorf("%q is refused, and is %v", text, freezes)
			}
			return
		}
		again, err := handler.ParseFreezes(freezes.String())
		if err != nil || again.String() != freezes.String() {
			t.Errorf("%q gives itself back as %q, and that as %q: %v", text, freezes, again, err)
		}
		now := time.Unix(unix%(1<<33), 0)
		ends, begins := freezes.Ends(now), freezes.Begins(now)
		if ends.Before(now) || begins.Before(now) || freezes.On(ends) && ends.Year() < 9999 || !freezes.On(begins) && begins.Year() < 9999 {
			t.Errorf("at %s %q ends %s and begins %s", now, freezes, ends, begins)
		}
	})
}
