package handler

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"
)

// Unattended changes never touch two members of one global instance together. An attempt
// looks for a change of another member before it raises its flag, and again after the
// pause. So the flags of all members keep two processes apart, as the flags of one
// instance do. Within one process a lock keeps attempts apart.

// changing is another member that is being changed, or may be changed now.
type changing struct {
	id  string
	key string    // key of its flag; "" if its status shows the change
	end time.Time // when its change should be over
}

// isMember reports whether the attempt must not run together with attempts at other
// members.
func (a *attempt) isMember() bool {
	return a.Unattended() && a.before.GlobalID != "" && !a.approves()
}

// keepApart defers the change while another member is being changed. If the attempt moves
// Alibaba's own renewal, no instance restarts now. Then the attempt only waits for its
// turn, so that two renewals are not moved to the same time.
func (a *attempt) keepApart(ctx context.Context) decision {
	if !a.isMember() {
		return proceed(a.reason)
	}
	if !a.DryRun {
		letGo, err := a.locks.lock(ctx, "global "+a.before.GlobalID)
		if err != nil {
			return failure(err)
		}
		a.letGo = letGo
	}
	others, err := a.changing(ctx)
	switch {
	case err != nil:
		return failure(err)
	case len(others) > 0:
		return a.Policy.behind(others[0], a.before.Observation, a.reason, a.before.present)
	}
	return proceed(a.reason)
}

// changing lists the other members that are being changed. The member whose change ends
// last comes first. The status of a member, a live flag among its tags, or the memory of
// this process shows a change. A listing does not show whether a member's flag is spent.
func (a *attempt) changing(ctx context.Context) (all []changing, err error) {
	if !a.isMember() || a.moving.planned() {
		return nil, nil
	}
	others, err := a.siblings(ctx, a.ref, a.before.Observation)
	for _, l := range others {
		now := later(l.At, a.before.present)
		if l.Status == statusSSLModifying {
			all = append(all, changing{id: l.InstanceID, end: now.Add(changeTime)})
		}
		for _, f := range append(flagsOf(l.Tags), a.memory.of(l.InstanceID)...) {
			if f.live(now) {
				all = append(all, changing{l.InstanceID, f.key, f.ends()})
			}
		}
	}
	slices.SortStableFunc(all, func(x, y changing) int { return cmp.Or(y.end.Compare(x.end), cmp.Compare(x.key, y.key)) })
	return all, err
}

// changeTime is the time that the change of another member is assumed to take if only
// SSLModifying shows the change.
const changeTime = time.Hour

// behind defers a change until the change of another member is over and a window opens.
func (p Policy) behind(other changing, o Observation, reason string, now time.Time) decision {
	last := o.Expires.Add(-MissedBefore)
	from := later(other.end, now)
	opening, opens := p.openings(o.Instance).next(from, from.Add(horizon))
	held := decision{outcome: Deferred, rule: RuleMembers, until: opening.from,
		reason: fmt.Sprintf("%s, but %s, another member of the global instance %s, is being changed, and members are not changed together", reason, other.id, o.GlobalID)}
	if p.MissedActs && (!opens || opening.from.After(last)) {
		if thawed := p.Freezes.Ends(from); !thawed.Equal(forever) {
			held.until, opens = thawed, true
		}
	}
	if opens {
		held.reason += fmt.Sprintf(": deferred until %s", At(held.until))
	}
	if !opens || held.until.After(last) {
		held.alert = true
		held.reason += fmt.Sprintf(", which is too late for the expiry %s: renew it by hand when that change has ended", At(o.Expires))
	}
	return held
}

// siblings reads the other members of an instance's global instance, in every configured
// region.
func (h *Handler) siblings(ctx context.Context, ref Ref, o Observation) (others []Listed, err error) {
	var asked []question
	for _, region := range h.Regions {
		asked = append(asked, question{region, Filter{Members: true}})
	}
	all := h.survey(ctx, asked)
	if region, e := h.firstUnread(all); e != nil {
		return nil, couldNotLook(region, e)
	}
	for _, l := range all.found {
		if l.GlobalID == o.GlobalID && l.InstanceID != ref.InstanceID {
			others = append(others, l)
		}
	}
	return others, nil
}

// taken lists the times at which Alibaba renews the other members of an instance's global
// instance.
func (h *Handler) taken(ctx context.Context, ref Ref, o Observation, now time.Time) (times []time.Time, err error) {
	others, err := h.siblings(ctx, ref, o)
	for _, l := range others {
		var all []Renewal
		if err := Guarded(func() (err error) { all, err = h.api.Schedule(ctx, l.Ref); return }); err != nil {
			return nil, err
		}
		for _, r := range all {
			if r.Coming() && r.At.After(now.Add(-apart)) {
				times = append(times, r.At)
			}
		}
	}
	return times, err
}
