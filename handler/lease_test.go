package handler_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"strings"
	"testing"
	"testing/synctest"
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

// If two raise flags at once, the lower key goes first, whichever of them looks first.
func TestTwoFlagsAtOnce(t *testing.T) {
	for name, test := range map[string]struct {
		key     string
		leaves  bool // the other withdraws after the first look
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

func TestTagsThatAreRefused(t *testing.T) {
	policy := handler.Errorf(handler.Unsupported, "a tag policy forbids it")
	policy.Err = handler.ErrTagRefused
	for name, test := range map[string]struct {
		err     error
		outcome handler.Outcome
		reason  string
	}{
		"no right": {handler.Errorf(handler.Forbidden, "no permission"), handler.Refused, "kvstore:TagResources"},
		"policy":   {policy, handler.Refused, "a tag policy forbids it"},
		"throttle": {handler.Errorf(handler.Throttled, "too fast"), handler.Failed, "too fast"},
	} {
		t.Run(name, func(t *testing.T) {
			c, h := on(expiring(5*day), handler.Options{})
			c.OnTag = func(string, string) error { return test.err }
			c.OnUntag = func(keys ...string) error { return fmt.Errorf("untagging %v, of which surely none is set", keys) }
			result := ask(t, h, update())
			if result.Outcome != test.outcome || !strings.Contains(result.Reason, test.reason) {
				t.Errorf("ended %s (%s), want %s with %q", result.Outcome, result.Reason, test.outcome, test.reason)
			}
			if c.Restarts(id) != 0 {
				t.Error("the instance restarted without a flag")
			}
		})
	}
}

// If the answer to the tagging was lost, the tag may be set.
func TestATaggingThatMayHaveTakenEffectIsUndone(t *testing.T) {
	lost := handler.Errorf(handler.Unavailable, "no answer")
	lost.Uncertain = true
	c, h := on(expiring(5*day), handler.Options{})
	c.OnTag = func(key, value string) error {
		c.Instances[id].Tags[key] = value
		return lost
	}
	if result := ask(t, h, update()); result.Outcome != handler.Failed || c.Restarts(id) != 0 || flagsOn(c) != nil {
		t.Errorf("ended %s (%s) with %d restarts and the flags %v", result.Outcome, result.Reason, c.Restarts(id), flagsOn(c))
	}
	c.OnTag = nil
	if again := ask(t, h, update()); again.Outcome != handler.Accepted {
		t.Errorf("the next delivery ended %s: %s", again.Outcome, again.Reason)
	}
}

func TestAnInstanceWithAllItsTags(t *testing.T) {
	owned := map[string]string{}
	for n := range 19 {
		owned[fmt.Sprintf("owner%02d", n)] = "x"
	}
	with := func(extra map[string]string) handler.Observation {
		o := expiring(5 * day)
		o.Tags = maps.Clone(owned)
		maps.Copy(o.Tags, extra)
		return o
	}
	dead := raisedBy("Update", start.Add(5*day), 45*time.Minute, "")
	for name, test := range map[string]struct {
		extra   map[string]string
		outcome handler.Outcome
		gone    string
	}{
		"19 of its owner's":             {nil, handler.Accepted, ""},
		"and a writer that died":        {map[string]string{"tairssl-lease-dead0000": dead}, handler.Accepted, "tairssl-lease-dead0000"},
		"and what people were told":     {map[string]string{handler.ToldTag: "2026-11-29T12:00:00Z/2026-11-20T12:00Z/d30"}, handler.Accepted, handler.ToldTag},
		"20 of its owner's":             {map[string]string{"owner19": "x"}, handler.Refused, ""},
		"20, and a writer that is busy": {map[string]string{"tairssl-lease-dead0000": raisedBy("Update", start.Add(4*day), 0, "")}, handler.Refused, ""},
	} {
		t.Run(name, func(t *testing.T) {
			c, h := on(with(test.extra), handler.Options{})
			result := ask(t, h, update())
			if result.Outcome != test.outcome || test.outcome == handler.Refused && !strings.Contains(result.Reason, "has 20 tags") {
				t.Errorf("ended %s (%s), want %s", result.Outcome, result.Reason, test.outcome)
			}
			after := c.TagsOf(id)
			if len(after) > handler.MaxTags {
				t.Errorf("the instance has %d tags", len(after))
			}
			if _, left := after[test.gone]; left {
				t.Errorf("the tag %s is left", test.gone)
			}
			for key := range owned {
				if after[key] == "" {
					t.Errorf("the owner's tag %s was removed", key)
				}
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

func TestAnEnableIsCarriedOutOnce(t *testing.T) {
	const order = "00112233445566ff"
	policy := handler.Policy{Actions: []handler.Action{handler.Enable, handler.Disable}}
	enable := handler.Delivery{Request: handler.Request{InstanceID: id, SSLEnabled: handler.Enable}, Trust: handler.Signed, Order: order}
	c, h := on(handler.Observation{}, handler.Options{Policy: policy})
	other := handler.New(c, handler.Options{Policy: policy, Now: c.Now, Sleep: c.Sleep})
	if first := ask(t, h, enable); first.Outcome != handler.Accepted {
		t.Fatalf("the first delivery ended %s (%s)", first.Outcome, first.Reason)
	}
	if again := ask(t, other, enable); again.Outcome != handler.InProgress || !strings.Contains(again.Reason, "this message is being carried out") {
		t.Errorf("a replay in another process ended %s (%s)", again.Outcome, again.Reason)
	}
	c.Advance(2 * time.Minute)
	if again := ask(t, other, enable); again.Outcome != handler.Unchanged || !strings.Contains(again.Reason, "message was already carried out") {
		t.Errorf("a replay after the change ended %s (%s)", again.Outcome, again.Reason)
	}
	// Encryption is switched off by another person. The repeated message must not switch
	// it on.
	c.Change(id, func(o *handler.Observation) { o.Enabled, o.Expires = false, time.Time{} })
	if again := ask(t, other, enable); again.Outcome != handler.InProgress || c.Restarts(id) != 1 {
		t.Errorf("a replay after a Disable ended %s (%s) after %d restarts", again.Outcome, again.Reason, c.Restarts(id))
	}
	another := enable
	another.Order = "ffeeddccbbaa0099"
	c.Advance(time.Hour)
	if fresh := ask(t, other, another); fresh.Outcome != handler.Accepted {
		t.Errorf("another message ended %s (%s)", fresh.Outcome, fresh.Reason)
	}
}

// The time for a change includes every call, however slow.
func TestASlowAPIStillRenews(t *testing.T) {
	for _, latency := range []time.Duration{350 * time.Millisecond, 1200 * time.Millisecond, 10 * time.Second} {
		t.Run(latency.String(), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				c := handlertest.NewCloud(map[string]handler.Observation{id: expiring(5 * day)})
				h := handler.New(delayed{c, latency}, handler.Options{})
				ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
				defer cancel()
				result := h.Handle(ctx, []handler.Delivery{update()})[0]
				if result.Outcome != handler.Accepted || c.Restarts(id) != 1 {
					t.Errorf("ended %s (%s) after %d restarts", result.Outcome, result.Reason, c.Restarts(id))
				}
			})
		})
	}
}

// delayed is a cloud with slow calls.
type delayed struct {
	*handlertest.Cloud
	latency time.Duration
}

func (d delayed) wait(ctx context.Context) error {
	select {
	case <-time.After(d.latency):
		d.Advance(d.latency)
		return nil
	case <-ctx.Done():
		return handler.AsError(ctx.Err())
	}
}

func (d delayed) Instance(ctx context.Context, ref handler.Ref) (handler.Instance, error) {
	if err := d.wait(ctx); err != nil {
		return handler.Instance{}, err
	}
	return d.Cloud.Instance(ctx, ref)
}

func (d delayed) Tag(ctx context.Context, ref handler.Ref, key, value string) error {
	if err := d.wait(ctx); err != nil {
		return err
	}
	return d.Cloud.Tag(ctx, ref, key, value)
}

func (d delayed) Untag(ctx context.Context, ref handler.Ref, keys ...string) error {
	if err := d.wait(ctx); err != nil {
		return err
	}
	return d.Cloud.Untag(ctx, ref, keys...)
}

// A batch that runs out of time leaves no flag on an instance that it did not change.
func TestABatchThatRunsOutOfTimeLeavesNoFlag(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		fleet := map[string]handler.Observation{}
		var deliveries []handler.Delivery
		for n := range 100 {
			d := update()
			d.InstanceID = fmt.Sprintf("r-batch%05d", n)
			fleet[d.InstanceID] = expiring(5 * day)
			deliveries = append(deliveries, d)
		}
		c := handlertest.NewCloud(fleet)
		h := handler.New(delayed{c, time.Second}, handler.Options{})
		ctx, cancel := context.WithTimeout(context.Background(), 20*time.Second)
		defer cancel()
		changed := 0
		for _, result := range h.Handle(ctx, deliveries) {
			flags := 0
			for key := range c.TagsOf(result.InstanceID) {
				if strings.HasPrefix(key, "tairssl-lease-") {
					flags++
				}
			}
			if restarts := c.Restarts(result.InstanceID); flags != restarts {
				t.Errorf("%s restarted %d times and bears %d flags (%s)", result.InstanceID, restarts, flags, result.Reason)
			}
			switch _, again := result.Redeliver(); result.Outcome {
			case handler.Accepted:
				changed++
			case handler.Failed:
				if !again {
					t.Errorf("%s failed for good: %s", result.InstanceID, result.Reason)
				}
			default:
				t.Errorf("%s ended %s (%s)", result.InstanceID, result.Outcome, result.Reason)
			}
		}
		if changed == 0 || changed == 100 {
			t.Errorf("%d were changed: this scenario is no test", changed)
		}
	})
}

// Only an Enable is protected by the order of a signed message. Other actions name their
// certificate.
func TestABatchOfOneMessageMayDisableAndEnable(t *testing.T) {
	policy := handler.Policy{Actions: []handler.Action{handler.Enable, handler.Disable}}
	c, h := on(expiring(5*day), handler.Options{Policy: policy})
	c.Lag = time.Second
	wait := handler.Duration(time.Minute)
	disable := handler.Delivery{Trust: handler.Signed, Order: "00112233445566ff", Request: handler.Request{
		InstanceID: id, SSLEnabled: handler.Disable, SSLExpiredTime: handler.At(start.Add(5 * day)), Wait: &wait,
	}}
	enable := disable
	enable.SSLEnabled, enable.SSLExpiredTime = handler.Enable, handler.Time{}
	results := h.Handle(context.Background(), []handler.Delivery{disable, enable})
	if results[0].Outcome != handler.Verified || results[1].Outcome != handler.Verified || c.Restarts(id) != 2 {
		t.Errorf("they ended %s (%s) and %s (%s) after %d restarts, want both verified", results[0].Outcome, results[0].Reason, results[1].Outcome, results[1].Reason, c.Restarts(id))
	}
}

// If the second look takes all the time, that is no failure of the instance. The next
// delivery tries again, and a sweep defers it.
func TestALookThatTakesAllTheTimeIsNoFailureOfTheInstance(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c := handlertest.NewCloud(map[string]handler.Observation{id: expiring(5 * day)})
		looks := 0
		h := handler.New(stuck{c, func() bool { looks++; return looks > 1 }}, handler.Options{})
		ctx, cancel := context.WithTimeout(context.Background(), 30*time.Second)
		defer cancel()
		result := h.Handle(ctx, []handler.Delivery{update()})[0]
		if !handler.LacksTime(ctx, result) || !strings.Contains(result.Reason, "nothing was changed") || flagsOn(c) != nil {
			t.Errorf("ended %s (%s) with the flags %v, want a lack of time and none", result.Outcome, result.Reason, flagsOn(c))
		}
	})
}

// stuck is a cloud in which some looks never end.
type stuck struct {
	*handlertest.Cloud
	hangs func() bool
}

func (s stuck) Instance(ctx context.Context, ref handler.Ref) (handler.Instance, error) {
	if s.hangs() {
		<-ctx.Done()
		return handler.Instance{}, handler.AsError(ctx.Err())
	}
	return s.Cloud.Instance(ctx, ref)
}

// A write that was not sent changed nothing, whatever else is unknown.
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

// A panic in Options.Decided must not end the process and lose the answer.
func TestAPanicOfTheListenerIsNoneOfTheHandlers(t *testing.T) {
	c, h := on(expiring(5*day), handler.Options{})
	h.Decided = func(context.Context, handler.Decided) { panic("boom") }
	if result := ask(t, h, update()); result.Outcome != handler.Accepted || c.Restarts(id) != 1 {
		t.Errorf("ended %s (%s) after %d restarts", result.Outcome, result.Reason, c.Restarts(id))
	}
}

// The answer shows nothing of an instance in a region that is not configured.
func TestNothingIsToldOfAnInstanceInAnotherRegion(t *testing.T) {
	o := expiring(5 * day)
	o.Region, o.Name, o.Tags = "cn-shanghai", "secret-name", map[string]string{"secret": "tag"}
	_, h := on(o, handler.Options{})
	result := ask(t, h, update())
	if !errors.Is(result.Error, handler.Forbidden) || result.InstanceName != "" || result.Before != nil || result.Tags != nil {
		t.Errorf("it is answered %+v", result)
	}
}

// A plan of a Disable follows the same rules as other plans.
func TestAPlanOfADisableIsJudgedBeforeItIsRead(t *testing.T) {
	policy := handler.Policy{Actions: []handler.Action{handler.Disable}}
	for name, change := range map[string]func(*handler.Delivery){
		"another region": func(d *handler.Delivery) { d.RegionID = "eu-central-1" },
		"a bad id":       func(d *handler.Delivery) { d.InstanceID = "nothing" },
	} {
		c, h := on(expiring(5*day), handler.Options{Policy: policy})
		d := handler.Delivery{Trust: handler.Signed, Request: handler.Request{InstanceID: id, SSLEnabled: handler.Disable}}
		change(&d)
		if result, _ := h.Plan(context.Background(), d); result.Outcome != handler.Failed || len(c.Calls) != 0 {
			t.Errorf("%s: the plan ended %s (%s) after the calls %v", name, result.Outcome, result.Reason, c.Calls)
		}
	}
	_, h := on(expiring(5*day), handler.Options{Policy: policy})
	result, pinned := h.Plan(context.Background(), handler.Delivery{Trust: handler.Signed, Request: handler.Request{InstanceID: id, SSLEnabled: handler.Disable}})
	if result.Outcome != handler.Planned || pinned.SSLExpiredTime.IsZero() {
		t.Errorf("a good plan ended %s (%s), pinned to %s", result.Outcome, result.Reason, pinned.SSLExpiredTime)
	}
}
