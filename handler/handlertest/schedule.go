package handlertest

import (
	"errors"
	"slices"
	"testing"
	"time"

	"tairssl/handler"
)

// scheduled reads the renewal of the fixture's instance.
func scheduled(t *testing.T, f Fixture) handler.Renewal {
	t.Helper()
	if f.Scheduled == (handler.Ref{}) {
		t.Skip("the fixture has no instance that Alibaba renews")
	}
	all, err := f.API.Schedule(ctx, f.Scheduled)
	if err != nil || len(all) != 1 {
		t.Fatalf("the schedule reads %+v, %v; want one renewal", all, err)
	}
	return all[0]
}

func readsTheSchedule(t *testing.T, f Fixture) {
	r := scheduled(t, f)
	if r.Ref != f.Scheduled || r.ID == "" || r.At.IsZero() || r.Status != handler.RenewalPending || r.Fixed {
		t.Errorf("the renewal reads %+v", r)
	}
	of, err := f.API.Schedule(ctx, handler.Ref{RegionID: f.Scheduled.RegionID})
	if err != nil || !slices.Contains(of, r) {
		t.Errorf("the schedule of the region reads %+v, %v; want %+v in it", of, err, r)
	}
	if none, err := f.API.Schedule(ctx, f.Ref); err != nil || len(none) != 0 {
		t.Errorf("the schedule of another instance reads %+v, %v", none, err)
	}
}

func movesARenewal(t *testing.T, f Fixture) {
	before := scheduled(t, f)
	to := before.At.Add(24 * time.Hour)
	late := f.API.Move(ctx, before, to, inTime(t, f).Add(-65*time.Minute))
	if e := handler.AsError(late); !errors.Is(late, handler.ErrLate) || e.Uncertain {
		t.Errorf("a move that had to be signed an hour ago ends with %v, want a certain ErrLate", late)
	}
	if r := scheduled(t, f); r != before {
		t.Errorf("after that the renewal reads %+v, want %+v", r, before)
	}
	if err := f.API.Move(ctx, before, to, inTime(t, f)); err != nil {
		t.Fatalf("the move fails: %v", err)
	}
	if r := scheduled(t, f); !r.At.Equal(to) || r.ID != before.ID || r.Status != handler.RenewalPending {
		t.Errorf("after the move the renewal reads %+v, want it at %v", r, to)
	}
}
