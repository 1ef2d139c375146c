package handler

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// moving is one of Alibaba's own renewals, and its new time. The attempt moves this
// renewal and makes no change. The zero value moves no renewal.
type moving struct {
	Renewal
	to time.Time
}

func (m moving) planned() bool { return !m.to.IsZero() }

const (
	// maxReads is the greatest number of reads until a moved renewal shows its new time.
	maxReads = 3
	rereads  = time.Second
)

// ofMove turns a decision into the answer to a delivery that only asks for a move.
func (d decision) ofMove() decision {
	if d.act && !d.to.IsZero() || d.exposed || d.outcome == Failed {
		return d
	}
	return unchanged("no renewal that Alibaba has scheduled has to be moved now")
}

// weighMove decides on a move again, because another process may have made the move in
// the meantime.
func (a *attempt) weighMove(ctx context.Context) decision {
	d := a.weigh(ctx, a.now)
	if d.act && d.to.IsZero() {
		return unchanged("Alibaba's schedule has changed meanwhile: look again")
	}
	a.reason, a.moving = d.reason, moving{d.renewal, d.to}
	return d
}

// move asks Alibaba once for the new time and reads it back. The instance does not
// restart now, so the flag is taken back in every case.
func (a *attempt) move(ctx context.Context) decision {
	m := a.moving
	err := Guarded(func() error { return a.api.Move(ctx, m.Renewal, m.to, a.flag.time.Add(signWithin)) })
	if err != nil {
		switch e := AsError(err); {
		case e.Uncertain || e.Kind == Internal:
		case errors.Is(e, ErrLate):
			return failure(a.late(e))
		case e.Retryable:
			return failure(e)
		default:
			return a.exposed(fmt.Sprintf("it cannot be moved, because the API refuses that: %s", e.Message))
		}
	}
	seen, errRead := a.readBack(ctx)
	why := ""
	switch {
	case errRead != nil && err != nil:
		why = fmt.Sprintf("whether it was moved to %s is not known: %s", At(m.to), AsError(errRead).Message)
	case errRead != nil:
		why = fmt.Sprintf("it was moved to %s, but could not be read back: %s", At(m.to), AsError(errRead).Message)
	case seen.At.Equal(m.to):
		return decision{outcome: Deferred, rule: RuleAlibaba, until: m.to, renewal: m.Renewal, to: m.to,
			reason: fmt.Sprintf("%s; moved to %s", a.reason, At(m.to))}
	case err != nil:
		why = fmt.Sprintf("it could not be moved: %s", AsError(err).Message)
	case seen.ID == "":
		why = fmt.Sprintf("the API accepted its move to %s, but does not list it any more", At(m.to))
	default:
		why = fmt.Sprintf("the API accepted its move to %s, but still shows %s", At(m.to), At(seen.At))
	}
	unconfirmed := a.exposed(why)
	unconfirmed.to = m.to
	return unconfirmed
}

// readBack reads the renewal until it shows its new time. It returns the zero value if
// the renewal is no longer listed.
func (a *attempt) readBack(ctx context.Context) (seen Renewal, err error) {
	for n := range maxReads {
		if n > 0 && a.Sleep(ctx, rereads) != nil {
			break
		}
		var all []Renewal
		if err = Guarded(func() (err error) { all, err = a.api.Schedule(ctx, a.ref); return }); err != nil {
			continue
		}
		seen = Renewal{}
		for _, r := range all {
			if r.ID == a.moving.ID {
				seen = r
			}
		}
		if seen.At.Equal(a.moving.to) {
			break
		}
	}
	return seen, err
}

// exposed ends a move that failed and asks for a person's attention.
func (a *attempt) exposed(why string) decision {
	return decision{outcome: Deferred, rule: RuleAlibaba, until: a.moving.At, renewal: a.moving.Renewal, alert: true, exposed: true,
		reason: fmt.Sprintf("%s, which restarts the instance then: %s", a.reason, why)}
}
