package cli

import (
	"fmt"
	"strings"
	"time"

	"tairssl/handler"
)

// explain answers in sentences why an instance was not renewed, or when it will
// be.
func (c *command) explain(h instances, s status) []string {
	if s.Error != nil {
		return nil
	}
	o, now := s.state.Observation, h.Now()
	var said []string
	say := func(format string, args ...any) { said = append(said, fmt.Sprintf(format, args...)) }
	switch {
	case s.SSLEnabled == noTLS:
		say("This type of instance has no TLS, so there is nothing to renew.")
		return said
	case s.SSLEnabled == string(handler.Disable):
		say("Encryption is off, so there is no certificate to renew. To switch it on: %s", c.line("enable", s.InstanceID, s.RegionID))
		return append(said, attempts(o, now)...)
	case s.stopped():
		say("The instance is %s, so nothing is renewed.", s.InstanceStatus)
		return said
	}
	said = append(said, expiry(s, now))
	said = append(said, h.dueFrom(s, now))
	said = append(said, h.windowOf(o, now), h.freezeOf(now))
	if h.Policy.Approval {
		if s.ApprovedBy != "" {
			say("%s approved the renewal of this certificate.", s.ApprovedBy)
		} else {
			say("Nobody approved the renewal of this certificate yet. To approve it: %s", c.line("approve", s.InstanceID, s.RegionID))
		}
	}
	if o.Off() {
		say("Its tag tairssl=off keeps unattended changes away.")
	} else {
		say("It is not opted out: it has no tag tairssl=off.")
	}
	if h.Policy.Pause {
		say("All changes are paused by TAIRSSL_PAUSE.")
	}
	said = append(said, alibabas(s))
	said = append(said, attempts(o, now)...)
	said = append(said, nextSweep(s))
	if s.Due {
		say("To renew it now: %s", c.line("update", s.InstanceID, s.RegionID))
	}
	return said
}

func expiry(s status, now time.Time) string {
	text := fmt.Sprintf("The certificate expires %s, in %s.", minute(s.SSLExpiredTime.Time), handler.Span(s.SSLExpiredTime.Sub(now)))
	if !s.SSLExpiredTime.After(now) {
		text = fmt.Sprintf("The certificate expired %s, %s ago.", minute(s.SSLExpiredTime.Time), handler.Span(now.Sub(s.SSLExpiredTime.Time)))
	}
	if s.WrongName {
		text += fmt.Sprintf(" Its name %s is not that of the endpoint %s: clients that check names cannot connect.", s.CertCommonName, s.ConnectionDomain)
	}
	return text
}

// dueFrom says from when a certificate is due, by the function that decides.
func (h instances) dueFrom(s status, now time.Time) string {
	from := h.Forecast(s.state.Ref, s.state.Observation).Due
	if from.IsZero() { // nothing will renew it, so nobody reckoned
		from = handler.At(s.SSLExpiredTime.Add(-fleetPage{Policy: h.Policy}.renewBefore()))
	}
	if s.Due {
		return fmt.Sprintf("It is due since %s (TAIRSSL_RENEW_BEFORE).", minute(from.Time))
	}
	return fmt.Sprintf("It is not due before %s (TAIRSSL_RENEW_BEFORE).", minute(from.Time))
}

func (h instances) windowOf(o handler.Observation, now time.Time) string {
	w := h.Policy.Window
	if w.String() == "any" {
		return "Changes are made at any time: TAIRSSL_WINDOW is any."
	}
	what := fmt.Sprintf("The maintenance window is %s (TAIRSSL_WINDOW)", w)
	if w.Own() {
		what = fmt.Sprintf("The instance's own maintenance window is %s to %s UTC", strings.TrimSuffix(o.MaintainStartTime, "Z"), strings.TrimSuffix(o.MaintainEndTime, "Z"))
		if o.MaintainStartTime == "" {
			what = "The instance's own maintenance window is not known"
		}
	}
	if opens := w.Opens(o.Instance, now); opens.After(now) {
		return fmt.Sprintf("%s; it opens %s.", what, minute(opens))
	}
	return what + "; it is open now."
}

func (h instances) freezeOf(now time.Time) string {
	freezes := h.Policy.Freezes
	switch from := freezes.Begins(now); {
	case len(freezes) == 0:
		return "Changes are not frozen: TAIRSSL_FREEZE is not set."
	case from.Equal(now):
		return fmt.Sprintf("Changes are frozen until %s (TAIRSSL_FREEZE).", minute(freezes.Ends(now)))
	default:
		return fmt.Sprintf("Changes are not frozen now; the next freeze begins %s (TAIRSSL_FREEZE).", minute(from))
	}
}

func alibabas(s status) string {
	switch {
	case s.state.RenewalErr != nil:
		return "What Alibaba itself has scheduled could not be read: " + handler.AsError(s.state.RenewalErr).Message
	case s.ScheduledTime.IsZero():
		return "Alibaba itself has scheduled no renewal."
	}
	return fmt.Sprintf("Alibaba itself renews it %s.", minute(s.ScheduledTime.Time))
}

// attempts says what was begun on an instance.
func attempts(o handler.Observation, now time.Time) (said []string) {
	for _, a := range o.Attempts(now) {
		if a.Holds {
			said = append(said, fmt.Sprintf("An attempt to %s it began %s, and its effect does not show yet. Nobody else changes the instance until %s.", a.Action, minute(a.Begun), minute(a.Ends)))
		} else {
			said = append(said, fmt.Sprintf("The last change, %s, began %s, and it shows.", a.Action, minute(a.Begun)))
		}
	}
	if said == nil {
		said = []string{"No change was begun in the last 45 minutes. Older ones are in Alibaba's ActionTrail."}
	}
	return said
}

// nextSweep says what the next sweep does, with the reason without what was said
// of the certificate already.
func nextSweep(s status) string {
	switch {
	case !s.Due:
		return "The next sweep leaves it as it is."
	case s.state.Sweep.Outcome == handler.Planned:
		return "The next sweep renews it."
	}
	return "The next sweep does not renew it: " + s.heldBack() + "."
}
