package handler

import "context"

// prepared is an attempt, or the decision that ended it before its first step.
type prepared struct {
	*attempt
	ended decision
}

// attempts makes an attempt of each delivery. It checks the rules that need no read of
// the instance. It also looks for the instances whose region or id is not known yet.
func (h *Handler) attempts(ctx context.Context, deliveries []Delivery) []prepared {
	all := make([]prepared, len(deliveries))
	var lost []*attempt
	var index []int // the positions in all of the attempts in lost
	for i, d := range deliveries {
		a := &attempt{Handler: h, Delivery: d, ref: Ref{h.regionOf(d.Request), d.InstanceID}}
		all[i] = prepared{a, a.admit()}
		if all[i].ended.act && (a.ref.RegionID == "" || a.OrID != "") {
			lost, index = append(lost, a), append(index, i)
		}
	}
	for n, err := range h.locate(ctx, lost...) {
		p := &all[index[n]]
		if err != nil {
			p.ended = failure(err)
		} else {
			p.ended = p.admit() // the id is known now, so every rule can be checked
		}
	}
	return all
}

// regionOf is the region of a request's instance; "" if the region is not known yet.
func (h *Handler) regionOf(r Request) string {
	switch {
	case r.RegionID != "":
		return r.RegionID
	case len(h.Regions) == 1:
		return h.Regions[0]
	}
	return h.places.of(r.InstanceID)
}

// admit checks the rules that need no read of the instance.
func (a *attempt) admit() decision {
	if a.settled != nil {
		return *a.settled
	}
	if err := a.Validate(); err != nil {
		return failure(err)
	}
	if a.OrID != "" {
		return a.inRegion(a.RegionID) // the other rules depend on the id, which is not known yet
	}
	for _, d := range []decision{a.Policy.permit(a.Delivery), pinned(a.Delivery), a.inRegion(a.RegionID)} {
		if !d.act {
			return d
		}
	}
	return proceed("")
}
