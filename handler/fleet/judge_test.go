package fleet_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"tairssl/handler"
	"tairssl/handler/fleet"
	"tairssl/handler/handlertest"
)

const first = "r-fleet00000"

// What a sweep does with an instance in each state.
func TestWhatASweepSeesOfAnInstance(t *testing.T) {
	gone := func(handler.Ref) error { return handler.Errorf(handler.NotFound, "released") }
	for name, test := range map[string]struct {
		change  func(*handler.Observation)
		onSSL   func(handler.Ref) error
		outcome handler.Outcome
		due     int
		noTLS   int
		reads   int
	}{
		"due":                      {nil, nil, handler.Verified, 1, 0, -1},
		"not due":                  {func(o *handler.Observation) { o.Expires = start.Add(90 * day) }, nil, handler.Unchanged, 0, 0, 1},
		"off":                      {func(o *handler.Observation) { o.Enabled, o.Expires = false, time.Time{} }, nil, handler.Unchanged, 0, 0, 1},
		"inactive":                 {func(o *handler.Observation) { o.Status = "Inactive" }, nil, handler.Unchanged, 0, 0, 0},
		"released":                 {func(o *handler.Observation) { o.Status = "Released" }, nil, handler.Unchanged, 0, 0, 0},
		"broken and due":           {func(o *handler.Observation) { o.Status = "Error" }, nil, handler.Failed, 1, 0, 1},
		"broken and not due":       {func(o *handler.Observation) { o.Status, o.Expires = "Error", start.Add(90*day) }, nil, handler.Unchanged, 0, 0, 1},
		"busy and due":             {func(o *handler.Observation) { o.Status = "Changing" }, nil, handler.InProgress, 1, 0, 1},
		"tagged off and due":       {func(o *handler.Observation) { o.Tags = map[string]string{"tairssl": "off"} }, nil, handler.Refused, 1, 0, 1},
		"without TLS":              {func(o *handler.Observation) { o.SSL = handler.SSL{NoTLS: true} }, nil, handler.Unchanged, 0, 1, 1},
		"Memcache":                 {func(o *handler.Observation) { o.Type = "Memcache" }, nil, handler.Unchanged, 0, 1, 0},
		"gone since it was listed": {nil, gone, handler.Unchanged, 0, 0, 0},
		"unreadable":               {nil, func(handler.Ref) error { return handler.Errorf(handler.Unavailable, "down") }, handler.Failed, 0, 0, 0},
		"unreadable by a panic":    {nil, func(handler.Ref) error { panic("boom") }, handler.Failed, 0, 0, 0},
		"on, without an expiry":    {func(o *handler.Observation) { o.Expires = time.Time{} }, nil, handler.Failed, 0, 0, 1},
		"of a name that it has not": {func(o *handler.Observation) {
			o.Expires, o.CommonName, o.ConnectionDomain = start.Add(90*day), "a.example.com", "b.example.com"
		}, nil, handler.Unchanged, 0, 0, 1},
	} {
		o := expiring(5 * day)
		if test.change != nil {
			test.change(&o)
		}
		c := handlertest.NewCloud(map[string]handler.Observation{first: o})
		c.OnSSL = test.onSSL
		got, err := sweeper(c, handler.Options{}).Sweep(context.Background(), fleet.Order{})
		if s := got.Summary; err != nil || s.Seen != 1 || s.Outcomes[test.outcome] != 1 || len(s.Outcomes) != 1 || s.Due != test.due || s.NoTLS != test.noTLS {
			t.Errorf("%s: the sweep ended %+v, %v, want one %s, %d due and %d without TLS", name, s, err, test.outcome, test.due, test.noTLS)
		}
		if reads := strings.Count(fmt.Sprint(c.Calls), "SSL"); test.reads >= 0 && reads != test.reads {
			t.Errorf("%s: its encryption was read %d times, want %d", name, reads, test.reads)
		}
		if shown := test.outcome != handler.Unchanged; (len(got.Results) == 1) != shown {
			t.Errorf("%s: the results are %+v", name, got.Results)
		} else if shown && (got.Results[0].InstanceID != first || got.Results[0].SSLEnabled != handler.Update || (got.Results[0].Error != nil) != (test.outcome == handler.Failed)) {
			t.Errorf("%s: the result is %+v", name, got.Results[0])
		}
	}
}

// A sweep removes the flags of dead writers, but only where it may change something.
func TestSweepRemovesDeadFlags(t *testing.T) {
	value := func(age time.Duration) string {
		return fmt.Sprintf("Update/%s/%s/", handler.At(start.Add(90*day)), handler.At(start.Add(-age)))
	}
	for name, test := range map[string]struct {
		options handler.Options
		order   fleet.Order
		removed bool
	}{
		"ordinarily":     {handler.Options{}, fleet.Order{}, true},
		"dry":            {handler.Options{}, fleet.Order{DryRun: true}, false},
		"a plan":         {handler.Options{}, fleet.Order{Plan: true}, false},
		"without leases": {handler.Options{LeaseNone: true}, fleet.Order{}, false},
		"excluded":       {handler.Options{Policy: handler.Policy{Instances: []string{"!r-fleet*"}}}, fleet.Order{}, false},
	} {
		o := expiring(90 * day)
		o.Tags = map[string]string{"tairssl-lease-dead0000": value(45 * time.Minute), "tairssl-lease-live0000": value(44 * time.Minute), "env": "prod"}
		c := handlertest.NewCloud(map[string]handler.Observation{first: o})
		h := sweeper(c, test.options)
		var err error
		if test.order.Plan {
			_, err = h.PlanPage(context.Background(), test.order)
		} else {
			_, err = h.Sweep(context.Background(), test.order)
		}
		tags := c.TagsOf(first)
		if _, left := tags["tairssl-lease-dead0000"]; err != nil || left == test.removed || tags["tairssl-lease-live0000"] == "" || tags["env"] == "" {
			t.Errorf("%s: the tags are %v, %v", name, tags, err)
		}
		if untagged := slices.Contains(c.Calls, "Untag"); untagged != test.removed {
			t.Errorf("%s: the calls are %v", name, c.Calls)
		}
	}
	// An instance without dead flags costs no call, and a failed removal does not change
	// the result.
	log := &bytes.Buffer{}
	for removal, says := range map[string]func(...string) error{
		"fails": func(...string) error { return errors.New("no") }, "panics": func(...string) error { panic("boom") },
	} {
		o := expiring(5 * day)
		o.Tags = map[string]string{"tairssl-lease-dead0000": value(time.Hour)}
		c := handlertest.NewCloud(map[string]handler.Observation{first: o, "r-fleet00001": expiring(90 * day)})
		c.OnUntag = says
		log.Reset()
		got, err := sweeper(c, handler.Options{Log: slog.New(slog.NewTextHandler(log, nil))}).Sweep(context.Background(), fleet.Order{DryRun: false})
		if err != nil || got.Summary.Seen != 2 || strings.Count(log.String(), "a later sweep tries again") != 1 || !strings.Contains(log.String(), first) {
			t.Errorf("a removal that %s ended %+v, %v, and the log says %q", removal, got.Summary, err, log)
		}
	}
	c := handlertest.NewCloud(instances(3, 0))
	if _, err := sweeper(c, handler.Options{}).Sweep(context.Background(), fleet.Order{}); err != nil || slices.Contains(c.Calls, "Untag") {
		t.Errorf("without dead flags the calls are %v, %v", c.Calls, err)
	}
}

// The earliest expiry is found among the instances that the settings include and that
// stay as they are.
func TestTheEarliestExpiry(t *testing.T) {
	for name, test := range map[string]struct {
		change  func(c *handlertest.Cloud)
		options handler.Options
		want    time.Duration
	}{
		"of what is not due":      {func(c *handlertest.Cloud) {}, handler.Options{}, 200 * day},
		"of what is tagged off":   {func(c *handlertest.Cloud) { c.Instances[first].Tags["tairssl"] = "off" }, handler.Options{}, 12 * time.Hour},
		"not of what is excluded": {func(c *handlertest.Cloud) {}, handler.Options{Policy: handler.Policy{Instances: []string{"!" + first}}}, 200 * day},
		"of what is unknown": {func(c *handlertest.Cloud) {
			c.OnModify = func(context.Context, func()) error { return errors.New("?") }
		}, handler.Options{}, 12 * time.Hour},
		"of what is refused": {func(c *handlertest.Cloud) {
			c.OnModify = func(context.Context, func()) error { return handler.Errorf(handler.Locked, "pay") }
		}, handler.Options{}, 12 * time.Hour},
		"not of what is off or gone": {func(c *handlertest.Cloud) {
			c.Instances["r-fleet00001"].SSL = handler.SSL{}
			c.Instances["r-fleet00002"].Status = "Inactive"
			c.Instances["r-fleet00002"].Expires = start.Add(-day)
		}, handler.Options{}, 200 * day},
	} {
		all := instances(4, 1)
		c := handlertest.NewCloud(all)
		test.change(c)
		got, err := sweeper(c, test.options).Sweep(context.Background(), fleet.Order{})
		if want := start.Add(test.want); err != nil || !got.Summary.Earliest.Equal(want) {
			t.Errorf("%s: the earliest expiry is %s, want %s: %+v, %v", name, got.Summary.Earliest, want, got.Summary, err)
		}
	}
	c := handlertest.NewCloud(instances(3, 3))
	if got, err := sweeper(c, handler.Options{}).Sweep(context.Background(), fleet.Order{MaxTargets: ptr(1)}); err != nil || !got.Summary.Earliest.Equal(start.Add(day)) {
		t.Errorf("with one of three changed the earliest expiry is %s: %v", got.Summary.Earliest, err)
	}
	c = handlertest.NewCloud(map[string]handler.Observation{first: {}})
	if got, err := sweeper(c, handler.Options{}).Sweep(context.Background(), fleet.Order{}); err != nil || !got.Summary.Earliest.IsZero() {
		t.Errorf("where nothing expires the earliest expiry is %s: %v", got.Summary.Earliest, err)
	}
}

// A sweep tries at most a thousand instances in addition to its targets. It counts less
// urgent instances and leaves them to the next sweep.
func TestASweepTriesTheMostUrgentOnly(t *testing.T) {
	const all = 1013 // three more than the sweep keeps
	c := handlertest.NewCloud(instances(all, 0))
	for i := range all {
		o := c.Instances[fmt.Sprintf("r-fleet%05d", i)]
		o.Expires = start.Add(time.Duration(i+1) * time.Minute)
		o.MaintainStartTime, o.MaintainEndTime = "20:00Z", "21:00Z"
		if i >= 1009 {
			o.MaintainStartTime, o.MaintainEndTime = "12:00Z", "13:00Z"
		}
	}
	got, err := newFleet(c, handler.Options{Now: c.Now, Sleep: c.Sleep}, 0).Sweep(context.Background(), fleet.Order{})
	if err != nil || c.Restarts("r-fleet01009") != 1 || c.AllRestarts() != 1 {
		t.Errorf("%d restarted, the last of the 1010 most urgent %d times: %v", c.AllRestarts(), c.Restarts("r-fleet01009"), err)
	}
	if s := got.Summary; s.Due != all || s.Outcomes[handler.Deferred] != all-1 || len(s.Outcomes) != 2 {
		t.Errorf("it ended %+v", s)
	}
	if want := start.Add(time.Minute); !got.Summary.Earliest.Equal(want) {
		t.Errorf("the earliest expiry is %s, want %s", got.Summary.Earliest, want)
	}
}

// Another writer may renew a certificate between a sweep's look and its change. The sweep
// then leaves the instance alone, even if the new certificate is due as well.
func TestASweepIsPinnedToTheCertificateThatItSaw(t *testing.T) {
	for _, reading := range []int{2, 3, 4} { // the look ahead, and the two looks of the change
		c := handlertest.NewCloud(map[string]handler.Observation{first: expiring(5 * day)})
		reads := 0
		c.OnSSL = func(handler.Ref) error {
			if reads++; reads == reading {
				c.Instances[first].Expires = start.Add(6 * day)
			}
			return nil
		}
		got, err := sweeper(c, handler.Options{}).Sweep(context.Background(), fleet.Order{})
		if err != nil || c.AllRestarts() != 0 || got.Summary.Outcomes[handler.Unchanged] != 1 {
			t.Errorf("renewed at read %d the sweep ended %+v after %d restarts, %v", reading, got.Summary, c.AllRestarts(), err)
		}
	}
}

// Progress reports how many of the instances known so far have been read.
func TestTheProgressOfASweep(t *testing.T) {
	many := instances(120, 3)
	for i := range 30 {
		o := many[fmt.Sprintf("r-fleet%05d", 90+i)]
		o.Region = "cn-shanghai"
		many[fmt.Sprintf("r-fleet%05d", 90+i)] = o
	}
	c := handlertest.NewCloud(many)
	c.Instances["r-fleet00100"].Status = "Released"
	var told [][2]int
	h := sweeper(c, handler.Options{Concurrency: 1, Regions: []string{"cn-hangzhou", "cn-shanghai"}})
	_, err := h.Sweep(context.Background(), fleet.Order{DryRun: true, Progress: func(read, total int) { told = append(told, [2]int{read, total}) }})
	if err != nil || len(told) != 120 {
		t.Fatalf("told %d times, %v", len(told), err)
	}
	for i, at := range told {
		if at[0] != i+1 || at[1] != 90 && at[1] != 120 {
			t.Fatalf("number %d is told as %v", i+1, at)
		}
	}
	if told[0][1] != 90 || told[119][1] != 120 {
		t.Errorf("of %d, and at last of %d, want 90 and 120", told[0][1], told[119][1])
	}
}

// An instance that the policy excludes is only reported if its certificate is due.
func TestAnExcludedInstanceIsRefusedOnlyIfItIsDue(t *testing.T) {
	for name, test := range map[string]struct {
		left     time.Duration
		tags     map[string]string
		outcome  handler.Outcome
		due      int
		optedOut int
	}{
		"not due":             {90 * day, nil, handler.Unchanged, 0, 0},
		"due":                 {5 * day, nil, handler.Refused, 1, 0},
		"tagged off, not due": {90 * day, map[string]string{"tairssl": "off"}, handler.Unchanged, 0, 0},
		"tagged off, due":     {5 * day, map[string]string{"tairssl": "off"}, handler.Refused, 1, 0},
	} {
		o := expiring(test.left)
		o.Tags = test.tags
		c := handlertest.NewCloud(map[string]handler.Observation{first: o})
		got, err := sweeper(c, handler.Options{Policy: handler.Policy{Instances: []string{"!r-*"}}}).Sweep(context.Background(), fleet.Order{})
		if s := got.Summary; err != nil || s.Outcomes[test.outcome] != 1 || s.Due != test.due || s.OptedOut != test.optedOut {
			t.Errorf("%s: the sweep ended %+v, %v, want one %s and %d due", name, s, err, test.outcome, test.due)
		}
	}
}

// The order, not the setting, decides what is due.
func TestTheSummaryCountsWhatIsDueByTheOrder(t *testing.T) {
	sixty := handler.Duration(60 * day)
	busy, off := expiring(40*day), expiring(40*day)
	busy.Status, off.Tags = "Changing", map[string]string{"tairssl": "off"}
	c := handlertest.NewCloud(map[string]handler.Observation{first: expiring(40 * day), "r-second00001": busy, "r-third000001": off})
	got, err := sweeper(c, handler.Options{}).Sweep(context.Background(), fleet.Order{RenewBefore: &sixty})
	if s := got.Summary; err != nil || s.Due != 3 || s.OptedOut != 1 || s.Outcomes[handler.Verified] != 1 {
		t.Errorf("the sweep ended %+v, %v, want three due, one of them tagged off", s, err)
	}
}
