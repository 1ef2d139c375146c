package fleet

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"sync"

	"golang.org/x/sync/errgroup"

	"tairssl/handler"
)

// State is the present state of one instance: its observation, whether the certificate is
// due, and the result of the next sweep.
type State struct {
	handler.Ref
	Observation handler.Observation
	Err         *handler.Error // why the instance could not be read; nil if it was read
	Due         bool           // an Update would renew the certificate now
	Why         string         // why the certificate is due, or why it is not
	// Renewal is the renewal that Alibaba itself has scheduled; zero if there is none.
	Renewal    handler.Renewal
	RenewalErr error // why Alibaba's schedule could not be read
	// Sweep is the result that an unattended Update would have now; zero unless Due.
	Sweep handler.Result
}

// HasCertificate reports whether the instance was read and has a certificate.
func (s State) HasCertificate() bool {
	return s.Err == nil && hasCertificate(s.Observation)
}

func hasCertificate(o handler.Observation) bool {
	return o.Enabled && !o.WithoutTLS() && !o.Expires.IsZero()
}

// DueNow reports whether an Update would renew the instance's certificate now, and why
// it would or would not. Nothing is due on an instance without a certificate, or on one
// that does not run.
func (f *Fleet) DueNow(o handler.Observation) (due bool, why string) {
	if !hasCertificate(o) {
		return false, ""
	}
	due, why = f.Due(o)
	return due && !o.Stopped(), why
}

// States reads every instance of the regions, as many as ctx leaves time for. It changes
// nothing. Instances that could not be read come first. The other instances follow in the
// order of their expiry. The coverage counts the instances that were not read.
func (f *Fleet) States(ctx context.Context, regions []string, tags map[string]string) ([]State, []Coverage) {
	scheduled, unread := f.schedule(ctx, regions)
	renewal := func(_ context.Context, ref handler.Ref, o handler.Observation) (handler.Renewal, error) {
		return handler.Chosen(scheduled[ref], o, o.At()), unread[ref.RegionID]
	}
	var mu sync.Mutex
	var all []State
	every := func(handler.Listed) bool { return true }
	coverage := f.Each(ctx, regions, tags, every, func(l handler.Listed, o handler.Observation, err error) {
		s := f.state(ctx, l.Ref, o, err, renewal)
		mu.Lock()
		defer mu.Unlock()
		all = append(all, s)
	})
	slices.SortFunc(all, statesByExpiry)
	return all, coverage
}

// State reads one instance. It changes nothing. Without a region it looks for the
// instance in all configured regions.
func (f *Fleet) State(ctx context.Context, ref handler.Ref) State {
	ref, o, err := f.Observe(ctx, ref)
	return f.state(ctx, ref, o, err, f.Handler.Renewal)
}

// renewalOf finds Alibaba's own renewal that matters for an instance.
type renewalOf func(context.Context, handler.Ref, handler.Observation) (handler.Renewal, error)

// state judges what was read of an instance.
func (f *Fleet) state(ctx context.Context, ref handler.Ref, o handler.Observation, err error, renewal renewalOf) State {
	s := State{Ref: ref, Observation: o}
	if err != nil {
		s.Err = handler.AsError(err)
	}
	if !s.HasCertificate() {
		return s
	}
	s.Due, s.Why = f.DueNow(o)
	scheduled, err := renewal(ctx, ref, o)
	s.RenewalErr = err
	if scheduled.Coming() {
		s.Renewal = scheduled
	}
	if s.Due {
		s.Sweep = f.Handle(ctx, handler.Trusted.Deliver(handler.Request{
			InstanceID: ref.InstanceID, RegionID: ref.RegionID, SSLEnabled: handler.Update, Automatic: true, DryRun: true,
		}))[0]
		// The sweep read the instance a moment later, so the number of days may differ.
		// The status shows the days of the sweep.
		s.Why = cmp.Or(s.Sweep.Because, s.Why)
	}
	return s
}

// statesByExpiry orders instances: first the instances that could not be read, then by
// expiry, and last the instances without a certificate.
func statesByExpiry(a, b State) int {
	rank := func(s State) int {
		switch {
		case s.Err != nil:
			return 0
		case s.HasCertificate():
			return 1
		}
		return 2
	}
	return cmp.Or(rank(a)-rank(b), a.Observation.Expires.Compare(b.Observation.Expires), strings.Compare(a.InstanceID, b.InstanceID))
}

// schedule reads the renewals that Alibaba itself has scheduled in the regions. failed has
// the error of each region that could not be read. One call reads a hundred tasks of a
// region. A call for each instance would use up the quota, and a large fleet would wait for
// minutes.
func (f *Fleet) schedule(ctx context.Context, regions []string) (scheduled map[handler.Ref][]handler.Renewal, failed map[string]error) {
	scheduled, failed = map[handler.Ref][]handler.Renewal{}, map[string]error{}
	var mu sync.Mutex
	var group errgroup.Group
	group.SetLimit(f.Concurrency)
	for _, region := range handler.Unique(regions) {
		group.Go(func() error {
			var all []handler.Renewal
			err := guarded(func() (err error) { all, err = f.api.Schedule(ctx, handler.Ref{RegionID: region}); return })
			mu.Lock()
			defer mu.Unlock()
			if err != nil {
				failed[region] = err
				return nil
			}
			for _, r := range all {
				scheduled[r.Ref] = append(scheduled[r.Ref], r)
			}
			return nil
		})
	}
	_ = group.Wait() // the functions return no error
	return scheduled, failed
}
