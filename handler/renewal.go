package handler

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// Renewal is a task by which Alibaba itself renews a certificate and restarts the
// instance. The zero value means that there is none.
type Renewal struct {
	Ref
	ID     string // id of the task; "" if unknown
	Status RenewalStatus
	At     time.Time // when the instance restarts (SwitchTime); zero if unknown
	Begins time.Time // when the preparation begins (StartTime); zero if unknown
	// Deadline is the latest time to which the task may be moved; zero if unknown.
	Deadline time.Time
	// Lead is the time of preparation before At (PrepareInterval).
	Lead time.Duration
	// Fixed says that the time of the task may not be changed (AllowChange 0).
	Fixed bool
}

// RenewalStatus is the progress of a [Renewal], in the API's numbers.
type RenewalStatus int

// The statuses that matter. The API's 6 is failed, and 7 is cancelled.
const (
	RenewalPending RenewalStatus = 3
	RenewalRunning RenewalStatus = 4
	RenewalDone    RenewalStatus = 5
)

// Coming reports whether the renewal has not ended.
func (r Renewal) Coming() bool { return r.Status == RenewalPending || r.Status == RenewalRunning }

// Counts reports whether the renewal makes an Update needless. This is so if it comes
// before the expiry, or if it has come and its effect may not show yet. A renewal that is
// a day late, or that has not come by the expiry, does not count.
func (r Renewal) Counts(o Observation, now time.Time) bool {
	late := now.Sub(r.At)
	if r.At.IsZero() || !r.At.Before(o.Expires) || !now.Before(o.Expires) {
		return false
	}
	return r.Coming() && late < MissedBefore || r.Status == RenewalDone && late >= 0 && late < flagLife
}

// String says in words what Alibaba does, and when.
func (r Renewal) String() string {
	switch r.Status {
	case RenewalRunning:
		return fmt.Sprintf("Alibaba itself is renewing it, %s", At(r.At))
	case RenewalDone:
		return fmt.Sprintf("Alibaba itself renewed it %s, which may not show yet", At(r.At))
	}
	return fmt.Sprintf("Alibaba itself renews it %s", At(r.At))
}

// Chosen picks the renewal that matters for an instance. This is the first renewal that
// counts. If no renewal counts, it is the first renewal that is still to come.
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

// Renewal reads Alibaba's own renewals of an instance and returns the one that matters.
// It returns the zero value if no renewal matters.
func (h *Handler) Renewal(ctx context.Context, ref Ref, o Observation) (Renewal, error) {
	var all []Renewal
	if err := Guarded(func() (err error) { all, err = h.api.Schedule(ctx, ref); return }); err != nil {
		return Renewal{}, err
	}
	return Chosen(all, o, h.clock(o)), nil
}

// leftToAlibaba reads Alibaba's own renewal of a certificate that is due, and decides
// again with it. With an Update in addition, the instance would restart twice. If Alibaba
// renews the certificate, it does no harm that no window opens in time.
func (h *Handler) leftToAlibaba(ctx context.Context, ref Ref, o Observation, d decision, now time.Time, judge func(Observation) decision) decision {
	if !d.act && d.outcome != Deferred {
		return d
	}
	renewal, err := h.Renewal(ctx, ref, o)
	switch {
	case errors.Is(err, Forbidden):
		// Two renewals do less harm than no renewal.
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
