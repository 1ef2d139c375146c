package fleet

import (
	"cmp"
	"container/heap"
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"tairssl/handler"
)

// Outlook says when one instance will be renewed, and the reason for that time.
type Outlook struct {
	handler.Ref
	handler.Forecast
	Observation handler.Observation
	Err         *handler.Error // why the instance could not be read
}

// sweepEvery is the interval between two sweeps in both templates.
const sweepEvery = time.Hour

// Outlook says when each of the regions' instances will be renewed if nothing changes,
// the earliest first. It uses the same rules as a sweep, and assumes one sweep an hour.
// It reads as many instances as ctx leaves time for. It reads the window and Alibaba's
// own schedule only for instances that are due by until. It changes nothing.
func (f *Fleet) Outlook(ctx context.Context, regions []string, tags map[string]string, until time.Time) ([]Outlook, []Coverage) {
	var mu sync.Mutex
	var all []Outlook
	every := func(handler.Listed) bool { return true }
	coverage := f.Each(ctx, regions, tags, every, func(l handler.Listed, o handler.Observation, err error) {
		row := f.outlook(ctx, l, o, until, err)
		mu.Lock()
		defer mu.Unlock()
		all = append(all, row)
	})
	f.takeTurns(all, until)
	slices.SortFunc(all, soonest)
	return all, coverage
}

func (f *Fleet) outlook(ctx context.Context, l handler.Listed, o handler.Observation, until time.Time, err error) Outlook {
	row := Outlook{Ref: l.Ref, Observation: o}
	if err == nil {
		row.Forecast = f.Forecast(l.Ref, o)
	}
	if err == nil && !row.Due.IsZero() && !row.Due.After(until) {
		if row.Observation, err = f.whole(ctx, l.Ref, o); err == nil {
			row.Forecast = f.Forecast(l.Ref, row.Observation)
		}
	}
	if err != nil {
		row.Err = handler.AsError(err)
	}
	return row
}

// whole adds the facts that a forecast needs and a listing does not have: the instance's
// own window, and Alibaba's own renewal. If Alibaba's renewal cannot be read, whole goes
// on without it, as a sweep does.
func (f *Fleet) whole(ctx context.Context, ref handler.Ref, o handler.Observation) (handler.Observation, error) {
	if f.Policy.Window.Own() && o.MaintainStartTime == "" {
		err := guarded(func() error {
			i, err := f.api.Instance(ctx, ref)
			o.MaintainStartTime, o.MaintainEndTime = i.MaintainStartTime, i.MaintainEndTime
			return err
		})
		if err != nil {
			return o, err
		}
	}
	_ = guarded(func() (err error) { o.Renewal, err = f.Renewal(ctx, ref, o); return })
	return o, nil
}

// soonest orders instances: first the instances that could not be read, then by the time
// of the renewal. Without a renewal, the expiry counts.
func soonest(a, b Outlook) int {
	when := func(o Outlook) time.Time {
		switch {
		case o.Err != nil:
			return time.Time{}
		case !o.At.IsZero():
			return o.At.Time
		case !o.Observation.Expires.IsZero():
			return o.Observation.Expires
		}
		return time.Unix(1<<40, 0)
	}
	return cmp.Or(when(a).Compare(when(b)), a.Observation.Expires.Compare(b.Observation.Expires), strings.Compare(a.InstanceID, b.InstanceID), strings.Compare(a.RegionID, b.RegionID))
}

// turn is an instance that waits for a sweep to change it.
type turn struct {
	row   *Outlook
	ready time.Time // the earliest time of the change
}

// hour identifies the sweep that may make the change.
func (t turn) hour() time.Time { return t.ready.Truncate(sweepEvery) }

// turns is a heap: the earliest sweep first, and within a sweep the earliest expiry.
type turns []turn

func (h turns) Len() int { return len(h) }
func (h turns) Less(i, j int) bool {
	a, b := h[i], h[j]
	return cmp.Or(a.hour().Compare(b.hour()), a.row.Observation.Expires.Compare(b.row.Observation.Expires), strings.Compare(a.row.InstanceID, b.row.InstanceID)) < 0
}
func (h turns) Swap(i, j int) { h[i], h[j] = h[j], h[i] }
func (h *turns) Push(v any)   { *h = append(*h, v.(turn)) }
func (h *turns) Pop() any {
	last := len(*h) - 1
	v := (*h)[last]
	*h = (*h)[:last]
	return v
}

// takeTurns defers the instances for which a sweep has no place left, because other
// instances are more urgent. It looks ahead until the given time.
func (f *Fleet) takeTurns(all []Outlook, until time.Time) {
	var waiting turns
	for i := range all {
		row := &all[i]
		if row.Err != nil || row.At.IsZero() || row.Rule == handler.RuleAlibaba || row.Rule == handler.RuleApproval {
			continue // this instance takes no place in a sweep
		}
		waiting = append(waiting, turn{row, row.At.Time})
	}
	heap.Init(&waiting)
	var sweep time.Time
	for changed := 0; len(waiting) > 0; {
		t := heap.Pop(&waiting).(turn)
		if !t.hour().Equal(sweep) {
			sweep, changed = t.hour(), 0
		}
		if changed++; changed <= f.maxTargets || t.ready.After(until) {
			continue
		}
		next, ok := f.Opening(t.row.Observation, sweep.Add(sweepEvery))
		t.row.putOff(next, ok, f.maxTargets)
		if t.ready = next; ok {
			heap.Push(&waiting, t)
		}
	}
}

// putOff defers an instance for which a sweep has no place left.
func (o *Outlook) putOff(next time.Time, ok bool, most int) {
	o.At, o.Rule = handler.Time{}, handler.RuleMaxTargets
	if ok {
		o.At = handler.At(next)
	}
	o.InTime = ok && !next.After(o.Observation.Expires.Add(-handler.MissedBefore))
	o.Alert = o.Alert || !o.InTime
	o.Reason = fmt.Sprintf("due from %s, but one sweep changes at most %d instances, the most urgent first", o.Due, most)
}
