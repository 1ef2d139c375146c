package handler

import (
	"context"
	"slices"
	"sync"

	"golang.org/x/sync/errgroup"
)

// maxPlaces bounds how many instances a process remembers the region of.
const maxPlaces = 10_000

// places remembers in which region instances were found.
type places struct {
	mu      sync.Mutex
	regions map[string]string
}

func (p *places) of(id string) string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.regions[id]
}

func (p *places) remember(id, region string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.regions == nil || len(p.regions) >= maxPlaces {
		p.regions = map[string]string{}
	}
	p.regions[id] = region
}

func (p *places) forget(id string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	delete(p.regions, id)
}

// inRegion judges a region that was asked for, or where an instance is.
func (h *Handler) inRegion(region string) decision {
	if region == "" || slices.Contains(h.Regions, region) {
		return proceed("")
	}
	return failure(Errorf(Forbidden, "%s is not one of the regions of TAIRSSL_REGION: add it there if its instances are to be changed", Clip(region)))
}

// Allows reports, by an error of kind [Forbidden], that a region is not one of
// those that may be read and changed.
func (h *Handler) Allows(region string) error {
	if d := h.inRegion(region); d.err != nil {
		return d.err
	}
	return nil
}

// locate finds the regions of instances whose region is not known, by listings
// that may name many of them. What was not found is an error of its id: NotFound,
// or the reason why a region could not be read.
func (h *Handler) locate(ctx context.Context, ids []string) map[string]error {
	slices.Sort(ids)
	ids = slices.Compact(ids)
	var mu sync.Mutex
	found := map[string]bool{}
	unread := make([]*Error, len(h.Regions))
	var group errgroup.Group
	group.SetLimit(h.Concurrency)
	for n, region := range h.Regions {
		for some := range slices.Chunk(ids, MaxIDs) {
			group.Go(func() error {
				var page Listing
				err := Guarded(func() (err error) { page, err = h.api.List(ctx, region, Filter{IDs: some}, 1); return })
				mu.Lock()
				defer mu.Unlock()
				if err != nil {
					unread[n] = AsError(err)
				}
				for _, l := range page.Instances {
					found[l.InstanceID] = true
					h.places.remember(l.InstanceID, l.RegionID)
				}
				return nil
			})
		}
	}
	_ = group.Wait() // no function fails
	missing := map[string]error{}
	for _, id := range ids {
		if found[id] {
			continue
		}
		missing[id] = Errorf(NotFound, "no instance %s in %s: check the id, and TAIRSSL_REGION", id, regionsInWords(h.Regions))
		for n, e := range unread {
			if e != nil {
				missing[id] = couldNotList(h.Regions[n], e)
				break
			}
		}
	}
	return missing
}

// couldNotList is the error of an instance that may be in a region that was not
// read: it is not known to be missing.
func couldNotList(region string, e *Error) *Error {
	copied := *e
	copied.Message = "the instance was not found elsewhere, and " + region + " could not be listed: " + e.Message
	if copied.Kind == NotFound {
		copied.Kind = Unavailable
	}
	return &copied
}
