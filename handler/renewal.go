package handler

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// Renewal is a task by which Alibaba itself renews a certificate, and restarts the
// instance. The zero value is none.
type Renewal struct {
	Ref
	ID     string // of the task; "" if it is not known
	Status RenewalStatus
	At     time.Time // when it restarts the instance (SwitchTime); zero if it is not known
	Begins time.Time // when it begins to prepare (StartTime); zero if it is not known
	// Deadline is the latest time that it may be moved to; zero if it is not known.
	Deadline time.Time
	// Lead is how long it prepares before At (PrepareInterval).
	Lead time.Duration
	// Fixed says that its time may not be changed (AllowChange 0).
	Fixed bool
}

// RenewalStatus is how far a [Renewal] has come, in the API's numbers.
type RenewalStatus int

// The statuses that count; 6 is failed and 7 is cancelled.
const (
	RenewalPending RenewalStatus = 3
	RenewalRunning RenewalStatus = 4
	RenewalDone    RenewalStatus = 5
)

// Coming reports that the renewal has not ended.
func (r Renewal) Coming() bool { return r.Status == RenewalPending || r.Status == RenewalRunning }

// Counts reports whether the renewal spares one's own: it comes before the expiry,
// or it has come and its effect may not show yet. One that is overdue by a day, or
// has not come by the expiry, is not counted on.
func (r Renewal) Counts(o Observation, now time.Time) bool {
	late := now.Sub(r.At)
	if r.At.IsZero() || !r.At.Before(o.Expires) || !now.Before(o.Expires) {
		return false
	}
	return r.Coming() && late < MissedBefore || r.Status == RenewalDone && late >= 0 && late < flagLife
}

// String says in words what Alibaba does and when.
func (r Renewal) String() string {
	switch r.Status {
	case RenewalRunning:
		return fmt.Sprintf("Alibaba itself is renewing it, %s", At(r.At))
	case RenewalDone:
		return fmt.Sprintf("Alibaba itself renewed it %s, which may not show yet", At(r.At))
	}
	return fmt.Sprintf("Alibaba itself renews it %s", At(r.At))
}

// Chosen is the renewal of an instance that matters: the first of those that
// count, or else the first that is yet to come.
func Chosen(all []Renewal, o Observation, now time.Time) (first Renewal) {
	const counts, comes, neither = 0, 1, 2
	best := neither
	for _, r := range all {
		rank := neither
		switch {
		case r.Counts(o, now):
			rank = counts
		case r.Coming() && r.At.After(now):
			rank = comes
		}
		if rank < best || rank < neither && rank == best && r.At.Before(first.At) {
			first, best = r, rank
		}
	}
	return first
}

// Renewal reads which of Alibaba's own renewals matters for an instance that was
// observed; zero if none does.
func (h *Handler) Renewal(ctx context.Context, ref Ref, o Observation) (Renewal, error) {
	var all []Renewal
	if err := Guarded(func() (err error) { all, err = h.api.Schedule(ctx, ref); return }); err != nil {
		return Renewal{}, err
	}
	return Chosen(all, o, h.clock(o)), nil
}

// leftToAlibaba reads when Alibaba itself renews a certificate that would be
// renewed, now or later, and judges again with that: an Update on top of it would
// restart the instance twice, and that no window opens in time does not matter
// then.
func (h *Handler) leftToAlibaba(ctx context.Context, ref Ref, o Observation, d decision, now time.Time, judge func(Observation) decision) decision {
	if !d.act && d.outcome != Deferred {
		return d
	}
	renewal, err := h.Renewal(ctx, ref, o)
	switch {
	case errors.Is(err, Forbidden):
		// To renew twice is better than not at all.
		h.Log.WarnContext(ctx, "Alibaba's own renewals cannot be seen: allow kvstore:DescribeActiveOperationTasks", "instance", ref.InstanceID, "region", ref.RegionID, "error", err)
	case err != nil && d.act:
		return failure(err)
	case err == nil && (renewal.Counts(o, now) || h.Policy.MovesRenewals && renewal.Coming()):
		o.Renewal = renewal
		if d = judge(o); !d.to.IsZero() && o.GlobalID != "" {
			if o.taken, err = h.taken(ctx, ref, o, now); err != nil {
				return failure(err)
			}
			d = judge(o)
		}
	}
	return d
}
