package doctor

import (
	"slices"
	"strings"

	"tairssl/handler"
)

// subject is the instance named by --instance.
type subject struct {
	handler.Ref       // with the first configured region until the real one is known
	lost        error // the reason why it was not found
}

// find looks for the named instance in the configured regions. An id is used even
// if no listing shows it, because other calls for that id may still be allowed.
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

// isIn reports whether the named instance is in region.
func (x *examination) isIn(region string) bool {
	return x.Instance != "" && x.subject.lost == nil && x.subject.RegionID == region
}
