package fleet

import (
	"container/heap"
	"context"
	"errors"
	"time"

	"tairssl/handler"
)

// judge reads an instance's encryption and keeps the instance if it is due. It returns
// false if the time was too short.
func (s *sweep) judge(ctx context.Context, l handler.Listed) bool {
	if l.Stopped() {
		s.leave(handler.Observation{Instance: l.Instance}, false)
		return true
	}
	o, inTime, err := s.observe(ctx, l, s.order.RenewBefore)
	switch {
	case !inTime:
		return false
	case errors.Is(err, handler.NotFound): // the instance was released after the listing
		s.leave(o, false)
		return true
	case err != nil:
		s.reader.miss(l)
		s.fail(l, handler.AsError(err))
		return true
	case o.WithoutTLS():
		s.leave(o, true)
		return true
	}
	s.removeDeadTags(ctx, l, o.Expires)
	result := s.Judge(ctx, l.Ref, s.order.delivery(l.Ref, handler.At(o.Expires)), o)
	if l.Gone() && !result.Due {
		result.Outcome = handler.Unchanged // a broken instance does not matter if its certificate is not due
	}
	s.keep(l, o, result)
	return true
}

// removeDeadTags removes the flags of attempts that ended long ago (their process may
// have died) and the approval of an earlier certificate. So only the owner's tags stay on
// the instance.
func (s *sweep) removeDeadTags(ctx context.Context, l handler.Listed, expires time.Time) {
	if s.order.DryRun || s.order.Plan || s.LeaseNone || !s.Policy.Covers(l.InstanceID) {
		return
	}
	keys := s.SpentTags(l.Tags, expires, l.At)
	if len(keys) == 0 {
		return
	}
	if err := guarded(func() error { return s.api.Untag(ctx, l.Ref, keys...) }); err != nil {
		s.Log.WarnContext(ctx, "tags that have no meaning any more could not be removed; a later sweep tries again", "instance", l.InstanceID, "region", l.RegionID, "error", err)
	}
}

// leave counts an instance without a certificate to renew.
func (s *sweep) leave(o handler.Observation, noTLS bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.sawOne()
	if noTLS {
		s.noTLS++
	}
	s.counts[handler.Unchanged]++
}

// fail adds an instance that could not be read.
func (s *sweep) fail(l handler.Listed, e *handler.Error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.sawOne()
	s.addLocked(handler.Result{
		InstanceID: l.InstanceID, RegionID: l.RegionID, InstanceName: l.Name, SSLEnabled: handler.Update, Tags: l.Tags,
		Outcome: handler.Failed, Reason: e.Message, Error: e,
	})
}

// keep adds an instance that was read.
func (s *sweep) keep(l handler.Listed, o handler.Observation, result handler.Result) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.sawOne()
	if s.mayMove(l, &o, result) {
		s.movers = append(s.movers, mover{l, o, result})
		return
	}
	s.keepLocked(l, o, result)
}

// keepLocked keeps an instance in the sweep. result is the result that its renewal would
// have. The caller holds s.mu.
func (s *sweep) keepLocked(l handler.Listed, o handler.Observation, result handler.Result) {
	changes := result.Outcome == handler.Planned || s.order.Plan && s.planned(result)
	if !changes && s.Policy.Covers(l.InstanceID) {
		s.saw(o.Expires)
	}
	switch {
	case changes:
		s.due++
		heap.Push(&s.urgent, candidate{l.Ref, l.Name, o.Expires})
		if s.urgent.Len() > s.most+maxTried {
			s.saw(heap.Pop(&s.urgent).(candidate).expires)
		}
	case result.Outcome == handler.Unchanged:
		s.counts[handler.Unchanged]++
	default:
		if result.Due {
			s.due++
			s.settled++
		}
		s.addLocked(result)
	}
}

// planned reports whether a plan includes an instance that a sweep would not change now.
// It may be changed when the plan is carried out, because each change is decided on again
// then. A plan never includes a change that the policy forbids.
func (s *sweep) planned(r handler.Result) bool {
	switch r.Outcome {
	case handler.Deferred, handler.InProgress:
		return true
	case handler.Refused:
		return s.Policy.Covers(r.InstanceID)
	}
	return false
}

// sawOne counts an instance that was looked at. The caller holds s.mu.
func (s *sweep) sawOne() {
	s.seen++
	if s.order.Progress != nil {
		s.order.Progress(s.seen, s.total)
	}
}
