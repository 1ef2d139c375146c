package rehearsal

import (
	"fmt"
	"strings"
	"time"

	"tairssl/adapters/cli/tagprobe"
	"tairssl/handler"
)

// Advice is a setting that follows from what was measured.
type Advice struct {
	Setting string
	Value   handler.Duration
	Now     *handler.Duration `json:",omitempty"` // nil: it is not known
	Why     string
}

// Present are the settings as they are.
type Present struct{ LeasePause, Wait time.Duration }

const (
	// longestWait is how long an invocation of 15 minutes, which is what Lambda
	// allows, may watch: some of it is kept to act and to answer.
	longestWait = 12 * time.Minute
	// spare is what an invocation needs beside the pause, the calls and the wait.
	spare = 30 * time.Second
	// shownWithin is how soon the lease takes the effect of a change to show, and how
	// old it takes an answer to be at most.
	shownWithin = 10 * time.Minute
)

// Advise says which settings follow from what was measured.
func Advise(r Report, now Present) (advice []Advice) {
	pause := now.LeasePause
	if r.Tags != nil {
		slowest := time.Duration(r.Tags.Max)
		pause = tagprobe.LeasePause(slowest)
		advice = append(advice, Advice{"TAIRSSL_LEASE_PAUSE", handler.Duration(pause), ptr(now.LeasePause),
			fmt.Sprintf("the slowest of %d tags showed after %s; the pause has to be longer, in every deployment that changes these instances", r.Tags.Count, Shown(slowest))})
	}
	if r.Effect.Complete == nil {
		return advice
	}
	complete := time.Duration(*r.Effect.Complete)
	wait := ceil(complete*3/2, 30*time.Second)
	why := fmt.Sprintf("the change was complete after %s; half as much again leaves room", Shown(complete))
	if wait > longestWait {
		wait, why = 0, fmt.Sprintf("the change was complete after %s only, longer than an invocation should watch: let the next sweep see it", Shown(complete))
	}
	advice = append(advice, Advice{"TAIRSSL_WAIT", handler.Duration(wait), ptr(now.Wait), why})
	slowest := time.Duration(0)
	for _, c := range r.Calls {
		slowest = max(slowest, time.Duration(c.Max))
	}
	timeout := ceil(wait+2*pause+4*slowest+spare, 30*time.Second)
	advice = append(advice, Advice{"timeout of the function", handler.Duration(timeout), nil,
		fmt.Sprintf("at least this for one instance: the wait, two pauses of %s, four calls as slow as the slowest (%s), and %s to act and to answer; a sweep takes up to 15m", Shown(pause), Shown(slowest), Shown(spare))})
	return advice
}

// Warn names what was measured and should not be so.
func Warn(r Report, now Present) (warnings []string) {
	warn := func(format string, args ...any) { warnings = append(warnings, fmt.Sprintf(format, args...)) }
	e := r.Effect
	if r.Tags != nil && time.Duration(r.Tags.Max) > now.LeasePause {
		warn("a tag showed only after %s, longer than TAIRSSL_LEASE_PAUSE: two writers may not see each other until it is raised", Shown(time.Duration(r.Tags.Max)))
	}
	if e.Shows != nil && time.Duration(*e.Shows) > shownWithin {
		warn("the effect showed only after %s; the lease takes it to show within %s", Shown(time.Duration(*e.Shows)), Shown(shownWithin))
	}
	if e.Stale > 0 {
		text := fmt.Sprintf("for %s some answers still showed the state before the change", Shown(time.Duration(e.Stale)))
		if time.Duration(e.Stale) > shownWithin {
			text += fmt.Sprintf("; the lease takes that to be %s at most", Shown(shownWithin))
		}
		warn("%s", text)
	}
	if c := r.Connections; c != nil && e.Complete != nil {
		switch {
		case c.ServedNew == nil:
			warn("the API says that the certificate is renewed, but the old one is still served")
		case *c.ServedNew > *e.Complete+c.Precision+e.Precision:
			warn("the new certificate was served %s after the API had said that the change was complete", Shown(time.Duration(*c.ServedNew-*e.Complete)))
		}
		if c.OldUntil != nil {
			warn("the old certificate was served again, last after %s", Shown(time.Duration(*c.OldUntil)))
		}
	}
	if r.CA != nil && r.CA.Changed {
		warn("the CA changed: clients that trust only the old one cannot connect until they have the new one")
	}
	return warnings
}

func ptr(d time.Duration) *handler.Duration { h := handler.Duration(d); return &h }

// ceil is the next multiple of a step.
func ceil(d, step time.Duration) time.Duration { return (d + step - 1) / step * step }

// Shown is a measured time for people: as precise as it is of use.
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
