package handler_test

import (
	"context"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"tairssl/handler"
	"tairssl/handler/handlertest"
)

func newTimed(o handler.Observation, lasts func(call string, nth int) time.Duration) *handlertest.Timed {
	return handlertest.NewTimed(handlertest.NewCloud(map[string]handler.Observation{id: o}), lasts)
}

// inBubble runs a scenario in a bubble of testing/synctest.
func inBubble(t *testing.T, name string, scenario func(t *testing.T)) {
	t.Helper()
	t.Run(name, func(t *testing.T) { synctest.Test(t, scenario) })
}

// kindOf is the kind of a result's failure; "" if it did not fail.
func kindOf(r handler.Result) handler.Kind {
	if r.Error == nil {
		return ""
	}
	return r.Error.Kind
}

// handle makes one invocation with a time limit, and returns how long it took.
func handle(h *handler.Handler, within time.Duration, d handler.Delivery) (handler.Result, time.Duration) {
	ctx, cancel := context.WithTimeout(context.Background(), within)
	defer cancel()
	begun := time.Now()
	result := h.Handle(ctx, []handler.Delivery{d})[0]
	return result, time.Since(begun)
}

// A change begins only if the rest of the invocation is long enough for the whole change.
// The change needs half a second for the answer, the pause, and the second look and the
// tagging (as long as recent calls took). The write needs five seconds, or the time of
// one slow call.
func TestAChangeBeginsOnlyWithTheTimeForAllOfIt(t *testing.T) {
	for name, test := range map[string]struct {
		options handler.Options
		lasts   func(string, int) time.Duration
		enough  time.Duration
		says    string
	}{
		"a quick API":          {handler.Options{}, nil, 7500 * time.Millisecond, "well above 7s"},
		"a longer pause":       {handler.Options{LeasePause: 3 * time.Second}, nil, 8500 * time.Millisecond, "well above 8s"},
		"more to be left":      {handler.Options{MinLeft: 20 * time.Second}, nil, 22500 * time.Millisecond, "well above 22s"},
		"no lease":             {handler.Options{LeaseNone: true}, nil, 5500 * time.Millisecond, "well above 5s"},
		"looks of a second":    {handler.Options{}, handlertest.Lasting(time.Second, "Instance"), 10500 * time.Millisecond, "well above 9s"},
		"looks of 4 seconds":   {handler.Options{}, handlertest.Lasting(4*time.Second, "SSL"), 19500 * time.Millisecond, "well above 15s"},
		"no lease, slow looks": {handler.Options{LeaseNone: true}, handlertest.Lasting(6*time.Second, "SSL"), 12500 * time.Millisecond, "well above 6s"},
	} {
		inBubble(t, name+", enough time", func(t *testing.T) {
			c := newTimed(expiring(5*day), test.lasts)
			if result, _ := handle(handler.New(c, test.options), test.enough, update()); result.Outcome != handler.Accepted || c.Restarts(id) != 1 {
				t.Errorf("ended %s (%s) after %d restarts", result.Outcome, result.Reason, c.Restarts(id))
			}
		})
		inBubble(t, name+", a millisecond less", func(t *testing.T) {
			c := newTimed(expiring(5*day), test.lasts)
			result, _ := handle(handler.New(c, test.options), test.enough-time.Millisecond, update())
			if result.Outcome != handler.Failed || !result.Error.Retryable || !strings.Contains(result.Reason, test.says) {
				t.Errorf("ended %s (%s), want a failure that says %q", result.Outcome, result.Reason, test.says)
			}
			if c.Restarts(id) != 0 || c.Counted("Tag") != 0 {
				t.Errorf("it came to %d restarts and %d taggings", c.Restarts(id), c.Counted("Tag"))
			}
		})
	}
}

// If an earlier step took too long, no time may be left for the write.
func TestNoWriteBeginsInTheLastSecondsAfterThePause(t *testing.T) {
	for pause, outcome := range map[time.Duration]handler.Outcome{5 * time.Second: handler.Accepted, 5001 * time.Millisecond: handler.Failed} {
		inBubble(t, pause.String(), func(t *testing.T) {
			c := newTimed(expiring(5*day), nil)
			h := handler.New(c, handler.Options{Sleep: func(context.Context, time.Duration) error { time.Sleep(pause); return nil }})
			result, _ := handle(h, 10500*time.Millisecond, update())
			if result.Outcome != outcome || result.Outcome == handler.Failed && !result.Error.Retryable {
				t.Errorf("after a pause of %s the attempt ended %s (%s), want %s", pause, result.Outcome, result.Reason, outcome)
			}
			if restarts := c.Restarts(id); restarts != len(flagsOn(c.Cloud)) || (restarts == 1) != (outcome == handler.Accepted) {
				t.Errorf("after a pause of %s there are %d restarts and the flags %v", pause, restarts, flagsOn(c.Cloud))
			}
		})
	}
}

// The time for a change depends on the slowest of the recent calls. A slow call long ago
// does not count.
func TestTheTimeForAChangeGoesByTheSlowestCall(t *testing.T) {
	enough := func(h *handler.Handler, left time.Duration) bool {
		ctx, cancel := context.WithTimeout(context.Background(), left)
		defer cancel()
		return h.TimeToChange(ctx)
	}
	for _, call := range []string{"Instance", "SSL", "Tag", "Modify"} {
		inBubble(t, call, func(t *testing.T) {
			c := newTimed(expiring(5*day), func(name string, nth int) time.Duration {
				if name == call && nth == 1 {
					return 10 * time.Second
				}
				return 0
			})
			h := handler.New(c, handler.Options{})
			if !enough(h, 7*time.Second) || enough(h, 7*time.Second-1) || !h.TimeToChange(context.Background()) {
				t.Error("at first a change takes other than 7 seconds")
			}
			if result := ask(t, h, update()); result.Outcome != handler.Accepted {
				t.Fatalf("with a slow %s the change ended %s (%s)", call, result.Outcome, result.Reason)
			}
			if enough(h, 20*time.Second) || !enough(h, 32*time.Second) {
				t.Errorf("after a %s of 10 seconds a change is thought to take less than 20 seconds, or more than 32", call)
			}
			for range 100 {
				if _, _, err := h.Observe(context.Background(), handler.Ref{InstanceID: id}); err != nil {
					t.Fatal(err)
				}
			}
			if !enough(h, 7001*time.Millisecond) {
				t.Errorf("a slow %s is not forgotten after 100 quick looks", call)
			}
		})
	}
	ended, cancel := context.WithCancel(context.Background())
	cancel()
	if h := handler.New(nil, handler.Options{}); h.TimeToChange(ended) {
		t.Error("an invocation that has ended has time for a change")
	}
}

// The answer has half a second, or a tenth of a short invocation.
func TestTheAnswerHasItsTime(t *testing.T) {
	for left, want := range map[time.Duration]time.Duration{
		time.Minute: 59500 * time.Millisecond, 5 * time.Second: 4500 * time.Millisecond, time.Second: 900 * time.Millisecond,
	} {
		inBubble(t, left.String(), func(t *testing.T) {
			ctx, cancel := context.WithTimeout(context.Background(), left)
			defer cancel()
			inTime, cancel := handler.AnswerMargin.Before(ctx)
			defer cancel()
			if deadline, ok := inTime.Deadline(); !ok || time.Until(deadline) != want {
				t.Errorf("of %s it leaves %s, want %s", left, time.Until(deadline), want)
			}
		})
	}
	endless, cancel := handler.AnswerMargin.Before(context.Background())
	defer cancel()
	if _, ok := endless.Deadline(); ok {
		t.Error("an invocation without a deadline gets one")
	}
}
