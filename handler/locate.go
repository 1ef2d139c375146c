package handler

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"sync"

	"golang.org/x/sync/errgroup"
)

// maxPlaces is the number of instances whose region a process remembers.
const maxPlaces = 10_000

// places remembers the regions in which instances were found.
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

// inRegion decides whether a region may be used. It is the requested region, or the
// region of an instance.
func (h *Handler) inRegion(region string) decision {
	if region == "" || slices.Contains(h.Regions, region) {
		return proceed("")
	}
	e := Errorf(Forbidden, "%s is not one of the regions of TAIRSSL_REGION: add it there if its instances are to be changed", Clip(region))
	e.Err = ErrRegion
	return failure(e)
}

// Allows reports, with an error of kind [Forbidden], that a region is not configured.
func (h *Handler) Allows(region string) error {
	if d := h.inRegion(region); d.err != nil {
		return d.err
	}
	return nil
}

// question is one listing to read.
type question struct {
	region string
	filter Filter
}

// listings is the result of several listings.
type listings struct {
	found  []Listed          // sorted by region, then by id
	unread map[string]*Error // by region: why it could not be read to its end
}

// survey reads several listings at once, each to its end.
func (h *Handler) survey(ctx context.Context, asked []question) listings {
	var mu sync.Mutex
	all := listings{unread: map[string]*Error{}}
	var group errgroup.Group
	group.SetLimit(h.Concurrency)
	for _, q := range asked {
		group.Go(func() error {
			found, err := h.listAll(ctx, q)
			mu.Lock()
			defer mu.Unlock()
			all.found = append(all.found, found...)
			if err != nil {
				all.unread[q.region] = AsError(err)
			}
			return nil
		})
	}
	_ = group.Wait() // the functions return no error
	slices.SortFunc(all.found, func(a, b Listed) int {
		return cmp.Or(cmp.Compare(a.RegionID, b.RegionID), cmp.Compare(a.InstanceID, b.InstanceID))
	})
	all.found = slices.CompactFunc(all.found, func(a, b Listed) bool { return a.Ref == b.Ref })
	for _, l := range all.found {
		h.places.remember(l.InstanceID, l.RegionID)
	}
	return all
}

// maxPages limits a survey to 1000 instances of a region.
const maxPages = 20

// listAll reads all pages of a listing.
func (h *Handler) listAll(ctx context.Context, q question) (all []Listed, err error) {
	for page := 1; page <= maxPages; page++ {
		var list Listing
		err := Guarded(func() (err error) { list, err = h.api.List(ctx, q.region, q.filter, page); return })
		if err != nil {
			return all, err
		}
		for _, l := range list.Instances {
			l.RegionID, l.At = q.region, list.At
			all = append(all, l)
		}
		if page*PageSize >= list.Total {
			return all, nil
		}
	}
	return all, Errorf(Invalid, "there are more than %d instances to look through in %s: name the instance by its id", maxPages*PageSize, q.region)
}

// ids lists the possible ids of an attempt's instance, the likelier first.
func (a *attempt) ids() []string {
	if a.OrID == "" {
		return []string{a.InstanceID}
	}
	return []string{a.InstanceID, a.OrID}
}

// locate finds the regions of the attempts' instances, and the ids that are not known
// yet. One listing can look for many instances. locate returns one error for each
// attempt: nil if the instance was found, NotFound, or the reason why a region could not
// be read.
func (h *Handler) locate(ctx context.Context, lost ...*attempt) []error {
	if len(lost) == 0 {
		return nil
	}
	var asked []question
	for _, region := range h.Regions {
		var ids []string
		for _, a := range lost {
			if a.RegionID == "" || a.RegionID == region {
				ids = append(ids, a.ids()...)
			}
		}
		slices.Sort(ids)
		for some := range slices.Chunk(slices.Compact(ids), MaxIDs) {
			asked = append(asked, question{region, Filter{IDs: some}})
		}
	}
	all := h.survey(ctx, asked)
	errs := make([]error, len(lost))
	for i, a := range lost {
		errs[i] = a.settle(all)
	}
	return errs
}

// settle sets the attempt's region and id from the listings. An endpoint may have two
// possible ids. The id that is the whole first part of the endpoint wins if an instance
// has it. Then an unread region does not matter, because two instances never have the
// same endpoint.
func (a *attempt) settle(all listings) error {
	regions := a.Regions
	if a.RegionID != "" {
		regions = []string{a.RegionID}
	}
	for _, id := range a.ids() {
		for _, l := range all.found {
			if l.InstanceID == id && slices.Contains(regions, l.RegionID) {
				a.ref, a.InstanceID, a.OrID = l.Ref, id, ""
				return nil
			}
		}
	}
	for _, region := range regions {
		if e := all.unread[region]; e != nil {
			return couldNotList(region, e)
		}
	}
	return Errorf(NotFound, "no instance %s in %s: check the id, and TAIRSSL_REGION", strings.Join(a.ids(), " or "), regionsInWords(regions))
}

// couldNotList is the error for an instance that may be in a region that could not be
// read. It is not NotFound, because the instance may exist.
func couldNotList(region string, e *Error) *Error {
	copied := *e
	copied.Message = "the instance was not found elsewhere, and " + region + " could not be listed: " + e.Message
	if copied.Kind == NotFound {
		copied.Kind, copied.Retryable = Unavailable, true
	}
	return &copied
}
