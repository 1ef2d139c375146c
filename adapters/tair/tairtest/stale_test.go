package tairtest_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"tairssl/adapters/tair/tairtest"
)

// shows returns the status and the expiry that the API shows.
func (w *world) shows() (status, expires string) {
	w.t.Helper()
	rows := w.ask("DescribeInstances", "RegionId=cn-hangzhou&InstanceIds="+id).rows()
	if len(rows) != 1 {
		w.t.Fatalf("the instance is listed %d times", len(rows))
	}
	return rows[0]["InstanceStatus"].(string), w.ask("DescribeInstanceSSL", "InstanceId="+id).body["SSLExpiredTime"].(string)
}

func TestAChangeShowsAfterADrawnLag(t *testing.T) {
	moments := map[time.Duration]bool{}
	for seed := range uint64(10) {
		w := newWorldOf(t, tairtest.Options{Lag: 10 * time.Second, LagMin: 3 * time.Second, Seed: seed + 1}, tairtest.Instance{InstanceID: id})
		// The second change is accepted during the lag of the first one, and runs after
		// it.
		for range 2 {
			if got := w.ask("ModifyInstanceSSL", "SSLEnabled=Update&InstanceId="+id).code(); got != "200" {
				t.Fatalf("an Update is answered %s", got)
			}
		}
		lag := time.Duration(0)
		for w.instance().InstanceStatus == "Normal" && lag < time.Minute {
			w.Advance(time.Second)
			lag += time.Second
		}
		if moments[lag] = true; lag < 3*time.Second || lag > 10*time.Second {
			t.Errorf("seed %d: the change shows after %s", seed, lag)
		}
		w.Advance(15 * time.Second)
		if i := w.instance(); i.InstanceStatus != "Normal" || i.Restarts != 2 || len(i.Changes) != 2 {
			t.Errorf("seed %d: after both changes the instance is %+v", seed, i)
		}
	}
	if len(moments) < 3 {
		t.Errorf("ten seeds draw the lags %v", moments)
	}
	for _, o := range []tairtest.Options{{Lag: time.Second, LagMin: 2 * time.Second}, {LagMin: time.Minute}, {TagLagMin: time.Second}} {
		if _, err := tairtest.New(o); err == nil {
			t.Errorf("an emulator with Lag %s to %s and TagLag %s to %s is made", o.LagMin, o.Lag, o.TagLagMin, o.TagLag)
		}
	}
}

func TestReadsMayBeStale(t *testing.T) {
	w := newWorldOf(t, tairtest.Options{StaleReads: 10 * time.Minute, Seed: 3}, tairtest.Instance{InstanceID: id})
	old := w.instance().SSLExpiredTime
	if status, expires := w.shows(); status != "Normal" || expires != old {
		t.Errorf("before any change the instance shows as %s until %s", status, expires)
	}
	if err := w.modify("Update"); err != nil {
		t.Fatal(err)
	}
	w.Advance(7 * time.Second)
	w.tag("fresh", "v")
	renewed := w.instance().SSLExpiredTime
	var statuses, expiries []string
	for range 200 {
		status, expires := w.shows()
		statuses, expiries = append(statuses, status), append(expiries, expires)
		w.Advance(time.Second)
	}
	for _, want := range []string{"Normal", "SSLModifying"} {
		if !slices.Contains(statuses, want) {
			t.Errorf("200 reads never show the status %s", want)
		}
	}
	if !slices.Contains(expiries, old) || !slices.Contains(expiries, renewed) {
		t.Errorf("200 reads show the old expiry: %t, the new one: %t", slices.Contains(expiries, old), slices.Contains(expiries, renewed))
	}
	if got := w.tagged(); got != "fresh=v" {
		t.Errorf("the tags are stale: %q", got)
	}
	w.Advance(10 * time.Minute)
	for range 50 {
		if status, expires := w.shows(); status != "Normal" || expires != renewed {
			t.Fatalf("when reads can no longer be old, the instance shows as %s until %s", status, expires)
		}
	}
}

func TestStaleReadsOnOrder(t *testing.T) {
	w := newWorldOf(t, tairtest.Options{Seed: 5}, tairtest.Instance{InstanceID: id})
	old := w.instance().SSLExpiredTime
	if err := w.modify("Update"); err != nil {
		t.Fatal(err)
	}
	w.Advance(7 * time.Second) // nobody has seen the change yet
	renewed := w.instance().SSLExpiredTime
	read := func() (fresh, stale int) {
		for range 50 {
			switch _, expires := w.shows(); expires {
			case renewed:
				fresh++
			case old:
				stale++
			}
		}
		return fresh, stale
	}
	if fresh, stale := read(); fresh != 50 {
		t.Errorf("without an order %d reads are fresh and %d stale", fresh, stale)
	}
	if status, text := w.control("stale-reads", `{"StaleReads":"1m"}`); status != 200 || text != `{"StaleReads":"1m0s"}` {
		t.Errorf("the order is answered %d %s", status, text)
	}
	if fresh, stale := read(); fresh+stale != 50 || stale < 25 { // right after the change most reads are stale
		t.Errorf("on order %d reads are fresh and %d stale", fresh, stale)
	}
	if got := codeOf(w.modify("Update")); got != "<nil>" {
		t.Errorf("a write is judged by a stale state: %s", got)
	}
	w.StaleReads(0)
	if fresh, stale := read(); fresh != 50 {
		t.Errorf("when the order is lifted %d reads are fresh and %d stale", fresh, stale)
	}
}

func TestTheTimesOfTheLastChangesAreListed(t *testing.T) {
	w := newWorld(t)
	var want []string
	for n := range 12 {
		if err := w.modify("Update"); err != nil {
			t.Fatal(err)
		}
		if n >= 2 {
			want = append(want, w.Now().UTC().Format("2006-01-02T15:04:05.000Z"))
		}
		w.Advance(8*time.Second + 5*time.Millisecond)
	}
	if i := w.instance(); i.Restarts != 12 || !slices.Equal(i.Changes, want) {
		t.Errorf("of %d changes the times %v are listed, want %v", i.Restarts, i.Changes, want)
	}
}

func TestTheDateFollowsTheEmulatedClockAndMayBeWrong(t *testing.T) {
	w := newWorldOf(t, tairtest.Options{DateSkew: -3 * time.Minute}, tairtest.Instance{InstanceID: id})
	is := func(ahead time.Duration) {
		t.Helper()
		want := w.Now().Add(ahead).Truncate(time.Second)
		for _, call := range []struct{ action, code string }{{"DescribeInstanceSSL", "200"}, {"ModifyInstanceSSL", "400 MissingSSLEnabled"}} {
			if got := w.ask(call.action, "InstanceId="+id); !got.date.Equal(want) || got.code() != call.code {
				t.Errorf("%s is answered %s with the Date %s, want %s", call.action, got.code(), got.date, want)
			}
		}
	}
	is(-3 * time.Minute)
	w.Advance(50 * time.Hour) // signatures do not grow old by this
	is(-3 * time.Minute)
	if status, text := w.control("clock", `{"Skew":"8m"}`); status != 200 || !strings.Contains(text, `"Skew":"8m0s"`) {
		t.Errorf("the order is answered %d %s", status, text)
	}
	is(8 * time.Minute)
	if status, _ := w.control("clock", `{"Advance":"1h"}`); status != 200 {
		t.Errorf("the clock is answered %d", status)
	}
	is(8 * time.Minute) // the skew stays
	w.SkewDate(0)
	is(0)
}
