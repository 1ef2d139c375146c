package handler

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"
)

// The lease is the mutual exclusion of Burns and Lamport with tags as the registers. A
// writer raises its flag, pauses longer than a tag takes to become visible, and looks.
// Suppose that two writers wrote. Then the last look of each writer began before the flag
// of the other writer was visible. So it began before the last look of the other writer:
// a contradiction. The duration of a call, a queue or a retry does not matter.

const (
	// defaultLeasePause must be longer than a new tag takes to become visible.
	defaultLeasePause = 2 * time.Second
	// maxPauses is the number of further pauses and looks, after the first pause, in
	// which the attempt with the lowest key waits until the other attempts withdraw.
	maxPauses = 3
	// lowerTime is the time reserved for taking a flag back.
	lowerTime = 2 * time.Second
	// maxLowerTime limits that time if the invocation has no deadline or a late deadline.
	maxLowerTime = 20 * time.Second
)

// others lists the flags of all other attempts, including other attempts of this process.
func (a *attempt) others(l look) []flag {
	flags := flagsOf(l.Tags)
	for _, f := range a.memory.of(a.ref.InstanceID) {
		if !slices.ContainsFunc(flags, func(seen flag) bool { return seen.key == f.key }) {
			flags = append(flags, f)
		}
	}
	return slices.DeleteFunc(flags, func(f flag) bool { return f.key == a.flag.key })
}

// raise makes room and sets the flag.
func (a *attempt) raise(ctx context.Context) decision {
	if d := a.makeRoom(ctx); !d.act {
		return d
	}
	a.raised = true
	a.memory.add(a.ref.InstanceID, a.flag, a.before.present)
	began := time.Now()
	err := a.api.Tag(ctx, a.ref, a.flag.key, a.flag.value())
	a.pace.saw(time.Since(began))
	if err == nil {
		return proceed(a.reason)
	}
	e := AsError(err)
	if !e.Uncertain && e.Kind != Internal {
		a.raised = false // the tag was not set
		a.memory.remove(a.ref.InstanceID, a.flag)
	}
	return a.tagFailure(e)
}

// makeRoom removes flags that are no longer live. If the instance then still has the
// greatest number of tags, it also removes the tag that only remembers notices.
func (a *attempt) makeRoom(ctx context.Context) decision {
	remove, d := a.room()
	if !d.act || len(remove) == 0 {
		return d
	}
	if err := a.api.Untag(ctx, a.ref, remove...); err != nil {
		return a.tagFailure(AsError(err))
	}
	return d
}

// room lists the tags to remove for the flag, and decides whether that is enough.
func (a *attempt) room() (remove []string, d decision) {
	tags, now := a.before.Tags, a.before.present
	remove = DeadTags(tags, a.before.Expires, now)
	if _, told := tags[ToldTag]; told && len(tags)-len(remove) >= MaxTags {
		remove = append(remove, ToldTag)
	}
	if a.LeaseNone || len(tags)-len(remove) < MaxTags {
		return remove, proceed(a.reason)
	}
	fix := "remove one of its tags, or set TAIRSSL_LEASE=none where no other process changes it"
	for _, f := range flagsOf(tags) {
		if f.live(now) {
			fix = fmt.Sprintf("one of them belongs to an earlier change and may be removed at %s: try again then, or remove another tag", At(f.ends()))
		}
	}
	return nil, refuse("%s, but the instance has %d tags, so there is no room for the tag that prevents a second change: %s", a.reason, MaxTags, fix)
}

// tagFailure explains why the tag could not be set, and gives the remedy.
func (a *attempt) tagFailure(e *Error) decision {
	switch {
	case errors.Is(e, Forbidden):
		return decision{outcome: Refused, err: e, reason: a.reason + ", but the tag that prevents a second change cannot be set: allow kvstore:TagResources and kvstore:UntagResources to the role or user of the credentials, or set TAIRSSL_LEASE=none where no other process changes these instances"}
	case errors.Is(e, ErrTagRefused):
		return decision{outcome: Refused, err: e, reason: fmt.Sprintf("%s, but the tag %s… that prevents a second change is refused: %s", a.reason, flagPrefix, e.Message)}
	}
	return failure(e)
}

// lookAgain pauses and looks until no other attempt can write as well. The attempt with
// the lowest key waits until the other attempts withdraw.
func (a *attempt) lookAgain(ctx context.Context) decision {
	for pauses := 0; ; pauses++ {
		if err := a.Sleep(ctx, a.LeasePause); err != nil {
			return failure(err)
		}
		l, err := a.look(ctx, a.ref)
		if err != nil {
			return failure(err)
		}
		a.now = l
		if l.Tags[a.flag.key] != a.flag.value() {
			return a.invisible(pauses)
		}
		members, err := a.changing(ctx)
		if err != nil {
			return failure(err)
		}
		first, waits, busy := true, len(members) > 0, false
		for _, m := range members {
			first = first && a.flag.key < m.key
		}
		for _, f := range a.others(l) {
			if f.holds(l.Observation, l.present) {
				waits = true
				first = first && a.flag.key < f.key
				busy = busy || f.action != a.SSLEnabled
			}
		}
		switch {
		case !waits:
			return proceed(a.reason)
		case first && pauses < maxPauses:
		case len(members) > 0:
			return a.Policy.behind(members[0], l.Observation, a.reason, l.present)
		case !first:
			return inProgress(busy, "%s, but another attempt to change this instance was announced at the same time and goes first", a.reason)
		default:
			return inProgress(busy, "%s, but other attempts to change this instance have not ended", a.reason)
		}
	}
}

// invisible ends an attempt whose own flag is not visible.
func (a *attempt) invisible(pauses int) decision {
	if pauses > 0 {
		return failure(Errorf(Unavailable, "%s, but the tag %s that announced the change was removed by something else, so nothing was changed: a tool that owns all tags of the instance, such as Terraform, has to ignore them", a.reason, a.flag.key))
	}
	return failure(Errorf(Unavailable, "%s, but the tag that was set %s ago to announce the change is not visible yet, so nothing was changed: raise TAIRSSL_LEASE_PAUSE to at least %s; tairssl doctor --tag-probe --instance %s measures the time that is needed", a.reason, a.LeasePause, 2*a.LeasePause, a.ref.InstanceID))
}

// lower takes the flag back if nothing was written under it. A failure is only logged,
// because the flag ends by itself.
func (a *attempt) lower(ctx context.Context) {
	if !a.raised || a.stays {
		return
	}
	a.memory.remove(a.ref.InstanceID, a.flag)
	if a.LeaseNone {
		return
	}
	until := time.Now().Add(maxLowerTime)
	if deadline, ok := ctx.Deadline(); ok && deadline.Before(until) {
		// acquire has reserved this time. If the time is not enough, the answer of the
		// invocation must still not be lost.
		until = later(deadline, time.Now().Add(AnswerMargin.Time/2))
	}
	ctx, cancel := context.WithDeadline(context.WithoutCancel(ctx), until)
	defer cancel()
	err := Guarded(func() error { return a.api.Untag(ctx, a.ref, a.flag.key) })
	if err != nil {
		a.Log.WarnContext(ctx, "the tag that announced a change could not be removed; it ends by itself", "instance", a.ref.InstanceID, "region", a.ref.RegionID, "within", flagLife.String(), "error", err)
	}
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}
