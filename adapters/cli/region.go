package cli

import (
	"slices"
	"strings"

	"tairssl/adapters/function"
	"tairssl/adapters/tair"
	"tairssl/handler"
)

// checkRegion checks --region before any call. Without this check, the only sign of a
// misspelt region would be an endpoint that does not answer. A region that is newer than
// this version must be in TAIRSSL_REGION.
func (c *command) checkRegion() error {
	switch {
	case c.region == "", tair.Known(c.region), slices.Contains(c.configured(), c.region):
		return nil
	case !handler.ValidRegion(c.region):
		return usagef("--region takes a region id such as cn-hangzhou, not %q", c.region)
	}
	return usagef("--region: %s is not a known region; the most similar ones are %s. If it is new, add it to %sREGION",
		c.region, strings.Join(near(c.region), ", "), function.Prefix)
}

// configured are the regions of TAIRSSL_REGION.
func (c *command) configured() (regions []string) {
	for _, region := range strings.Split(function.Getenv(c.Environ)(function.Prefix+"REGION"), ",") {
		regions = append(regions, strings.TrimSpace(region))
	}
	return regions
}

// near are the known regions that share the longest beginning with the given region.
func near(region string) (ids []string) {
	for end := len(region); ids == nil; end-- {
		for _, known := range tair.Regions() {
			if strings.HasPrefix(known, region[:end]) {
				ids = append(ids, known)
			}
		}
	}
	return ids
}

// withRegion is the environment with region as the only region; "" changes nothing.
func withRegion(environ []string, region string) []string {
	if region == "" {
		return environ
	}
	return append(slices.Clip(environ), function.Prefix+"REGION="+region)
}
