package handler_test

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"tairssl/handler"
	"tairssl/handler/handlertest"
)

// Only one delivery at a time works on an instance. Otherwise two deliveries could decide
// by the same state, before the process remembers the first flag.
func TestDeliveriesForOneInstanceRunOneAfterTheOther(t *testing.T) {
	inBubble(t, "two invocations of one process", func(t *testing.T) {
		c := newTimed(expiring(5*day), handlertest.Lasting(time.Second, "SSL"))
		h := handler.New(c, handler.Options{LeaseNone: true})
		var group sync.WaitGroup
		for range 2 {
			group.Go(func() { h.Handle(context.Background(), []handler.Delivery{update()}) })
		}
		group.Wait()
		if c.Restarts(id) != 1 || time.Since(c.Begun) != 2*time.Second {
			t.Errorf("two deliveries at once came to %d restarts after %s, want one after 2s", c.Restarts(id), time.Since(c.Begun))
		}
	})
	inBubble(t, "two parts of a batch", func(t *testing.T) {
		c := newTimed(expiring(5*day), handlertest.Lasting(time.Second, "SSL"))
		h := handler.New(c, handler.Options{LeaseNone: true})
		results := h.Handle(context.Background(), []handler.Delivery{update(), update()})
		if results[0].Outcome != handler.Accepted || results[1].Outcome != handler.InProgress || c.Restarts(id) != 1 {
			t.Errorf("ended %s and %s after %d restarts", results[0].Outcome, results[1].Outcome, c.Restarts(id))
		}
	})
}

// A delivery that gives up waiting does not let another one in.
func TestGivingUpTheWaitForAnInstance(t *testing.T) {
	inBubble(t, "", func(t *testing.T) {
		c := newTimed(expiring(5*day), handlertest.Lasting(10*time.Second, "SSL"))
		h := handler.New(c, handler.Options{LeaseNone: true})
		var group sync.WaitGroup
		group.Go(func() { h.Handle(context.Background(), []handler.Delivery{update()}) })
		synctest.Wait()
		result, took := handle(h, 2*time.Second, update())
		if kindOf(result) != handler.Unavailable || !result.Error.Retryable || took != 1800*time.Millisecond {
			t.Errorf("who waits too long ended %s (%s) after %s", result.Outcome, result.Reason, took)
		}
		group.Go(func() { h.Handle(context.Background(), []handler.Delivery{update()}) })
		group.Wait()
		if c.Restarts(id) != 1 || time.Since(c.Begun) != 20*time.Second {
			t.Errorf("it came to %d restarts after %s, want one after 20s: the third looks when the first is done", c.Restarts(id), time.Since(c.Begun))
		}
	})
}

// Different instances are worked on at the same time, up to the number in the settings.
func TestDifferentInstancesRunAtTheSameTime(t *testing.T) {
	for concurrency, want := range map[int]time.Duration{0: time.Second, 1: 16 * time.Second, 4: 4 * time.Second, -1: time.Second} {
		inBubble(t, "", func(t *testing.T) {
			c := newTimed(expiring(5*day), handlertest.Lasting(time.Second, "SSL"))
			var deliveries []handler.Delivery
			for n := range 16 {
				d := update()
				d.InstanceID = "r-many" + string(rune('a'+n))
				o := handler.Observation{Instance: handler.Instance{Status: "Normal"}, SSL: handler.SSL{Enabled: true, Expires: start.Add(300 * day)}}
				c.Instances[d.InstanceID] = &handlertest.State{Observation: o}
				deliveries = append(deliveries, d)
			}
			h := handler.New(c, handler.Options{Concurrency: concurrency})
			for i, result := range h.Handle(context.Background(), deliveries) {
				if result.Outcome != handler.Unchanged || result.InstanceID != deliveries[i].InstanceID {
					t.Errorf("number %d ended %s (%s) of %s", i, result.Outcome, result.Reason, result.InstanceID)
				}
			}
			if took := time.Since(c.Begun); took != want {
				t.Errorf("with a concurrency of %d they took %s, want %s", concurrency, took, want)
			}
		})
	}
}

// A process remembers its own flags, whatever happens to other instances and other
// attempts.
func TestTheProcessRemembersWhatMayBeUnseen(t *testing.T) {
	const other = "r-bp1zxszhcgatnx02"
	all := handler.Policy{Actions: []handler.Action{handler.Update, handler.Enable, handler.Disable}}
	cloud := func(o handler.Observation) (*handlertest.Cloud, *handler.Handler) {
		c := handlertest.NewCloud(map[string]handler.Observation{id: o, other: expiring(5 * day)})
		c.Lag = 20 * time.Minute
		return c, handler.New(c, handler.Options{LeaseNone: true, Policy: all, Now: c.Now, Sleep: c.Sleep})
	}
	asked := func(id string, action handler.Action) handler.Delivery {
		return handler.Delivery{Request: handler.Request{InstanceID: id, SSLEnabled: action}, Trust: handler.Trusted}
	}

	c, h := cloud(expiring(5 * day))
	ask(t, h, asked(id, handler.Update))
	ask(t, h, asked(other, handler.Update))
	if again := ask(t, h, asked(id, handler.Update)); again.Outcome != handler.InProgress || c.Restarts(id) != 1 {
		t.Errorf("after a change of another instance it ended %s (%s) after %d restarts", again.Outcome, again.Reason, c.Restarts(id))
	}

	// A refused write is not remembered.
	c, h = cloud(expiring(5 * day))
	c.OnModify = func(context.Context, func()) error { return handler.Errorf(handler.Throttled, "slow down") }
	ask(t, h, asked(id, handler.Update))
	c.OnModify = nil
	if again := ask(t, h, asked(id, handler.Update)); again.Outcome != handler.Accepted {
		t.Errorf("after a throttled write it ended %s (%s)", again.Outcome, again.Reason)
	}

	// A refused write does not remove the memory of an earlier attempt, because a stale
	// read may hide the effect of that attempt.
	c, h = cloud(handler.Observation{})
	ask(t, h, asked(id, handler.Enable))
	c.Change(id, func(o *handler.Observation) { o.Enabled, o.Expires = true, start.Add(300*day) })
	c.OnModify = func(context.Context, func()) error { return handler.Errorf(handler.Throttled, "slow down") }
	if disabled := ask(t, h, asked(id, handler.Disable)); kindOf(disabled) != handler.Throttled {
		t.Fatalf("the Disable ended %s (%s)", disabled.Outcome, disabled.Reason)
	}
	c.OnModify = nil
	c.Change(id, func(o *handler.Observation) { o.Enabled, o.Expires = false, time.Time{} })
	if again := ask(t, h, asked(id, handler.Enable)); again.Outcome != handler.InProgress || c.Restarts(id) != 1 {
		t.Errorf("by an old read the Enable ended %s (%s) after %d restarts", again.Outcome, again.Reason, c.Restarts(id))
	}
}

// Somebody may have removed the process's own flag and left others' flags.
func TestTheProcessRemembersItsFlagBesideThoseOfOthers(t *testing.T) {
	c, h := on(expiring(5*day), handler.Options{})
	c.Lag = 20 * time.Minute
	ask(t, h, update())
	c.Change(id, func(o *handler.Observation) {
		clear(o.Tags)
		o.Tags[othersFlag] = raisedBy("Update", start.Add(4*day), 0, "") // a spent flag
	})
	if again := ask(t, h, update()); again.Outcome != handler.InProgress || c.Restarts(id) != 1 {
		t.Errorf("ended %s (%s) after %d restarts, want in_progress after one", again.Outcome, again.Reason, c.Restarts(id))
	}
}

// If an attempt withdraws, the process forgets its flag, so the next delivery can act.
// This also holds with tags.
func TestAFlagThatLostIsForgotten(t *testing.T) {
	c, h := on(expiring(5*day), handler.Options{})
	const first = "tairssl-lease-00000000"
	h.Sleep = func(context.Context, time.Duration) error {
		c.Change(id, func(o *handler.Observation) { o.Tags[first] = raisedBy("Update", start.Add(5*day), 0, "") })
		return nil
	}
	if lost := ask(t, h, update()); lost.Outcome != handler.InProgress || len(flagsOn(c)) != 1 {
		t.Fatalf("beside a lower key it ended %s (%s) with the flags %v", lost.Outcome, lost.Reason, flagsOn(c))
	}
	c.Change(id, func(o *handler.Observation) { clear(o.Tags) }) // the other attempt withdrew as well
	h.Sleep = c.Sleep
	if again := ask(t, h, update()); again.Outcome != handler.Accepted {
		t.Errorf("once the other has withdrawn it ended %s (%s)", again.Outcome, again.Reason)
	}
}

// The memory of a process does not grow with the number of its instances.
func TestNothingIsKeptOfAnInstanceForLong(t *testing.T) {
	all := map[string]handler.Observation{}
	var deliveries []handler.Delivery
	for n := range 50 {
		d := update()
		d.InstanceID = fmt.Sprintf("r-many%04d", n)
		all[d.InstanceID] = expiring(5 * day)
		deliveries = append(deliveries, d, d)
	}
	c := handlertest.NewCloud(all)
	h := handler.New(c, handler.Options{LeaseNone: true, Now: c.Now, Sleep: c.Sleep})
	h.Handle(context.Background(), deliveries)
	if locks, flagged := h.Held(); locks != 0 || flagged != 50 {
		t.Errorf("of 50 instances %d locks are kept, and the flags of %d", locks, flagged)
	}
	c.Advance(time.Hour)
	c.Change("r-many0000", func(o *handler.Observation) { o.Expires = start.Add(5 * day) })
	c.Advance(time.Hour)
	h.Handle(context.Background(), deliveries[:1])
	c.Change("r-many0000", func(o *handler.Observation) { o.Expires = start.Add(5 * day) })
	if result := h.Handle(context.Background(), deliveries[:1])[0]; result.Outcome != handler.Accepted {
		t.Fatalf("two hours later it ended %s (%s)", result.Outcome, result.Reason)
	}
	if locks, flagged := h.Held(); locks != 0 || flagged != 1 {
		t.Errorf("two hours later %d locks are kept, and the flags of %d, want those of one", locks, flagged)
	}
	c.OnModify = func(context.Context, func()) error { return handler.Errorf(handler.Throttled, "slow down") }
	c.Change("r-many0001", func(o *handler.Observation) { o.Expires = start.Add(5 * day) })
	h.Handle(context.Background(), deliveries[2:3])
	if _, flagged := h.Held(); flagged != 1 {
		t.Errorf("after a write that was refused the flags of %d are kept", flagged)
	}
}
