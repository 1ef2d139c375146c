package doctor

import (
	"slices"
	"strings"

	"tairssl/handler"
)

// subject is the instance that --instance names.
type subject struct {
	handler.Ref       // in the first region if it is not known where it is
	lost        error // why it was not found
}

// find finds the named instance in the regions of the settings. An id needs not
// be found: that it cannot be listed says little of what else may be done with it.
func (x *examination) find() {
	isID := strings.Contains(x.Instance, "-") && handler.ValidID(x.Instance)
	x.subject.Ref = handler.Ref{RegionID: x.settings.Region[0], InstanceID: x.Instance}
	barred := !slices.ContainsFunc(x.settings.Region, func(region string) bool { return x.barred(region) == "" })
	if x.Instance == "" || barred || isID && len(x.settings.Region) == 1 {
		return
	}
	found, err := x.fleet.Find(x.ctx, x.Instance, nil)
	switch {
	case err == nil:
		x.subject.Ref, x.Instance = found.Ref, found.InstanceID
	case !isID:
		x.subject.lost, x.Instance = err, handler.Quoted(x.Instance)
	}
}

// isIn reports whether the named instance is in a region.
func (x *examination) isIn(region string) bool {
	return x.Instance != "" && x.subject.lost == nil && x.subject.RegionID == region
}
