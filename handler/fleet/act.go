package fleet

import (
	"context"
	"fmt"
	"slices"

	"tairssl/handler"
)

// act changes the most urgent instances that may be changed now.
func (s *sweep) act(ctx context.Context) {
	s.move(ctx)
	left := s.urgent.sorted()
	doubled := len(s.urgent) - len(left)
	s.seen -= doubled
	s.due -= doubled
	rule := handler.RuleMaxTargets
	changed, why := 0, fmt.Sprintf("one sweep changes at most %d instances: the next one goes on", s.most)
	inTime := true
	for inTime && changed < s.most && len(left) > 0 {
		var ready []candidate
		if ready, left, inTime = s.ready(ctx, left, s.most-changed); s.order.DryRun {
			changed += len(ready)
			continue
		}
		var c canary
		if changed == 0 {
			c = s.sendCanary(ctx, ready)
			ready = ready[c.tried:]
		}
		if c.changed {
			changed++
		}
		switch {
		case s.newCA != nil:
			why = fmt.Sprintf("the CA changed with the renewal of %s, so the sweep stopped there: give all clients the new CA (tairssl ca %s), then set TAIRSSL_CA_ACCEPT=%s", s.newCA.InstanceID, s.newCA.InstanceID, s.newCA.CA.After)
			left, changed = append(ready, left...), s.most
			continue
		case c.unverified != "":
			why = fmt.Sprintf("the first change, of %s, could not be verified, so the sweep stopped there: check that instance, and raise TAIRSSL_WAIT if changes take longer than it; the next sweep goes on", c.unverified)
			left, changed, rule = append(ready, left...), s.most, handler.RuleNone
			continue
		case len(ready) > 0 && (changed == 0 || !s.TimeToChange(ctx)):
			left, inTime = append(ready, left...), false
			continue
		}
		n, late := s.change(ctx, ready)
		changed += n
		inTime = inTime && len(late) == 0
		left = append(late, left...)
	}
	if !inTime {
		why, rule = "the time for this sweep was up: the next one goes on", handler.RuleNone
	}
	s.deferAll(left, rule, why)
}

// deferAll leaves candidates to the next sweep.
func (s *sweep) deferAll(left []candidate, rule handler.Rule, why string) {
	for _, c := range left {
		s.putOff(c, rule, why)
	}
	if rest := s.due - s.settled; rest > 0 {
		s.counts[handler.Deferred] += rest // candidates beyond the limit of the heap
	}
}

func (s *sweep) putOff(c candidate, rule handler.Rule, why string) {
	s.settle(handler.Result{
		InstanceID: c.ref.InstanceID, RegionID: c.ref.RegionID, InstanceName: c.name, SSLEnabled: handler.Update,
		Outcome: handler.Deferred, Rule: rule, Reason: why,
	})
}

// putOffHeld defers all candidates of a region in which automatic changes wait. It does
// not read these instances again. It returns the other candidates.
func (s *sweep) putOffHeld(left []candidate, region, why string) []candidate {
	return slices.DeleteFunc(left, func(c candidate) bool {
		held := c.ref.RegionID == region
		if held {
			s.putOff(c, handler.RuleCA, why)
		}
		return held
	})
}

// canary is the result of the first changes, which are tried one at a time.
type canary struct {
	tried      int
	changed    bool
	unverified string // the instance whose change could not be verified
}

// sendCanary tries one instance after the other until one changes, and watches that
// change to its end.
func (s *sweep) sendCanary(ctx context.Context, ready []candidate) (c canary) {
	for c.tried < len(ready) && !c.changed && s.TimeToChange(ctx) {
		d := s.delivery(ready[c.tried])
		wait := handler.Duration(max(s.Wait, canaryWait))
		d.Wait = &wait
		result := s.HandleInTime(ctx, []handler.Delivery{d})[0]
		if handler.LacksTime(ctx, result) {
			break
		}
		c.tried++
		s.settle(result)
		c.changed = isChange(result.Outcome)
		if c.changed && (result.Outcome != handler.Verified || !result.CA.Compared()) {
			c.unverified = result.InstanceID
		}
	}
	return c
}

// change changes instances at the same time. late lists the instances for which the time
// was too short.
func (s *sweep) change(ctx context.Context, ready []candidate) (changed int, late []candidate) {
	deliveries := make([]handler.Delivery, len(ready))
	for i, c := range ready {
		deliveries[i] = s.delivery(c)
	}
	for i, result := range s.HandleInTime(ctx, deliveries) {
		if handler.LacksTime(ctx, result) {
			late = append(late, ready[i])
			continue
		}
		if s.settle(result); isChange(result.Outcome) {
			changed++
		}
	}
	return changed, late
}

// delivery asks for the change of a candidate.
func (s *sweep) delivery(c candidate) handler.Delivery {
	d := s.order.delivery(c.ref, handler.At(c.expires))
	d.Swept = true
	return d
}

// ready looks at the most urgent candidates, many at the same time. It returns at most
// the given number of candidates that would be changed now. It settles the candidates
// that have to wait or cannot be changed. rest are the candidates that it did not look
// at. inTime is false if the time ended before enough candidates were found.
func (s *sweep) ready(ctx context.Context, left []candidate, most int) (ready, rest []candidate, inTime bool) {
	if !s.order.DryRun {
		// After this time, too little time would be left to change an instance.
		var cancel context.CancelFunc
		ctx, cancel = handler.Margin{Time: s.LeasePause + s.MinLeft, Part: 1}.Before(ctx)
		defer cancel()
	}
	for len(left) > 0 && len(ready) < most && ctx.Err() == nil {
		n := min(len(left), max(most-len(ready), s.Concurrency))
		deliveries := make([]handler.Delivery, n)
		for i, c := range left[:n] {
			deliveries[i] = s.delivery(c)
			deliveries[i].DryRun, deliveries[i].Ahead = true, !s.order.DryRun
		}
		var late []candidate
		held := map[string]string{} // by region: why all automatic changes wait
		for i, result := range s.HandleInTime(ctx, deliveries) {
			if result.Held != "" {
				held[result.RegionID] = result.Held
			}
			switch {
			case handler.LacksTime(ctx, result):
				late = append(late, left[i])
			case result.Outcome != handler.Planned:
				s.settle(result)
			case len(ready) == most:
				rest = append(rest, left[i])
			default:
				if ready = append(ready, left[i]); s.order.DryRun {
					s.settle(result)
				}
			}
		}
		left = left[n:]
		for region, why := range held {
			left = s.putOffHeld(left, region, why)
		}
		if left = append(late, left...); late != nil {
			break
		}
	}
	rest = append(rest, left...)
	return ready, rest, len(ready) == most || len(rest) == 0
}
