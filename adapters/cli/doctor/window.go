package doctor

import (
	"fmt"
	"time"

	"tairssl/handler"
)

const (
	// horizon is how far ahead longestShut looks. A window of TAIRSSL_WINDOW opens at
	// least once a week; a clock change may skip one opening.
	horizon = 15 * 24 * time.Hour
	grain   = time.Minute // the precision of windows
)

// longestShut returns the longest time that a window of TAIRSSL_WINDOW stays shut,
// within the horizon after from.
func longestShut(w handler.Window, from time.Time) (longest time.Duration) {
	for t := from; t.Before(from.Add(horizon)); t = t.Add(grain) {
		wait := w.Opens(handler.Instance{}, t).Sub(t)
		longest = max(longest, wait)
		// Every wait that begins before this opening is shorter.
		t = t.Add(wait)
	}
	return longest
}

// window checks whether the maintenance window opens often enough for unattended
// changes.
func (x *examination) window(l look) (findings []Finding) {
	w, now, on := x.settings.Window, x.Now(), x.settings.Window.String()
	switch {
	case on == "any":
		findings = append(findings, pass(Window, on, "always open"))
	case w.Own():
		if l.why != "" || l.err != nil {
			findings = append(findings, skip(Window, on, "each instance has its own window: name an instance with --instance to see when it opens"))
			return append(findings, x.freezes(l)...)
		}
		findings = append(findings, pass(Window, on, "%s", opening(w, l.seen.Instance, now)))
	default:
		shut, within := longestShut(w, now), x.settings.RenewBefore-handler.MissedBefore
		found := fmt.Sprintf("%s; it stays shut for up to %s, and certificates become due %s before their last day", opening(w, handler.Instance{}, now), handler.Span(shut), handler.Span(max(within, 0)))
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

// inTime checks whether the window opens between the moment when the instance's
// certificate becomes due and one day before it expires.
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
	found := fmt.Sprintf("due from %s; the window then opens %s; the certificate expires %s", minute(due), at(opens, x.settings.Window.Zone()), minute(o.Expires))
	if opens.After(last) {
		return x.missed(x.Instance, found, fmt.Sprintf("renew it by hand with tairssl update %s, or widen TAIRSSL_WINDOW", x.Instance))
	}
	return pass(Window, x.Instance, "%s", found)
}

// missed is the finding of a window that opens too late. It is only a warning if
// TAIRSSL_WINDOW_MISSED=act renews without a window.
func (x *examination) missed(on, found, fix string) Finding {
	if x.settings.WindowMissed == "act" {
		return warn(Window, on, found+"; TAIRSSL_WINDOW_MISSED=act renews at once without a window", fix)
	}
	return fail(Window, on, handler.Unsupported, found, fix+"; or set TAIRSSL_WINDOW_MISSED=act")
}

// opening says when the window of instance i opens next.
func opening(w handler.Window, i handler.Instance, now time.Time) string {
	opens := w.Opens(i, now)
	if !opens.After(now) {
		return "open now"
	}
	return "opens next " + at(opens, w.Zone())
}

func minute(t time.Time) string { return t.UTC().Format("2006-01-02 15:04") + " UTC" }

// at formats a time in UTC, followed by the time in zone if zone is not UTC.
func at(t time.Time, zone *time.Location) string {
	if zone == time.UTC || zone.String() == "UTC" {
		return minute(t)
	}
	return minute(t) + t.In(zone).Format(" (Mon 15:04 ") + zone.String() + ")"
}

// hours formats d in hours, rounded up.
func hours(d time.Duration) string {
	return fmt.Sprintf("%dh", (d+time.Hour-1)/time.Hour)
}
