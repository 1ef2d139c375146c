// Package fleet looks after many instances: it lists whole regions, renews what
// is due, the most urgent first ([Fleet.Sweep]), and plans larger work by pages
// that others carry out ([Fleet.PlanPage]). What is decided and done for one instance
// is package handler's.
//
// A sweep reads the encryption of every instance, many at once, and keeps the
// most urgent in a bounded heap, so its memory does not grow with the fleet. It
// changes at most MaxTargets of them. The first change is the canary: the sweep
// watches it to its end and stops if it cannot be verified, or if the CA changed
// with it.
package fleet

import (
	"context"
	"errors"

	"tairssl/handler"
)

// DefaultMaxTargets is how many instances one sweep changes at most.
const DefaultMaxTargets = 10

// Fleet is all instances of the handler's regions. It is safe for concurrent use.
type Fleet struct {
	*handler.Handler
	api        handler.API
	maxTargets int
}

// New returns the fleet of a handler. maxTargets is how many instances one sweep
// changes at most; 0 is [DefaultMaxTargets].
func New(h *handler.Handler, api handler.API, maxTargets int) *Fleet {
	if maxTargets <= 0 {
		maxTargets = DefaultMaxTargets
	}
	return &Fleet{h, api, maxTargets}
}

// regionsOf are those of an order, or of the settings.
func (f *Fleet) regionsOf(order Order) ([]string, error) {
	if len(order.Regions) == 0 {
		return f.Regions, nil
	}
	for _, region := range order.Regions {
		if err := f.Allows(region); err != nil {
			return nil, err
		}
	}
	return handler.Unique(order.Regions), nil
}

// observe completes what a listing shows with the instance's encryption, and with
// its maintenance window where freezes make that matter. It reports false if there
// was no time to. What never has encryption is not asked for it.
func (f *Fleet) observe(ctx context.Context, l handler.Listed, within *handler.Duration) (o handler.Observation, inTime bool, err error) {
	o.Instance = l.Instance
	if o.WithoutTLS() {
		o.NoTLS = true
		return o, true, nil
	}
	err = guarded(func() (err error) { o.SSL, err = f.api.SSL(ctx, l.Ref); return })
	if o.SSL.At.IsZero() {
		o.SSL.At = l.At
	}
	if err == nil && f.Handler.NeedsWindow(o, within) {
		err = guarded(func() error {
			i, err := f.api.Instance(ctx, l.Ref)
			o.MaintainStartTime, o.MaintainEndTime = i.MaintainStartTime, i.MaintainEndTime
			return err
		})
	}
	return o, !outOfTime(ctx, err), err
}

// outOfTime reports whether a call failed for want of time, and says nothing of
// what it asked for.
func outOfTime(ctx context.Context, err error) bool {
	return err != nil && (ctx.Err() != nil || errors.Is(err, handler.ErrNoTime))
}

// guarded runs f and turns its panic into its error: on a goroutine of its own a
// panic would end the process, and every other invocation with it.
func guarded(f func() error) error {
	if err := handler.Guarded(f); err != nil {
		return handler.AsError(err)
	}
	return nil
}
