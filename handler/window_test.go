package handler_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
	_ "time/tzdata"

	"pgregory.net/rapid"

	"tairssl/handler"
	"tairssl/handler/handlertest"
)

func TestWindowsThatAreNone(t *testing.T) {
	for _, bad := range []string{"sometimes", "02:00", "Sat 02:00-02:00", "Sat 25:00-26:00", "Sat 02:00-24:01", "Sam 02:00-05:00", "Sat- 02:00-05:00", "02:00-05:00 Mars/Base", "02:00-05:00 Local", "Sat,,Sun 02:00-05:00", "24:00-02:00", "02:60-03:00"} {
		if w, err := handler.ParseWindow(bad); err == nil {
			t.Errorf("%q is taken for %v", bad, w)
		}
	}
	for _, good := range []string{"instance", "any", "Sat,Sun 02:00-05:00 Asia/Shanghai", "22:00-02:00", "Mon-Fri 00:00-24:00", "Fri-Mon 23:30-00:30 Europe/Berlin"} {
		if w, err := handler.ParseWindow(good); err != nil || w.String() != good {
			t.Errorf("%q is read as %v, %v", good, w, err)
		}
	}
}

func TestWindowsOpen(t *testing.T) {
	own := handler.Instance{MaintainStartTime: "22:00Z", MaintainEndTime: "02:00Z"}
	for name, test := range map[string]struct {
		window    string
		instance  handler.Instance
		now, want string
	}{
		"in its own":                  {"instance", own, "2026-11-24T23:00:00Z", "2026-11-24T23:00:00Z"},
		"in its own, past midnight":   {"instance", own, "2026-11-25T01:59:59Z", "2026-11-25T01:59:59Z"},
		"its own is over":             {"instance", own, "2026-11-25T02:00:00Z", "2026-11-25T22:00:00Z"},
		"before its own":              {"instance", own, "2026-11-24T12:00:00Z", "2026-11-24T22:00:00Z"},
		"an own that is not known":    {"instance", handler.Instance{}, "2026-11-24T12:00:00Z", "2026-11-24T18:00:00Z"},
		"any":                         {"any", own, "2026-11-24T12:00:00Z", "2026-11-24T12:00:00Z"},
		"a weekend":                   {"Sat,Sun 02:00-05:00 Asia/Shanghai", own, "2026-11-24T12:00:00Z", "2026-11-27T18:00:00Z"},
		"Friday's night on Saturday":  {"Fri 22:00-02:00", own, "2026-11-28T01:00:00Z", "2026-11-28T01:00:00Z"},
		"not Saturday's":              {"Fri 22:00-02:00", own, "2026-11-28T23:00:00Z", "2026-12-04T22:00:00Z"},
		"swallowed by summer time":    {"Sun 02:15-02:45 Europe/Berlin", own, "2027-03-27T12:00:00Z", "2027-04-04T00:15:00Z"},
		"begun by summer time":        {"Sun 02:30-04:00 Europe/Berlin", own, "2027-03-28T00:30:00Z", "2027-03-28T01:00:00Z"},
		"twice at the end of summer":  {"Sun 02:00-02:30 Europe/Berlin", own, "2026-10-25T00:45:00Z", "2026-10-25T01:00:00Z"},
		"a whole day at summer's end": {"Sun 00:00-24:00 Europe/Berlin", own, "2026-10-25T22:59:59Z", "2026-10-25T22:59:59Z"},
		"the day after a whole one":   {"Sun 00:00-24:00 Europe/Berlin", own, "2026-10-25T23:00:00Z", "2026-10-31T23:00:00Z"},
	} {
		w, err := handler.ParseWindow(test.window)
		if err != nil {
			t.Fatal(err)
		}
		now, _ := time.Parse(time.RFC3339, test.now)
		if got := w.Opens(test.instance, now).UTC().Format(time.RFC3339); got != test.want {
			t.Errorf("%s: at %s the window %s opens %s, want %s", name, test.now, test.window, got, test.want)
		}
	}
}

// The model looks at a wall clock every minute.
func TestWindowsAgreeWithTheClockOnTheWall(t *testing.T) {
	days := []string{"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"}
	zones := []string{"UTC", "Asia/Shanghai", "Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "America/St_Johns"}
	handlertest.Check(t, func(t *rapid.T) {
		start := rapid.IntRange(0, 1439).Draw(t, "start")
		end := rapid.IntRange(1, 1440).Filter(func(n int) bool { return n != start }).Draw(t, "end")
		chosen := rapid.SliceOfNDistinct(rapid.IntRange(0, 6), 1, 7, rapid.ID[int]).Draw(t, "days")
		zoneName := rapid.SampledFrom(zones).Draw(t, "zone")
		// Most of the time, near a change of the clocks.
		near := rapid.SampledFrom([]string{"2027-03-14", "2027-03-28", "2026-10-25", "2026-11-01", "2027-04-04", "2026-10-04", "2026-06-01"}).Draw(t, "near")
		base, _ := time.Parse(time.DateOnly, near)
		now := base.Add(time.Duration(rapid.IntRange(-3*1440, 2*1440).Draw(t, "at")) * time.Minute)
		var names []string
		for _, d := range chosen {
			names = append(names, days[d])
		}
		text := fmt.Sprintf("%s %02d:%02d-%02d:%02d %s", strings.Join(names, ","), start/60, start%60, end/60, end%60, zoneName)
		w, err := handler.ParseWindow(text)
		if err != nil {
			t.Fatal(err)
		}
		zone, _ := time.LoadLocation(zoneName)
		open := func(at time.Time) bool {
			wall := at.In(zone)
			minute, day := wall.Hour()*60+wall.Minute(), int(wall.Weekday())
			today, yesterday := slices.Contains(chosen, day), slices.Contains(chosen, (day+6)%7)
			if start < end {
				return today && minute >= start && minute < end
			}
			return today && minute >= start || yesterday && minute < end
		}
		want := now
		for n := 0; !open(want); n++ {
			if want = want.Add(time.Minute); n > 15*1440 {
				t.Fatalf("%s never opens", text)
			}
		}
		if got := w.Opens(handler.Instance{}, now); !got.Equal(want) {
			t.Fatalf("at %s %s opens %s, want %s", now, text, got.In(zone), want.In(zone))
		}
	})
}
