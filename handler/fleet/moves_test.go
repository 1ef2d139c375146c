package fleet_test

import (
	"context"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"tairssl/handler"
	"tairssl/handler/fleet"
	"tairssl/handler/handlertest"
)

var atNight = func() handler.Window { w, _ := handler.ParseWindow("22:00-23:00"); return w }()

// scheduled is a cloud of n instances that expire in the given number of days. For each,
// Alibaba has scheduled a renewal at noon, outside the window.
func scheduled(n, days int) *handlertest.Cloud {
	all := map[string]handler.Observation{}
	var tasks []handler.Renewal
	for i := range n {
		id := fmt.Sprintf("r-fleet%05d", i)
		all[id] = expiring(time.Duration(days) * day)
		tasks = append(tasks, handler.Renewal{
			Ref: handler.Ref{RegionID: handler.DefaultRegion, InstanceID: id}, ID: fmt.Sprint(i), Status: handler.RenewalPending,
			At: start.Add(day + time.Duration(i)*time.Minute), Deadline: start.Add(4 * day),
		})
	}
	c := handlertest.NewCloud(all)
	c.Tasks = tasks
	return c
}

func mover(api handler.API, c *handlertest.Cloud, maxTargets int, change func(*handler.Policy)) *fleet.Fleet {
	p := handler.Policy{MovesRenewals: true, Window: atNight}
	if change != nil {
		change(&p)
	}
	return newFleet(api, handler.Options{Now: c.Now, Sleep: c.Sleep, Policy: p}, maxTargets)
}

// moves counts the renewals in the window, and the calls that moved them.
func moves(c *handlertest.Cloud) (inside, calls int) {
	for _, r := range c.Tasks {
		if r.At.Hour() == 22 {
			inside++
		}
	}
	for _, call := range c.Calls {
		if call == "Move" {
			calls++
		}
	}
	return inside, calls
}

// A sweep moves Alibaba's renewals, whether they are due or not, and at most as many as
// it changes. The following sweeps move the rest, and nothing is moved twice.
func TestSweepMovesRenewals(t *testing.T) {
	for name, days := range map[string]int{"due": 20, "not due": 90} {
		c := scheduled(7, days)
		f := mover(c, c, 3, nil)
		for sweep, want := range []int{3, 6, 7, 7} {
			got, err := f.Sweep(context.Background(), fleet.Order{})
			inside, calls := moves(c)
			if err != nil || inside != want || calls != want || c.AllRestarts() != 0 {
				t.Errorf("%s: after sweep %d, %d are inside by %d moves, with %d restarts, %v; want %d", name, sweep+1, inside, calls, c.AllRestarts(), err, want)
			}
			s := got.Summary
			due := 0
			if days == 20 {
				due = 7
			}
			sum := 0
			for _, n := range s.Outcomes {
				sum += n
			}
			if s.Seen != 7 || s.Due != due || sum != 7 {
				t.Errorf("%s: sweep %d counts %+v", name, sweep+1, s)
			}
			if sweep == 0 && !strings.Contains(reasons(got), "one sweep moves at most 3") {
				t.Errorf("%s: nobody is told what is put off: %s", name, reasons(got))
			}
		}
		if first := c.Tasks[0].At; first.Day() != 24 {
			t.Errorf("%s: the first to come was moved to %s", name, first)
		}
	}
}

func reasons(r fleet.Result) string {
	var all []string
	for _, r := range r.Results {
		all = append(all, fmt.Sprint(r.Outcome, ": ", r.Reason))
	}
	return strings.Join(all, "\n")
}

// A moved renewal uses up no target of the sweep.
func TestMovesUseUpNoTarget(t *testing.T) {
	c := scheduled(1, 20)
	c.Instances["r-dueone"] = &handlertest.State{Observation: expiring(5 * day)}
	c.Instances["r-dueone"].Status = "Normal"
	c.Instances["r-dueone"].Tags = map[string]string{}
	c.Advance(10*time.Hour + 5*time.Minute) // the window is open
	got, err := mover(c, c, 1, nil).Sweep(context.Background(), fleet.Order{})
	if inside, _ := moves(c); err != nil || inside != 1 || c.Restarts("r-dueone") != 1 {
		t.Errorf("%d moved, %d changed, %v: %s", inside, c.Restarts("r-dueone"), err, reasons(got))
	}
}

// The first move is the canary: if it cannot be confirmed, no other move is tried.
func TestAMoveThatIsNotConfirmedEndsTheMoves(t *testing.T) {
	c := scheduled(5, 90)
	c.OnMove = func(context.Context, func()) error { return nil } // the API accepts the move, but does not make it
	got, err := mover(c, c, 10, nil).Sweep(context.Background(), fleet.Order{})
	if _, calls := moves(c); err != nil || calls != 1 || !strings.Contains(reasons(got), "r-fleet00000 could not be confirmed") {
		t.Errorf("%d moves were asked for, %v: %s", calls, err, reasons(got))
	}
	// A refused move does not stop the others.
	c = scheduled(5, 90)
	c.OnMove = func(_ context.Context, apply func()) error {
		if c.OnMove = nil; true {
			return handler.Errorf(handler.Unsupported, "refused")
		}
		return nil
	}
	got, err = mover(c, c, 10, nil).Sweep(context.Background(), fleet.Order{})
	alerts := 0
	for _, r := range got.Results {
		if r.Alert {
			alerts++
		}
	}
	if inside, _ := moves(c); err != nil || inside != 4 || alerts != 1 {
		t.Errorf("after a refusal %d of the others are moved, with %d alerts, %v: %s", inside, alerts, err, reasons(got))
	}
}

// Each rule that stops changes stops moves as well.
func TestWhatKeepsASweepFromMoving(t *testing.T) {
	for name, test := range map[string]struct {
		policy func(*handler.Policy)
		change func(c *handlertest.Cloud)
		order  fleet.Order
	}{
		"leave":        {func(p *handler.Policy) { p.MovesRenewals = false }, nil, fleet.Order{}},
		"pause":        {func(p *handler.Policy) { p.Pause = true }, nil, fleet.Order{}},
		"not covered":  {func(p *handler.Policy) { p.Instances = []string{"r-other*"} }, nil, fleet.Order{}},
		"tagged off":   {nil, func(c *handlertest.Cloud) { c.Instances["r-fleet00000"].Tags["tairssl"] = "off" }, fleet.Order{}},
		"stopped":      {nil, func(c *handlertest.Cloud) { c.Instances["r-fleet00000"].Status = "Inactive" }, fleet.Order{}},
		"busy":         {nil, func(c *handlertest.Cloud) { c.Instances["r-fleet00000"].Status = "Changing" }, fleet.Order{}},
		"a dry run":    {nil, nil, fleet.Order{DryRun: true}},
		"in a window":  {nil, func(c *handlertest.Cloud) { c.Tasks[0].At = start.Add(34*time.Hour + time.Minute) }, fleet.Order{}},
		"not approved": {func(p *handler.Policy) { p.Approval = true }, nil, fleet.Order{}},
	} {
		for _, days := range []int{20, 90} {
			c := scheduled(1, days)
			if test.change != nil {
				test.change(c)
			}
			got, err := mover(c, c, 10, test.policy).Sweep(context.Background(), test.order)
			if _, calls := moves(c); err != nil || calls != 0 || c.AllRestarts() != 0 {
				t.Errorf("%s, expiring in %d days: %d moves, %d restarts, %v", name, days, calls, c.AllRestarts(), err)
			}
			if planned := got.Summary.Outcomes[handler.Planned]; (planned == 1) != (name == "a dry run") {
				t.Errorf("%s, expiring in %d days: %d are planned: %s", name, days, planned, reasons(got))
			}
		}
	}
}

// counted counts the calls that read Alibaba's schedule.
type counted struct {
	mu sync.Mutex
	*handlertest.Cloud
	regions, instances int
	err                error
}

func (c *counted) Schedule(ctx context.Context, ref handler.Ref) ([]handler.Renewal, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if ref.InstanceID != "" {
		c.instances++
	} else if c.regions++; c.err != nil {
		return nil, c.err
	}
	return c.Cloud.Schedule(ctx, ref)
}

// If moving is switched off, a sweep makes no additional call. If moving is on, a sweep
// makes one more call for each region. It makes further calls only for renewals that may
// have to be moved.
func TestWhatMovesCost(t *testing.T) {
	for name, test := range map[string]struct {
		moves              bool
		tasks, days        int
		regions, instances int
	}{
		"off, nothing due":       {false, 3, 90, 0, 0},
		"off, all due":           {false, 3, 20, 0, 3},
		"on, nothing scheduled":  {true, 0, 90, 1, 0},
		"on, and all in windows": {true, -3, 90, 1, 0},
		"on, one to move":        {true, 1, 90, 1, 4}, // two looks, one more after the flag, and the reading back
	} {
		n := max(test.tasks, -test.tasks)
		c := &counted{Cloud: scheduled(3, test.days)}
		c.Tasks = c.Tasks[:n]
		for i := range c.Tasks {
			if test.tasks < 0 {
				c.Tasks[i].At = start.Add(10 * time.Hour)
			}
		}
		f := mover(c, c.Cloud, 10, func(p *handler.Policy) { p.MovesRenewals = test.moves })
		if _, err := f.Sweep(context.Background(), fleet.Order{}); err != nil {
			t.Fatal(err)
		}
		if c.regions != test.regions || c.instances != test.instances {
			t.Errorf("%s: the schedule is read %d times for a region and %d times for an instance, want %d and %d", name, c.regions, c.instances, test.regions, test.instances)
		}
	}
}

// If the schedule of a region cannot be read, the sweep says so and goes on.
func TestAScheduleThatCannotBeRead(t *testing.T) {
	c := &counted{Cloud: scheduled(2, 20), err: handler.Errorf(handler.Forbidden, "allow kvstore:DescribeActiveOperationTasks")}
	got, err := mover(c, c.Cloud, 10, nil).Sweep(context.Background(), fleet.Order{})
	if err != nil || got.Summary.Outcomes[handler.Failed] != 1 || !strings.Contains(reasons(got), "could not read what Alibaba itself has scheduled in cn-hangzhou: allow") {
		t.Errorf("it ended %+v, %v: %s", got.Summary, err, reasons(got))
	}
	if got.Summary.Seen != 2 {
		t.Errorf("%d instances were seen", got.Summary.Seen)
	}
}

// One sweep does not change two members of one global instance.
func TestSweepChangesOneMemberAtATime(t *testing.T) {
	for name, options := range map[string]handler.Options{"with tags": {}, "without tags": {LeaseNone: true}} {
		all := instances(6, 6)
		for i, id := range []string{"r-fleet00000", "r-fleet00002", "r-fleet00004"} {
			o := all[id]
			o.GlobalID, o.Expires = "gr-a", start.Add(time.Duration(i+3)*day)
			all[id] = o
		}
		c := handlertest.NewCloud(all)
		f := sweeper(c, options)
		for sweep, want := range []int{4, 5, 6, 6} {
			got, err := f.Sweep(context.Background(), fleet.Order{})
			if err != nil || c.AllRestarts() != want {
				t.Errorf("%s: after sweep %d there are %d restarts, %v; want %d: %s", name, sweep+1, c.AllRestarts(), err, want, reasons(got))
			}
			c.Advance(time.Hour)
		}
	}
}
