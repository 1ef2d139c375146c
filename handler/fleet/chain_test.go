package fleet_test

import (
	"context"
	"fmt"
	"maps"
	"strings"
	"testing"
	"time"

	"tairssl/handler"
	"tairssl/handler/fleet"
	"tairssl/handler/handlertest"
)

var oldCA, newCA = strings.Repeat("0a", 32), strings.Repeat("1b", 32)

// turning is a fleet in which the renewal of some instances brings another CA. The URL of
// an instance's chain is its id.
func turning(c *handlertest.Cloud, changes func(id string) bool, o handler.Options) *fleet.Fleet {
	for id, s := range c.Instances {
		s.CertDownloadURL = id
	}
	o.CA = func(_ context.Context, _, id string) (string, error) {
		if c.Restarts(id) > 0 && changes(id) {
			return newCA, nil
		}
		return oldCA, nil
	}
	return sweeper(c, o)
}

func every(string) bool { return true }

// A sweep whose first change brings another CA stops there. So do the following sweeps,
// until the new CA is accepted.
func TestASweepStopsAtACanaryWhoseCAChanged(t *testing.T) {
	c := handlertest.NewCloud(instances(20, 20))
	got, err := turning(c, every, handler.Options{}).Sweep(context.Background(), fleet.Order{})
	if o := got.Summary.Outcomes; err != nil || c.AllRestarts() != 1 || o[handler.Verified] != 1 || o[handler.Deferred] != 19 {
		t.Fatalf("the sweep ended %v after %d restarts, %v", o, c.AllRestarts(), err)
	}
	canary := got.Results[len(got.Results)-1]
	if !canary.Alert || !canary.CA.Stops() || c.TagsOf(canary.InstanceID)[handler.CAChangedTag] != newCA {
		t.Errorf("the canary ended with the CA %+v (alert %t) and the tags %v", canary.CA, canary.Alert, c.TagsOf(canary.InstanceID))
	}
	if why := got.Results[0].Reason; !strings.Contains(why, "the CA changed with the renewal of "+canary.InstanceID+", so the sweep stopped there") || !strings.Contains(why, "TAIRSSL_CA_ACCEPT="+newCA) {
		t.Errorf("the rest is told %q", why)
	}
	for range 3 { // other processes, which remember nothing
		c.Advance(time.Hour)
		got, err := turning(c, every, handler.Options{}).Sweep(context.Background(), fleet.Order{})
		if o := got.Summary.Outcomes; err != nil || c.AllRestarts() != 1 || o[handler.Deferred] != 19 || got.Summary.Due != 19 {
			t.Fatalf("a later sweep ended %v after %d restarts, %v", o, c.AllRestarts(), err)
		}
		if first := got.Results[0]; !first.Alert || !strings.Contains(first.Reason, "automatic changes in cn-hangzhou wait") {
			t.Errorf("a later sweep tells %q (alert %t)", first.Reason, first.Alert)
		}
	}
	c.Advance(time.Hour)
	got, err = turning(c, every, handler.Options{CAAccept: []string{newCA}}).Sweep(context.Background(), fleet.Order{})
	if o := got.Summary.Outcomes; err != nil || c.AllRestarts() != 11 || o[handler.Verified] < 1 || o[handler.Deferred] != 9 {
		t.Errorf("with the new CA accepted a sweep ended %v after %d restarts, %v", o, c.AllRestarts(), err)
	}
	if tags := c.TagsOf(canary.InstanceID); tags[handler.CAChangedTag] != "" {
		t.Errorf("the canary still has the tags %v", tags)
	}
}

// A later change may also bring another CA. Then the sweep changes no further instance in
// any region.
func TestASweepStopsAfterALaterChangeWhoseCAChanged(t *testing.T) {
	c := handlertest.NewCloud(instances(4, 4))
	c.Instances["r-fleet00003"].Region = "cn-shanghai"
	o := handler.Options{Policy: handler.Policy{Window: always}, Now: c.Now, Sleep: c.Sleep, Wait: 2 * time.Minute, Regions: []string{"cn-hangzhou", "cn-shanghai"}}
	for id, s := range c.Instances {
		s.CertDownloadURL = id
	}
	o.CA = func(_ context.Context, _, id string) (string, error) {
		switch {
		case id == "r-fleet00000" && c.Restarts(id) > 0: // so that there is room for one more change in the end
			c.Change("r-fleet00002", func(o *handler.Observation) { o.Status = "Migrating" })
		case id == "r-fleet00001" && c.Restarts(id) > 0:
			return newCA, nil
		}
		return oldCA, nil
	}
	got, err := newFleet(c, o, 0).Sweep(context.Background(), fleet.Order{MaxTargets: ptr(3)})
	if err != nil || c.AllRestarts() != 2 || c.Restarts("r-fleet00003") != 0 {
		t.Fatalf("the sweep ended %v after %d restarts, %v", got.Summary.Outcomes, c.AllRestarts(), err)
	}
	for _, r := range got.Results {
		if r.InstanceID == "r-fleet00003" && !strings.Contains(r.Reason, "the CA changed with the renewal of r-fleet00001, so the sweep stopped there") {
			t.Errorf("the rest is told %q", r.Reason)
		}
	}
}

// A canary proves nothing if its CA could not be compared.
func TestASweepStopsAtACanaryWhoseCACannotBeCompared(t *testing.T) {
	c := handlertest.NewCloud(instances(20, 20))
	o := handler.Options{Policy: handler.Policy{Window: always}, Now: c.Now, Sleep: c.Sleep}
	reads := 0
	o.CA = func(context.Context, string, string) (string, error) {
		if reads++; reads > 1 {
			return "", handler.Errorf(handler.Unavailable, "the CA chain cannot be had")
		}
		return oldCA, nil
	}
	got, err := newFleet(c, o, 0).Sweep(context.Background(), fleet.Order{})
	if err != nil || c.AllRestarts() != 1 || got.Summary.Outcomes[handler.Deferred] != 19 {
		t.Errorf("the sweep ended %v after %d restarts, %v", got.Summary.Outcomes, c.AllRestarts(), err)
	}
}

// While a region waits for a CA, its instances are not looked at one by one, and other
// regions go on.
func TestARegionThatWaitsForACAKeepsNoOtherOneBack(t *testing.T) {
	c := handlertest.NewCloud(instances(300, 60))
	for i := range 4 {
		o := expiring(time.Duration(40+i) * day / 2)
		o.Region = "cn-shanghai"
		o.Status, o.Tags = "Normal", map[string]string{}
		c.Instances[fmt.Sprintf("r-shanghai%d", i)] = &handlertest.State{Observation: o}
	}
	c.Instances["r-fleet00250"].Tags[handler.CAChangedTag] = newCA
	h := turning(c, func(string) bool { return false }, handler.Options{Wait: 2 * time.Minute, Regions: []string{"cn-hangzhou", "cn-shanghai"}})
	got, err := h.Sweep(context.Background(), fleet.Order{})
	if err != nil {
		t.Fatal(err)
	}
	alerts, looked := 0, 0
	for _, r := range got.Results {
		switch {
		case r.RegionID == "cn-hangzhou" && r.Outcome != handler.Deferred, r.RegionID == "cn-shanghai" && r.Outcome != handler.Verified:
			t.Errorf("%s in %s ended %s: %s", r.InstanceID, r.RegionID, r.Outcome, r.Reason)
		case r.Alert:
			alerts++
		}
		if r.Before != nil && r.Outcome == handler.Deferred {
			looked++
		}
	}
	if c.AllRestarts() != 4 || alerts == 0 || looked > 2*handler.DefaultConcurrency {
		t.Errorf("%d restarted, with %d alerts; %d of a region that waits were looked at", c.AllRestarts(), alerts, looked)
	}
	if got.Summary.Due != 64 || got.Summary.Outcomes[handler.Deferred] != 60 {
		t.Errorf("it counts %+v", got.Summary)
	}
}

// A feature that is switched off makes no calls. The expected calls are the calls of a
// sweep without the feature.
func TestASweepMakesNoCallForWhatIsSwitchedOff(t *testing.T) {
	c := handlertest.NewCloud(instances(20, 3))
	lists := 0
	c.OnList = func(string, int) error { lists++; return nil }
	if got, err := sweeper(c, handler.Options{}).Sweep(context.Background(), fleet.Order{}); err != nil || c.AllRestarts() != 3 {
		t.Fatalf("the sweep ended %v after %d restarts, %v", got.Summary.Outcomes, c.AllRestarts(), err)
	}
	calls := map[string]int{"List": lists}
	for _, call := range c.Calls {
		calls[call]++
	}
	if want := (map[string]int{"List": 1, "Instance": 21, "SSL": 41, "Tag": 3, "Modify": 3}); !maps.Equal(calls, want) {
		t.Errorf("the sweep made the calls %v, want %v", calls, want)
	}
}
