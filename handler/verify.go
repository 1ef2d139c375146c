package handler

import (
	"context"
	"fmt"
	"time"
)

const (
	firstPoll   = 500 * time.Millisecond
	longestPoll = 15 * time.Second
	lookTime    = 10 * time.Second // for the last look, when the wait is over
)

// verify watches an accepted or unknown change until it is done, or until Wait or the
// invocation ends. It looks at an Unknown change at least once. If a handshake is
// configured, it must also show the change.
func (a *attempt) verify(ctx context.Context, d decision) (decision, *Observation) {
	wait := a.Handler.Wait
	if a.Request.Wait != nil {
		wait = time.Duration(*a.Request.Wait)
	}
	if wait <= 0 && d.outcome == Accepted {
		return d, nil
	}
	invocation := ctx
	ctx, cancel := context.WithTimeout(ctx, max(wait, 0)+lookTime)
	defer cancel()
	begun, last, unread := time.Now(), "nothing of it", ""
	var unproven doubt
	for pause, waited := firstPoll, time.Duration(0); ; {
		if l, err := a.look(ctx, a.ref); err != nil {
			unread = "; the last look failed: " + AsError(err).Message
		} else {
			unread = ""
			switch progress(a.SSLEnabled, a.before.Observation, l.Observation) {
			case done:
				unproven = a.doubted(invocation, l.Observation)
				a.caAfter(invocation, l.Observation)
				if unproven.why == "" {
					return decision{outcome: Verified, reason: a.reason + "; done: " + l.described() + a.shown(l.Observation)}, &l.Observation
				}
			case underWay:
				// The answer was lost, but the change is being made.
				d = decision{outcome: Accepted, reason: a.reason}
			}
			last = l.Status + ", " + l.described()
		}
		if waited >= wait {
			break
		}
		pause = min(pause, wait-waited)
		if a.Sleep(ctx, pause) != nil {
			break
		}
		waited += pause
		pause = min(pause*3/2, longestPoll)
	}
	switch {
	case unproven.why != "":
		d = unproven.accepted(a.reason)
	case d.outcome == Unknown:
		d.reason = a.reason + "; the API's answer was lost, and the instance does not show yet whether it changed: look again later"
	case wait > 0:
		watched := max(wait, time.Since(begun)).Round(time.Second)
		if ctx.Err() != nil {
			watched = time.Since(begun).Round(time.Second)
		}
		d.reason = fmt.Sprintf("%s; accepted, but not verified within %s: last seen %s%s; look again with status, or raise TAIRSSL_WAIT", a.reason, watched, last, unread)
	default:
		d.reason = a.reason + "; the API's answer was lost, but the instance shows that the change has begun"
	}
	return d, nil
}

type stage int

const (
	untouched stage = iota
	underWay
	done
)

// progress returns the stage of a change.
func progress(a Action, before, now Observation) stage {
	var reached bool
	switch a {
	case Enable:
		reached = now.Enabled && !now.Expires.IsZero()
	case Disable:
		reached = !now.Enabled
	default:
		reached = now.Enabled && now.Expires.After(before.Expires)
	}
	switch {
	case reached && now.Status == statusNormal:
		return done
	case reached, now.Status == statusSSLModifying:
		return underWay
	}
	return untouched
}
