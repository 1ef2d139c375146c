package fleet

import (
	"context"
	"fmt"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"

	"tairssl/handler"
)

// mover is an instance for which Alibaba has scheduled a renewal whose time may be
// wrong, and what would be done about the instance without that.
type mover struct {
	l       handler.Listed
	o       handler.Observation // with the renewal
	without handler.Result
}

// readSchedule reads what Alibaba itself has scheduled in the regions, if that is to
// be moved. A region whose schedule cannot be read makes the sweep fail, for then
// nobody is told when Alibaba restarts what.
func (s *sweep) readSchedule(ctx context.Context, regions []string) {
	if !s.Policy.MovesRenewals || s.Policy.Pause {
		return
	}
	s.scheduled = map[handler.Ref][]handler.Renewal{}
	var group errgroup.Group
	group.SetLimit(s.Concurrency)
	for _, region := range handler.Unique(regions) {
		group.Go(func() error {
			var all []handler.Renewal
			err := guarded(func() (err error) { all, err = s.api.Schedule(ctx, handler.Ref{RegionID: region}); return })
			if err != nil {
				e := *handler.AsError(err)
				e.Message = fmt.Sprintf("could not read what Alibaba itself has scheduled in %s: %s", region, e.Message)
				s.add(handler.Result{RegionID: region, SSLEnabled: handler.Update, Outcome: handler.Failed, Reason: e.Message, Error: &e})
				return nil
			}
			s.mu.Lock()
			defer s.mu.Unlock()
			for _, r := range all {
				s.scheduled[r.Ref] = append(s.scheduled[r.Ref], r)
			}
			return nil
		})
	}
	_ = group.Wait() // no function fails
}

// mayMove reports whether a renewal of Alibaba's may have to be moved, and completes
// what was observed with it; s.mu is held.
func (s *sweep) mayMove(l handler.Listed, o *handler.Observation, without handler.Result) bool {
	switch without.Outcome {
	case handler.Planned, handler.Deferred, handler.Unchanged:
	default:
		return false
	}
	all := s.scheduled[l.Ref]
	if len(all) == 0 || l.Gone() || l.Off() || !s.Policy.Covers(l.InstanceID) {
		return false
	}
	o.Renewal = handler.Chosen(all, *o, o.At())
	return s.MayMove(*o)
}

// move moves Alibaba's own renewals to where they have to be, the first to come
// first, and at most as many as a sweep changes. They use up none of its targets:
// each restarts its instance once in any case. The first move is the canary: if it
// cannot be read back, no other is tried. What need not be moved is kept as ever.
func (s *sweep) move(ctx context.Context) {
	slices.SortStableFunc(s.movers, func(a, b mover) int { return a.o.Renewal.At.Compare(b.o.Renewal.At) })
	ready := s.toMove(ctx)
	moved, unsure := 0, ""
	for len(ready) > 0 && moved < s.most && unsure == "" && s.TimeToChange(ctx) {
		n := 1
		if moved > 0 {
			n = min(len(ready), s.most-moved)
		}
		some := ready[:n]
		ready = ready[n:]
		for i, r := range s.HandleInTime(ctx, s.moves(some)) {
			switch {
			case r.Outcome == handler.Unchanged, handler.LacksTime(ctx, r):
				s.keepAsEver(some[i])
				continue
			case !r.MovedTo.IsZero() && r.Alert:
				unsure = r.InstanceID
			}
			if s.settleMove(some[i], r); !r.MovedTo.IsZero() {
				moved++
			}
		}
	}
	why := "the time for this sweep was up: the next one goes on"
	switch {
	case unsure != "":
		why = fmt.Sprintf("the move of that of %s could not be confirmed, so the sweep moves no more: look at that one first", unsure)
	case moved >= s.most:
		why = fmt.Sprintf("one sweep moves at most %d: the next one goes on", s.most)
	}
	for _, m := range ready {
		s.settleMove(m, handler.Result{
			InstanceID: m.l.InstanceID, RegionID: m.l.RegionID, InstanceName: m.l.Name, SSLEnabled: handler.Update,
			Outcome: handler.Deferred, Reason: fmt.Sprintf("%s and has to be moved, but %s", m.o.Renewal, why),
		})
	}
}

// toMove finds those that have to be moved, many at once. All others are settled, or
// kept as ever; so are those for which there was no time, since two thirds of that
// are left to changes.
func (s *sweep) toMove(ctx context.Context) (ready []mover) {
	if deadline, ok := ctx.Deadline(); ok {
		var cancel context.CancelFunc
		ctx, cancel = context.WithDeadline(ctx, deadline.Add(-time.Until(deadline)*2/3))
		defer cancel()
	}
	deliveries := s.moves(s.movers)
	for i := range deliveries {
		deliveries[i].DryRun, deliveries[i].Ahead = true, !s.order.DryRun
	}
	for i, r := range s.HandleInTime(ctx, deliveries) {
		switch m := s.movers[i]; {
		case r.Outcome == handler.Unchanged, handler.LacksTime(ctx, r):
			s.keepAsEver(m)
		case r.Outcome == handler.Planned && !s.order.DryRun:
			ready = append(ready, m)
		default:
			s.settleMove(m, r)
		}
	}
	return ready
}

// moves are the deliveries that move and do nothing else.
func (s *sweep) moves(movers []mover) []handler.Delivery {
	deliveries := make([]handler.Delivery, len(movers))
	for i, m := range movers {
		d := s.order.delivery(m.l.Ref, handler.At(m.o.Expires))
		d.Swept, d.Moves = true, true
		deliveries[i] = d
	}
	return deliveries
}

// keepAsEver keeps an instance as if Alibaba had scheduled nothing.
func (s *sweep) keepAsEver(m mover) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.keepLocked(m.l, m.o, m.without)
}

// settleMove adds the result of a move.
func (s *sweep) settleMove(m mover, r handler.Result) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.saw(m.o.Expires)
	if m.without.Due {
		s.due++
		s.settled++
	}
	s.addLocked(r)
}
