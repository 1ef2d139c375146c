package fleet_test

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"tairssl/handler"
	"tairssl/handler/fleet"
	"tairssl/handler/handlertest"
)

const day = 24 * time.Hour

var start = handlertest.Start

func expiring(d time.Duration) handler.Observation { return handlertest.Expiring(d) }

// instances returns n instances. The number due of them are due and expire first.
func instances(n, due int) map[string]handler.Observation {
	all := map[string]handler.Observation{}
	for i := range n {
		left := 200 * day
		if i < due {
			left = time.Duration(i+1) * time.Hour * 12
		}
		all[fmt.Sprintf("r-fleet%05d", i)] = expiring(left)
	}
	return all
}

var always = func() handler.Window { w, _ := handler.ParseWindow("any"); return w }()

func sweeper(c *handlertest.Cloud, o handler.Options) *fleet.Fleet {
	o.Now, o.Sleep = c.Now, c.Sleep
	o.Policy.Window = always
	return newFleet(c, o, 0)
}

func newFleet(api handler.API, o handler.Options, maxTargets int) *fleet.Fleet {
	return fleet.New(handler.New(api, o), api, maxTargets)
}

func TestSweepChangesTheMostUrgent(t *testing.T) {
	c := handlertest.NewCloud(instances(320, 240))
	h := sweeper(c, handler.Options{})
	got, err := h.Sweep(context.Background(), fleet.Order{})
	if err != nil || got.Summary.Seen != 320 || got.Summary.Due != 60 {
		t.Fatalf("the sweep ended %+v, %v", got.Summary, err)
	}
	if c.AllRestarts() != 10 || got.Summary.Outcomes[handler.Deferred] != 50 || got.Summary.Outcomes[handler.Unchanged] != 260 {
		t.Errorf("%d restarted: %v", c.AllRestarts(), got.Summary.Outcomes)
	}
	for i := range 10 {
		if id := fmt.Sprintf("r-fleet%05d", i); c.Restarts(id) != 1 {
			t.Errorf("%s, one of the most urgent, restarted %d times", id, c.Restarts(id))
		}
	}
	if got.Results[0].Outcome != handler.Deferred || len(got.Results) != 60 {
		t.Errorf("%d results are given, the first of which %s", len(got.Results), got.Results[0].Outcome)
	}
	// The next sweeps go on where this one ended, until nothing is due.
	for range 5 {
		c.Advance(5 * time.Minute)
		if _, err := h.Sweep(context.Background(), fleet.Order{}); err != nil {
			t.Fatal(err)
		}
	}
	if c.AllRestarts() != 60 {
		t.Errorf("after six sweeps %d restarted, want 60", c.AllRestarts())
	}
}

func TestSweepIsBounded(t *testing.T) {
	c := handlertest.NewCloud(instances(700, 60))
	for id, s := range c.Instances {
		if s.Expires.After(start.Add(180 * day)) {
			s.Expires = start.Add(29 * day)
			_ = id
		}
	}
	got, err := sweeper(c, handler.Options{}).Sweep(context.Background(), fleet.Order{})
	if err != nil || got.Summary.Due != 700 || got.Summary.Outcomes[handler.Deferred] != 690 || len(got.Results) != 110 || c.AllRestarts() != 10 {
		t.Errorf("the sweep ended %+v with %d results after %d restarts, %v", got.Summary, len(got.Results), c.AllRestarts(), err)
	}
}

func TestSweepStopsAtACanaryThatCannotBeVerified(t *testing.T) {
	c := handlertest.NewCloud(instances(20, 20))
	c.Lag = time.Hour
	got, err := sweeper(c, handler.Options{}).Sweep(context.Background(), fleet.Order{})
	if err != nil || c.AllRestarts() != 1 || got.Summary.Outcomes[handler.Accepted] != 1 || got.Summary.Outcomes[handler.Deferred] != 19 {
		t.Errorf("the sweep ended %+v after %d restarts, %v", got.Summary, c.AllRestarts(), err)
	}
	if !strings.Contains(got.Results[0].Reason, "could not be verified") {
		t.Errorf("the rest is told %q", got.Results[0].Reason)
	}
}

func TestSweepPassesTheCanarysRoleOn(t *testing.T) {
	c := handlertest.NewCloud(instances(12, 12))
	c.Instances["r-fleet00000"].Status = "Migrating"
	c.Instances["r-fleet00001"].Tags["tairssl"] = "off"
	two := 2
	got, err := sweeper(c, handler.Options{}).Sweep(context.Background(), fleet.Order{MaxTargets: &two})
	o := got.Summary.Outcomes
	if err != nil || c.Restarts("r-fleet00002") != 1 || c.Restarts("r-fleet00003") != 1 || c.AllRestarts() != 2 || o[handler.InProgress] != 1 || o[handler.Refused] != 1 || o[handler.Deferred] != 8 {
		t.Errorf("the sweep ended %v after %d restarts, %v", o, c.AllRestarts(), err)
	}
}

func TestSweepOfMoreThanCanBeRead(t *testing.T) {
	c := handlertest.NewCloud(instances(120, 3))
	c.OnList = func(region string, page int) error {
		if region != handler.DefaultRegion || page == 2 {
			return handler.Errorf(handler.Unavailable, "down")
		}
		return nil
	}
	got, err := sweeper(c, handler.Options{Regions: []string{handler.DefaultRegion, "cn-shanghai"}}).Sweep(context.Background(), fleet.Order{})
	if err != nil || c.AllRestarts() != 3 || got.Summary.Seen != 70 || got.Summary.Outcomes[handler.Failed] != 2 {
		t.Errorf("with a page and a region missing it ended %+v after %d restarts, %v", got.Summary, c.AllRestarts(), err)
	}
	c.OnList = func(string, int) error { return handler.Errorf(handler.Throttled, "slow down") }
	if _, err := sweeper(c, handler.Options{}).Sweep(context.Background(), fleet.Order{}); !errors.Is(err, handler.Throttled) {
		t.Errorf("with nothing to be listed it ended %v", err)
	}
}

func TestSweepThatOnlyLooks(t *testing.T) {
	c := handlertest.NewCloud(instances(60, 20))
	got, err := sweeper(c, handler.Options{}).Sweep(context.Background(), fleet.Order{DryRun: true})
	if err != nil || c.AllRestarts() != 0 || got.Summary.Outcomes[handler.Planned] != 10 || got.Summary.Outcomes[handler.Deferred] != 10 {
		t.Errorf("a dry run ended %v after %d restarts, %v", got.Summary.Outcomes, c.AllRestarts(), err)
	}
}

func TestSweepOrders(t *testing.T) {
	for _, bad := range []string{`[]`, `{"Colour":1}`, `{"Regions":["Nowhere/"]}`, `{"RenewBefore":"9999h"}`, `null`, `{"Tags":{"":"prod"}}`, `{"MaxTargets":-1}`, `{"Page":"x"}`, `{"Tags":{"a":"","b":"","c":"","d":"","e":"","f":""}}`, `{} {}`} {
		if order, err := fleet.Decode([]byte(bad)); !errors.Is(err, handler.Invalid) {
			t.Errorf("%s is read as %+v, %v", bad, order, err)
		}
	}
	order, err := fleet.Decode([]byte(`{"Regions":["cn-hangzhou"],"Tags":{"env":"prod"},"RenewBefore":"720h","MaxTargets":10,"DryRun":false}`))
	if err != nil || order.Regions[0] != "cn-hangzhou" || *order.MaxTargets != 10 {
		t.Errorf("the order is read as %+v, %v", order, err)
	}
}

// shifting is a cloud to which instances are added while it is listed, so that the second
// page begins with the end of the first. Its listing names no region.
type shifting struct{ *handlertest.Cloud }

func (s shifting) List(ctx context.Context, region string, filter handler.Filter, page int) (handler.Listing, error) {
	list, err := s.Cloud.List(ctx, region, filter, page)
	if page == 2 {
		first, _ := s.Cloud.List(ctx, region, filter, 1)
		list.Instances = append(list.Instances, first.Instances[:10]...)
	}
	for i := range list.Instances {
		list.Instances[i].RegionID = ""
	}
	return list, err
}

func TestSweepOfAListingThatShifts(t *testing.T) {
	c := handlertest.NewCloud(instances(60, 10))
	h := newFleet(shifting{c}, handler.Options{Now: c.Now, Sleep: c.Sleep, Policy: handler.Policy{Window: always}}, 4)
	got, err := h.Sweep(context.Background(), fleet.Order{})
	if err != nil || got.Summary.Seen != 60 || got.Summary.Due != 10 || got.Summary.Outcomes[handler.Deferred] != 6 || c.AllRestarts() != 4 {
		t.Fatalf("the sweep ended %+v after %d restarts, %v", got.Summary, c.AllRestarts(), err)
	}
	for i := range 4 {
		if id := fmt.Sprintf("r-fleet%05d", i); c.Restarts(id) != 1 {
			t.Errorf("%s restarted %d times", id, c.Restarts(id))
		}
	}
}

// stalling is a cloud that answers only the first looks at instances. At every later look
// the caller waits until its time is up.
type stalling struct {
	*handlertest.Cloud
	left atomic.Int32
}

func (s *stalling) Instance(ctx context.Context, ref handler.Ref) (handler.Instance, error) {
	if s.left.Add(-1) >= 0 {
		return s.Cloud.Instance(ctx, ref)
	}
	<-ctx.Done()
	return handler.Instance{}, handler.AsError(ctx.Err())
}

// An instance for which the time was too short has not failed: the next sweep changes it.
func TestSweepWhoseTimeIsUpWhileItLooks(t *testing.T) {
	c := handlertest.NewCloud(instances(40, 40))
	for _, s := range c.Instances {
		s.Expires = start.Add(5 * day)
		s.MaintainStartTime, s.MaintainEndTime = "20:00Z", "21:00Z"
	}
	s := &stalling{Cloud: c}
	s.left.Store(7)
	ctx, cancel := context.WithTimeout(context.Background(), time.Second)
	defer cancel()
	told := &decisions{}
	h := newFleet(s, handler.Options{Now: c.Now, Sleep: c.Sleep, Concurrency: 3, MinLeft: 100 * time.Millisecond, LeasePause: time.Millisecond, Decided: told.note}, 0)
	got, err := h.Sweep(ctx, fleet.Order{})
	if told.of[handler.Failed] != 0 || told.of[handler.Deferred] == 0 {
		t.Errorf("what lacked the time is told as decided: %v", told.of)
	}
	if err != nil || got.Summary.Due != 40 || got.Summary.Outcomes[handler.Deferred] != 40 || c.AllRestarts() != 0 {
		t.Fatalf("the sweep ended %+v, %v", got.Summary, err)
	}
	if last := got.Results[0]; !strings.Contains(last.Reason, "time for this sweep was up") {
		t.Errorf("the rest is told %q", last.Reason)
	}
}

// decisions counts the calls of Options.Decided.
type decisions struct {
	mu sync.Mutex
	of map[handler.Outcome]int
}

func (d *decisions) note(_ context.Context, what handler.Decided) {
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.of == nil {
		d.of = map[handler.Outcome]int{}
	}
	d.of[what.Result.Outcome]++
}

// A sweep looks at an instance before it changes it, but reports one decision.
func TestSweepTellsEachDecisionOnce(t *testing.T) {
	c := handlertest.NewCloud(instances(12, 4))
	c.Instances["r-fleet00001"].Status = "Migrating"
	for _, dry := range []bool{true, false} {
		told := &decisions{}
		if _, err := sweeper(c, handler.Options{Decided: told.note}).Sweep(context.Background(), fleet.Order{DryRun: dry}); err != nil {
			t.Fatal(err)
		}
		want := map[handler.Outcome]int{handler.Verified: 1, handler.Accepted: 2}
		if dry {
			want = map[handler.Outcome]int{handler.Planned: 3}
		}
		if !maps.Equal(told.of, want) {
			t.Errorf("a sweep, dry %v, tells of %v, want %v", dry, told.of, want)
		}
	}
}

func TestSweepThatIsCancelledAmongItsChanges(t *testing.T) {
	c := handlertest.NewCloud(instances(20, 20))
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	changes := 0
	c.OnModify = func(_ context.Context, apply func()) error {
		apply()
		if changes++; changes == 3 {
			cancel()
		}
		return nil
	}
	got, err := sweeper(c, handler.Options{Concurrency: 1}).Sweep(ctx, fleet.Order{})
	o := got.Summary.Outcomes
	if err != nil || c.AllRestarts() != 3 || o[handler.Verified] != 1 || o[handler.Accepted] != 2 || o[handler.Deferred] != 17 {
		t.Errorf("the sweep ended %v after %d restarts, %v", o, c.AllRestarts(), err)
	}
}

func TestSweepTellsFirstWhatAsksForAttention(t *testing.T) {
	c := handlertest.NewCloud(instances(4, 4))
	for i, window := range []string{"13:00Z", "14:00Z", "15:00Z", "11:00Z"} { // the earliest expiry first
		s := c.Instances[fmt.Sprintf("r-fleet%05d", i)]
		s.Expires = start.Add(time.Duration(i+30) * time.Hour)
		s.MaintainStartTime, s.MaintainEndTime = window, window[:2]+":30Z"
	}
	c.Instances["r-fleet00003"].Expires = start.Add(40 * time.Hour) // its window opens in 23 hours
	got, err := newFleet(c, handler.Options{Now: c.Now, Sleep: c.Sleep}, 0).Sweep(context.Background(), fleet.Order{})
	if err != nil || got.Summary.Outcomes[handler.Deferred] != 4 || got.Results[0].InstanceID != "r-fleet00003" || !got.Results[0].Alert || got.Results[1].Alert {
		t.Errorf("the results are %+v, %v", got.Results, err)
	}
}

// Alibaba's renewal also counts if the settings name a window. Then the sweep judges by
// the listing.
func TestSweepLeavesToAlibabaWhatNoWindowOpensFor(t *testing.T) {
	c := handlertest.NewCloud(map[string]handler.Observation{"r-fleet00000": expiring(30 * time.Hour), "r-fleet00001": expiring(30 * time.Hour)})
	c.Renewals = map[string]time.Time{"r-fleet00000": start.Add(20 * time.Hour)}
	nightly, err := handler.ParseWindow("22:00-23:00")
	if err != nil {
		t.Fatal(err)
	}
	got, err := newFleet(c, handler.Options{Now: c.Now, Sleep: c.Sleep, Policy: handler.Policy{Window: nightly}}, 0).Sweep(context.Background(), fleet.Order{})
	if err != nil || got.Summary.Outcomes[handler.Deferred] != 2 || len(got.Results) != 2 {
		t.Fatalf("the sweep ended %+v, %v", got.Summary, err)
	}
	if first, second := got.Results[0], got.Results[1]; first.InstanceID != "r-fleet00001" || !first.Alert || second.Alert || !second.Until.Equal(start.Add(20*time.Hour)) {
		t.Errorf("the results are %+v", got.Results)
	}
}
