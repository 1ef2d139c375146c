package handler_test

import (
	"fmt"
	"maps"
	"strings"
	"testing"
	"time"

	"tairssl/handler"
)

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
