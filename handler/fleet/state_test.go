package fleet_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"tairssl/handler"
	"tairssl/handler/fleet"
	"tairssl/handler/handlertest"
)

// unreadable makes the reading of an instance's encryption fail.
func unreadable(c *handlertest.Cloud, id string) {
	c.OnSSL = func(ref handler.Ref) error {
		if ref.InstanceID == id {
			return handler.Errorf(handler.Forbidden, "the encryption of %s may not be read", id)
		}
		return nil
	}
}

// States are ordered by the second of the expiry, not by whole days.
func TestStatesAreOrderedByExpiryToTheSecond(t *testing.T) {
	c := handlertest.NewCloud(map[string]handler.Observation{
		"r-aaaaaaaa": expiring(5 * time.Hour), "r-off00001": {}, "r-bbbbbbbb": expiring(2 * time.Hour),
		"r-cccccccc": expiring(-time.Hour), "r-unread01": expiring(day),
	})
	unreadable(c, "r-unread01")
	f := newFleet(c, handler.Options{Now: c.Now, Sleep: c.Sleep}, 10)
	states, coverage := f.States(context.Background(), f.Regions, nil)
	var order []string
	for _, s := range states {
		order = append(order, s.InstanceID)
	}
	if got := strings.Join(order, " "); got != "r-unread01 r-cccccccc r-bbbbbbbb r-aaaaaaaa r-off00001" {
		t.Errorf("the order is %s", got)
	}
	if coverage[0].Listed != 5 || coverage[0].Unread != 1 {
		t.Errorf("the coverage is %+v", coverage)
	}
}

// A state says what the next sweep would do, and changes nothing.
func TestAStateSaysWhatTheNextSweepWouldDo(t *testing.T) {
	optedOut := expiring(5 * day)
	optedOut.Tags = map[string]string{"tairssl": "off"}
	stopped := expiring(5 * day)
	stopped.Status = "Inactive"
	c := handlertest.NewCloud(map[string]handler.Observation{
		"r-due00001": expiring(5 * day), "r-later001": expiring(90 * day), "r-alibaba1": expiring(6 * day),
		"r-optedout": optedOut, "r-stopped1": stopped, "r-off00001": {},
	})
	c.Renewals = map[string]time.Time{"r-alibaba1": start.Add(day)}
	always, err := handler.ParseWindow("any")
	if err != nil {
		t.Fatal(err)
	}
	f := newFleet(c, handler.Options{Now: c.Now, Sleep: c.Sleep, Policy: handler.Policy{Window: always}}, 10)
	states, _ := f.States(context.Background(), f.Regions, nil)
	for _, s := range states {
		alone := f.State(context.Background(), s.Ref)
		for how, got := range map[string]fleet.State{"of all": s, "of one": alone} {
			want := map[string]struct {
				due     bool
				outcome handler.Outcome
			}{
				"r-due00001": {true, handler.Planned}, "r-later001": {}, "r-alibaba1": {true, handler.Deferred},
				"r-optedout": {true, handler.Refused}, "r-stopped1": {}, "r-off00001": {},
			}[s.InstanceID]
			if got.Due != want.due || got.Sweep.Outcome != want.outcome || got.Err != nil || got.RenewalErr != nil {
				t.Errorf("%s, read %s: due %v, the sweep ends %q, errors %v and %v, want due %v and %q",
					s.InstanceID, how, got.Due, got.Sweep.Outcome, got.Err, got.RenewalErr, want.due, want.outcome)
			}
			if got.Renewal.Coming() != (s.InstanceID == "r-alibaba1") {
				t.Errorf("%s, read %s: Alibaba's own renewal is %v", s.InstanceID, how, got.Renewal)
			}
		}
	}
	if len(states) != 6 || c.AllRestarts() != 0 {
		t.Errorf("%d states were read with %d restarts", len(states), c.AllRestarts())
	}
}

// A plan counts each instance once. An instance that could not be read counts neither as
// renewed nor as late.
func TestAPlanCountsEachInstanceOnce(t *testing.T) {
	stopped := expiring(5 * day)
	stopped.Status = "Inactive"
	optedOut := expiring(5 * day)
	optedOut.Tags = map[string]string{"tairssl": "off"}
	c := handlertest.NewCloud(map[string]handler.Observation{
		"r-due00001": expiring(5 * day), "r-later001": expiring(300 * day), "r-optedout": optedOut,
		"r-stopped1": stopped, "r-off00001": {}, "r-unread01": expiring(5 * day),
	})
	unreadable(c, "r-unread01")
	f := newFleet(c, handler.Options{Now: c.Now, Sleep: c.Sleep}, 10)
	end := start.Add(90 * day)
	all, _ := f.Outlook(context.Background(), f.Regions, nil, end)
	want := fleet.Totals{Renewed: 1, Late: 1, Later: 1, Without: 2, Unread: 1}
	if got := fleet.Count(all, end); got != want {
		t.Errorf("the totals are %+v, want %+v", got, want)
	}
}

// A state has one clock: why a certificate is due, and what holds it back, count the same
// days, even if a day ends between the two looks.
func TestAStateCountsTheDaysOnce(t *testing.T) {
	c := handlertest.NewCloud(map[string]handler.Observation{"r-due00001": expiring(10*day + time.Second)})
	window, err := handler.ParseWindow("Sat 02:00-03:00")
	if err != nil {
		t.Fatal(err)
	}
	f := newFleet(ticking{c}, handler.Options{Now: c.Now, Sleep: c.Sleep, Policy: handler.Policy{Window: window}}, 10)
	s := f.State(context.Background(), handler.Ref{RegionID: handler.DefaultRegion, InstanceID: "r-due00001"})
	if s.Sweep.Outcome != handler.Deferred || !strings.HasPrefix(s.Sweep.Reason, s.Why+", but ") {
		t.Errorf("it is due because %q, and the sweep ends %s because %q", s.Why, s.Sweep.Outcome, s.Sweep.Reason)
	}
}

// ticking is a cloud in which a second passes before each read of the encryption.
type ticking struct{ *handlertest.Cloud }

func (c ticking) SSL(ctx context.Context, ref handler.Ref) (handler.SSL, error) {
	c.Advance(time.Second)
	return c.Cloud.SSL(ctx, ref)
}
