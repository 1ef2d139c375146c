package fleet

import (
	"context"
	"fmt"
	"math/rand/v2"
	"sync"

	"tairssl/handler"
)

// page is one page of a region's listing.
type page struct {
	region string
	number int // the first page is 1
}

// region is the progress of reading one region.
type region struct {
	total  int // number of instances, from the first page
	read   int // instances that were looked at
	missed int // of these, instances whose encryption could not be read
	pages  int // pages that were listed
	failed int // pages that could not be listed
	err    error
}

// reader gives work to the workers: pages to list, and instances to look at. So every
// worker is busy from the first page to the last instance. The reader holds only a few
// pages of listed instances.
type reader struct {
	ahead int // how many instances to list ahead of the workers

	mu      sync.Mutex
	changed sync.Cond // signals that a page arrived, or that the reading was stopped
	regions map[string]*region
	pages   []page           // pages to list
	listed  []handler.Listed // instances to look at
	listing int              // pages that are being listed
	stopped bool             // the time is up
}

func newReader(regions []string, workers int) *reader {
	r := &reader{ahead: 2 * workers, regions: map[string]*region{}}
	r.changed.L = &r.mu
	for _, name := range regions {
		if r.regions[name] == nil {
			r.regions[name] = &region{}
			r.pages = append(r.pages, page{name, 1})
		}
	}
	return r
}

// next gives a worker its next piece of work. This is a page if too few instances are
// listed and a page is left, otherwise an instance. more is false when no work is left.
func (r *reader) next() (l handler.Listed, p page, more bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for !r.stopped {
		last := len(r.listed) - 1
		switch {
		case len(r.pages) > 0 && (last < 0 || len(r.listed)+r.listing*handler.PageSize < r.ahead):
			p, r.pages = r.pages[0], r.pages[1:]
			r.listing++
			return l, p, true
		case last >= 0:
			l, r.listed = r.listed[last], r.listed[:last]
			r.regions[l.RegionID].read++
			return l, p, true
		case r.listing == 0:
			return l, p, false
		}
		r.changed.Wait()
	}
	return l, p, false
}

// take records the answer to a page. The first page shows the number of pages. The
// reading of the other pages begins at a random page. So if the time is too short for all
// pages, each sweep reads different ones.
func (r *reader) take(p page, list handler.Listing, err error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	defer r.changed.Broadcast()
	r.listing--
	of := r.regions[p.region]
	if err != nil {
		if of.failed++; of.err == nil {
			of.err = err
		}
		return
	}
	of.pages++
	for _, l := range list.Instances {
		l.RegionID = p.region // the requested region, whatever the implementation answers
		l.At = list.At
		r.listed = append(r.listed, l)
	}
	if p.number > 1 {
		return
	}
	of.total = list.Total
	if others := min(maxPage, (list.Total-1)/handler.PageSize); others > 0 {
		from := rand.IntN(others)
		for i := range others {
			r.pages = append(r.pages, page{p.region, 2 + (from+i)%others})
		}
	}
}

// stop ends the reading because the time is up. The instance that was handed out last was
// not read.
func (r *reader) stop(l handler.Listed) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.stopped = true
	r.changed.Broadcast()
	if of := r.regions[l.RegionID]; of != nil {
		of.read--
	}
}

// miss counts an instance whose encryption could not be read.
func (r *reader) miss(l handler.Listed) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.regions[l.RegionID].missed++
}

// nothing reports whether no page of any region was read.
func (r *reader) nothing() bool {
	for _, of := range r.regions {
		if of.pages > 0 {
			return false
		}
	}
	return true
}

// Coverage says how much of a region was looked at.
type Coverage struct {
	RegionID string `json:"RegionId"`
	Listed   int    // instances by the API's count; 0 if the first page could not be listed
	Read     int
	Unread   int
	Error    *handler.Error `json:",omitempty"` // why some or all were not read; nil if all were
}

// coverage says how much of a region was read.
func (r *reader) coverage(name string) Coverage {
	of := r.regions[name]
	c := Coverage{RegionID: name, Listed: of.total, Read: of.read - of.missed}
	c.Unread = max(0, of.total-c.Read)
	switch {
	case of.err != nil && of.pages > 0:
		e := *handler.AsError(of.err)
		e.Message = fmt.Sprintf("%s; %d of the pages of %s could not be listed, of %d instances each", e.Message, of.failed, name, handler.PageSize)
		c.Error = &e
	case of.err != nil:
		e := *handler.AsError(of.err)
		e.Message = fmt.Sprintf("could not list %s: %s", name, e.Message)
		c.Error = &e
	case r.stopped && (of.pages == 0 || of.read < of.total):
		c.Error = handler.Errorf(handler.Unavailable, "only %d of %d instances of %s were read before the time was up; the next sweep begins with other instances: give the function more time or a higher TAIRSSL_RATE or TAIRSSL_CONCURRENCY, or sweep by plan pages", of.read, of.total, name)
	}
	return c
}

// walk looks at every instance of the reader's regions, with as many workers as the
// settings allow. It calls sized with the number of instances of each region. It stops
// when look returns false, which means that the time is too short. Both functions may be
// called concurrently.
func (f *Fleet) walk(ctx context.Context, r *reader, tags map[string]string, sized func(total int), look func(handler.Listed) bool) {
	var workers sync.WaitGroup
	for range f.Concurrency {
		workers.Go(func() {
			for l, p, more := r.next(); more; l, p, more = r.next() {
				if p.number == 0 {
					if !look(l) {
						r.stop(l)
						return
					}
					continue
				}
				list, err := f.list(ctx, p, tags)
				if outOfTime(ctx, err) {
					r.stop(handler.Listed{})
					return
				}
				if r.take(p, list, err); p.number == 1 && err == nil {
					sized(list.Total)
				}
			}
		})
	}
	workers.Wait()
}

func (f *Fleet) list(ctx context.Context, p page, tags map[string]string) (list handler.Listing, err error) {
	err = guarded(func() (err error) {
		list, err = f.api.List(ctx, p.region, handler.Filter{Tags: tags}, p.number)
		return err
	})
	return list, err
}

// Each reads the encryption of the regions' instances, as many as ctx leaves time for. It
// calls seen with each observation, or with the reason why an instance could not be read.
// It reads only instances for which wanted returns true. Both functions are called
// concurrently. Each changes nothing.
func (f *Fleet) Each(ctx context.Context, regions []string, tags map[string]string, wanted func(handler.Listed) bool, seen func(handler.Listed, handler.Observation, error)) []Coverage {
	r := newReader(regions, f.Concurrency)
	var once sync.Map // if instances are added or removed meanwhile, a listing may show an instance twice
	f.walk(ctx, r, tags, func(int) {}, func(l handler.Listed) bool {
		if _, again := once.LoadOrStore(l.Ref, true); again || !wanted(l) {
			return true
		}
		o, inTime, err := f.observe(ctx, l, nil)
		if !inTime {
			once.Delete(l.Ref)
			return false
		}
		if err != nil {
			r.miss(l)
		}
		seen(l, o, err)
		return true
	})
	all := make([]Coverage, len(regions))
	for i, name := range regions {
		all[i] = r.coverage(name)
	}
	return all
}
