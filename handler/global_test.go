package handler_test

import (
	"context"
	"fmt"
	"maps"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"tairssl/handler"
	"tairssl/handler/handlertest"
)

const (
	first, second, third = "r-global01", "r-global02", "r-global03"
	elsewhere            = "cn-shanghai"
)

// globals are three members of one global instance, and an instance outside of it. The
// third member is in another region. All four are due.
func globals() *handlertest.Cloud {
	all := map[string]handler.Observation{id: expiring(5 * day)}
	for _, member := range []string{first, second, third} {
		o := expiring(5 * day)
		if o.GlobalID = "gr-a"; member == third {
			o.Region = elsewhere
		}
		all[member] = o
	}
	return handlertest.NewCloud(all)
}

func handlerOf(c *handlertest.Cloud, o handler.Options) *handler.Handler {
	o.Now, o.Sleep, o.Regions = c.Now, c.Sleep, []string{handler.DefaultRegion, elsewhere}
	if o.Policy.Window.Own() {
		o.Policy.Window, _ = handler.ParseWindow("any")
	}
	return handler.New(c, o)
}

// automatic asks for an Update of an instance, as an event does.
func automatic(id string) handler.Delivery {
	d := update()
	d.InstanceID, d.Automatic = id, true
	if d.RegionID = handler.DefaultRegion; id == third {
		d.RegionID = elsewhere
	}
	return d
}

// While one member is being changed, the others wait. The status, a flag, or the memory
// may show the change.
func TestMembersAreNotChangedTogether(t *testing.T) {
	flag := map[string]string{"tairssl-lease-a1b2c3d4": "Update/" + handler.At(start.Add(5*day)).String() + "/" + handler.At(start.Add(-10*time.Minute)).String() + "/"}
	spent := map[string]string{"tairssl-lease-a1b2c3d4": "Update/2020-01-01T00:00:00Z/" + handler.At(start.Add(-10*time.Minute)).String() + "/"}
	dead := map[string]string{"tairssl-lease-a1b2c3d4": "Update/" + handler.At(start.Add(5*day)).String() + "/" + handler.At(start.Add(-45*time.Minute)).String() + "/"}
	for name, test := range map[string]struct {
		change  func(c *handlertest.Cloud)
		ask     func(d *handler.Delivery)
		outcome handler.Outcome
		until   string
		alert   bool
	}{
		"nothing happens to another": {nil, nil, handler.Accepted, "", false},
		"another is SSLModifying": {func(c *handlertest.Cloud) {
			c.Change(second, func(o *handler.Observation) { o.Status = "SSLModifying" })
		}, nil, handler.Deferred, "2026-11-24T13:00:00Z", false},
		"one in another region is": {func(c *handlertest.Cloud) {
			c.Change(third, func(o *handler.Observation) { o.Status = "SSLModifying" })
		}, nil, handler.Deferred, "2026-11-24T13:00:00Z", false},
		"another is busy otherwise":  {func(c *handlertest.Cloud) { c.Change(second, func(o *handler.Observation) { o.Status = "Changing" }) }, nil, handler.Accepted, "", false},
		"another has a live flag":    {func(c *handlertest.Cloud) { c.Change(second, func(o *handler.Observation) { o.Tags = flag }) }, nil, handler.Deferred, "2026-11-24T12:35:00Z", false},
		"another has a spent one":    {func(c *handlertest.Cloud) { c.Change(third, func(o *handler.Observation) { o.Tags = spent }) }, nil, handler.Deferred, "2026-11-24T12:35:00Z", false},
		"another has a dead one":     {func(c *handlertest.Cloud) { c.Change(second, func(o *handler.Observation) { o.Tags = dead }) }, nil, handler.Accepted, "", false},
		"a stranger has a live flag": {func(c *handlertest.Cloud) { c.Change(id, func(o *handler.Observation) { o.Tags = flag }) }, nil, handler.Accepted, "", false},
		"one of another global has": {func(c *handlertest.Cloud) {
			c.Change(second, func(o *handler.Observation) { o.Tags, o.GlobalID = flag, "gr-b" })
		}, nil, handler.Accepted, "", false},
		"a person decided": {func(c *handlertest.Cloud) { c.Change(second, func(o *handler.Observation) { o.Tags = flag }) }, func(d *handler.Delivery) { d.Automatic = false }, handler.Accepted, "", false},
		"a dry run":        {func(c *handlertest.Cloud) { c.Change(second, func(o *handler.Observation) { o.Tags = flag }) }, func(d *handler.Delivery) { d.DryRun = true }, handler.Deferred, "2026-11-24T12:35:00Z", false},
		"time runs out": {func(c *handlertest.Cloud) {
			c.Change(second, func(o *handler.Observation) { o.Tags = flag })
			c.Change(first, func(o *handler.Observation) { o.Expires = start.Add(day + 34*time.Minute) })
		}, nil, handler.Deferred, "2026-11-24T12:35:00Z", true},
		"a region cannot be read": {func(c *handlertest.Cloud) {
			c.OnList = func(region string, _ int) error {
				if region == elsewhere {
					return handler.Errorf(handler.Unavailable, "down")
				}
				return nil
			}
		}, nil, handler.Failed, "", false},
	} {
		c := globals()
		if test.change != nil {
			test.change(c)
		}
		d := automatic(first)
		if test.ask != nil {
			test.ask(&d)
		}
		got := ask(t, handlerOf(c, handler.Options{}), d)
		if got.Outcome != test.outcome || got.Until.String() != test.until || got.Alert != test.alert || (c.Restarts(first) == 1) != (test.outcome == handler.Accepted) {
			t.Errorf("where %s, it ended %s until %s, alert %v, after %d restarts: %s", name, got.Outcome, got.Until, got.Alert, c.Restarts(first), got.Reason)
		}
		if got.Outcome == handler.Deferred && (!strings.Contains(got.Reason, "gr-a") || got.Rule != handler.RuleMembers) {
			t.Errorf("where %s, the reason is not named: %s (%s)", name, got.Reason, got.Rule)
		}
		if test.outcome != handler.Accepted && len(c.TagsOf(first)) != 0 {
			t.Errorf("where %s, the tags %v are left behind", name, c.TagsOf(first))
		}
	}
}

// The wait ends when a window opens. If no window opens in time, people are told.
// WINDOW_MISSED=act lifts only the window.
func TestMembersWaitForAWindow(t *testing.T) {
	for name, test := range map[string]struct {
		expires time.Duration
		acts    bool
		until   string
		alert   bool
	}{
		"in time":             {5 * day, false, "2026-11-25T11:30:00Z", false},
		"too late":            {47 * time.Hour, false, "2026-11-25T11:30:00Z", true},
		"too late, and acts":  {47 * time.Hour, true, "2026-11-24T13:00:00Z", false},
		"much too late, acts": {24*time.Hour + 59*time.Minute, true, "2026-11-24T13:00:00Z", true},
	} {
		c := globals()
		c.Change(first, func(o *handler.Observation) { o.Expires = start.Add(test.expires) })
		c.Change(second, func(o *handler.Observation) { o.Status = "SSLModifying" })
		h := handlerOf(c, handler.Options{Policy: handler.Policy{Window: window(t, "11:30-12:30"), MissedActs: test.acts}})
		if got := ask(t, h, automatic(first)); got.Outcome != handler.Deferred || got.Until.String() != test.until || got.Alert != test.alert {
			t.Errorf("%s: ended %s until %s, alert %v: %s", name, got.Outcome, got.Until, got.Alert, got.Reason)
		}
	}
}

// The members are changed one at a time, and in the end all are changed: in one batch, in
// one process without tags, and in several processes.
func TestMembersTakeTurns(t *testing.T) {
	for name, test := range map[string]struct {
		options   handler.Options
		processes int
	}{
		"one process":              {handler.Options{}, 1},
		"one process without tags": {handler.Options{LeaseNone: true}, 1},
		"three processes":          {handler.Options{}, 3},
	} {
		c := globals()
		var processes []*handler.Handler
		for range test.processes {
			processes = append(processes, handlerOf(c, test.options))
		}
		for round := 1; round <= 3; round++ {
			batch := []handler.Delivery{automatic(second), automatic(first), automatic(third)}
			for _, h := range processes {
				h.Handle(context.Background(), batch)
			}
			if got := c.AllRestarts(); got != round {
				t.Errorf("%s: after round %d there are %d restarts", name, round, got)
			}
			c.Advance(46 * time.Minute)
		}
		for _, member := range []string{first, second, third} {
			if c.Restarts(member) != 1 {
				t.Errorf("%s: %s restarted %d times", name, member, c.Restarts(member))
			}
		}
	}
}

// slowly is a cloud with slow listings.
type slowly struct{ *handlertest.Cloud }

func (s slowly) List(ctx context.Context, region string, filter handler.Filter, page int) (handler.Listing, error) {
	list, err := s.Cloud.List(ctx, region, filter, page)
	time.Sleep(time.Second)
	return list, err
}

// Without tags, only the memory of the process shows a change. Even with slow listings,
// two members of a batch are never changed together.
func TestMembersOfOneBatchTakeTurns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := globals()
		always, _ := handler.ParseWindow("any")
		slowCA := func(context.Context, string, string) (string, error) { // it is read between the listing and the change
			time.Sleep(time.Second)
			return oldCA, nil
		}
		h := handler.New(slowly{c}, handler.Options{Now: c.Now, Sleep: c.Sleep, LeaseNone: true, Regions: []string{handler.DefaultRegion, elsewhere}, Policy: handler.Policy{Window: always}, CA: slowCA})
		h.Handle(context.Background(), []handler.Delivery{automatic(first), automatic(second), automatic(third)})
		if got := c.AllRestarts(); got != 1 {
			t.Errorf("%d members were changed at once", got)
		}
	})
}

// Two processes that begin at the same moment see each other's flags after the pause. The
// process with the lower key waits until the other process withdraws.
func TestMembersOfTwoProcessesAtOnce(t *testing.T) {
	for name, test := range map[string]struct {
		key     string
		stays   bool
		outcome handler.Outcome
	}{
		"it goes first":           {"tairssl-lease-00000000", true, handler.Deferred},
		"it withdraws":            {"tairssl-lease-zzzzzzzz", false, handler.Accepted},
		"it does not withdraw":    {"tairssl-lease-zzzzzzzz", true, handler.Deferred},
		"it goes first and fails": {"tairssl-lease-00000000", false, handler.Deferred},
	} {
		c := globals()
		c.OnTag = func(key, _ string) error {
			if key != test.key && len(c.Instances[third].Tags) == 0 { // the other raised its flag in between
				c.Instances[third].Tags[test.key] = "Update/" + handler.At(start.Add(5*day)).String() + "/" + handler.At(c.Instances[third].Expires.Add(-5*day)).String() + "/"
			}
			return nil
		}
		o := handler.Options{Now: c.Now, Regions: []string{handler.DefaultRegion, elsewhere}}
		pauses := 0
		o.Sleep = func(ctx context.Context, d time.Duration) error {
			if pauses++; pauses == 2 && !test.stays {
				c.Change(third, func(o *handler.Observation) { clear(o.Tags) })
			}
			return c.Sleep(ctx, d)
		}
		o.Policy.Window, _ = handler.ParseWindow("any")
		got := ask(t, handler.New(c, o), automatic(first))
		if got.Outcome != test.outcome || (c.Restarts(first) == 1) != (test.outcome == handler.Accepted) {
			t.Errorf("%s: ended %s after %d restarts: %s", name, got.Outcome, c.Restarts(first), got.Reason)
		}
	}
}

// Only due members of a global instance cost an additional call.
func TestOnlyMembersCostAListing(t *testing.T) {
	for name, test := range map[string]struct {
		id       string
		expires  time.Duration
		listings int
	}{
		"no member":         {id, 5 * day, 0},
		"a member":          {first, 5 * day, 2 * 2},
		"a member, not due": {first, 90 * day, 0},
	} {
		c, listings := globals(), 0
		c.OnList = func(string, int) error { listings++; return nil }
		c.Change(test.id, func(o *handler.Observation) { o.Expires = start.Add(test.expires) })
		if ask(t, handlerOf(c, handler.Options{}), automatic(test.id)); listings != test.listings {
			t.Errorf("%s costs %d listings, want %d", name, listings, test.listings)
		}
	}
}

// Alibaba's renewals of members are moved to different times.
func TestRenewalsOfMembersAreMovedApart(t *testing.T) {
	c := globals()
	for n, member := range []string{first, second, third} {
		region := handler.DefaultRegion
		if member == third {
			region = elsewhere
		}
		c.Tasks = append(c.Tasks, handler.Renewal{Ref: handler.Ref{RegionID: region, InstanceID: member}, ID: fmt.Sprint(n), Status: handler.RenewalPending, At: start.Add(30 * time.Hour)})
	}
	h := handlerOf(c, handler.Options{Policy: handler.Policy{MovesRenewals: true, Window: window(t, "22:00-23:30")}})
	h.Handle(context.Background(), []handler.Delivery{automatic(first), automatic(second), automatic(third)})
	got := map[string]bool{}
	for _, r := range c.Tasks {
		got[handler.At(r.At).String()] = true
	}
	if want := map[string]bool{"2026-11-24T22:00:00Z": true, "2026-11-24T23:00:00Z": true, "2026-11-25T22:00:00Z": true}; !maps.Equal(got, want) {
		t.Errorf("they are moved to %v, want %v", got, want)
	}
}
