package handler

import (
	"fmt"
	"path"
	"slices"
	"strings"
	"time"
)

// Ref names an instance.
type Ref struct{ RegionID, InstanceID string }

// Instance is what the API says of an instance, beside its encryption.
type Instance struct {
	Status           string // InstanceStatus: "Normal", "SSLModifying" and others, some yet unknown
	ConnectionDomain string
	Tags             map[string]string
	// Its maintenance window, as the API writes it: "18:00Z". A listing lacks it.
	MaintainStartTime, MaintainEndTime string
}

// SSL is what the API says of an instance's encryption.
type SSL struct {
	Enabled         bool
	Expires         time.Time // zero while disabled
	CommonName      string
	CertDownloadURL string
}

// Observation is one look at an instance.
type Observation struct {
	Instance
	SSL
}

// State is the part of an observation that callers are shown.
func (o Observation) State() *State {
	s := &State{SSLEnabled: string(Disable), SSLExpiredTime: At(o.Expires), CertCommonName: o.CommonName}
	if o.Enabled {
		s.SSLEnabled = string(Enable)
	}
	return s
}

// WrongName reports that the certificate's name is not that of the endpoint,
// as happens when an instance's endpoint is changed: clients that check names
// can not connect. What is not known is not wrong.
func (o Observation) WrongName() bool {
	if !o.Enabled || o.CommonName == "" || o.ConnectionDomain == "" {
		return false
	}
	name, domain := strings.ToLower(o.CommonName), strings.ToLower(o.ConnectionDomain)
	if suffix, ok := strings.CutPrefix(name, "*."); ok {
		_, parent, _ := strings.Cut(domain, ".")
		return parent != suffix
	}
	return name != domain
}

// The words of InstanceStatus that decide anything; all others mean "busy".
const (
	statusNormal       = "Normal"
	statusSSLModifying = "SSLModifying"
)

// offTag set to "off" keeps unattended changes from an instance.
const offTag = "tairssl"

// Off reports that an instance's tag keeps unattended changes from it.
func (i Instance) Off() bool { return strings.EqualFold(i.Tags[offTag], "off") }

// Policy is what the operator allows. The zero value allows to update what
// expires within 30 days, on every instance.
type Policy struct {
	Actions   []Action // default Update only
	Instances []string // globs of instance ids, "!glob" excludes; default all
	// RenewBefore is how long before its expiry a certificate is due; default 720h.
	RenewBefore time.Duration
	Pause       bool // stops every change
	// Window is when automatic changes are made; default each instance's own.
	Window Window
	// MissedActs says that an automatic change is made at once if no window opens
	// before the expiry less a day; otherwise it waits, and asks for attention.
	MissedActs bool
}

// DefaultRenewBefore is when a certificate is due unless a setting or a
// request says otherwise.
const DefaultRenewBefore = 720 * time.Hour

// decision is what decide makes of a request. The zero Outcome means: act.
type decision struct {
	outcome Outcome
	reason  string
	busy    bool
	alert   bool
	until   time.Time // of Deferred
	err     *Error
}

const act Outcome = ""

func refuse(format string, args ...any) decision {
	return decision{outcome: Refused, reason: fmt.Sprintf(format, args...)}
}

// permit judges what needs no look at the instance, so that what is forbidden
// costs no call.
func (p Policy) permit(r Request) decision {
	actions := p.Actions
	if len(actions) == 0 {
		actions = []Action{Update}
	}
	switch {
	case r.Weak && (r.SSLEnabled != Update || r.Force):
		return refuse("the way this came in can ask for nothing but an Update that is due: sign it with Standard Webhooks, invoke the function, or use the command line")
	case r.Automatic && r.SSLEnabled != Update:
		return refuse("an automatic request may only Update")
	case r.Automatic && r.Force:
		return refuse("an automatic request can not be forced: it acts only when the certificate is due")
	case !slices.Contains(actions, r.SSLEnabled):
		reason := fmt.Sprintf("%s is not among the allowed actions: add it to TAIRSSL_ACTIONS", r.SSLEnabled)
		if r.SSLEnabled == Disable {
			reason += "; mind that encryption ends, and on legacy instances can never be enabled again"
		}
		return decision{outcome: Refused, reason: reason}
	case !p.Covers(r.InstanceID):
		return refuse("%s is not among the allowed instances: see TAIRSSL_INSTANCES", r.InstanceID)
	}
	return decision{}
}

// Covers reports whether the globs take in an instance id; an exclusion wins.
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

// decide says what has to happen to an instance that looks like this now. It
// has no effects, so that a table can test it.
func decide(r Request, o Observation, p Policy, l lease, now time.Time) decision {
	unchanged := func(format string, args ...any) decision {
		return decision{outcome: Unchanged, reason: fmt.Sprintf(format, args...)}
	}
	switch o.Status {
	case "Inactive", "Released", "Error":
		return decision{outcome: Failed, err: Errorf(Unsupported, "the instance is %s; only a running instance can be changed", o.Status)}
	}
	if o.Enabled && o.Expires.IsZero() {
		// Deciding on no date would restart an instance on a guess.
		return decision{outcome: Failed, err: Errorf(Unavailable, "the API gives no expiry for an instance whose encryption is on; try again")}
	}
	if !r.SSLExpiredTime.IsZero() && !r.SSLExpiredTime.Equal(At(o.Expires).Time) {
		if !o.Enabled {
			return unchanged("encryption is off now; the request was made for the certificate that expires %s", r.SSLExpiredTime)
		}
		return unchanged("the certificate has moved on: it expires %s, the request was made for %s", At(o.Expires), r.SSLExpiredTime)
	}

	var reason string
	switch r.SSLEnabled {
	case Enable:
		if o.Enabled && o.Status != statusSSLModifying {
			return unchanged("encryption is on already; the certificate expires %s", At(o.Expires))
		}
		reason = "encryption is off"
	case Disable:
		if !o.Enabled && o.Status != statusSSLModifying {
			return unchanged("encryption is off already")
		}
		reason = "encryption is on"
	default:
		if !o.Enabled {
			return unchanged("encryption is off, so there is no certificate to update; Enable makes one")
		}
		var due bool
		if due, reason = r.due(o, p, now); !due {
			return unchanged("%s", reason)
		}
	}

	switch {
	case p.Pause:
		return refuse("%s, but all changes are paused: unset TAIRSSL_PAUSE", reason)
	case (r.Automatic || r.Weak) && o.Off():
		return refuse("%s, but the instance is tagged %s=off, which keeps unattended changes away", reason, offTag)
	case o.Status == statusSSLModifying:
		return decision{outcome: InProgress, reason: "the instance is SSLModifying: a change of its encryption is under way"}
	case o.Status != statusNormal:
		return decision{outcome: InProgress, busy: true, reason: fmt.Sprintf("%s, but the instance is %s; try again when it is Normal", reason, o.Status)}
	case l.holds(o, now):
		same := l.Action == r.SSLEnabled
		return decision{outcome: InProgress, busy: !same, reason: fmt.Sprintf("%s was sent to the instance, or is about to be, since %s; its effect has yet to show", l.Action, l.Time)}
	}
	if r.Automatic {
		if d := p.wait(o, reason, now); d.outcome != act {
			return d
		}
	}
	return decision{reason: reason}
}

// MissedBefore is how long before its expiry a certificate should be renewed at
// the latest.
const MissedBefore = 24 * time.Hour

// wait puts an automatic change off to the next window.
func (p Policy) wait(o Observation, reason string, now time.Time) decision {
	opens := p.Window.Opens(o.Instance, now)
	if !opens.After(now) {
		return decision{}
	}
	d := decision{outcome: Deferred, until: opens, reason: fmt.Sprintf("%s, but deferred to the maintenance window that opens %s", reason, At(opens))}
	if o.Enabled && opens.After(o.Expires.Add(-MissedBefore)) {
		if p.MissedActs {
			return decision{}
		}
		d.alert = true
		d.reason += fmt.Sprintf(", which is too late for the expiry %s: renew it by hand, or widen TAIRSSL_WINDOW", At(o.Expires))
	}
	return d
}

// due says whether an Update is, and why, with the dates.
func (r Request) due(o Observation, p Policy, now time.Time) (bool, string) {
	within := p.RenewBefore
	if within == 0 {
		within = DefaultRenewBefore
	}
	if r.RenewBefore != nil && !(r.Weak && time.Duration(*r.RenewBefore) > within) {
		within = time.Duration(*r.RenewBefore)
	}
	left := o.Expires.Sub(now)
	wrong := ""
	if o.WrongName() {
		wrong = fmt.Sprintf("; its name %s is not that of the endpoint %s", o.CommonName, o.ConnectionDomain)
	}
	switch {
	case left <= 0:
		return true, fmt.Sprintf("certificate expired %s ago", Span(-left)) + wrong
	case left <= within:
		return true, fmt.Sprintf("certificate expires in %s, within %s", Span(left), Span(within)) + wrong
	case r.Force:
		return true, fmt.Sprintf("forced; certificate expires in %s, on %s", Span(left), At(o.Expires)) + wrong
	case wrong != "" && !r.Automatic && !r.Weak && !r.SSLExpiredTime.IsZero():
		return true, fmt.Sprintf("certificate expires in %s", Span(left)) + wrong
	case wrong != "":
		wrong += ", which an Update may cure: ask for one with SSLExpiredTime"
	}
	return false, fmt.Sprintf("certificate expires in %s, on %s, not within %s", Span(left), At(o.Expires), Span(within)) + wrong
}

// Span writes a length of time as people say it: 12d, 31h, 40m, 5s, rounded down.
func Span(d time.Duration) string {
	const day = 24 * time.Hour
	switch {
	case d >= 2*day:
		return fmt.Sprintf("%dd", d/day)
	case d >= 2*time.Hour:
		return fmt.Sprintf("%dh", d/time.Hour)
	case d >= 2*time.Minute:
		return fmt.Sprintf("%dm", d/time.Minute)
	}
	return fmt.Sprintf("%ds", d/time.Second)
}

// Due says whether an Update would renew what was observed, and why.
func (h *Handler) Due(o Observation) (bool, string) {
	return Request{SSLEnabled: Update}.due(o, h.Policy, h.Now())
}
