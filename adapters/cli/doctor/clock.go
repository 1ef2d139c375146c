package doctor

import (
	"fmt"
	"time"

	"tairssl/handler"
)

const (
	// skewFails is the clock error above which the check fails. Alibaba refuses
	// calls that are signed by a clock that is 15 minutes wrong.
	skewFails = 5 * time.Minute
	// skewWarns is the clock error above which the ages of other writers' leases
	// are misjudged.
	skewWarns = 30 * time.Second
)

// judgeClock compares this machine's clock with the date of an endpoint's answer.
func judgeClock(a answer) Finding {
	off := a.skew.Abs()
	where := "behind"
	if a.skew > 0 {
		where = "ahead of"
	}
	found := fmt.Sprintf("this machine's clock is %s %s the endpoint's", off.Round(time.Second), where)
	const fix = "set the clock by NTP: timedatectl set-ntp true, or chronyc makestep"
	switch {
	case a.date.IsZero():
		return unknown(Clock, "", "the endpoint's answer has no date", "compare this machine's clock with another one")
	case off > skewFails:
		return fail(Clock, "", handler.Internal, found+"; from 15m on Alibaba refuses every call", fix)
	case off > skewWarns:
		return warn(Clock, "", found, fix)
	}
	return pass(Clock, "", "within %s of the endpoint's", max(off.Round(time.Second), time.Second))
}
