package handler_test

import (
	"testing"
	"time"

	"tairssl/handler"
)

// Every window that is accepted is written back unchanged. It opens within three weeks
// and is open then.
func FuzzWindow(f *testing.F) {
	for _, text := range []string{
		"", "instance", "any", "Sat,Sun 02:00-05:00 Asia/Shanghai", "22:00-02:00", "Mon-Fri 00:00-24:00", "Fri-Mon 23:30-00:30 Europe/Berlin", "Sun 02:15-02:45 Europe/Berlin",
		"24:00-24:00", "00:00-00:01 Pacific/Apia", "Sat- 02:00-05:00", "02:00-05:00 Local",
	} {
		f.Add(text, "18:00Z", "22:00Z", start.Unix())
		f.Add(text, "", "25:61Z", time.Date(2027, 3, 28, 0, 30, 0, 0, time.UTC).Unix())
	}
	f.Fuzz(func(t *testing.T, text, from, to string, unix int64) {
		w, err := handler.ParseWindow(text)
		if err != nil {
			if w != (handler.Window{}) {
				t.Errorf("%q is refused, and is %v", text, w)
			}
			return
		}
		var again handler.Window
		if err := again.UnmarshalText([]byte(w.String())); err != nil || again.String() != w.String() || text != "" && w.String() != text {
			t.Errorf("%q gives itself back as %q, and that as %q, %v", text, w, again, err)
		}
		i, now := handler.Instance{MaintainStartTime: from, MaintainEndTime: to}, time.Unix(unix%(1<<33), 0)
		opens := w.Opens(i, now)
		if late := opens.Sub(now); late < 0 || late > 21*day || late > day && w.Own() {
			t.Errorf("at %s the window %q, or %s-%s, opens %s, in %s", now, text, from, to, opens, late)
		}
		if twice := w.Opens(i, opens); !twice.Equal(opens) {
			t.Errorf("the window %q, or %s-%s, that opens %s is not open then but %s", text, from, to, opens, twice)
		}
		if same := again.Opens(i, now); !same.Equal(opens) {
			t.Errorf("read again %q opens %s, not %s", text, same, opens)
		}
	})
}

// The zone of each window's times, and the window that counts for an instance.
func TestZonesOfWindows(t *testing.T) {
	for text, want := range map[string]struct {
		zone string
		own  bool
	}{"instance": {"UTC", true}, "": {"UTC", true}, "any": {"UTC", false}, "02:00-03:00": {"UTC", false}, "02:00-03:00 Asia/Shanghai": {"Asia/Shanghai", false}} {
		w, err := handler.ParseWindow(text)
		if err != nil || w.Zone().String() != want.zone || w.Own() != want.own {
			t.Errorf("the window %q is of the zone %s, each instance's own %v, %v", text, w.Zone(), w.Own(), err)
		}
	}
}

// The edges of windows, to the second.
func TestEdgesOfWindows(t *testing.T) {
	for name, test := range map[string]struct {
		window, from, to string
		now, want        string
	}{
		"the second it opens":          {"22:00-23:00", "", "", "2026-11-24T22:00:00Z", "2026-11-24T22:00:00Z"},
		"the last moment":              {"22:00-23:00", "", "", "2026-11-24T22:59:59.999999999Z", "2026-11-24T22:59:59.999999999Z"},
		"the second it closes":         {"22:00-23:00", "", "", "2026-11-24T23:00:00Z", "2026-11-25T22:00:00Z"},
		"a moment before":              {"22:00-23:00", "", "", "2026-11-24T21:59:59.999999999Z", "2026-11-24T22:00:00Z"},
		"a minute and a second before": {"22:00-23:00", "", "", "2026-11-24T21:58:59Z", "2026-11-24T22:00:00Z"},
		"all day":                      {"00:00-24:00", "", "", "2026-11-24T23:59:59.999999999Z", "2026-11-24T23:59:59.999999999Z"},
		"all day, on one":              {"Tue 00:00-24:00", "", "", "2026-11-25T00:00:00Z", "2026-12-01T00:00:00Z"},
		"over midnight, its end":       {"Tue 22:00-00:00", "", "", "2026-11-25T00:00:00Z", "2026-12-01T22:00:00Z"},
		"over midnight, before":        {"Tue 22:00-00:01", "", "", "2026-11-25T00:00:59Z", "2026-11-25T00:00:59Z"},
		"a week away":                  {"Tue 22:00-23:00", "", "", "2026-11-24T23:00:00Z", "2026-12-01T22:00:00Z"},
		"a range of days":              {"Sat-Mon 22:00-23:00", "", "", "2026-11-24T12:00:00Z", "2026-11-28T22:00:00Z"},
		"a range around the week":      {"Fri-Mon 22:00-23:00", "", "", "2026-11-30T12:00:00Z", "2026-11-30T22:00:00Z"},
		"two of a list":                {"Sun,Thu 22:00-23:00", "", "", "2026-11-24T12:00:00Z", "2026-11-26T22:00:00Z"},
		"DAYS IN CAPITALS":             {"THU 22:00-23:00", "", "", "2026-11-24T12:00:00Z", "2026-11-26T22:00:00Z"},
		"its own":                      {"instance", "13:30Z", "14:00Z", "2026-11-24T12:00:00Z", "2026-11-24T13:30:00Z"},
		"its own, all day":             {"instance", "00:00Z", "24:00Z", "2026-11-24T12:00:00Z", "2026-11-24T12:00:00Z"},
		"its own, no length":           {"instance", "02:00Z", "02:00Z", "2026-11-24T02:00:00Z", "2026-11-24T18:00:00Z"},
		"its own, begins too late":     {"instance", "24:00Z", "02:00Z", "2026-11-24T12:00:00Z", "2026-11-24T18:00:00Z"},
		"its own, ends too late":       {"instance", "23:00Z", "24:01Z", "2026-11-24T23:00:00Z", "2026-11-25T18:00:00Z"},
		"its own, no start":            {"instance", "", "02:00Z", "2026-11-24T01:00:00Z", "2026-11-24T18:00:00Z"},
		"its own, no end":              {"instance", "01:00Z", "", "2026-11-24T01:00:00Z", "2026-11-24T18:00:00Z"},
		"that of whoever chose none":   {"instance", "", "", "2026-11-24T21:59:59Z", "2026-11-24T21:59:59Z"},
		"theirs is over":               {"instance", "", "", "2026-11-24T22:00:00Z", "2026-11-25T18:00:00Z"},
	} {
		w, err := handler.ParseWindow(test.window)
		if err != nil {
			t.Fatal(err)
		}
		now, err := time.Parse(time.RFC3339Nano, test.now)
		if err != nil {
			t.Fatal(err)
		}
		if got := w.Opens(handler.Instance{MaintainStartTime: test.from, MaintainEndTime: test.to}, now).UTC().Format(time.RFC3339Nano); got != test.want {
			t.Errorf("%s: at %s the window %s opens %s, want %s", name, test.now, test.window, got, test.want)
		}
	}
}
