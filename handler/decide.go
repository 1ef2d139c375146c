package handler

import (
	"errors"
	"fmt"
	"time"
)

// decision is the result of a step of an attempt: the attempt goes on, or the request
// ends. The zero value permits no change.
type decision struct {
	act        bool // go on: nothing forbids the change
	outcome    Outcome
	reason     string
	because    string // why the change is wanted, without the rule that holds it back
	busy       bool
	alert      bool
	optedOut   bool      // refused because of the owner's tag
	until      time.Time // for Deferred: when the change will happen; zero if that is unknown
	rule       Rule      // the rule that holds the change back
	held       string    // why automatic changes in the whole region wait
	approvedBy string    // the person who has just approved
	// renewal is Alibaba's own renewal, if it matters for the decision.
	renewal Renewal
	// to is the new time of renewal. If to is set, act moves Alibaba's renewal and
	// changes nothing else. It is zero if renewal is not moved.
	to time.Time
	// exposed says that renewal will restart the instance outside the openings and that
	// this cannot be prevented.
	exposed bool
	err     *Error
}

// proceed is the only decision that lets a change go on.
func proceed(reason string) decision { return decision{act: true, reason: reason} }

func refuse(format string, args ...any) decision {
	return decision{outcome: Refused, reason: fmt.Sprintf(format, args...)}
}

func failure(err error) decision { return decision{outcome: Failed, err: AsError(err)} }

func unchanged(format string, args ...any) decision {
	return decision{outcome: Unchanged, reason: fmt.Sprintf(format, args...)}
}

func inProgress(busy bool, format string, args ...any) decision {
	return decision{outcome: InProgress, busy: busy, reason: fmt.Sprintf(format, args...)}
}

var errUndecided = errors.New("no step decided")

// decide says what to do with an instance in this state, while other attempts have raised
// these flags. It has no effects, so that a table can test it.
func decide(d Delivery, o Observation, p Policy, flags []flag, now time.Time) decision {
	if ended := settledBy(d, o, flags, now); ended.outcome != "" {
		return ended
	}
	wanted := wants(d, o, p, now)
	if !wanted.act {
		return wanted
	}
	end := p.allow(d, o, flags, wanted.reason, now)
	end.because = wanted.reason
	return end
}

// allow decides whether a wanted change may be made now. reason says why the change is
// wanted.
func (p Policy) allow(d Delivery, o Observation, flags []flag, reason string, now time.Time) decision {
	switch {
	case p.Pause:
		return decision{outcome: Refused, rule: RulePause, reason: fmt.Sprintf("%s, but all changes are paused: unset TAIRSSL_PAUSE", reason)}
	case d.Unattended() && o.Off():
		return decision{outcome: Refused, optedOut: true, rule: RuleOptOut, reason: fmt.Sprintf("%s, but the instance is tagged %s=off, which keeps unattended changes away", reason, offTag)}
	case o.Status == statusSSLModifying:
		return inProgress(false, "the instance is SSLModifying: a change of its encryption is under way")
	case o.Status != statusNormal:
		return inProgress(true, "%s, but the instance is %s; try again when it is Normal", reason, o.Status)
	}
	for _, f := range flags {
		if f.holds(o, now) {
			return inProgress(f.action != d.SSLEnabled, "another attempt to %s this instance began at %s, and its effect does not show yet: wait for it, or until %s if that attempt failed", f.action, f.time, At(f.ends()))
		}
	}
	if d.Unattended() {
		return p.hold(d, o, reason, now)
	}
	return proceed(reason)
}

// settledBy decides the cases that do not depend on the requested action. The outcome is
// empty if no such case applies.
func settledBy(d Delivery, o Observation, flags []flag, now time.Time) decision {
	switch {
	case o.Gone():
		return failure(Errorf(Unsupported, "the instance is %s; only a running instance can be changed", o.Status))
	case o.WithoutTLS() && d.SSLEnabled == Enable:
		return failure(Errorf(Unsupported, "this type of instance (%s) has no TLS: it cannot be enabled", o.kind()))
	case o.WithoutTLS():
		return unchanged("this type of instance (%s) has no TLS, so there is no certificate", o.kind())
	case o.Enabled && o.Expires.IsZero():
		// Without a date, a decision to update would be a guess that restarts an
		// instance.
		return failure(Errorf(Unavailable, "the API gives no expiry for an instance whose encryption is on; try again"))
	}
	for _, f := range flags {
		switch {
		case d.SSLEnabled != Enable || d.Order == "" || f.order != d.Order:
		case f.spent(o):
			return unchanged("this message was already carried out at %s", f.time)
		case f.live(now):
			return inProgress(false, "this message is being carried out since %s", f.time)
		}
	}
	if !d.SSLExpiredTime.IsZero() && !d.SSLExpiredTime.Equal(At(o.Expires).Time) {
		if !o.Enabled {
			return unchanged("encryption is off now; the request was made for the certificate that expires %s", d.SSLExpiredTime)
		}
		return unchanged("the certificate has changed: it expires %s now, and the request was made for the one that expires %s", At(o.Expires), d.SSLExpiredTime)
	}
	return decision{}
}

// wants reports whether the state differs from the requested one.
func wants(d Delivery, o Observation, p Policy, now time.Time) decision {
	changing := o.Status == statusSSLModifying // the encryption may be about to change
	switch d.SSLEnabled {
	case Enable:
		if o.Enabled && !changing {
			return unchanged("encryption is on already; the certificate expires %s", At(o.Expires))
		}
		return proceed("encryption is off")
	case Disable:
		if !o.Enabled && !changing {
			return unchanged("encryption is off already")
		}
		return proceed("encryption is on")
	}
	if !o.Enabled {
		return unchanged("encryption is off, so there is no certificate to update; Enable makes one")
	}
	due, reason := p.due(d, o, now)
	if !due && !d.Moves {
		return unchanged("%s", reason)
	}
	return proceed(reason)
}

// kind is the type of an instance in messages.
func (o Observation) kind() string {
	if o.Type == "" {
		return "unknown"
	}
	return o.Type
}
