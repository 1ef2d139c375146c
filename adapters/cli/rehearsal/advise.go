package rehearsal

import (
	"fmt"
	"strings"
	"time"

	"tairssl/adapters/cli/tagprobe"
	"tairssl/handler"
)

// Advice is a recommended setting.
type Advice struct {
	Setting string
	Value   handler.Duration
	Now     *handler.Duration `json:",omitempty"` // the present value; nil if unknown
	Why     string
}

// Present holds the present settings.
type Present struct{ LeasePause, Wait time.Duration }

const (
	// longestWait is the longest TAIRSSL_WAIT. Lambda stops an invocation after 15
	// minutes; the rest is reserved for the change and the answer.
	longestWait = 12 * time.Minute
	// spare is the time that an invocation needs in addition to the pause, the calls
	// and the wait.
	spare = 30 * time.Second
	// shownWithin is an assumption of the lease: the effect of a change is visible
	// within this time, and no answer of the API is older.
	shownWithin = 10 * time.Minute
)

// Advise returns the settings that follow from the measured times.
func Advise(r Report, now Present) (advice []Advice) {
	pause := now.LeasePause
	if r.Tags != nil {
		slowest := time.Duration(r.Tags.Max)
		pause = tagprobe.LeasePause(slowest)
		advice = append(advice, Advice{"TAIRSSL_LEASE_PAUSE", handler.Duration(pause), ptr(now.LeasePause),
			fmt.Sprintf("the slowest of %d tags was visible after %s; every deployment that changes these instances needs a longer pause than that", r.Tags.Count, Shown(slowest))})
	}
	if r.Effect.Complete == nil {
		return advice
	}
	complete := time.Duration(*r.Effect.Complete)
	wait := ceil(complete*3/2, 30*time.Second)
	why := fmt.Sprintf("the change was complete after %s; the wait is half as long again, to be safe", Shown(complete))
	if wait > longestWait {
		wait, why = 0, fmt.Sprintf("the change was complete only after %s, too late for one invocation: do not wait, the next sweep checks the change", Shown(complete))
	}
	advice = append(advice, Advice{"TAIRSSL_WAIT", handler.Duration(wait), ptr(now.Wait), why})
	slowest := time.Duration(0)
	for _, c := range r.Calls {
		slowest = max(slowest, time.Duration(c.Max))
	}
	timeout := ceil(wait+2*pause+4*slowest+spare, 30*time.Second)
	advice = append(advice, Advice{"timeout of the function", handler.Duration(timeout), nil,
		fmt.Sprintf("the least for one instance: the wait, two pauses of %s, four calls as slow as the slowest (%s), and %s for the change and the answer; set 15m for sweeps", Shown(pause), Shown(slowest), Shown(spare))})
	return advice
}

// Warn returns a warning for each measured time that the lease or the clients do not
// tolerate.
func Warn(r Report, now Present) (warnings []string) {
	warn := func(format string, args ...any) { warnings = append(warnings, fmt.Sprintf(format, args...)) }
	e := r.Effect
	if r.Tags != nil && time.Duration(r.Tags.Max) > now.LeasePause {
		warn("a tag was visible only after %s, longer than TAIRSSL_LEASE_PAUSE: raise it, or two writers may not see each other's tags", Shown(time.Duration(r.Tags.Max)))
	}
	if e.Shows != nil && time.Duration(*e.Shows) > shownWithin {
		warn("the effect was visible only after %s; the lease relies on %s: report this to the maintainers of tairssl", Shown(time.Duration(*e.Shows)), Shown(shownWithin))
	}
	if e.Stale > 0 {
		text := fmt.Sprintf("for %s some answers still showed the state before the change", Shown(time.Duration(e.Stale)))
		if time.Duration(e.Stale) > shownWithin {
			text += fmt.Sprintf("; the lease relies on less than %s: report this to the maintainers of tairssl", Shown(shownWithin))
		}
		warn("%s", text)
	}
	if c := r.Connections; c != nil && e.Complete != nil {
		switch {
		case c.ServedNew == nil:
			warn("the API says that the certificate is renewed, but the instance still serves the old one: check it again with tairssl status --tls, and ask Alibaba's support if it stays so")
		case *c.ServedNew > *e.Complete+c.Precision+e.Precision:
			warn("the instance served the new certificate %s after the API had reported the change as complete: set TAIRSSL_VERIFY=tls to check the served certificate", Shown(time.Duration(*c.ServedNew-*e.Complete)))
		}
		if c.OldUntil != nil {
			warn("the instance served the old certificate again, for the last time after %s: check it with tairssl status --tls", Shown(time.Duration(*c.OldUntil)))
		}
	}
	if r.CA != nil && r.CA.Changed {
		warn("the CA changed: give all clients the new CA (tairssl ca %s); clients that trust only the old one cannot connect", r.InstanceID)
	}
	return warnings
}

func ptr(d time.Duration) *handler.Duration { h := handler.Duration(d); return &h }

// ceil rounds d up to a multiple of step.
func ceil(d, step time.Duration) time.Duration { return (d + step - 1) / step * step }

// Shown formats a measured time for people: in seconds from a minute on, in tenths of
// a second from a second on.
func Shown(d time.Duration) string {
	switch {
	case d >= time.Minute:
		text := d.Round(time.Second).String()
		if whole, ok := strings.CutSuffix(text, "m0s"); ok {
			return whole + "m"
		}
		return text
	case d >= time.Second:
		return d.Round(100 * time.Millisecond).String()
	}
	return time.Duration(rounded(d)).String()
}
