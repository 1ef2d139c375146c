package fleet

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"time"

	"tairssl/handler"
)

// mover is an instance for which Alibaba has scheduled a renewal at a time that may have
// to change. without is the result of the sweep if Alibaba had scheduled no renewal.
type mover struct {
	l       handler.Listed
	o       handler.Observation // includes the renewal
	without handler.Result
}

// readSchedule reads Alibaba's own schedule in the regions, if renewals are to be moved.
// If it cannot be read, the sweep fails, because nobody would hear of Alibaba's restarts.
func (s *sweep) readSchedule(ctx context.Context, regions []string) {
	if !s.Policy.MovesRenewals || s.Policy.Pause {
		return
	}
	var failed map[string]error
	s.scheduled, failed = s.schedule(ctx, regions)
	for _, region := range slices.Sorted(maps.Keys(failed)) {
		e := *handler.AsError(failed[region])
		e.Message = fmt.Sprintf("could not read what Alibaba itself has scheduled in %s: %s", region, e.Message)
		s.add(handler.Result{RegionID: region, SSLEnabled: handler.Update, Outcome: handler.Failed, Reason: e.Message, Error: &e})
	}
}

// mayMove reports whether Alibaba's renewal of an instance may have to be moved, and adds
// the renewal to the observation. The caller holds s.mu.
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

// move moves Alibaba's own renewals into the openings, the earliest first. It moves at
// most as many renewals as a sweep changes instances. A move uses up no target, because
// the instance restarts once in any case. The first move is the canary: if it cannot be
// read back, no other move is tried. All other instances stay ordinary instances of the
// sweep.
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
		why = fmt.Sprintf("the move of the renewal of %s could not be confirmed, so the sweep moves no others: check that one first", unsure)
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

// toMove finds the renewals that have to be moved. It looks at many instances at the same
// time, and leaves two thirds of the remaining time to the changes. Every other instance
// gets its result, or stays an ordinary instance of the sweep. This includes an instance
// for which the time was too short.
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

// moves makes deliveries that only move a renewal.
func (s *sweep) moves(movers []mover) []handler.Delivery {
	deliveries := make([]handler.Delivery, len(movers))
	for i, m := range movers {
		d := s.order.delivery(m.l.Ref, handler.At(m.o.Expires))
		d.Swept, d.Moves = true, true
		deliveries[i] = d
	}
	return deliveries
}

// keepAsEver keeps an instance as if Alibaba had scheduled no renewal.
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
