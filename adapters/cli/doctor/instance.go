package doctor

import (
	"fmt"
	"time"

	"tairssl/handler"
)

// look is how the named instance is, and what an unattended Update of it would
// come to.
type look struct {
	why    string // it was not looked at
	seen   handler.Observation
	err    error
	result handler.Result
}

func (x *examination) look() (l look) {
	if x.Instance == "" {
		l.why = "name one with --instance"
		return l
	}
	ref := x.subject.Ref
	if l.why = x.barred(ref.RegionID); l.why != "" {
		return l
	}
	if l.err = x.subject.lost; l.err != nil {
		return l
	}
	if _, l.seen, l.err = x.fleet.Observe(x.ctx, ref); l.err == nil {
		l.result = x.fleet.Handle(x.ctx, handler.Trusted.Deliver(handler.Request{InstanceID: ref.InstanceID, RegionID: ref.RegionID, SSLEnabled: handler.Update, Automatic: true, DryRun: true}))[0]
	}
	return l
}

// instance finds what the policy of the settings makes of the instance.
func (x *examination) instance(l look) []Finding {
	if l.why != "" {
		return []Finding{x.skipped(Instance, x.Instance, l.why)}
	}
	if l.err != nil {
		f := x.called(Instance, x.Instance, l.err)
		if denied(l.err) && f.State == Failed {
			f.Found, f.Fix = "it cannot be read", "see the permissions above"
		}
		return []Finding{f}
	}
	if l.seen.Gone() {
		return []Finding{warn(Instance, x.Instance, "is "+l.seen.Status+": nothing is renewed until it runs", "pay for it or repair it, unless that is meant to be")}
	}
	r := l.result
	found := fmt.Sprintf("an unattended Update now would be %s: %s", r.Outcome, r.Reason)
	switch {
	case r.Error != nil:
		return []Finding{x.called(Instance, x.Instance, r.Error)}
	case r.Outcome == handler.Refused:
		return []Finding{fail(Instance, x.Instance, handler.Forbidden, found, "change what the reason names, if it is to be renewed unattended")}
	case l.seen.Off():
		return []Finding{warn(Instance, x.Instance, found+"; when it is due it will be refused, for the instance is tagged tairssl=off", "remove the tag, if it is to be renewed unattended")}
	case l.seen.WrongName():
		return []Finding{warn(Instance, x.Instance, found, fmt.Sprintf("tairssl update %s --force gets a certificate for the endpoint's name, and restarts the instance", x.Instance))}
	}
	return []Finding{pass(Instance, x.Instance, "%s", found)}
}

const (
	// horizon is how far ahead openings are looked at: each written window opens
	// within a week, unless the clocks are changed over it.
	horizon = 15 * 24 * time.Hour
	grain   = time.Minute // to which windows are written
)

// longestShut is the longest time from a moment on for which a written window
// stays shut.
func longestShut(w handler.Window, from time.Time) (longest time.Duration) {
	for t := from; t.Before(from.Add(horizon)); t = t.Add(grain) {
		wait := w.Opens(handler.Instance{}, t).Sub(t)
		longest = max(longest, wait)
		// Nothing longer begins before it opens.
		t = t.Add(wait)
	}
	return longest
}

// window finds out whether unattended changes have a window in time.
func (x *examination) window(l look) (findings []Finding) {
	w, now, on := x.settings.Window, x.Now(), x.settings.Window.String()
	switch {
	case on == "any":
		findings = append(findings, pass(Window, on, "always open"))
	case w.Own():
		if l.why != "" || l.err != nil {
			findings = append(findings, skip(Window, on, "each instance has its own: name one with --instance to see when it opens"))
			return append(findings, x.freezes(l)...)
		}
		findings = append(findings, pass(Window, on, "%s", opening(w, l.seen.Instance, now)))
	default:
		shut, within := longestShut(w, now), x.settings.RenewBefore-handler.MissedBefore
		found := fmt.Sprintf("%s; shut for at most %s, a certificate is due for %s before its last day", opening(w, handler.Instance{}, now), handler.Span(shut), handler.Span(max(within, 0)))
		if shut > within {
			findings = append(findings, x.missed(on, found, fmt.Sprintf("raise TAIRSSL_RENEW_BEFORE to %s or more, or widen TAIRSSL_WINDOW", hours(shut+handler.MissedBefore))))
		} else {
			findings = append(findings, pass(Window, on, "%s", found))
		}
	}
	findings = append(findings, x.freezes(l)...)
	if l.why != "" || l.err != nil {
		return findings
	}
	return append(findings, x.inTime(l.seen, now))
}

// inTime says whether the window opens once between the moment from which the
// instance's certificate is due and a day before it expires.
func (x *examination) inTime(o handler.Observation, now time.Time) Finding {
	if o.WithoutTLS() {
		return skip(Window, x.Instance, "its type has no TLS: no certificate expires")
	}
	if !o.Enabled {
		return skip(Window, x.Instance, "its encryption is off: no certificate expires")
	}
	if len(x.settings.Freeze) > 0 {
		return x.inTimeOfFreezes(o)
	}
	due, last := o.Expires.Add(-x.settings.RenewBefore), o.Expires.Add(-handler.MissedBefore)
	from := due
	if from.Before(now) {
		from = now
	}
	opens := x.settings.Window.Opens(o.Instance, from)
	if !opens.After(now) {
		return pass(Window, x.Instance, "due since %s, and the window is open now; the certificate expires %s", minute(due), minute(o.Expires))
	}
	found := fmt.Sprintf("due from %s, the window then opens %s, the certificate expires %s", minute(due), at(opens, x.settings.Window.Zone()), minute(o.Expires))
	if opens.After(last) {
		return x.missed(x.Instance, found, fmt.Sprintf("renew it by hand, tairssl update %s; or widen TAIRSSL_WINDOW", x.Instance))
	}
	return pass(Window, x.Instance, "%s", found)
}

// missed is a window that comes too late: a failure, unless the settings act
// without it.
func (x *examination) missed(on, found, fix string) Finding {
	if x.settings.WindowMissed == "act" {
		return warn(Window, on, found+"; TAIRSSL_WINDOW_MISSED=act renews at once instead", fix)
	}
	return fail(Window, on, handler.Unsupported, found, fix+"; or set TAIRSSL_WINDOW_MISSED=act")
}

func opening(w handler.Window, i handler.Instance, now time.Time) string {
	opens := w.Opens(i, now)
	if !opens.After(now) {
		return "open now"
	}
	return "opens next " + at(opens, w.Zone())
}

func minute(t time.Time) string { return t.UTC().Format("2006-01-02 15:04") + " UTC" }

// at is a time in UTC, and in a zone if that is another.
func at(t time.Time, zone *time.Location) string {
	if zone == time.UTC || zone.String() == "UTC" {
		return minute(t)
	}
	return minute(t) + t.In(zone).Format(" (Mon 15:04 ") + zone.String() + ")"
}

// hours are the least whole hours that are as long.
func hours(d time.Duration) string {
	return fmt.Sprintf("%dh", (d+time.Hour-1)/time.Hour)
}
