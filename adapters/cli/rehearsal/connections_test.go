package rehearsal_test

import (
	"testing"
	"time"

	"tairssl/adapters/cli/rehearsal"
	"tairssl/handler"
)

// pings makes a ping for each pair of times: its start after the change was sent, and
// the time until its answer. A negative second time is a ping that failed.
func pings(sent time.Time, each ...[2]time.Duration) (list []rehearsal.Ping) {
	for _, p := range each {
		ping := rehearsal.Ping{Began: sent.Add(p[0]), Took: p[1].Abs(), Certificate: rehearsal.Certificate{Fingerprint: "old"}}
		if p[1] < 0 {
			ping.Err = handler.Errorf(handler.Unavailable, "refused")
		}
		list = append(list, ping)
	}
	return list
}

func TestLengthOfAnOutage(t *testing.T) {
	const ms = time.Millisecond
	for name, test := range map[string]struct {
		pings      [][2]time.Duration
		from, gone time.Duration // 0 if there is no outage
	}{
		"never": {[][2]time.Duration{{-200 * ms, 5 * ms}, {0, 5 * ms}, {200 * ms, 5 * ms}, {400 * ms, 90 * ms}}, 0, 0},
		"refused for a while": {[][2]time.Duration{{0, 5 * ms}, {200 * ms, -ms}, {400 * ms, -ms}, {600 * ms, -ms}, {800 * ms, -ms}, {1000 * ms, 5 * ms}},
			5 * ms, 800 * ms},
		"hanging for a while": {[][2]time.Duration{{0, 5 * ms}, {200 * ms, 1300 * ms}, {400 * ms, 1100 * ms}, {1600 * ms, 5 * ms}}, 5 * ms, 1295 * ms},
		"from before the change on": {[][2]time.Duration{{-200 * ms, 5 * ms}, {0, -ms}, {200 * ms, -ms}, {400 * ms, -ms}, {600 * ms, 5 * ms}},
			-195 * ms, 600 * ms},
		"not over yet":                 {[][2]time.Duration{{0, 5 * ms}, {200 * ms, -2000 * ms}, {400 * ms, -2000 * ms}}, 5 * ms, 2195 * ms},
		"one is refused":               {[][2]time.Duration{{0, 5 * ms}, {200 * ms, -ms}, {400 * ms, 5 * ms}}, 0, 0},
		"this machine was busy":        {[][2]time.Duration{{0, 5 * ms}, {200 * ms, 5 * ms}, {1400 * ms, 90 * ms}, {1500 * ms, 5 * ms}}, 0, 0},
		"the longest of two":           {[][2]time.Duration{{0, 0}, {200 * ms, -ms}, {900 * ms, 0}, {1000 * ms, -ms}, {2500 * ms, 0}}, 900 * ms, 1400 * ms},
		"gone before the change alone": {[][2]time.Duration{{-3000 * ms, 0}, {-2000 * ms, -ms}, {-1000 * ms, 0}, {0, 0}, {200 * ms, 0}}, 0, 0},
	} {
		sent := time.Date(2026, 11, 24, 6, 0, 0, 0, time.UTC)
		c := rehearsal.Record{Sent: sent, Pings: pings(sent, test.pings...)}.Connections(200 * ms)
		if (c.GoneFor == nil) != (test.gone == 0) {
			t.Errorf("%s: the outage lasts %v, want %s", name, c.GoneFor, test.gone)
			continue
		}
		if test.gone != 0 && (time.Duration(*c.GoneFor) != test.gone || time.Duration(*c.GoneFrom) != test.from) {
			t.Errorf("%s: the outage lasts %s from %s on, want %s from %s on", name, time.Duration(*c.GoneFor), time.Duration(*c.GoneFrom), test.gone, test.from)
		}
	}
}
