package cli

import (
	"fmt"

	"tairssl/handler/fleet"
)

// warnEmpty names the regions that have no instance.
func (c *command) warnEmpty(coverage []fleet.Coverage) {
	for _, region := range (fleet.Summary{Regions: coverage}).Empty() {
		fmt.Fprintf(c.Stderr, "tairssl: there is no instance in %s: check TAIRSSL_REGION, --region and --tag\n", region)
	}
}

// unread names the regions that could not be read, or not whole. It is an exit if
// there is one.
func (c *command) unread(coverage []fleet.Coverage) error {
	code := 0
	for _, r := range coverage {
		if r.Error != nil {
			fmt.Fprintf(c.Stderr, "tairssl: %s\n", r.Error.Message)
			code = max(code, r.Error.Kind.ExitCode())
		}
	}
	if code != 0 {
		return exit(code)
	}
	return nil
}

// notRead says why regions could not be read, or not whole, and names those that
// have no instance, beside others that do.
func notRead(coverage []fleet.Coverage) (unread, empty []string) {
	for _, c := range coverage {
		switch {
		case c.Error != nil:
			unread = append(unread, c.Error.Message) // which names the region
		case c.Listed == 0 && len(coverage) > 1:
			empty = append(empty, c.RegionID)
		}
	}
	return unread, empty
}
