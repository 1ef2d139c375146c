package handler_test

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"time"

	"tairssl/handler"
	"tairssl/handler/handlertest"
)

// A flag is taken back even if its invocation has ended.
func TestAFlagIsTakenBackAfterTheEndOfTheInvocation(t *testing.T) {
	inBubble(t, "cancelled in the pause", func(t *testing.T) {
		c := newTimed(expiring(5*day), handlertest.Lasting(time.Second, "Untag"))
		ctx, cancel := context.WithCancel(context.Background())
		h := handler.New(c, handler.Options{Sleep: func(ctx context.Context, _ time.Duration) error { cancel(); return ctx.Err() }})
		result := h.Handle(ctx, []handler.Delivery{update()})[0]
		if result.Outcome != handler.Failed || c.Restarts(id) != 0 || flagsOn(c.Cloud) != nil {
			t.Errorf("ended %s (%s) with %d restarts and the flags %v", result.Outcome, result.Reason, c.Restarts(id), flagsOn(c.Cloud))
		}
	})
	for name, test := range map[string]struct {
		untag   time.Duration
		removed bool
		took    time.Duration
	}{
		"quickly":     {200 * time.Millisecond, true, 11200 * time.Millisecond},
		"too slow to": {300 * time.Millisecond, false, 11250 * time.Millisecond},
	} {
		inBubble(t, "frozen in the pause, "+name, func(t *testing.T) {
			c := newTimed(expiring(5*day), handlertest.Lasting(test.untag, "Untag"))
			log := &bytes.Buffer{}
			h := handler.New(c, handler.Options{Log: slog.New(slog.NewTextHandler(log, nil)), Sleep: func(context.Context, time.Duration) error {
				time.Sleep(11 * time.Second)
				return nil
			}})
			result, took := handle(h, 10*time.Second, update())
			if result.Outcome != handler.Failed || !result.Error.Retryable || c.Restarts(id) != 0 || took != test.took {
				t.Errorf("ended %s (%s) after %d restarts and %s, want %s", result.Outcome, result.Reason, c.Restarts(id), took, test.took)
			}
			if removed := flagsOn(c.Cloud) == nil; removed != test.removed || removed == strings.Contains(log.String(), "could not be removed; it ends by itself") {
				t.Errorf("the flags are %v, and the log says %q", flagsOn(c.Cloud), log)
			}
		})
	}
}

// An attempt stops early enough to take its flag back: two seconds before the end, or
// half of the time for a write, or the duration of recent calls.
func TestAnAttemptKeepsTheTimeToTakeItsFlagBack(t *testing.T) {
	for name, test := range map[string]struct {
		minLeft time.Duration
		look    time.Duration
		ends    time.Duration // after 30 seconds
	}{
		"ordinarily":       {0, 0, 28 * time.Second},
		"with short times": {2 * time.Second, 0, 29 * time.Second},
		"with slow calls":  {0, 4 * time.Second, 26 * time.Second},
	} {
		inBubble(t, name, func(t *testing.T) {
			c := newTimed(expiring(5*day), handlertest.Lasting(test.look, "Instance"))
			var ended time.Duration
			h := handler.New(c, handler.Options{MinLeft: test.minLeft, Sleep: func(ctx context.Context, _ time.Duration) error {
				<-ctx.Done()
				ended = time.Since(c.Begun)
				return context.Cause(ctx)
			}})
			result, _ := handle(h, 30500*time.Millisecond, update())
			if ended != test.ends || result.Outcome != handler.Failed || c.Restarts(id) != 0 || flagsOn(c.Cloud) != nil {
				t.Errorf("gave up after %s, want %s, and ended %s (%s) with %d restarts and the flags %v",
					ended, test.ends, result.Outcome, result.Reason, c.Restarts(id), flagsOn(c.Cloud))
			}
		})
	}
}

// A failed removal of the flag does not change the attempt's answer and does not delay
// it.
func TestARemovalThatFailsHoldsNothingUp(t *testing.T) {
	refused := func(context.Context, func()) error { return handler.Errorf(handler.Locked, "pay") }
	inBubble(t, "it hangs, and there is no deadline", func(t *testing.T) {
		c := newTimed(expiring(5*day), handlertest.Lasting(time.Hour, "Untag"))
		c.OnModify = refused
		h := handler.New(c, handler.Options{})
		if result := ask(t, h, update()); kindOf(result) != handler.Locked || time.Since(c.Begun) != 22*time.Second {
			t.Errorf("ended %s (%s) after %s, want the 2 seconds of the pause and 20", result.Outcome, result.Reason, time.Since(c.Begun))
		}
	})
	inBubble(t, "it hangs, and the deadline is near", func(t *testing.T) {
		c := newTimed(expiring(5*day), handlertest.Lasting(time.Hour, "Untag"))
		c.OnModify = refused
		h := handler.New(c, handler.Options{})
		if result, took := handle(h, 10*time.Second, update()); kindOf(result) != handler.Locked || took != 9500*time.Millisecond {
			t.Errorf("ended %s (%s) after %s, want 9.5s", result.Outcome, result.Reason, took)
		}
	})
	for name, removal := range map[string]func(...string) error{
		"it fails":  func(...string) error { return errors.New("no") },
		"it panics": func(...string) error { panic("boom") },
	} {
		t.Run(name, func(t *testing.T) {
			log := &bytes.Buffer{}
			c, h := on(expiring(5*day), handler.Options{Log: slog.New(slog.NewTextHandler(log, nil))})
			c.OnModify, c.OnUntag = refused, removal
			result := ask(t, h, update())
			if kindOf(result) != handler.Locked || !strings.Contains(log.String(), id) || !strings.Contains(log.String(), "45m0s") {
				t.Errorf("ended %s (%s), and the log says %q", result.Outcome, result.Reason, log)
			}
		})
	}
}

// A flag whose tag was refused is neither remembered nor taken back.
func TestAFlagThatWasRefusedIsForgotten(t *testing.T) {
	c, h := on(expiring(5*day), handler.Options{})
	c.OnTag = func(string, string) error { return handler.Errorf(handler.Throttled, "too fast") }
	untagged := 0
	c.OnUntag = func(...string) error { untagged++; return nil }
	if result := ask(t, h, update()); kindOf(result) != handler.Throttled || untagged != 0 {
		t.Errorf("ended %s (%s) after %d removals", result.Outcome, result.Reason, untagged)
	}
	c.OnTag = nil
	if again := ask(t, h, update()); again.Outcome != handler.Accepted {
		t.Errorf("the next delivery ended %s (%s)", again.Outcome, again.Reason)
	}
}

// An unknown error may hide that the tag was set.
func TestATaggingWithAnUnknownErrorIsUndone(t *testing.T) {
	c, h := on(expiring(5*day), handler.Options{})
	c.OnTag = func(key, value string) error {
		c.Instances[id].Tags[key] = value
		return errors.New("something else")
	}
	if result := ask(t, h, update()); kindOf(result) != handler.Internal || flagsOn(c) != nil || c.Restarts(id) != 0 {
		t.Errorf("ended %s (%s) with the flags %v", result.Outcome, result.Reason, flagsOn(c))
	}
}

// The attempt makes room for its flag first. If it cannot make room, it raises no flag.
func TestAFlagThatFindsNoRoom(t *testing.T) {
	for name, test := range map[string]struct {
		err     error
		outcome handler.Outcome
		reason  string
	}{
		"no right": {handler.Errorf(handler.Forbidden, "no permission"), handler.Refused, "kvstore:UntagResources"},
		"throttle": {handler.Errorf(handler.Throttled, "too fast"), handler.Failed, "too fast"},
	} {
		o := expiring(5 * day)
		o.Tags = map[string]string{"tairssl-lease-dead0000": raisedBy("Update", start.Add(5*day), time.Hour, "")}
		c, h := on(o, handler.Options{})
		c.OnUntag = func(...string) error { return test.err }
		result := ask(t, h, update())
		if result.Outcome != test.outcome || !strings.Contains(result.Reason, test.reason) || c.Restarts(id) != 0 || len(c.TagsOf(id)) != 1 {
			t.Errorf("%s: ended %s (%s) with the tags %v", name, result.Outcome, result.Reason, c.TagsOf(id))
		}
	}
}

// To make room, the attempt removes the flag of a dead writer first. So the tag that
// remembers notices stays.
func TestRoomIsMadeByWhatIsDeadFirst(t *testing.T) {
	o := expiring(5 * day)
	o.Tags = map[string]string{handler.ToldTag: "x", "tairssl-lease-dead0000": raisedBy("Update", start.Add(5*day), time.Hour, "")}
	for n := range handler.MaxTags - len(o.Tags) {
		o.Tags["owner"+string(rune('a'+n))] = "x"
	}
	c, h := on(o, handler.Options{})
	result := ask(t, h, update())
	if tags := c.TagsOf(id); result.Outcome != handler.Accepted || len(tags) != handler.MaxTags || tags[handler.ToldTag] != "x" {
		t.Errorf("ended %s (%s) with the tags %v", result.Outcome, result.Reason, tags)
	}
}

// While the attempt with the lowest key waits, another program may remove its flag.
func TestAFlagThatIsRemovedWhileItWaits(t *testing.T) {
	c, h := on(expiring(5*day), handler.Options{})
	pauses := 0
	h.Sleep = func(context.Context, time.Duration) error {
		c.Change(id, func(o *handler.Observation) {
			if pauses++; pauses > 1 {
				clear(o.Tags)
			}
			o.Tags["tairssl-lease-zzzzzzzz"] = raisedBy("Update", start.Add(5*day), 0, "")
		})
		return nil
	}
	result := ask(t, h, update())
	if result.Outcome != handler.Failed || !result.Error.Retryable || !strings.Contains(result.Reason, "Terraform") || pauses != 2 || c.Restarts(id) != 0 {
		t.Errorf("ended %s (%s) after %d pauses", result.Outcome, result.Reason, pauses)
	}
}

// If the other attempt makes another change, this request still has to be made later. So
// the answer asks for another delivery.
func TestWhoWaitsForAnotherActionIsToldToComeAgain(t *testing.T) {
	for key, says := range map[string]string{"tairssl-lease-00000000": "goes first", "tairssl-lease-zzzzzzzz": "have not ended"} {
		c, h := on(expiring(5*day), handler.Options{})
		h.Sleep = func(context.Context, time.Duration) error {
			c.Change(id, func(o *handler.Observation) { o.Tags[key] = raisedBy("Disable", start.Add(5*day), 0, "") })
			return nil
		}
		result := ask(t, h, update())
		if _, again := result.Redeliver(); result.Outcome != handler.InProgress || !again || !strings.Contains(result.Reason, says) || c.Restarts(id) != 0 {
			t.Errorf("beside %s it ended %s (%s), come again %v", key, result.Outcome, result.Reason, again)
		}
	}
}

// If several other attempts raise flags, one flag that stays is enough to end this
// attempt.
func TestOneOtherAttemptIsEnoughToWaitFor(t *testing.T) {
	c, h := on(expiring(5*day), handler.Options{})
	h.Sleep = func(context.Context, time.Duration) error {
		c.Change(id, func(o *handler.Observation) {
			o.Tags["tairssl-lease-00000000"] = raisedBy("Update", start.Add(5*day), 0, "")
			o.Tags["tairssl-lease-zzzzzzzz"] = raisedBy("Update", start.Add(5*day), 0, "")
		})
		return nil
	}
	if result := ask(t, h, update()); result.Outcome != handler.InProgress || !strings.Contains(result.Reason, "goes first") || c.Restarts(id) != 0 {
		t.Errorf("between a lower and a higher key it ended %s (%s)", result.Outcome, result.Reason)
	}
}
