package handler

import (
	"cmp"
	"container/heap"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"time"
)

// candidate is an instance whose certificate is due.
type candidate struct {
	ref     Ref
	expires time.Time
}

func byExpiry(a, b candidate) int {
	return cmp.Or(a.expires.Compare(b.expires), strings.Compare(a.ref.InstanceID, b.ref.InstanceID), strings.Compare(a.ref.RegionID, b.ref.RegionID))
}

// mostUrgent is a heap whose root expires last, so that it is the first to go.
type mostUrgent []candidate

func (h mostUrgent) Len() int           { return len(h) }
func (h mostUrgent) Less(i, j int) bool { return byExpiry(h[i], h[j]) > 0 }
func (h mostUrgent) Swap(i, j int)      { h[i], h[j] = h[j], h[i] }
func (h *mostUrgent) Push(v any)        { *h = append(*h, v.(candidate)) }
func (h *mostUrgent) Pop() any {
	last := len(*h) - 1
	v := (*h)[last]
	*h = (*h)[:last]
	return v
}

// page is one of a region's listing.
type page struct {
	region string
	number int // from 1
}

// region is what is known of one while it is read.
type region struct {
	total  int // instances, by the first page
	read   int // instances whose encryption was asked for
	pages  int // read
	failed int // pages that could not be
	err    error
}

// fleet hands out what is left to read of the regions, pages to list and
// instances to judge, so that every worker is busy from the first page to the
// last instance. Of what is listed it holds some pages at most.
type fleet struct {
	ahead int // instances to have listed ahead of the workers

	mu      sync.Mutex
	changed sync.Cond // a page came in, or the reading was stopped
	regions map[string]*region
	pages   []page   // to be listed
	listed  []Listed // to be judged
	listing int      // pages on their way
	stopped bool     // the time is up
}

func newFleet(regions []string, workers int) *fleet {
	f := &fleet{ahead: 2 * workers, regions: map[string]*region{}}
	f.changed.L = &f.mu
	for _, name := range regions {
		if f.regions[name] == nil {
			f.regions[name] = &region{}
			f.pages = append(f.pages, page{name, 1})
		}
	}
	return f
}

// next gives a worker its next piece of work, and false when there is none left:
// a page if there is one and too little is listed, an instance otherwise.
func (f *fleet) next() (l Listed, p page, more bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	for !f.stopped {
		last := len(f.listed) - 1
		switch {
		case len(f.pages) > 0 && (last < 0 || len(f.listed)+f.listing*PageSize < f.ahead):
			p, f.pages = f.pages[0], f.pages[1:]
			f.listing++
			return l, p, true
		case last >= 0:
			l, f.listed = f.listed[last], f.listed[:last]
			f.regions[l.RegionID].read++
			return l, p, true
		case f.listing == 0:
			return l, p, false
		}
		f.changed.Wait()
	}
	return l, p, false
}

// take notes what a page was answered. The first one tells how many there are;
// the others are read from one of them on, chosen by chance: where the time does
// not reach for all, each sweep reads others.
func (f *fleet) take(p page, list []Listed, total int, err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	defer f.changed.Broadcast()
	f.listing--
	r := f.regions[p.region]
	if err != nil {
		if r.failed++; r.err == nil {
			r.err = err
		}
		return
	}
	r.pages++
	for _, l := range list {
		l.RegionID = p.region // the one that was asked, whatever an implementation says
		f.listed = append(f.listed, l)
	}
	if p.number > 1 {
		return
	}
	r.total = total
	if others := (total - 1) / PageSize; others > 0 {
		from := rand.IntN(others)
		for i := range others {
			f.pages = append(f.pages, page{p.region, 2 + (from+i)%others})
		}
	}
}

// stop ends the reading: the time is up. What was handed out last was not read.
func (f *fleet) stop(l Listed) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.stopped = true
	f.changed.Broadcast()
	if r := f.regions[l.RegionID]; r != nil {
		r.read--
	}
}

// nothing reports whether not one page of any region was had.
func (f *fleet) nothing() bool {
	for _, r := range f.regions {
		if r.pages > 0 {
			return false
		}
	}
	return true
}

// failure says what of a region could not be read; nil if all was.
func (f *fleet) failure(name string) *Error {
	r := f.regions[name]
	unread := r.pages == 0 || r.read < r.total
	switch {
	case r.err != nil && r.pages > 0:
		e := *AsError(r.err)
		e.Message = fmt.Sprintf("%s; %d of the pages of %s could not be listed, of %d instances each", e.Message, r.failed, name, PageSize)
		return &e
	case r.err != nil:
		return AsError(r.err)
	case f.stopped && unread:
		return Errorf(Unavailable, "only %d of %d instances of %s were read before the time was up; the next sweep begins with others: give the function more time or a higher TAIRSSL_RATE or TAIRSSL_CONCURRENCY, or sweep by plan pages", r.read, r.total, name)
	}
	return nil
}

// walk has every instance of the regions looked at, by as many workers as the
// settings say. sized is told how many each region has; look reports false if
// there was no time to, and that ends it. Neither is called by one at a time.
func (h *Handler) walk(ctx context.Context, f *fleet, tags map[string]string, sized func(total int), look func(Listed) bool) {
	var workers sync.WaitGroup
	for range h.Concurrency {
		workers.Go(func() {
			for l, p, more := f.next(); more; l, p, more = f.next() {
				switch {
				case p.number > 0:
					var list []Listed
					var total int
					err := guarded(func() (err error) { list, total, err = h.api.List(ctx, p.region, tags, p.number); return })
					if outOfTime(ctx, err) {
						f.stop(Listed{})
						return
					}
					if f.take(p, list, total, err); p.number == 1 {
						sized(total)
					}
				case !look(l):
					f.stop(l)
					return
				}
			}
		})
	}
	workers.Wait()
}

// ssl completes what a listing shows with the instance's encryption. It reports
// false if there was no time to.
func (h *Handler) ssl(ctx context.Context, l Listed) (o Observation, inTime bool, err error) {
	o.Instance = l.Instance
	o.SSL, err = h.SSL(ctx, l.Ref)
	return o, !outOfTime(ctx, err), err
}

// Coverage is how much of a region's fleet was looked at.
type Coverage struct {
	Region string
	Total  int // as the API counts; 0 if not even the first page was listed
	Seen   int
	Err    *Error // why some, or all, were not; nil if all were
}

// Fleet reads the encryption of the regions' instances, as many as ctx leaves
// time for, and hands each to seen, or why it could not be read. wanted says
// which are worth reading. Both are called concurrently. It changes nothing.
func (h *Handler) Fleet(ctx context.Context, regions []string, wanted func(Listed) bool, seen func(Listed, Observation, error)) []Coverage {
	f := newFleet(regions, h.Concurrency)
	h.walk(ctx, f, nil, func(int) {}, func(l Listed) bool {
		if !wanted(l) {
			return true
		}
		o, inTime, err := h.ssl(ctx, l)
		if inTime {
			seen(l, o, err)
		}
		return inTime
	})
	coverage := make([]Coverage, len(regions))
	for i, name := range regions {
		coverage[i] = Coverage{name, f.regions[name].total, f.regions[name].read, f.failure(name)}
	}
	return coverage
}

// read reads the encryption of every instance of the regions, and keeps the most
// urgent that are due.
func (h *Handler) read(ctx context.Context, s *sweep, f *fleet) {
	ctx, cancel := h.timeToRead(ctx)
	defer cancel()
	h.walk(ctx, f, s.order.Tags, s.expect, func(l Listed) bool { return h.judge(ctx, s, l) })
}

// timeToRead leaves time to act: for a watched canary and as much for the rest,
// but half of what there is at most.
func (h *Handler) timeToRead(ctx context.Context) (context.Context, context.CancelFunc) {
	deadline, ok := ctx.Deadline()
	if !ok {
		return context.WithCancel(ctx)
	}
	return context.WithDeadline(ctx, deadline.Add(-min(2*max(h.Wait, canaryWait), time.Until(deadline)/2)))
}

// outOfTime reports whether a call failed for want of time, and says nothing of
// what it asked for.
func outOfTime(ctx context.Context, err error) bool {
	return err != nil && (ctx.Err() != nil || errors.Is(err, ErrNoTime))
}

// judge reads an instance's encryption and keeps it if it is due. It reports
// false if there was no time to.
func (h *Handler) judge(ctx context.Context, s *sweep, l Listed) bool {
	o, inTime, err := h.ssl(ctx, l)
	if !inTime {
		return false
	}
	r := h.ofSweep(s.order, l.Ref, o)
	var d decision
	switch {
	case err != nil:
		d = decision{outcome: Failed, err: AsError(err)}
	case o.Enabled && o.Expires.IsZero():
		d = decision{outcome: Failed, err: Errorf(Unavailable, "the API gives no expiry for an instance whose encryption is on; try again")}
	case !o.Enabled:
		d = decision{outcome: Unchanged, reason: "encryption is off"}
	default:
		due, why := r.due(o, h.Policy, h.Now())
		if d = (decision{outcome: Unchanged, reason: why}); due {
			if d = h.foresee(r, o, s.order.Plan); d.outcome == Deferred {
				d = h.leftToAlibaba(ctx, l.Ref, r, o, d)
			}
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.seen++
	if s.order.Progress != nil {
		s.order.Progress(s.seen, s.total)
	}
	if d.outcome != act && h.Policy.Covers(l.InstanceID) {
		s.saw(o.Expires)
	}
	switch d.outcome {
	case Unchanged:
		s.counts[Unchanged]++
	case act:
		s.due++
		heap.Push(&s.urgent, candidate{l.Ref, o.Expires})
		if s.urgent.Len() > s.most+maxTried {
			s.saw(heap.Pop(&s.urgent).(candidate).expires)
		}
	default:
		result := Result{InstanceID: l.InstanceID, RegionID: l.RegionID, SSLEnabled: Update, Tags: l.Tags}
		if err == nil {
			s.due++
			s.settled++
			result.Before, result.CertDownloadURL = o.State(), o.CertDownloadURL
		}
		s.addLocked(result.end(d))
	}
	return true
}

// foresee judges what is due by what is known of it already, so that what is not
// to be changed now takes no place among the most urgent. Of a plan nothing is
// kept back but what is forbidden: who carries it out says the rest.
func (h *Handler) foresee(r Request, o Observation, plan bool) decision {
	d := h.Policy.permit(r)
	if d.outcome != act || plan {
		return d
	}
	p := h.Policy
	if p.Window.written == nil {
		p.Window = Window{any: true} // a listing does not show the instance's own
	}
	o.Status = cmp.Or(o.Status, statusNormal)
	return decide(r, o, p, lease{}, h.Now())
}
