package handler_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"tairssl/handler"
	"tairssl/handler/handlertest"
)

// flagsOn lists the keys of the flags on the instance.
func flagsOn(c *handlertest.Cloud) (keys []string) {
	for key := range c.TagsOf(id) {
		if strings.HasPrefix(key, "tairssl-lease") {
			keys = append(keys, key)
		}
	}
	return keys
}

// raisedBy is the value of a flag with the given age.
func raisedBy(action handler.Action, expires time.Time, age time.Duration, order string) string {
	return fmt.Sprintf("%s/%s/%s/%s", action, handler.At(expires), handler.At(start.Add(-age)), order)
}

func TestAFlagStandsWhileItsWriteMayBeUnseen(t *testing.T) {
	c, h := on(expiring(5*day), handler.Options{})
	if result := ask(t, h, update()); result.Outcome != handler.Accepted {
		t.Fatalf("ended %s (%s)", result.Outcome, result.Reason)
	}
	keys := flagsOn(c)
	if len(keys) != 1 {
		t.Fatalf("after the write the flags are %v, want one", keys)
	}
	value := c.TagsOf(id)[keys[0]]
	if want := raisedBy(handler.Update, start.Add(5*day), 0, ""); value != want || len(keys[0]) != len("tairssl-lease-")+8 {
		t.Errorf("the flag reads %s=%q, want eight letters or digits behind the prefix, and %q", keys[0], value, want)
	}
}

func TestARefusedWriteTakesItsFlagBack(t *testing.T) {
	busy := handler.Errorf(handler.Unavailable, "state does not support this")
	busy.Err = handler.ErrBusy
	already := handler.Errorf(handler.Unsupported, "so already")
	already.Err = handler.ErrAlready
	late := handler.Errorf(handler.Unavailable, "signed too late")
	late.Err = handler.ErrLate
	for name, test := range map[string]struct {
		err       error
		outcome   handler.Outcome
		redeliver bool
	}{
		"throttled":    {handler.Errorf(handler.Throttled, "slow down"), handler.Failed, true},
		"locked":       {handler.Errorf(handler.Locked, "pay"), handler.Failed, false},
		"unsupported":  {handler.Errorf(handler.Unsupported, "old"), handler.Failed, false},
		"busy":         {busy, handler.InProgress, true},
		"so already":   {already, handler.Unchanged, false},
		"no such role": {handler.Errorf(handler.Forbidden, "no"), handler.Failed, false},
		"signed late":  {late, handler.Failed, true},
	} {
		t.Run(name, func(t *testing.T) {
			c, h := on(expiring(5*day), handler.Options{})
			c.OnModify = func(context.Context, func()) error { return test.err }
			result := ask(t, h, update())
			if _, redeliver := result.Redeliver(); result.Outcome != test.outcome || redeliver != test.redeliver {
				t.Errorf("ended %s (%s), re-delivery %v; want %s, %v", result.Outcome, result.Reason, redeliver, test.outcome, test.redeliver)
			}
			if left := flagsOn(c); left != nil {
				t.Errorf("the flags %v are left on the instance", left)
			}
			c.OnModify = nil
			if again := ask(t, h, update()); again.Outcome != handler.Accepted {
				t.Errorf("the next delivery ended %s: %s", again.Outcome, again.Reason)
			}
		})
	}
}

// An unknown error may hide that the change was made.
func TestAnUnknownErrorOfTheWriteKeepsTheFlag(t *testing.T) {
	c, h := on(expiring(5*day), handler.Options{})
	c.OnModify = func(_ context.Context, apply func()) error { apply(); return errors.New("something else") }
	if result := ask(t, h, update()); result.Outcome != handler.Unknown {
		t.Errorf("ended %s (%s), want unknown", result.Outcome, result.Reason)
	}
	if len(flagsOn(c)) != 1 {
		t.Errorf("the flags are %v, want the one of the write", flagsOn(c))
	}
	other := handler.New(c, handler.Options{Now: c.Now, Sleep: c.Sleep})
	if again := ask(t, other, update()); again.Outcome != handler.InProgress || c.Restarts(id) != 1 {
		t.Errorf("another process ended %s (%s) after %d restarts", again.Outcome, again.Reason, c.Restarts(id))
	}
}

func TestFlagsOfOthers(t *testing.T) {
	five := start.Add(5 * day)
	const key = "tairssl-lease-abcd1234"
	for name, test := range map[string]struct {
		key, value string
		outcome    handler.Outcome
		removed    bool
	}{
		"young":                        {key, raisedBy("Update", five, time.Minute, ""), handler.InProgress, false},
		"of another action":            {key, raisedBy("Disable", five, time.Minute, ""), handler.InProgress, false},
		"with an order":                {key, raisedBy("Update", five, time.Minute, "0123456789abcdef"), handler.InProgress, false},
		"just under 45 minutes":        {key, raisedBy("Update", five, 45*time.Minute-time.Second, ""), handler.InProgress, false},
		"45 minutes old":               {key, raisedBy("Update", five, 45*time.Minute, ""), handler.Accepted, true},
		"spent":                        {key, raisedBy("Update", start.Add(4*day), time.Minute, ""), handler.Accepted, false},
		"spent and old":                {key, raisedBy("Update", start.Add(4*day), time.Hour, ""), handler.Accepted, true},
		"from a clock that runs ahead": {key, raisedBy("Update", five, -10*time.Minute, ""), handler.InProgress, false},
		"from a clock gone wrong":      {key, raisedBy("Update", five, -24*time.Hour, ""), handler.Accepted, true},
		"that nobody can read":         {key, "yes", handler.Accepted, false},
		"with a date nobody reads":     {key, "Update/x/y/", handler.Accepted, false},
		"of an unknown action":         {key, raisedBy("Rotate", five, time.Minute, ""), handler.Accepted, false},
		"with an odd order":            {key, raisedBy("Update", five, time.Minute, "SOMEBODY"), handler.Accepted, false},
		"with too many parts":          {key, raisedBy("Update", five, time.Minute, "/"), handler.Accepted, false},
		"with a key of capitals":       {"tairssl-lease-ABCD1234", raisedBy("Update", five, time.Minute, ""), handler.Accepted, false},
		"with a short key":             {"tairssl-lease-abcd", raisedBy("Update", five, time.Minute, ""), handler.Accepted, false},
		"with a long key":              {key + "5", raisedBy("Update", five, time.Minute, ""), handler.Accepted, false},
		"of an older version":          {"tairssl-lease", raisedBy("Update", five, 5*time.Minute, "SOMEBODY"), handler.InProgress, false},
		"of an older version, old":     {"tairssl-lease", raisedBy("Update", five, 16*time.Minute, "SOMEBODY"), handler.Accepted, true},
		"of an older version, nobody":  {"tairssl-lease", raisedBy("Update", five, 5*time.Minute, ""), handler.Accepted, false},
	} {
		t.Run(name, func(t *testing.T) {
			o := expiring(5 * day)
			o.Tags = map[string]string{test.key: test.value}
			c, h := on(o, handler.Options{})
			result := ask(t, h, update())
			if result.Outcome != test.outcome {
				t.Errorf("ended %s (%s), want %s", result.Outcome, result.Reason, test.outcome)
			}
			if _, left := c.TagsOf(id)[test.key]; left == test.removed {
				t.Errorf("the tags are %v in the end: removed must be %v", c.TagsOf(id), test.removed)
			}
			if test.outcome == handler.InProgress && len(flagsOn(c)) != 1 {
				t.Errorf("who has to wait set tags all the same: %v", c.TagsOf(id))
			}
		})
	}
}

// If two attempts raise flags at the same time, the attempt with the lower key goes
// first. The order of their looks does not matter.
func TestTwoFlagsAtOnce(t *testing.T) {
	for name, test := range map[string]struct {
		key     string
		leaves  bool // the other attempt withdraws after the first look
		outcome handler.Outcome
		sleeps  int
	}{
		"the other goes first":      {"tairssl-lease-00000000", false, handler.InProgress, 1},
		"the other withdraws":       {"tairssl-lease-zzzzzzzz", true, handler.Accepted, 2},
		"the other does not end":    {"tairssl-lease-zzzzzzzz", false, handler.InProgress, 4},
		"an older version's writer": {"tairssl-lease", false, handler.InProgress, 1},
	} {
		t.Run(name, func(t *testing.T) {
			c, h := on(expiring(5*day), handler.Options{})
			sleeps := 0
			h.Sleep = func(context.Context, time.Duration) error {
				sleeps++
				c.Change(id, func(o *handler.Observation) {
					if delete(o.Tags, test.key); !test.leaves || sleeps == 1 {
						o.Tags[test.key] = raisedBy("Update", start.Add(5*day), 0, "")
						if test.key == "tairssl-lease" {
							o.Tags[test.key] += "SOMEBODY"
						}
					}
				})
				return nil
			}
			result := ask(t, h, update())
			if result.Outcome != test.outcome || result.Busy || sleeps != test.sleeps {
				t.Errorf("ended %s (%s) after %d pauses, want %s after %d", result.Outcome, result.Reason, sleeps, test.outcome, test.sleeps)
			}
			restarts := 0
			if test.outcome == handler.Accepted {
				restarts = 1
			}
			own := 0
			for _, key := range flagsOn(c) {
				if key != test.key {
					own++
				}
			}
			if c.Restarts(id) != restarts || own != restarts {
				t.Errorf("%d restarts with %d own flags left, want %d of both", c.Restarts(id), own, restarts)
			}
		})
	}
}

func TestAFlagThatDoesNotShow(t *testing.T) {
	c, h := on(expiring(5*day), handler.Options{LeasePause: 3 * time.Second})
	h.Sleep = func(context.Context, time.Duration) error {
		c.Change(id, func(o *handler.Observation) { clear(o.Tags) })
		return nil
	}
	result := ask(t, h, update())
	if _, again := result.Redeliver(); result.Outcome != handler.Failed || !again || !strings.Contains(result.Reason, "raise TAIRSSL_LEASE_PAUSE to at least 6s") {
		t.Errorf("ended %s (%s), want a failure that names the setting", result.Outcome, result.Reason)
	}
	if c.Restarts(id) != 0 || flagsOn(c) != nil {
		t.Errorf("%d restarts, and the flags %v are left", c.Restarts(id), flagsOn(c))
	}
}

func TestTheCertificateChangesInThePause(t *testing.T) {
	for name, change := range map[string]func(*handler.Observation){
		"renewed by somebody else": func(o *handler.Observation) { o.Expires = start.AddDate(1, 0, 0) },
		"renewed, and due again":   func(o *handler.Observation) { o.Expires = o.Expires.Add(day) },
		"switched off":             func(o *handler.Observation) { o.Enabled, o.Expires = false, time.Time{} },
	} {
		t.Run(name, func(t *testing.T) {
			c, h := on(expiring(5*day), handler.Options{})
			h.Sleep = func(context.Context, time.Duration) error { c.Change(id, change); return nil }
			result := ask(t, h, update())
			if result.Outcome != handler.Unchanged || c.Restarts(id) != 0 {
				t.Errorf("ended %s (%s) with %d restarts, want unchanged and none", result.Outcome, result.Reason, c.Restarts(id))
			}
			if left := flagsOn(c); left != nil {
				t.Errorf("the flags %v are left on the instance", left)
			}
		})
	}
}

func TestWithoutALeaseTheProcessRemembers(t *testing.T) {
	c, h := on(expiring(5*day), handler.Options{LeaseNone: true})
	c.OnTag = func(string, string) error { return errors.New("a tag was set") }
	var result handler.Result
	for range 3 {
		result = ask(t, h, update())
	}
	if c.Restarts(id) != 1 || result.Outcome != handler.InProgress {
		t.Errorf("three deliveries restarted the instance %d times; the last ended %s (%s)", c.Restarts(id), result.Outcome, result.Reason)
	}
}

// A process remembers its own flags, because anybody may remove the tags.
func TestAFlagThatSomebodyRemovedIsRemembered(t *testing.T) {
	c, h := on(expiring(5*day), handler.Options{})
	c.Lag = 10 * time.Minute
	ask(t, h, update())
	c.Change(id, func(o *handler.Observation) { clear(o.Tags) })
	if result := ask(t, h, update()); result.Outcome != handler.InProgress || c.Restarts(id) != 1 {
		t.Errorf("ended %s (%s) after %d restarts, want in_progress after one", result.Outcome, result.Reason, c.Restarts(id))
	}
	// The same instance, with its region named explicitly.
	again := update()
	again.RegionID = handler.DefaultRegion
	if result := ask(t, h, again); result.Outcome != handler.InProgress || c.Restarts(id) != 1 {
		t.Errorf("with a region it ended %s (%s) after %d restarts", result.Outcome, result.Reason, c.Restarts(id))
	}
}

// A write that was not sent changed nothing, even if the reason of the failure is
// unknown.
func TestAWriteThatWasNotSentIsNotUnknown(t *testing.T) {
	c, h := on(expiring(5*day), handler.Options{})
	c.OnModify = func(context.Context, func()) error {
		e := handler.Errorf(handler.Internal, "no credential, for a reason that nobody knows")
		e.Err = handler.ErrNotSent
		return e
	}
	var told []handler.Decided
	h.Decided = func(_ context.Context, d handler.Decided) { told = append(told, d) }
	if result := ask(t, h, update()); result.Outcome != handler.Failed || flagsOn(c) != nil {
		t.Errorf("ended %s (%s) with the flags %v", result.Outcome, result.Reason, flagsOn(c))
	}
	if len(told) != 1 || told[0].Wrote {
		t.Errorf("told are %+v, want one decision, and nothing written", told)
	}
}
