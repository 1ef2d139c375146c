package cli

import (
	"context"
	"slices"
	"strings"

	"golang.org/x/sync/errgroup"

	"tairssl/handler"
)

// renewalOf finds which of Alibaba's own renewals matters for an instance.
type renewalOf func(context.Context, handler.Ref, handler.Observation) (handler.Renewal, error)

// schedules reads what Alibaba has scheduled in all regions, each by one call for a
// hundred tasks: asked for every instance, its quota would hold up a large fleet for
// minutes.
func schedules(ctx context.Context, h instances) renewalOf {
	all := make([][]handler.Renewal, len(h.Regions))
	errs := make([]error, len(h.Regions))
	var group errgroup.Group
	group.SetLimit(h.Concurrency)
	for i, region := range h.Regions {
		group.Go(func() error {
			errs[i] = handler.Guarded(func() (err error) { all[i], err = h.api.Schedule(ctx, handler.Ref{RegionID: region}); return })
			return nil
		})
	}
	_ = group.Wait() // no function fails
	of := map[handler.Ref][]handler.Renewal{}
	for _, r := range slices.Concat(all...) {
		of[r.Ref] = append(of[r.Ref], r)
	}
	return func(_ context.Context, ref handler.Ref, o handler.Observation) (handler.Renewal, error) {
		if i := slices.Index(h.Regions, ref.RegionID); i >= 0 && errs[i] != nil {
			return handler.Renewal{}, errs[i]
		}
		return handler.Chosen(of[ref], o, o.At()), nil
	}
}

// inFull is the reason, with what Alibaba does itself.
func (s status) inFull() string {
	if strings.Contains(s.Reason, s.alibaba) {
		return s.Reason
	}
	return join(s.Reason, s.alibaba)
}
