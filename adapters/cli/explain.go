package cli

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"tairssl/handler"
)

// explain says in sentences why the certificate of an instance was not renewed, or when
// it will be renewed.
func (c *command) explain(h instances, s status) []string {
	o, now := s.state.Observation, h.Now()
	switch {
	case s.Error != nil:
		return nil
	case s.SSLEnabled == noTLS:
		return []string{"This type of instance has no TLS, so there is nothing to renew."}
	case s.SSLEnabled == string(handler.Disable):
		off := "Encryption is off, so there is no certificate to renew. To switch it on: " + c.line("enable", s.InstanceID, s.RegionID)
		return append([]string{off}, attempts(o, now)...)
	case s.stopped():
		return []string{fmt.Sprintf("The instance is %s, so nothing is renewed.", s.InstanceStatus)}
	}
	said := []string{expiry(s, now), h.dueFrom(s, now), h.windowOf(o, now), h.freezeOf(now)}
	if h.Policy.Approval {
		said = append(said, c.approvalOf(s))
	}
	if o.Off() {
		said = append(said, "Its tag tairssl=off prevents unattended changes.")
	} else {
		said = append(said, "It is not opted out: it has no tag tairssl=off.")
	}
	if h.Policy.Pause {
		said = append(said, "All changes are paused by TAIRSSL_PAUSE.")
	}
	said = append(said, scheduledByAlibaba(s))
	said = append(said, attempts(o, now)...)
	said = append(said, nextSweep(s))
	if s.Due {
		said = append(said, c.toRenew(h.Policy, s))
	}
	return said
}

// toRenew says how a person can renew the certificate now.
func (c *command) toRenew(p handler.Policy, s status) string {
	switch {
	case p.Pause:
		return "To renew it, unset TAIRSSL_PAUSE first."
	case !p.Covers(s.InstanceID):
		return "To renew it, include it in TAIRSSL_INSTANCES first."
	case len(p.Actions) > 0 && !slices.Contains(p.Actions, handler.Update):
		return "To renew it, add Update to TAIRSSL_ACTIONS first."
	}
	return "To renew it now: " + c.line("update", s.InstanceID, s.RegionID)
}

// expiry says when the certificate expires, and whether its name is wrong.
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

// dueFrom says from when a certificate is due. It uses the same forecast as a sweep.
func (h instances) dueFrom(s status, now time.Time) string {
	from := h.Forecast(s.state.Ref, s.state.Observation).Due
	if from.IsZero() { // the forecast has no time, because nothing will renew the certificate
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
	window := fmt.Sprintf("The maintenance window is %s (TAIRSSL_WINDOW)", w)
	if w.Own() {
		window = fmt.Sprintf("The instance's own maintenance window is %s to %s UTC", strings.TrimSuffix(o.MaintainStartTime, "Z"), strings.TrimSuffix(o.MaintainEndTime, "Z"))
		if o.MaintainStartTime == "" {
			window = "The instance's own maintenance window is not known"
		}
	}
	if opens := w.Opens(o.Instance, now); opens.After(now) {
		return fmt.Sprintf("%s; it opens %s.", window, minute(opens))
	}
	return window + "; it is open now."
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

func (c *command) approvalOf(s status) string {
	if s.ApprovedBy != "" {
		return s.ApprovedBy + " approved the renewal of this certificate."
	}
	return "Nobody approved the renewal of this certificate yet. To approve it: " + c.line("approve", s.InstanceID, s.RegionID)
}

func scheduledByAlibaba(s status) string {
	switch {
	case s.state.RenewalErr != nil:
		return "Alibaba's own schedule could not be read: " + handler.AsError(s.state.RenewalErr).Message
	case s.ScheduledTime.IsZero():
		return "Alibaba itself has scheduled no renewal."
	}
	return fmt.Sprintf("Alibaba itself renews it %s.", minute(s.ScheduledTime.Time))
}

// attempts lists the attempts of the last 45 minutes to change an instance.
func attempts(o handler.Observation, now time.Time) (said []string) {
	for _, a := range o.Attempts(now) {
		if a.Holds {
			said = append(said, fmt.Sprintf("A change, %s, began %s, and its effect is not visible yet. Nobody else changes the instance until %s.", a.Action, minute(a.Begun), minute(a.Ends)))
		} else {
			said = append(said, fmt.Sprintf("The last change, %s, began %s, and its effect is visible.", a.Action, minute(a.Begun)))
		}
	}
	if said == nil {
		said = []string{"No change began in the last 45 minutes. Older changes are in Alibaba's ActionTrail."}
	}
	return said
}

// nextSweep says what the next sweep does. It leaves out the reason why the certificate is
// due, which another sentence says.
func nextSweep(s status) string {
	switch {
	case !s.Due:
		return "The next sweep does not change it."
	case s.state.Sweep.Outcome == handler.Planned:
		return "The next sweep renews it."
	}
	return "The next sweep does not renew it: " + s.heldBack() + "."
}
