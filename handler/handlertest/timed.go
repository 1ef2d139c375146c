package handlertest

import (
	"context"
	"sync"
	"time"

	"tairssl/handler"
)

// Timed is a [Cloud] whose calls take the time that a scenario gives. It needs a bubble
// of testing/synctest.
type Timed struct {
	*Cloud
	Begun time.Time
	lasts func(call string, nth int) time.Duration

	calling sync.Mutex
	calls   map[string]int
}

// NewTimed returns a cloud whose calls take time. lasts returns the duration of a call
// from its name and its number, which begins at 1. If lasts is nil, calls take no time.
func NewTimed(c *Cloud, lasts func(call string, nth int) time.Duration) *Timed {
	return &Timed{Cloud: c, Begun: time.Now(), lasts: lasts, calls: map[string]int{}}
}

// Lasting makes every call with one of these names last d.
func Lasting(d time.Duration, names ...string) func(string, int) time.Duration {
	return func(call string, _ int) time.Duration {
		for _, name := range names {
			if name == call {
				return d
			}
		}
		return 0
	}
}

// Counted is the number of calls with a name.
func (c *Timed) Counted(call string) int {
	c.calling.Lock()
	defer c.calling.Unlock()
	return c.calls[call]
}

// pass lets a call take its time, and sets the cloud's clock.
func (c *Timed) pass(ctx context.Context, call string) error {
	c.calling.Lock()
	c.calls[call]++
	nth := c.calls[call]
	c.calling.Unlock()
	if c.lasts != nil {
		timer := time.NewTimer(c.lasts(call, nth))
		defer timer.Stop()
		select {
		case <-timer.C:
		case <-ctx.Done():
			return handler.AsError(context.Cause(ctx))
		}
	}
	c.calling.Lock()
	defer c.calling.Unlock()
	c.Advance(time.Since(c.Begun) - c.Now().Sub(Start))
	return nil
}

// Instance implements handler.API.
func (c *Timed) Instance(ctx context.Context, ref handler.Ref) (handler.Instance, error) {
	if err := c.pass(ctx, "Instance"); err != nil {
		return handler.Instance{}, err
	}
	return c.Cloud.Instance(ctx, ref)
}

// SSL implements handler.API.
func (c *Timed) SSL(ctx context.Context, ref handler.Ref) (handler.SSL, error) {
	if err := c.pass(ctx, "SSL"); err != nil {
		return handler.SSL{}, err
	}
	return c.Cloud.SSL(ctx, ref)
}

// List implements handler.API.
func (c *Timed) List(ctx context.Context, region string, filter handler.Filter, page int) (handler.Listing, error) {
	if err := c.pass(ctx, "List"); err != nil {
		return handler.Listing{}, err
	}
	return c.Cloud.List(ctx, region, filter, page)
}

// Tag implements handler.API.
func (c *Timed) Tag(ctx context.Context, ref handler.Ref, key, value string) error {
	if err := c.pass(ctx, "Tag"); err != nil {
		return err
	}
	return c.Cloud.Tag(ctx, ref, key, value)
}

// Untag implements handler.API.
func (c *Timed) Untag(ctx context.Context, ref handler.Ref, keys ...string) error {
	if err := c.pass(ctx, "Untag"); err != nil {
		return err
	}
	return c.Cloud.Untag(ctx, ref, keys...)
}

// Modify implements handler.API.
func (c *Timed) Modify(ctx context.Context, ref handler.Ref, a handler.Action, signBy time.Time) (handler.Receipt, error) {
	if err := c.pass(ctx, "Modify"); err != nil {
		return handler.Receipt{}, err
	}
	return c.Cloud.Modify(ctx, ref, a, signBy)
}
