package handler_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"tairssl/handler"
	"tairssl/handler/handlertest"
)

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

// If the second look takes all the time, the instance has not failed. The next delivery
// tries again, and a sweep defers the instance.
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
