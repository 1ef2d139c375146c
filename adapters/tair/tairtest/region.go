package tairtest

import (
	"net"
	"slices"
	"strings"
)

// defaultRegion is that of calls and instances that name none.
const defaultRegion = "cn-hangzhou"

// centralRegions are those whose public endpoint is the one without a region in
// its name, r-kvstore.aliyuncs.com.
var centralRegions = []string{defaultRegion, "cn-shanghai", "cn-hangzhou-finance", "cn-heyuan", "cn-wulanchabu"}

// hostRegions are the regions that a host name of the real service serves. It
// is nil for every other host, as for an address on this machine.
func hostRegions(host string) []string {
	if name, _, err := net.SplitHostPort(host); err == nil {
		host = name
	}
	name, real := strings.CutSuffix(strings.ToLower(host), ".aliyuncs.com")
	product, region, regional := strings.Cut(name, ".")
	switch {
	case !real || product != "r-kvstore" && product != "r-kvstore-vpc" || strings.Contains(region, "."):
		return nil
	case regional:
		return []string{region}
	case product == "r-kvstore":
		return centralRegions
	}
	return nil
}

// reach gives the region that a call lists, and those in which it finds an
// instance by id. The real service goes by the endpoint's host for most
// actions. All regions share a host here, so RegionId stands for it; where the
// host is one of the real service, both must agree. The call of one region that
// was sent to the endpoint of another reaches nothing.
func (e *Emulator) reach(p params, host string) (listed string, byID []string) {
	served := hostRegions(host)
	listed = p["RegionId"]
	switch {
	case listed == "" && served != nil:
		listed = served[0]
	case listed == "":
		listed = defaultRegion
	case served != nil && !slices.Contains(served, listed):
		return "", nil
	}
	byID = []string{listed}
	// An endpoint for one region alone is no central one, whatever the region.
	if e.options.Central && len(served) != 1 && p["RegionId"] != "" && slices.Contains(centralRegions, listed) {
		byID = centralRegions
	}
	return listed, byID
}

// reached is the instance of an id, settled to the present, if the call's
// regions hold it; e.mu is held.
func (e *Emulator) reached(c call, id string) *instance {
	if i := e.find(id); i != nil && slices.Contains(c.regions, i.RegionID) {
		return i
	}
	return nil
}
