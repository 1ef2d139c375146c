package handler_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"tairssl/handler"
)

// fleet is n instances, the first due of which expire first.
func fleet(n, due int) map[string]handler.Observation {
	instances := map[string]handler.Observation{}
	for i := range n {
		left := 200 * day
		if i < due {
			left = time.Duration(i+1) * time.Hour * 12
		}
		instances[fmt.Sprintf("r-fleet%05d", i)] = expiring(left)
	}
	return instances
}

var always = func() handler.Window { w, _ := handler.ParseWindow("any"); return w }()

func sweeper(c *cloud, o handler.Options) *handler.Handler {
	o.Now, o.Sleep = c.Now, c.Sleep
	o.Policy.Window = always
	return handler.New(c, o)
}

func (c *cloud) allRestarts() (n int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, s := range c.instances {
		n += s.restarts
	}
	return n
}

func TestSweepChangesTheMostUrgent(t *testing.T) {
	c := newCloud(fleet(320, 240))
	h := sweeper(c, handler.Options{})
	got, err := h.Sweep(context.Background(), handler.SweepOrder{})
	if err != nil || got.Summary.Seen != 320 || got.Summary.Due != 60 {
		t.Fatalf("the sweep ended %+v, %v", got.Summary, err)
	}
	if c.allRestarts() != 10 || got.Summary.Outcomes[handler.Deferred] != 50 || got.Summary.Outcomes[handler.Unchanged] != 260 {
		t.Errorf("%d restarted: %v", c.allRestarts(), got.Summary.Outcomes)
	}
	for i := range 10 {
		if id := fmt.Sprintf("r-fleet%05d", i); c.restarts(id) != 1 {
			t.Errorf("%s, one of the most urgent, restarted %d times", id, c.restarts(id))
		}
	}
	if got.Results[0].Outcome != handler.Deferred || len(got.Results) != 60 {
		t.Errorf("%d results are given, the first of which %s", len(got.Results), got.Results[0].Outcome)
	}
	// The next ones go on where it ended, until nothing is due.
	for range 5 {
		c.Advance(5 * time.Minute)
		if _, err := h.Sweep(context.Background(), handler.SweepOrder{}); err != nil {
			t.Fatal(err)
		}
	}
	if c.allRestarts() != 60 {
		t.Errorf("after six sweeps %d restarted, want 60", c.allRestarts())
	}
}

func TestSweepIsBounded(t *testing.T) {
	c := newCloud(fleet(700, 60))
	for id, s := range c.instances {
		if s.Expires.After(start.Add(180 * day)) {
			s.Expires = start.Add(29 * day)
			_ = id
		}
	}
	got, err := sweeper(c, handler.Options{}).Sweep(context.Background(), handler.SweepOrder{})
	if err != nil || got.Summary.Due != 700 || got.Summary.Outcomes[handler.Deferred] != 690 || len(got.Results) != 110 || c.allRestarts() != 10 {
		t.Errorf("the sweep ended %+v with %d results after %d restarts, %v", got.Summary, len(got.Results), c.allRestarts(), err)
	}
}

func TestSweepStopsAtACanaryThatCanNotBeVerified(t *testing.T) {
	c := newCloud(fleet(20, 20))
	c.lag = time.Hour
	got, err := sweeper(c, handler.Options{}).Sweep(context.Background(), handler.SweepOrder{})
	if err != nil || c.allRestarts() != 1 || got.Summary.Outcomes[handler.Accepted] != 1 || got.Summary.Outcomes[handler.Deferred] != 19 {
		t.Errorf("the sweep ended %+v after %d restarts, %v", got.Summary, c.allRestarts(), err)
	}
	if !strings.Contains(got.Results[0].Reason, "could not be verified") {
		t.Errorf("the rest is told %q", got.Results[0].Reason)
	}
}

func TestSweepPassesTheCanarysRoleOn(t *testing.T) {
	c := newCloud(fleet(12, 12))
	c.instances["r-fleet00000"].Status = "Migrating"
	c.instances["r-fleet00001"].Tags["tairssl"] = "off"
	two := 2
	got, err := sweeper(c, handler.Options{}).Sweep(context.Background(), handler.SweepOrder{MaxTargets: &two})
	o := got.Summary.Outcomes
	if err != nil || c.restarts("r-fleet00002") != 1 || c.restarts("r-fleet00003") != 1 || c.allRestarts() != 2 || o[handler.InProgress] != 1 || o[handler.Refused] != 1 || o[handler.Deferred] != 8 {
		t.Errorf("the sweep ended %v after %d restarts, %v", o, c.allRestarts(), err)
	}
}

func TestSweepOfMoreThanCanBeRead(t *testing.T) {
	c := newCloud(fleet(120, 3))
	c.list = func(region string, page int) error {
		if region != handler.DefaultRegion || page == 2 {
			return handler.Errorf(handler.Unavailable, "down")
		}
		return nil
	}
	got, err := sweeper(c, handler.Options{Regions: []string{handler.DefaultRegion, "cn-shanghai"}}).Sweep(context.Background(), handler.SweepOrder{})
	if err != nil || c.allRestarts() != 3 || got.Summary.Seen != 70 || got.Summary.Outcomes[handler.Failed] != 2 {
		t.Errorf("with a page and a region missing it ended %+v after %d restarts, %v", got.Summary, c.allRestarts(), err)
	}
	c.list = func(string, int) error { return handler.Errorf(handler.Throttled, "slow down") }
	if _, err := sweeper(c, handler.Options{}).Sweep(context.Background(), handler.SweepOrder{}); !errors.Is(err, handler.Throttled) {
		t.Errorf("with nothing to be listed it ended %v", err)
	}
}

func TestSweepThatOnlyLooks(t *testing.T) {
	c := newCloud(fleet(60, 20))
	got, err := sweeper(c, handler.Options{}).Sweep(context.Background(), handler.SweepOrder{DryRun: true})
	if err != nil || c.allRestarts() != 0 || got.Summary.Outcomes[handler.Planned] != 10 || got.Summary.Outcomes[handler.Deferred] != 10 {
		t.Errorf("a dry run ended %v after %d restarts, %v", got.Summary.Outcomes, c.allRestarts(), err)
	}
}

func TestPlanPagesCoverTheFleetOnce(t *testing.T) {
	c := newCloud(fleet(120, 40))
	h := sweeper(c, handler.Options{})
	seen := map[string]int{}
	order := handler.SweepOrder{Plan: true}
	pages := 0
	for {
		page, err := h.PlanSweep(context.Background(), order)
		if err != nil {
			t.Fatal(err)
		}
		pages++
		for _, r := range page.Requests {
			if seen[r.InstanceID]++; !r.Automatic || r.SSLExpiredTime.IsZero() || r.RegionID == "" {
				t.Errorf("the plan asks for %+v", r)
			}
		}
		if order.Page = page.NextPage; order.Page == "" {
			break
		}
	}
	if pages != 3 || len(seen) != 40 || c.allRestarts() != 0 {
		t.Errorf("%d pages name %d instances, want 3 and 40", pages, len(seen))
	}
	for _, bad := range []string{"cn-hangzhou", "cn-hangzhou/0", "cn-hangzhou/x", "cn-nowhere/1"} {
		if _, err := h.PlanSweep(context.Background(), handler.SweepOrder{Plan: true, Page: bad}); !errors.Is(err, handler.Invalid) {
			t.Errorf("the page %q ends %v", bad, err)
		}
	}
}

func TestSweepOrders(t *testing.T) {
	for _, bad := range []string{`[]`, `{"Colour":1}`, `{"Regions":["Nowhere/"]}`, `{"RenewBefore":"9999h"}`, `{"MaxTargets":-1}`, `{"Page":"x"}`, `{"Tags":{"a":"","b":"","c":"","d":"","e":"","f":""}}`, `{} {}`} {
		if order, err := handler.DecodeSweep([]byte(bad)); !errors.Is(err, handler.Invalid) {
			t.Errorf("%s is read as %+v, %v", bad, order, err)
		}
	}
	order, err := handler.DecodeSweep([]byte(`{"Regions":["cn-hangzhou"],"Tags":{"env":"prod"},"RenewBefore":"720h","MaxTargets":10,"DryRun":false}`))
	if err != nil || order.Regions[0] != "cn-hangzhou" || *order.MaxTargets != 10 {
		t.Errorf("the order is read as %+v, %v", order, err)
	}
}

func TestAutomaticChangesWait(t *testing.T) {
	automatic := update()
	automatic.Automatic = true
	nightly, err := handler.ParseWindow("22:00-23:00")
	if err != nil {
		t.Fatal(err)
	}
	for name, test := range map[string]struct {
		instance handler.Observation
		policy   handler.Policy
		renewal  time.Time
		request  handler.Request
		outcome  handler.Outcome
		alert    bool
		reason   string
	}{
		"for the window":             {expiring(5 * day), handler.Policy{Window: nightly}, time.Time{}, automatic, handler.Deferred, false, "opens 2026-11-24T22:00:00Z"},
		"for its own window":         {expiring(5 * day), handler.Policy{}, time.Time{}, automatic, handler.Deferred, false, "opens 2026-11-24T18:00:00Z"},
		"too long":                   {expiring(30 * time.Hour), handler.Policy{Window: nightly}, time.Time{}, automatic, handler.Deferred, true, "too late for the expiry"},
		"too long, and must not":     {expiring(30 * time.Hour), handler.Policy{Window: nightly, MissedActs: true}, time.Time{}, automatic, handler.Accepted, false, ""},
		"after the expiry":           {expiring(-time.Hour), handler.Policy{Window: nightly}, time.Time{}, automatic, handler.Deferred, true, ""},
		"not if somebody decided":    {expiring(5 * day), handler.Policy{Window: nightly}, time.Time{}, update(), handler.Accepted, false, ""},
		"for Alibaba's own renewal":  {expiring(5 * day), handler.Policy{Window: always}, start.Add(2 * day), automatic, handler.Deferred, false, "Alibaba itself renews it 2026-11-26"},
		"not for one after expiry":   {expiring(5 * day), handler.Policy{Window: always}, start.Add(6 * day), automatic, handler.Accepted, false, ""},
		"not if nothing is due":      {expiring(90 * day), handler.Policy{Window: nightly}, time.Time{}, automatic, handler.Unchanged, false, ""},
		"not for a renewal, by hand": {expiring(5 * day), handler.Policy{}, start.Add(2 * day), update(), handler.Accepted, false, ""},
	} {
		c, h := on(test.instance, handler.Options{Policy: test.policy})
		c.renewals = map[string]time.Time{id: test.renewal}
		if got := ask(t, h, test.request); got.Outcome != test.outcome || got.Alert != test.alert || !strings.Contains(got.Reason, test.reason) {
			t.Errorf("%s: ended %s, alert %v: %s", name, got.Outcome, got.Alert, got.Reason)
		}
	}
}
