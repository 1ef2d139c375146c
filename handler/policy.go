package handler

import (
	"fmt"
	"path"
	"slices"
	"strings"
	"time"
)

// Policy holds the operator's rules. The zero value allows to update, on every instance,
// a certificate that expires within 30 days.
type Policy struct {
	Actions   []Action // allowed actions; default: only Update
	Instances []string // globs of instance ids; "!glob" excludes; default: all
	// RenewBefore is how long before its expiry a certificate is due; default 720h.
	RenewBefore time.Duration
	Pause       bool // no change at all
	// Window is the time in which automatic changes are made; default: each instance's
	// own window.
	Window Window
	// MissedActs says that an automatic change is made at once if no window opens until a
	// day before the expiry. Otherwise the change waits and asks for attention.
	MissedActs bool
	// MovesRenewals says that Alibaba's own renewals are moved into the windows.
	MovesRenewals bool
	// Freezes are the times in which no automatic change is made.
	Freezes Freezes
	// Approval says that an automatic change waits until a person approves it for its
	// certificate; see [Approval].
	Approval bool
}

// permit checks the rules that need no read of the instance, so that a forbidden request
// makes no call.
func (p Policy) permit(d Delivery) decision {
	actions := p.Actions
	if len(actions) == 0 {
		actions = []Action{Update}
	}
	switch {
	case d.approves() && (d.Trust == Weak || d.Automatic):
		return refuse("this message does not prove its sender well enough to approve anything: approve in Slack, Feishu or WeCom, or run tairssl approve %s", d.InstanceID)
	case d.approves() && (d.SSLEnabled != Update || d.Force):
		return refuse("only an Update without Force can be approved")
	case d.Trust == Weak && (d.SSLEnabled != Update || d.Force):
		return refuse("the signature or token of this request does not prove enough: it can only ask for an Update that is due. Sign the request with Standard Webhooks, invoke the function, or use the command line")
	case d.Automatic && d.SSLEnabled != Update:
		return refuse("an automatic request may only Update")
	case d.Automatic && d.Force:
		return refuse("an automatic request cannot be forced: it acts only when the certificate is due")
	case !slices.Contains(actions, d.SSLEnabled):
		reason := fmt.Sprintf("%s is not among the allowed actions: add it to TAIRSSL_ACTIONS", d.SSLEnabled)
		if d.SSLEnabled == Disable {
			reason += ". Encryption would end, and on legacy instances it can never be enabled again"
		}
		return refuse("%s", reason)
	case !p.Covers(d.InstanceID):
		return refuse("%s is not among the allowed instances: see TAIRSSL_INSTANCES", d.InstanceID)
	}
	return proceed("")
}

// pinned refuses a Disable over HTTP or chat that does not name its certificate, because
// a Disable cannot always be undone. With the certificate, a replay of the message
// changes nothing.
func pinned(d Delivery) decision {
	if d.SSLEnabled == Disable && d.Trust < Trusted && d.SSLExpiredTime.IsZero() && !d.unpinned {
		return failure(Errorf(Invalid, "SSLExpiredTime is required with Disable here: give the expiry that you saw, so that a repetition does nothing"))
	}
	return proceed("")
}

// Covers reports whether the globs include an instance id. An exclusion wins.
func (p Policy) Covers(id string) bool {
	included, only := false, false
	for _, glob := range p.Instances {
		exclude, isExclusion := strings.CutPrefix(glob, "!")
		if isExclusion {
			if ok, err := path.Match(exclude, id); ok || err != nil {
				return false
			}
			continue
		}
		only = true
		if ok, _ := path.Match(glob, id); ok {
			included = true
		}
	}
	return included || !only
}

// within is the time before the expiry in which a certificate is due.
func (p Policy) within(d Delivery) time.Duration {
	within := p.RenewBefore
	if within == 0 {
		within = DefaultRenewBefore
	}
	if d.RenewBefore != nil && !(d.Trust == Weak && time.Duration(*d.RenewBefore) > within) {
		within = time.Duration(*d.RenewBefore)
	}
	return within
}

// due reports whether an Update is due, and why, with the dates.
func (p Policy) due(d Delivery, o Observation, now time.Time) (bool, string) {
	within := p.within(d)
	left := o.Expires.Sub(now)
	wrong := ""
	if o.WrongName() {
		wrong = fmt.Sprintf("; its name %s is not that of the endpoint %s", o.CommonName, o.ConnectionDomain)
	}
	why, squeezed := p.squeezed(o, within, now)
	switch {
	case left <= 0:
		return true, fmt.Sprintf("certificate expired %s ago", Span(-left)) + wrong
	case left <= within:
		return true, fmt.Sprintf("certificate expires in %s, within %s", Span(left), Span(within)) + wrong
	case d.Unattended() && p.unapprovedAlarm(o, now):
		return true, fmt.Sprintf("certificate expires in %s, on %s", Span(left), At(o.Expires)) + wrong
	case squeezed:
		return true, fmt.Sprintf("certificate expires in %s, on %s, and %s", Span(left), At(o.Expires), why) + wrong
	case d.Force:
		return true, fmt.Sprintf("forced; certificate expires in %s, on %s", Span(left), At(o.Expires)) + wrong
	case wrong != "" && !d.Automatic && d.Trust > Weak && !d.SSLExpiredTime.IsZero():
		return true, fmt.Sprintf("certificate expires in %s", Span(left)) + wrong
	case wrong != "":
		wrong += ", which an Update may correct: run tairssl update, or send a request with SSLExpiredTime"
	}
	return false, fmt.Sprintf("certificate expires in %s, on %s, not within %s", Span(left), At(o.Expires), Span(within)) + wrong
}
