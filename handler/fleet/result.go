package fleet

import (
	"cmp"
	"time"

	"tairssl/handler"
)

// Summary counts the instances that a sweep saw, and the results.
type Summary struct {
	Seen, Due int
	// NoTLS counts the instances whose type has no TLS.
	NoTLS int
	// OptedOut counts the refused instances that are due and tagged tairssl=off. Their
	// owner takes care of them, so they do not make the sweep fail.
	OptedOut int
	Outcomes map[handler.Outcome]int
	// Regions says how many instances of each region were listed and read.
	Regions []Coverage
	// Earliest is the first expiry among the instances that the settings include and the
	// sweep did not change.
	Earliest time.Time `json:"-"`
}

// Result is the answer to an [Order].
type Result struct {
	Summary Summary
	// Results lists the instances that changed and at most 100 more, the worst first.
	Results []handler.Result
}

// maxListed is the greatest number of results without a change.
const maxListed = 100

// Unread counts the listed instances that could not be read.
func (s Summary) Unread() (n int) {
	for _, c := range s.Regions {
		n += c.Unread
	}
	return n
}

// Empty lists the regions that could be listed and have no instance.
func (s Summary) Empty() (regions []string) {
	for _, c := range s.Regions {
		if c.Listed == 0 && c.Error == nil {
			regions = append(regions, c.RegionID)
		}
	}
	return regions
}

// byWorst orders results by outcome, then by Alert, then by expiry, so that the most
// urgent are shown.
func byWorst(a, b handler.Result) int {
	expires := func(r handler.Result) time.Time {
		if r.Before == nil {
			return time.Time{}
		}
		return r.Before.SSLExpiredTime.Time
	}
	alert := func(r handler.Result) int {
		if r.Alert {
			return 0
		}
		return 1
	}
	return cmp.Or(a.Outcome.Rank()-b.Outcome.Rank(), alert(a)-alert(b), expires(a).Compare(expires(b)))
}

func isChange(o handler.Outcome) bool {
	return o.Changed() || o == handler.Unknown
}
