package fleet_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"tairssl/handler"
	"tairssl/handler/fleet"
	"tairssl/handler/handlertest"
)

// timedSweep is a sweep in an invocation with a time limit, in a bubble of
// testing/synctest.
type timedSweep struct {
	*handlertest.Timed
	fleet.Result
	took time.Duration
}

func inTime(t *testing.T, c *handlertest.Timed, o handler.Options, within time.Duration, order fleet.Order) timedSweep {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), within)
	defer cancel()
	o.Now, o.Policy.Window = c.Now, always
	begun := time.Now()
	got, err := newFleet(c, o, 0).Sweep(ctx, order)
	if err != nil {
		t.Fatal(err)
	}
	return timedSweep{c, got, time.Since(begun)}
}

func inBubble(t *testing.T, name string, scenario func(t *testing.T)) {
	t.Helper()
	t.Run(name, func(t *testing.T) { synctest.Test(t, scenario) })
}

// The reading leaves time for the changes: two minutes, or twice the time for which a
// change is watched, but at most half of the invocation.
func TestReadingLeavesTimeForTheChanges(t *testing.T) {
	for name, test := range map[string]struct {
		wait, within time.Duration
		seen         int // one instance every ten seconds
	}{
		"ten minutes":                   {0, 600500 * time.Millisecond, 48},
		"ten minutes, watched for 2":    {2 * time.Minute, 600500 * time.Millisecond, 36},
		"ten minutes, watched for half": {30 * time.Second, 600500 * time.Millisecond, 48},
		"one minute":                    {0, 60500 * time.Millisecond, 3},
		"four minutes":                  {0, 240500 * time.Millisecond, 12},
		"three minutes":                 {0, 180500 * time.Millisecond, 9},
	} {
		inBubble(t, name, func(t *testing.T) {
			c := handlertest.NewTimed(handlertest.NewCloud(instances(100, 0)), handlertest.Lasting(9999*time.Millisecond, "SSL"))
			s := inTime(t, c, handler.Options{Concurrency: 1, Wait: test.wait}, test.within, fleet.Order{})
			if s.Summary.Seen != test.seen {
				t.Errorf("it saw %d, want %d: %+v", s.Summary.Seen, test.seen, s.Summary)
			}
		})
	}
}

// The look ahead ends when a change could not begin any more. A dry run makes no change,
// so it looks ahead for all of its time.
func TestTheLookAheadEndsWhenNothingCanBeChangedAnyMore(t *testing.T) {
	for dry, want := range map[bool]struct {
		outcome handler.Outcome
		took    time.Duration
	}{false: {handler.Deferred, 7 * time.Second}, true: {handler.Planned, 8 * time.Second}} {
		inBubble(t, fmt.Sprintf("dry %v", dry), func(t *testing.T) {
			c := handlertest.NewTimed(handlertest.NewCloud(instances(1, 1)), handlertest.Lasting(8*time.Second, "Instance"))
			s := inTime(t, c, handler.Options{}, 14500*time.Millisecond, fleet.Order{DryRun: dry})
			if s.Summary.Outcomes[want.outcome] != 1 || s.took != want.took || s.AllRestarts() != 0 {
				t.Errorf("of 14 seconds, 7 of them for a change, it took %s and ended %v, want %s and %s", s.took, s.Summary.Outcomes, want.took, want.outcome)
			}
			if r := s.Results[0]; !dry && !strings.Contains(r.Reason, "time for this sweep was up") {
				t.Errorf("it is deferred because %q", r.Reason)
			}
		})
	}
}

// If the time is too short for a change, the instance is not looked at again. This holds
// for the first instance and for later ones.
func TestNoChangeBeginsWithoutTheTimeForIt(t *testing.T) {
	inBubble(t, "the first", func(t *testing.T) {
		c := handlertest.NewTimed(handlertest.NewCloud(instances(3, 3)), handlertest.Lasting(3*time.Second, "Instance"))
		s := inTime(t, c, handler.Options{}, 14500*time.Millisecond, fleet.Order{})
		if s.AllRestarts() != 0 || s.Summary.Outcomes[handler.Deferred] != 3 || s.Counted("Instance") != 3 || !strings.Contains(s.Results[0].Reason, "time for this sweep was up") {
			t.Errorf("%d restarted after %d looks, and it ended %+v", s.AllRestarts(), s.Counted("Instance"), s.Results)
		}
	})
	inBubble(t, "those after it", func(t *testing.T) {
		cloud := handlertest.NewCloud(instances(3, 3))
		cloud.Lag = 0
		c := handlertest.NewTimed(cloud, handlertest.Lasting(10*time.Second, "Modify"))
		s := inTime(t, c, handler.Options{}, 38500*time.Millisecond, fleet.Order{})
		// Three looks ahead, two looks for the change of the first instance, and one look that verifies it.
		if s.AllRestarts() != 1 || s.Summary.Outcomes[handler.Verified] != 1 || s.Summary.Outcomes[handler.Deferred] != 2 || s.Counted("Instance") != 6 {
			t.Errorf("%d restarted after %d looks, and it ended %+v", s.AllRestarts(), s.Counted("Instance"), s.Summary.Outcomes)
		}
		if r := s.Results[0]; r.Outcome != handler.Deferred || !strings.Contains(r.Reason, "time for this sweep was up") {
			t.Errorf("the rest is told %q", r.Reason)
		}
	})
}

// The first change is watched for at least a minute, or for the time in the settings.
func TestHowLongTheFirstChangeIsWatched(t *testing.T) {
	for name, test := range map[string]struct {
		wait, lag time.Duration
		verified  int
		restarts  int
	}{
		"a minute":                  {0, 59 * time.Second, 1, 4},
		"more than a minute":        {0, 61 * time.Second, 0, 1},
		"set to less":               {time.Second, 59 * time.Second, 1, 4},
		"set to three":              {3 * time.Minute, 179 * time.Second, 4, 4},
		"set to three, and it lags": {3 * time.Minute, 181 * time.Second, 0, 1},
	} {
		inBubble(t, name, func(t *testing.T) {
			cloud := handlertest.NewCloud(instances(4, 4))
			cloud.Lag = test.lag
			c := handlertest.NewTimed(cloud, nil)
			s := inTime(t, c, handler.Options{Wait: test.wait}, time.Hour, fleet.Order{})
			if o := s.Summary.Outcomes; o[handler.Verified] != test.verified || s.AllRestarts() != test.restarts || o[handler.Deferred] != 4-test.restarts {
				t.Errorf("a change that shows after %s, with a wait of %s, ended %v after %d restarts", test.lag, test.wait, o, s.AllRestarts())
			}
		})
	}
}

// A call whose turn would come too late is not a failure. The sweep leaves such an
// instance to the next sweep and changes the other instances.
func TestCallsThatGetNoTurn(t *testing.T) {
	noTurn := handler.Errorf(handler.Unavailable, "no turn")
	noTurn.Err = handler.ErrNoTime
	for name, test := range map[string]struct {
		hook               func(c *handlertest.Cloud)
		restarts, deferred int
	}{
		"in the look ahead": {func(c *handlertest.Cloud) {
			reads := 0
			c.OnSSL = func(handler.Ref) error {
				if reads++; reads > 5 { // every call after the reading of the fleet
					return noTurn
				}
				return nil
			}
		}, 0, 5},
		"in the first change, so there is no canary": {func(c *handlertest.Cloud) {
			writes := 0
			c.OnModify = func(_ context.Context, apply func()) error {
				if writes++; writes == 1 {
					return noTurn
				}
				apply()
				return nil
			}
		}, 0, 5},
		"in the second change": {func(c *handlertest.Cloud) {
			writes := 0
			c.OnModify = func(_ context.Context, apply func()) error {
				if writes++; writes == 2 {
					return noTurn
				}
				apply()
				return nil
			}
		}, 4, 1},
	} {
		c := handlertest.NewCloud(instances(5, 5))
		test.hook(c)
		got, err := sweeper(c, handler.Options{Concurrency: 1}).Sweep(context.Background(), fleet.Order{})
		o := got.Summary.Outcomes
		if err != nil || c.AllRestarts() != test.restarts || o[handler.Deferred] != test.deferred || o[handler.Verified]+o[handler.Accepted] != test.restarts || o[handler.Failed] != 0 {
			t.Errorf("%s: it ended %v after %d restarts, want %d and %d deferred: %v", name, o, c.AllRestarts(), test.restarts, test.deferred, err)
		}
		for _, r := range got.Results {
			if r.Outcome == handler.Deferred && !strings.Contains(r.Reason, "time for this sweep was up") {
				t.Errorf("%s: %s is deferred because %q", name, r.InstanceID, r.Reason)
			}
		}
	}
}

// If a change fails, the next instance takes its place. The number of changes stays the
// same.
func TestWhatFailsGivesItsPlaceToTheNext(t *testing.T) {
	for name, test := range map[string]struct {
		most   int
		locked []int // writes that are refused
		failed int
	}{
		"the first two of one":    {1, []int{1, 2}, 2},
		"the first of three":      {3, []int{1}, 1},
		"the second of three":     {3, []int{2}, 1},
		"two in the midst":        {3, []int{2, 4}, 2},
		"all of the first rounds": {2, []int{1, 2, 3, 4}, 4},
	} {
		c := handlertest.NewCloud(instances(12, 12))
		writes := 0
		c.OnModify = func(_ context.Context, apply func()) error {
			writes++
			for _, n := range test.locked {
				if n == writes {
					return handler.Errorf(handler.Locked, "pay")
				}
			}
			apply()
			return nil
		}
		got, err := sweeper(c, handler.Options{Concurrency: 1}).Sweep(context.Background(), fleet.Order{MaxTargets: &test.most})
		o := got.Summary.Outcomes
		if err != nil || c.AllRestarts() != test.most || o[handler.Failed] != test.failed || o[handler.Verified] != 1 || o[handler.Deferred] != 12-test.most-test.failed {
			t.Errorf("%s: it ended %v after %d restarts, want %d: %v", name, o, c.AllRestarts(), test.most, err)
		}
		for _, r := range got.Results {
			if r.Outcome == handler.Deferred && !strings.Contains(r.Reason, "at most") {
				t.Errorf("%s: %s is deferred because %q", name, r.InstanceID, r.Reason)
			}
		}
	}
}

// A sweep looks ahead at as many instances as it may change. For each instance that may
// not be changed now, it looks at one more.
func TestASweepLooksAtNoMoreThanItNeeds(t *testing.T) {
	for waiting, want := range map[int]int{0: 3, 1: 4, 2: 5, 3: 6} {
		c := handlertest.NewCloud(instances(12, 12))
		for i := range 12 {
			o := c.Instances[fmt.Sprintf("r-fleet%05d", i)]
			o.MaintainStartTime, o.MaintainEndTime = "12:00Z", "13:00Z"
			if i < waiting {
				o.MaintainStartTime, o.MaintainEndTime = "20:00Z", "21:00Z"
			}
		}
		looks := 0
		c.OnRead = func(int) error { looks++; return nil }
		h := newFleet(c, handler.Options{Now: c.Now, Sleep: c.Sleep, Concurrency: 1}, 3)
		got, err := h.Sweep(context.Background(), fleet.Order{DryRun: true})
		if err != nil || looks != want || got.Summary.Outcomes[handler.Planned] != 3 || got.Summary.Outcomes[handler.Deferred] != 9 {
			t.Errorf("with %d that wait it looked at %d, want %d, and ended %v: %v", waiting, looks, want, got.Summary.Outcomes, err)
		}
	}
}

// A panic of the API at one instance ends neither the sweep nor the process.
func TestAPanicInOneInstanceOfASweep(t *testing.T) {
	c := handlertest.NewCloud(instances(5, 5))
	c.OnSSL = func(ref handler.Ref) error {
		if ref.InstanceID == "r-fleet00002" {
			panic("boom")
		}
		return nil
	}
	got, err := sweeper(c, handler.Options{}).Sweep(context.Background(), fleet.Order{})
	if err != nil || c.AllRestarts() != 4 || got.Summary.Outcomes[handler.Failed] != 1 || !errors.Is(got.Results[0].Error, handler.Internal) {
		t.Errorf("it ended %v after %d restarts, %v", got.Summary.Outcomes, c.AllRestarts(), err)
	}
}
