package fleet

import (
	"context"
	"slices"
	"sync"
	"time"

	"tairssl/handler"
)

const (
	// maxTried is the number of instances that a sweep tries in addition to the targets,
	// because some instances may not be changed now. They are the most urgent ones.
	maxTried = 1000
	// canaryWait is the shortest time for which the first change of a sweep is watched.
	canaryWait = time.Minute
)

// sweep is a sweep in progress. Its memory does not grow with the fleet.
type sweep struct {
	*Fleet
	order  Order
	most   int // greatest number of targets
	reader *reader

	mu      sync.Mutex
	total   int // instances known so far
	seen    int
	due     int
	noTLS   int
	off     int        // refused because of the tag tairssl=off
	settled int        // due instances that have a result
	urgent  mostUrgent // the most urgent instances, bounded
	counts  map[handler.Outcome]int
	changed []handler.Result
	others  []handler.Result // bounded

	earliest time.Time // earliest expiry

	// Alibaba's own schedule, if renewals are to be moved.
	scheduled map[handler.Ref][]handler.Renewal
	movers    []mover
	newCA     *handler.Result // the change that brought a new CA that clients may lack
}

func (f *Fleet) newSweep(order Order, most int, regions []string) *sweep {
	return &sweep{Fleet: f, order: order, most: most, reader: newReader(regions, f.Concurrency), counts: map[handler.Outcome]int{}}
}

// Sweep renews due certificates, the most urgent first, on at most MaxTargets instances.
// The first change is the canary: the sweep watches it, and stops if the change cannot be
// verified. A later failure on one instance does not stop the others. The error is a
// *handler.Error. It means that no region could be listed, or that the order names a
// region that is not allowed.
func (f *Fleet) Sweep(ctx context.Context, order Order) (Result, error) {
	ctx, cancel := handler.AnswerMargin.Before(ctx)
	defer cancel()
	regions, err := f.regionsOf(order)
	if err != nil {
		return Result{}, err
	}
	most := f.maxTargets
	if order.MaxTargets != nil {
		most = min(most, *order.MaxTargets)
	}
	s := f.newSweep(order, most, regions)
	s.readSchedule(ctx, regions)
	s.read(ctx)
	coverage := make([]Coverage, len(regions))
	for i, name := range regions {
		coverage[i] = s.reader.coverage(name)
		e := coverage[i].Error
		if e == nil {
			continue
		}
		if s.reader.nothing() {
			return Result{}, e
		}
		s.add(handler.Result{RegionID: name, Outcome: handler.Failed, Reason: e.Message, Error: e})
	}
	s.act(ctx)
	return s.result(coverage), nil
}

// read reads the encryption of every instance of the regions and keeps the due instances,
// the most urgent ones up to a limit.
func (s *sweep) read(ctx context.Context) {
	ctx, cancel := s.timeToRead(ctx)
	defer cancel()
	s.walk(ctx, s.reader, s.order.Tags, s.expect, func(l handler.Listed) bool { return s.judge(ctx, l) })
}

// timeToRead leaves time to act: to watch the canary, and as much again for the other
// changes, but at most half of the time.
func (s *sweep) timeToRead(ctx context.Context) (context.Context, context.CancelFunc) {
	return handler.Margin{Time: 2 * max(s.Wait, canaryWait), Part: 2}.Before(ctx)
}

// saw records the expiry of an instance that stays as it is. The caller holds s.mu.
func (s *sweep) saw(expires time.Time) {
	if !expires.IsZero() && (s.earliest.IsZero() || expires.Before(s.earliest)) {
		s.earliest = expires
	}
}

// expect adds a region's instances to the total.
func (s *sweep) expect(instances int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.total += instances
}

func (s *sweep) add(r handler.Result) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.addLocked(r)
}

// settle adds the result of a due instance.
func (s *sweep) settle(r handler.Result) {
	s.settled++
	if r.CA.Stops() {
		s.newCA = &r
	}
	s.add(r)
}

func (s *sweep) addLocked(r handler.Result) {
	s.counts[r.Outcome]++
	if r.OptedOut {
		s.off++
	}
	if isChange(r.Outcome) {
		s.changed = append(s.changed, r)
		return
	}
	s.others = append(s.others, r)
	if len(s.others) > 2*maxListed {
		s.trim()
	}
}

// trim keeps the worst of the results that are only shown.
func (s *sweep) trim() {
	slices.SortStableFunc(s.others, byWorst)
	s.others = s.others[:min(len(s.others), maxListed)]
}

func (s *sweep) result(coverage []Coverage) Result {
	s.trim()
	results := slices.Concat(s.changed, s.others)
	slices.SortStableFunc(results, byWorst)
	for _, c := range s.urgent {
		renewed := slices.ContainsFunc(s.changed, func(r handler.Result) bool {
			return r.Outcome != handler.Unknown && (handler.Ref{RegionID: r.RegionID, InstanceID: r.InstanceID}) == c.ref
		})
		if !renewed {
			s.saw(c.expires)
		}
	}
	return Result{Summary{Seen: s.seen, Due: s.due, NoTLS: s.noTLS, OptedOut: s.off, Outcomes: s.counts, Regions: coverage, Earliest: s.earliest}, results}
}
