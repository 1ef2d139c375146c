package fleet_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"tairssl/handler"
	"tairssl/handler/fleet"
	"tairssl/handler/handlertest"
)

func frozen(t *testing.T, text string) handler.Freezes {
	f, err := handler.ParseFreezes(text)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

func nightly(t *testing.T) handler.Window {
	w, err := handler.ParseWindow("22:00-00:00")
	if err != nil {
		t.Fatal(err)
	}
	return w
}

// One sweep an hour changes ten instances. If 25 wait for one window of two hours, the
// last five are changed in the next night.
func TestAnOutlookReckonsWithMaxTargets(t *testing.T) {
	all := map[string]handler.Observation{}
	for i := range 25 {
		all[fmt.Sprintf("r-fleet%05d", i)] = expiring(time.Duration(48+i) * time.Hour)
	}
	c := handlertest.NewCloud(all)
	f := newFleet(c, handler.Options{Now: c.Now, Sleep: c.Sleep, Policy: handler.Policy{Window: nightly(t)}}, 10)
	rows, coverage := f.Outlook(context.Background(), f.Regions, nil, start.Add(30*day))
	if len(rows) != 25 || coverage[0].Read != 25 {
		t.Fatalf("it shows %d of %+v", len(rows), coverage)
	}
	for i, row := range rows {
		at, rule := "2026-11-24T22:00:00Z", handler.RuleWindow
		switch {
		case i >= 20:
			at, rule = "2026-11-25T22:00:00Z", handler.RuleMaxTargets
		case i >= 10:
			at, rule = "2026-11-24T23:00:00Z", handler.RuleMaxTargets
		}
		inTime := !row.At.After(row.Observation.Expires.Add(-day))
		if row.InstanceID != fmt.Sprintf("r-fleet%05d", i) || row.At.String() != at || row.Rule != rule || row.InTime != inTime || row.Alert == inTime {
			t.Errorf("%d is %s, %s by %q, in time %v, alert %v: %s", i, row.InstanceID, row.At, row.Rule, row.InTime, row.Alert, row.Reason)
		}
	}
	if c.AllRestarts() != 0 {
		t.Errorf("it restarted %d", c.AllRestarts())
	}
	// The forecasts come true.
	for range 14 * 24 {
		due := map[string]bool{}
		for _, row := range rows {
			if row.At.Equal(c.Now()) {
				due[row.InstanceID] = true
			}
		}
		before := map[string]int{}
		for id := range c.Instances {
			before[id] = c.Restarts(id)
		}
		if _, err := f.Sweep(context.Background(), fleet.Order{}); err != nil {
			t.Fatal(err)
		}
		for id := range c.Instances {
			if now := c.Restarts(id) - before[id]; now != 0 != due[id] {
				t.Errorf("at %s the sweep restarted %s: %v", c.Now(), id, now != 0)
			}
		}
		c.Advance(time.Hour - c.Now().Sub(c.Now().Truncate(time.Hour)))
	}
	if c.AllRestarts() != 25 {
		t.Errorf("%d restarted", c.AllRestarts())
	}
}

// An outlook reads the window and Alibaba's schedule only of instances that become due in
// its time. It reports the instances that it cannot read.
func TestWhatAnOutlookReads(t *testing.T) {
	c := handlertest.NewCloud(map[string]handler.Observation{
		"r-fleet00000": expiring(5 * day), "r-fleet00001": expiring(60 * day), "r-fleet00002": expiring(300 * day), "r-fleet00003": {},
		"r-fleet00004": expiring(5 * day), "r-fleet00005": expiring(5 * day),
	})
	c.Instances["r-fleet00001"].MaintainStartTime, c.Instances["r-fleet00001"].MaintainEndTime = "02:00Z", "03:00Z"
	c.Renewals = map[string]time.Time{"r-fleet00004": start.Add(day)}
	c.OnSSL = func(ref handler.Ref) error {
		if ref.InstanceID == "r-fleet00005" {
			return errors.New("no")
		}
		return nil
	}
	f := newFleet(bare{c}, handler.Options{Now: c.Now, Sleep: c.Sleep}, 10)
	rows, _ := f.Outlook(context.Background(), f.Regions, nil, start.Add(90*day))
	want := []string{"r-fleet00005 ", "r-fleet00000 2026-11-24T18:00:00Z", "r-fleet00004 2026-11-25T12:00:00Z", "r-fleet00001 2026-12-25T02:00:00Z", "r-fleet00002 2027-08-21T18:00:00Z", "r-fleet00003 "}
	var got []string
	for _, row := range rows {
		got = append(got, row.InstanceID+" "+row.At.String())
	}
	if !slices.Equal(got, want) {
		t.Errorf("it shows %q, want %q", got, want)
	}
	if rows[0].Err == nil || rows[1].Err != nil {
		t.Errorf("the faults are %v, %v", rows[0].Err, rows[1].Err)
	}
	if reads := strings.Count(strings.Join(c.Calls, " "), "Instance"); reads != 3 {
		t.Errorf("it read the windows of %d, want 3", reads)
	}
}

// bare is a cloud whose listing lacks the maintenance windows, like the API's.
type bare struct{ *handlertest.Cloud }

func (b bare) List(ctx context.Context, region string, filter handler.Filter, page int) (handler.Listing, error) {
	list, err := b.Cloud.List(ctx, region, filter, page)
	for i := range list.Instances {
		list.Instances[i].MaintainStartTime, list.Instances[i].MaintainEndTime = "", ""
	}
	return list, err
}

// An instance's own window is only read where freezes make it matter: a certificate that
// is not due yet is renewed in the last window before the freeze.
func TestASweepReadsWindowsOnlyWhereFreezesMakeThemMatter(t *testing.T) {
	for name, test := range map[string]struct {
		freezes string
		expires time.Duration
		window  string
		reads   int // reads of windows by the listing; a change reads more
		outcome handler.Outcome
		alert   bool
	}{
		"no freeze":                             {"", 40 * day, "12:00Z", 0, handler.Unchanged, false},
		"a freeze that leaves days":             {"2026-11-25/2026-12-06", 40 * day, "12:00Z", 0, handler.Unchanged, false},
		"a freeze until the end, now is last":   {"2026-11-25/2027-01-03", 40 * day, "12:00Z", 1, handler.Accepted, false},
		"a freeze until the end, was the last":  {"2026-11-25/2027-01-03", 40 * day, "10:00Z", 1, handler.Deferred, true},
		"a freeze until the end, to be tonight": {"2026-11-25/2027-01-03", 40 * day, "20:00Z", 1, handler.Unchanged, false},
		"some hours between, within the window": {"2026-11-25/2027-01-02T06:00", 40 * day, "08:00Z", 1, handler.Unchanged, false},
		"some hours between, before the window": {"2026-11-25/2027-01-02T06:00", 40*day - time.Minute, "12:00Z", 1, handler.Accepted, false},
		"frozen, and it opens in time after":    {"2026-11-20/2026-12-01T00:00", 10 * day, "12:00Z", 0, handler.Deferred, false},
		"frozen, and it opens too late after":   {"2026-11-20/2026-12-02T23:00", 10 * day, "22:00Z", 1, handler.Deferred, true},
		"frozen, and it opens just in time":     {"2026-11-20/2026-12-02T23:00", 10 * day, "11:00Z", 1, handler.Deferred, false},
	} {
		o := expiring(test.expires)
		hour, _ := time.Parse("15:04Z", test.window)
		o.MaintainStartTime, o.MaintainEndTime = test.window, hour.Add(time.Hour).Format("15:04Z")
		c := handlertest.NewCloud(map[string]handler.Observation{first: o})
		p := handler.Policy{}
		if test.freezes != "" {
			p.Freezes = frozen(t, test.freezes)
		}
		f := newFleet(bare{c}, handler.Options{Now: c.Now, Sleep: c.Sleep, Policy: p}, 10)
		got, err := f.Sweep(context.Background(), fleet.Order{})
		if err != nil || got.Summary.Outcomes[test.outcome] != 1 && (test.outcome != handler.Accepted || got.Summary.Outcomes[handler.Verified] != 1) {
			t.Errorf("%s: it ended %+v: %v", name, got, err)
			continue
		}
		if test.outcome == handler.Accepted {
			if c.Restarts(first) != 1 {
				t.Errorf("%s: restarted %d times", name, c.Restarts(first))
			}
			continue
		}
		if reads := strings.Count(strings.Join(c.Calls, " "), "Instance"); reads != test.reads {
			t.Errorf("%s: the window was read %d times, want %d: %v", name, reads, test.reads, c.Calls)
		}
		if len(got.Results) == 1 && got.Results[0].Alert != test.alert {
			t.Errorf("%s: alert %v: %s", name, got.Results[0].Alert, got.Results[0].Reason)
		}
	}
}
