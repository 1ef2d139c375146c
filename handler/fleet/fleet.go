// Package fleet looks after many instances. It lists whole regions and renews the due
// certificates, the most urgent first ([Fleet.Sweep]). It plans larger work in pages that
// another program carries out ([Fleet.PlanPage]). Package handler decides and acts on
// each single instance.
//
// A sweep reads the encryption of every instance, many at once, and keeps the most urgent
// in a bounded heap, so its memory does not grow with the fleet. It changes at most
// MaxTargets instances. The first change is the canary: the sweep watches it to its end
// and stops if it cannot be verified, or if the CA changed with it.
package fleet

import (
	"context"
	"errors"

	"tairssl/handler"
)

// DefaultMaxTargets is the greatest number of instances that one sweep changes.
const DefaultMaxTargets = 10

// Fleet is all instances of the handler's regions. It is safe for concurrent use.
type Fleet struct {
	*handler.Handler
	api        handler.API
	maxTargets int
}

// New returns the fleet of a handler. maxTargets is the greatest number of instances that
// one sweep changes; 0 is [DefaultMaxTargets].
func New(h *handler.Handler, api handler.API, maxTargets int) *Fleet {
	if maxTargets <= 0 {
		maxTargets = DefaultMaxTargets
	}
	return &Fleet{h, api, maxTargets}
}

// regionsOf lists the regions of an order; by default the regions of the settings.
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

// observe reads the encryption of a listed instance. It reads the maintenance window only
// if the decision needs it ([handler.Handler.NeedsWindow]). It makes no call for a type
// without TLS. inTime is false if the time was too short.
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

// outOfTime reports whether a call failed only because the time was too short.
func outOfTime(ctx context.Context, err error) bool {
	return err != nil && (ctx.Err() != nil || errors.Is(err, handler.ErrNoTime))
}

// guarded runs f and turns a panic into an error. A panic on another goroutine would
// otherwise end the process and all its invocations.
func guarded(f func() error) error {
	if err := handler.Guarded(f); err != nil {
		return handler.AsError(err)
	}
	return nil
}
