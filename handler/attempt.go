package handler

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// attempt carries out one delivery. Its steps are read, judge, keepApart, caBefore,
// acquire, write and verify. The first step that does not decide to act ends the attempt.
type attempt struct {
	*Handler
	Delivery
	ref     Ref
	before  look // the first look
	now     look // the latest look
	moving  moving
	flag    flag
	raised  bool // the flag may exist on the instance
	stays   bool // the flag must not be removed, because a write may have been sent
	reason  string
	until   time.Time // when an approved Update will happen
	receipt Receipt
	wrote   bool
	seen    bool   // before is set
	letGo   func() // lets other attempts at members of the same global instance go on
	ca      *caCheck
}

// run makes the attempt. Attempts at one instance run one after the other.
func (a *attempt) run(ctx context.Context) decision {
	unlock, err := a.locks.lock(ctx, a.ref.InstanceID)
	if err != nil {
		return failure(err)
	}
	defer unlock()
	a.letGo = func() {}
	defer func() { a.letGo() }()
	defer a.lower(ctx)
	steps := []func(context.Context) decision{a.read, a.judge, a.keepApart, a.caBefore, a.acquire, a.write}
	switch {
	case a.DryRun:
		steps = []func(context.Context) decision{a.read, a.judge, a.keepApart, a.plan}
	case a.approves():
		steps = []func(context.Context) decision{a.read, a.judge, a.writeApproval}
	}
	return inTurn(ctx, steps...)
}

func inTurn(ctx context.Context, steps ...func(context.Context) decision) (d decision) {
	for _, step := range steps {
		if d = step(ctx); !d.act {
			break
		}
	}
	return d
}

// read takes the first look.
func (a *attempt) read(ctx context.Context) (d decision) {
	var err error
	if a.before, err = a.look(ctx, a.ref); err != nil {
		if errors.Is(err, NotFound) {
			a.places.forget(a.ref.InstanceID)
		}
		return failure(err)
	}
	if region := a.before.Region; region != "" && region != a.ref.RegionID {
		// One endpoint serves several regions, so the API may know the instance although
		// it is in another region.
		a.ref.RegionID = region
		if d := a.inRegion(region); !d.act {
			return d // the answer then does not show the instance
		}
	}
	a.seen, a.now = true, a.before
	return proceed("")
}

// judge decides by the first look.
func (a *attempt) judge(ctx context.Context) decision {
	if a.approves() {
		d := a.Policy.approve(a.Delivery, a.before.Observation, a.before.present)
		a.reason, a.until = d.reason, d.until
		return d
	}
	d := a.weigh(ctx, a.before)
	if a.Unattended() {
		d = a.heldByCA(ctx, d)
	}
	a.reason, a.moving = d.reason, moving{d.renewal, d.to}
	return d
}

// weigh decides by a look and, for an unattended change, by Alibaba's own schedule.
func (a *attempt) weigh(ctx context.Context, l look) decision {
	judge := func(o Observation) decision {
		return decide(a.Delivery, o, a.Policy, a.others(l), l.present)
	}
	d := judge(l.Observation)
	if a.Unattended() {
		d = a.leftToAlibaba(ctx, a.ref, l.Observation, d, l.present, judge)
	}
	if a.Moves {
		d = d.ofMove()
	}
	return d
}

// plan ends a dry run. The result says what the change would be.
func (a *attempt) plan(context.Context) decision {
	if a.approves() {
		if _, d := a.roomForApproval(); !d.act {
			return d
		}
		return decision{outcome: Planned, until: a.until, reason: "approved by this, " + a.reason}
	}
	if _, d := a.room(); !d.act {
		return d
	}
	if a.moving.planned() {
		return decision{outcome: Planned, renewal: a.moving.Renewal, to: a.moving.to, reason: fmt.Sprintf("%s: it would be moved to %s", a.reason, At(a.moving.to))}
	}
	return decision{outcome: Planned, reason: fmt.Sprintf("%s: %s would restart the instance", a.reason, a.SSLEnabled)}
}

// acquire raises the flag and waits until no other attempt can write as well.
func (a *attempt) acquire(ctx context.Context) decision {
	if !a.timeFor(ctx, a.timeToAcquire()) {
		return a.tooLate()
	}
	a.flag = newFlag(a.Delivery, a.before)
	if a.LeaseNone {
		a.raised = true
		a.memory.add(a.ref.InstanceID, a.flag, a.before.present)
		return proceed(a.reason)
	}
	// From here on, enough time must always be left to take the flag back.
	ctx, cancel := Margin{max(min(lowerTime, a.MinLeft/2), a.pace.slowest()), 1}.Before(ctx)
	defer cancel()
	d := inTurn(ctx, a.raise, a.lookAgain, a.judgeAgain)
	if !d.act && d.outcome == Failed && errors.Is(ctx.Err(), context.DeadlineExceeded) {
		return a.tooLate()
	}
	return d
}

// judgeAgain decides by the latest look, and only about the certificate of the first
// look.
func (a *attempt) judgeAgain(ctx context.Context) decision {
	if before, now := a.before.Observation, a.now.Observation; before.Enabled != now.Enabled || !At(before.Expires).Equal(At(now.Expires).Time) {
		return unchanged("the instance was changed meanwhile: %s", now.described())
	}
	if a.moving.planned() {
		return a.weighMove(ctx)
	}
	return decide(a.Delivery, a.now.Observation, a.Policy, a.others(a.now), a.now.present)
}

// write sends ModifyInstanceSSL once, or moves Alibaba's own renewal instead.
func (a *attempt) write(ctx context.Context) decision {
	if !a.timeFor(ctx, 0) {
		return a.tooLate()
	}
	if a.moving.planned() {
		return a.move(ctx)
	}
	a.wrote, a.stays = true, true // until the answer shows that nothing was done
	began := time.Now()
	receipt, err := a.api.Modify(ctx, a.ref, a.SSLEnabled, a.flag.time.Add(signWithin))
	a.pace.saw(time.Since(began))
	if err == nil {
		a.receipt = receipt
		return decision{outcome: Accepted, reason: a.reason}
	}
	e := AsError(err)
	a.receipt.RequestID = e.RequestID
	a.wrote = !errors.Is(e, ErrNotSent)
	if e.Uncertain || e.Kind == Internal && a.wrote {
		return decision{outcome: Unknown, reason: a.reason, err: e}
	}
	a.stays = false
	switch {
	case errors.Is(e, ErrLate):
		return failure(a.late(e))
	case errors.Is(e, ErrAlready):
		return unchanged("the API says that the instance is already in this state")
	case errors.Is(e, ErrBusy):
		return inProgress(true, "the API says that the instance is busy: %s", e.Message)
	}
	return failure(e)
}

// late explains why the transport refused to send the write.
func (a *attempt) late(e *Error) *Error {
	why := fmt.Sprintf("more than %s passed between the announcement of the change and its signature", signWithin)
	if ahead := a.now.ahead(); ahead >= time.Minute {
		why = fmt.Sprintf("this machine's clock is %s ahead of the API's: set it right", ahead.Round(time.Second))
	}
	late := Errorf(Unavailable, "%s, but the change was not sent: %s; nothing was changed, so try again", a.reason, why)
	late.Err = e
	return late
}

// timeToAcquire is the time for raising the flag, the pause and the second look, by the
// duration of recent calls.
func (a *attempt) timeToAcquire() time.Duration {
	if a.LeaseNone {
		return 0
	}
	return a.LeasePause + 2*a.pace.slowest()
}

// timeFor reports whether a write may begin after the given time. If less of the
// invocation is left, the answer to the write might be lost.
func (h *Handler) timeFor(ctx context.Context, first time.Duration) bool {
	deadline, ok := ctx.Deadline()
	return ctx.Err() == nil && (!ok || time.Until(deadline) >= first+h.timeToWrite())
}

// timeToWrite is the time that must be left when a write begins.
func (h *Handler) timeToWrite() time.Duration { return max(h.MinLeft, h.pace.slowest()) }

// TimeToChange reports whether enough time is left for a whole change.
func (h *Handler) TimeToChange(ctx context.Context) bool {
	return h.timeFor(ctx, (&attempt{Handler: h}).timeToAcquire())
}

func (a *attempt) tooLate() decision {
	e := Errorf(Unavailable, "%s, but too little time is left to begin a change safely: nothing was changed; try again, with a timeout well above %s",
		a.reason, (a.timeToAcquire() + a.timeToWrite()).Round(100*time.Millisecond))
	e.Err = ErrNoTime
	return decision{outcome: Failed, err: e}
}
