package cli

import (
	"fmt"

	"tairssl/handler/fleet"
)

// warnEmpty warns of regions that have no instance.
func (c *command) warnEmpty(coverage []fleet.Coverage) {
	for _, region := range (fleet.Summary{Regions: coverage}).Empty() {
		fmt.Fprintf(c.Stderr, "tairssl: there is no instance in %s: check TAIRSSL_REGION, --region and --tag\n", region)
	}
}

// unread names the regions that could not be read completely. It returns the error for
// the exit code; nil if all regions were read.
func (c *command) unread(coverage []fleet.Coverage) error {
	code := 0
	for _, r := range coverage {
		if r.Error != nil {
			fmt.Fprintf(c.Stderr, "tairssl: %s\n", r.Error.Message)
			code = max(code, r.Error.Kind.ExitCode())
		}
	}
	return ended(code)
}

// notRead says why regions could not be read completely, and names the empty regions if
// there are several regions.
func notRead(coverage []fleet.Coverage) (unread, empty []string) {
	for _, c := range coverage {
		switch {
		case c.Error != nil:
			unread = append(unread, c.Error.Message) // the message names the region
		case c.Listed == 0 && len(coverage) > 1:
			empty = append(empty, c.RegionID)
		}
	}
	return unread, empty
}
