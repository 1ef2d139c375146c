package tairtest

import (
	"net"
	"slices"
	"strings"
)

// defaultRegion is the region of calls and instances that name no region.
const defaultRegion = "cn-hangzhou"

// centralRegions share the public endpoint without a region in its name,
// r-kvstore.aliyuncs.com.
var centralRegions = []string{defaultRegion, "cn-shanghai", "cn-hangzhou-finance", "cn-heyuan", "cn-wulanchabu"}

// hostRegions returns the regions that a host name of the real service serves. It returns
// nil for every other host, such as an address on this machine.
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

// reach returns the region that a call lists, and the regions in which the call finds an
// instance by id. The real service goes by the host of the endpoint for most actions. Here
// all regions share a host, so RegionId decides. If the host is a name of the real
// service, RegionId must fit it. Otherwise the call reaches nothing.
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
	// An endpoint that serves one region only is not central.
	if e.options.Central && len(served) != 1 && p["RegionId"] != "" && slices.Contains(centralRegions, listed) {
		byID = centralRegions
	}
	return listed, byID
}

// reached returns the instance of an id in its present state, if it is in one of the
// call's regions. The caller holds e.mu.
func (e *Emulator) reached(c call, id string) *instance {
	if i := e.find(id); i != nil && slices.Contains(c.regions, i.RegionID) {
		return i
	}
	return nil
}
