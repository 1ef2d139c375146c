package handler_test

import (
	"context"
	"sync"
	"testing"
	"time"

	"pgregory.net/rapid"

	"tairssl/handler"
	"tairssl/handler/handlertest"
)

func TestSecondDeliveryInTheGapChangesNothing(t *testing.T) {
	c, h := on(expiring(5*day), handler.Options{})
	other := handler.New(c, handler.Options{Now: c.Now, Sleep: c.Sleep})
	if first := ask(t, h, update()); first.Outcome != handler.Accepted {
		t.Fatalf("the first delivery ended %s: %s", first.Outcome, first.Reason)
	}
	for name, h := range map[string]*handler.Handler{"the same process": h, "another process": other} {
		again := ask(t, h, update())
		if _, redeliver := again.Redeliver(); again.Outcome != handler.InProgress || redeliver {
			t.Errorf("in %s the second delivery ended %s (%s), want in_progress and no re-delivery", name, again.Outcome, again.Reason)
		}
	}
	force := update()
	force.SSLEnabled = handler.Disable
	h.Policy.Actions = []handler.Action{handler.Disable}
	if result := ask(t, h, force); result.Outcome != handler.InProgress || !result.Busy {
		t.Errorf("another change in the gap ended %s (%s), want in_progress, to be delivered again", result.Outcome, result.Reason)
	}
	c.Advance(2 * time.Minute)
	if late := ask(t, other, update()); late.Outcome != handler.Unchanged {
		t.Errorf("after the change came true a delivery ended %s: %s", late.Outcome, late.Reason)
	}
	if c.Restarts(id) != 1 {
		t.Errorf("the instance restarted %d times", c.Restarts(id))
	}
}

func TestAmbiguousWrite(t *testing.T) {
	lost := handler.Errorf(handler.Unavailable, "connection cut")
	lost.Uncertain = true
	for name, test := range map[string]struct {
		applied bool
		wait    time.Duration
		outcome handler.Outcome
	}{
		"took effect, watched":            {true, 5 * time.Minute, handler.Verified},
		"took effect, not watched":        {true, 0, handler.Unknown},
		"took no effect, watched":         {false, 5 * time.Minute, handler.Unknown},
		"took no effect, and not watched": {false, 0, handler.Unknown},
	} {
		t.Run(name, func(t *testing.T) {
			c, h := on(expiring(5*day), handler.Options{Wait: test.wait})
			c.OnModify = func(_ context.Context, apply func()) error {
				if test.applied {
					apply()
				}
				return lost
			}
			result := ask(t, h, update())
			if result.Outcome != test.outcome {
				t.Fatalf("ended %s (%s), want %s", result.Outcome, result.Reason, test.outcome)
			}
			if test.outcome == handler.Unknown {
				if errorType, again := result.Redeliver(); !again || errorType != "unknown" {
					t.Errorf("an unknown outcome asks for a re-delivery as %q, %v", errorType, again)
				}
			}
			c.OnModify = nil
			// In every case the next deliveries renew the instance, without another
			// restart.
			for range 60 { // an unknown write holds other writers back for 45 minutes
				ask(t, h, update())
				c.Advance(time.Minute)
			}
			if got := c.Restarts(id); got != 1 {
				t.Errorf("the instance restarted %d times in the end, want 1", got)
			}
		})
	}
}

// The promise, for deliveries in random order. Any number of processes deliver a need any
// number of times, and every write may fail, get lost or be ambiguous. The instance
// restarts at most once. It does restart if the certificate is due and the API works.
func TestAnyDeliveriesRestartOnce(t *testing.T) {
	handlertest.Check(t, func(t *rapid.T) {
		left := time.Duration(rapid.IntRange(-100, 100).Draw(t, "days left")) * day
		c := handlertest.NewCloud(map[string]handler.Observation{id: expiring(left)})
		c.Lag = time.Duration(rapid.IntRange(0, 10).Draw(t, "minutes of lag")) * time.Minute
		var processes []*handler.Handler
		for range rapid.IntRange(1, 3).Draw(t, "processes") {
			processes = append(processes, handler.New(c, handler.Options{Now: c.Now, Sleep: c.Sleep}))
		}
		c.OnModify = func(_ context.Context, apply func()) error {
			lost := handler.Errorf(handler.Unavailable, "lost")
			lost.Uncertain = true
			switch rapid.IntRange(0, 4).Draw(t, "fault") {
			case 0:
				return handler.Errorf(handler.Throttled, "throttled")
			case 1:
				return lost
			case 2:
				apply()
				return lost
			}
			apply()
			return nil
		}
		for range rapid.IntRange(1, 12).Draw(t, "deliveries") {
			h := processes[rapid.IntRange(0, len(processes)-1).Draw(t, "by")]
			h.Handle(context.Background(), []handler.Delivery{update()})
			c.Advance(time.Duration(rapid.IntRange(0, 900).Draw(t, "seconds later")) * time.Second)
		}
		due := c.Now().Add(handler.DefaultRenewBefore).After(start.Add(left))
		c.OnModify = nil
		for range 4 { // the hourly sweep
			c.Advance(time.Hour)
			processes[0].Handle(context.Background(), []handler.Delivery{update()})
		}
		c.Advance(time.Hour)
		switch got := c.Restarts(id); {
		case got > 1:
			t.Fatalf("the instance restarted %d times", got)
		case got == 0 && due:
			t.Fatal("the due certificate was lost")
		}
	})
}

func TestConcurrentDeliveriesInOneProcessRestartOnce(t *testing.T) {
	c, h := on(expiring(5*day), handler.Options{})
	var group sync.WaitGroup
	for range 32 {
		group.Go(func() { h.Handle(context.Background(), []handler.Delivery{update()}) })
	}
	group.Wait()
	if c.Restarts(id) != 1 {
		t.Errorf("the instance restarted %d times", c.Restarts(id))
	}
}
