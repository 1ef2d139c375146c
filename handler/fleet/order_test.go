package fleet_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"tairssl/handler"
	"tairssl/handler/fleet"
	"tairssl/handler/handlertest"
)

// The smaller of the setting and the order counts.
func TestAnOrderCannotExceedMaxTargets(t *testing.T) {
	for name, test := range map[string]struct {
		setting int
		order   *int
		want    int
	}{
		"the order asks for more":    {2, ptr(5), 2},
		"the order asks for less":    {5, ptr(2), 2},
		"the order asks for as many": {3, ptr(3), 3},
		"the order asks for none":    {5, ptr(0), 0},
		"the order says nothing":     {3, nil, 3},
		"nothing is set":             {0, nil, fleet.DefaultMaxTargets},
		"nonsense is set":            {-1, nil, fleet.DefaultMaxTargets},
		"nothing is set, ordered":    {0, ptr(15), fleet.DefaultMaxTargets},
	} {
		for _, dry := range []bool{false, true} {
			c := handlertest.NewCloud(instances(20, 20))
			h := newFleet(c, handler.Options{Now: c.Now, Sleep: c.Sleep, Policy: handler.Policy{Window: always}}, test.setting)
			got, err := h.Sweep(context.Background(), fleet.Order{MaxTargets: test.order, DryRun: dry})
			o := got.Summary.Outcomes
			if changed := o[handler.Verified] + o[handler.Accepted] + o[handler.Planned]; err != nil || changed != test.want || o[handler.Deferred] != 20-test.want {
				t.Errorf("%s, dry %v: %d are changed and %d deferred, want %d changed: %v", name, dry, changed, o[handler.Deferred], test.want, err)
			}
			if restarts := c.AllRestarts(); restarts != test.want && !dry || restarts != 0 && dry {
				t.Errorf("%s, dry %v: %d restarted", name, dry, restarts)
			}
			for _, r := range got.Results {
				if says := fmt.Sprintf("at most %d instances", test.want); r.Outcome == handler.Deferred && !strings.Contains(r.Reason, says) {
					t.Errorf("%s, dry %v: what is deferred does not say %q: %s", name, dry, says, r.Reason)
				}
			}
		}
	}
}

func ptr[T any](v T) *T { return &v }

func TestTheLimitsOfAnOrder(t *testing.T) {
	tags := func(n int) string {
		var all []string
		for i := range n {
			all = append(all, fmt.Sprintf(`"k%d":""`, i))
		}
		return `{"Tags":{` + strings.Join(all, ",") + `}}`
	}
	key := func(n int) string { return fmt.Sprintf(`{"Tags":{%q:"x"}}`, strings.Repeat("ü", n)) }
	for text, good := range map[string]bool{
		`{}`: true, ` { } `: true, `null`: false, ` null `: false, ``: false, `{`: false, `7`: false,
		tags(5): true, tags(6): false, key(1): true, key(64): true, key(65): false, key(0): false,
		`{"MaxTargets":0}`: true, `{"MaxTargets":-1}`: false, `{"MaxTargets":null}`: true,
		`{"RenewBefore":"4320h"}`: true, `{"RenewBefore":"4320h1s"}`: false, `{"RenewBefore":"-1s"}`: false, `{"RenewBefore":7}`: false,
		`{"Plan":true,"Page":"cn-hangzhou/2"}`: true, `{"Page":"cn-hangzhou/2"}`: false, `{"Regions":["cn-hangzhou","cn-beijing"]}`: true, `{"Regions":["cn-hangzhou","X"]}`: false,
		`{} x`: false, `{"Progress":1}`: false,
	} {
		order, err := fleet.Decode([]byte(text))
		if (err == nil) != good || err != nil && !errors.Is(err, handler.Invalid) {
			t.Errorf("%s is read as %+v, %v", text, order, err)
		}
	}
}

// Every fault is named, up to a limit.
func TestFaultsOfAnOrder(t *testing.T) {
	_, err := fleet.Decode([]byte(`{"Regions":["X"],"MaxTargets":-1,"RenewBefore":"9999h","Page":"x","Tags":{"":"a"}}`))
	for _, says := range []string{`"X" is not a region id`, "MaxTargets must not be negative", "RenewBefore must be at most 4320h", "Page goes with Plan", `the tag key "" must have`} {
		if err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("the faults do not say %q: %v", says, err)
		}
	}
	for n, want := range map[int]int{9: 9, 10: 10, 11: 10} {
		regions, _ := json.Marshal(strings.Split(strings.Repeat("X ", n)[:2*n-1], " "))
		_, err := fleet.Decode([]byte(`{"Regions":` + string(regions) + `}`))
		if err == nil || strings.Count(err.Error(), "is not a region id") != want {
			t.Errorf("of %d faults are named: %v", n, err)
		}
	}
	if _, err := fleet.Decode([]byte(`{"` + strings.Repeat("x", 200) + `":1}`)); err == nil || strings.Contains(err.Error(), strings.Repeat("x", 100)) {
		t.Errorf("a long name is quoted whole: %v", err)
	}
}

// An order may name some of the configured regions, and no other regions.
func TestRegionsOfAnOrder(t *testing.T) {
	all := instances(6, 6)
	for i, region := range []string{"cn-hangzhou", "cn-hangzhou", "cn-shanghai", "cn-shanghai", "cn-beijing", "cn-qingdao"} {
		id := fmt.Sprintf("r-fleet%05d", i)
		o := all[id]
		o.Region = region
		all[id] = o
	}
	c := handlertest.NewCloud(all)
	h := sweeper(c, handler.Options{Regions: []string{"cn-hangzhou", "cn-shanghai", "cn-beijing"}})
	for text, want := range map[string]int{`[]`: 5, `["cn-shanghai"]`: 2, `["cn-shanghai","cn-beijing","cn-shanghai"]`: 3} {
		order, err := fleet.Decode([]byte(`{"DryRun":true,"Regions":` + text + `}`))
		if err != nil {
			t.Fatal(err)
		}
		got, err := h.Sweep(context.Background(), order)
		if err != nil || got.Summary.Seen != want {
			t.Errorf("a sweep of %s sees %d instances, want %d: %v", text, got.Summary.Seen, want, err)
		}
	}
	for _, plan := range []bool{false, true} {
		order := fleet.Order{Plan: plan, Regions: []string{"cn-shanghai", "cn-qingdao"}}
		_, err := h.Sweep(context.Background(), order)
		if plan {
			_, err = h.PlanPage(context.Background(), order)
		}
		if !errors.Is(err, handler.Forbidden) || !strings.Contains(err.Error(), "cn-qingdao") {
			t.Errorf("a region that is not allowed ends it, a plan %v, by %v", plan, err)
		}
	}
}

// An order chooses instances by tags, and sets the time before the expiry.
func TestWhatAnOrderChooses(t *testing.T) {
	c := handlertest.NewCloud(instances(10, 10))
	for i := range 4 {
		c.Instances[fmt.Sprintf("r-fleet%05d", i)].Tags["env"] = "prod"
	}
	got, err := sweeper(c, handler.Options{}).Sweep(context.Background(), fleet.Order{Tags: map[string]string{"env": "prod"}, RenewBefore: ptr(handler.Duration(24 * time.Hour))})
	if err != nil || got.Summary.Seen != 4 || c.AllRestarts() != 2 || c.Restarts("r-fleet00000") != 1 || c.Restarts("r-fleet00001") != 1 {
		t.Errorf("it saw %d and changed %d, want the two of four that expire within a day: %v", got.Summary.Seen, c.AllRestarts(), err)
	}
}

// An order that was read can be written and read again. An unreadable order is invalid
// and empty.
func FuzzOrder(f *testing.F) {
	for _, text := range []string{
		`{}`, `null`, `{"Regions":["cn-hangzhou"],"Tags":{"env":"prod"},"RenewBefore":"720h","MaxTargets":10,"DryRun":false}`, `{"Plan":true,"Page":"cn-hangzhou/2"}`,
		`{"Tags":{"":"x"}}`, `{"MaxTargets":-1}`, `{"RenewBefore":"1ns"}`, `{"regions":["cn-hangzhou"]}`, `{} {}`, `[`, "\xff",
	} {
		f.Add([]byte(text))
	}
	f.Fuzz(func(t *testing.T, data []byte) {
		order, err := fleet.Decode(data)
		if err != nil {
			if !errors.Is(err, handler.Invalid) || len(err.Error()) > 4000 {
				t.Errorf("%q is refused by %v", data, err)
			}
			return
		}
		text := handler.JSON(order)
		again, err := fleet.Decode(text)
		if err != nil || string(handler.JSON(again)) != string(text) {
			t.Errorf("%q is read as %s, and that as %s, %v", data, text, handler.JSON(again), err)
		}
		if order.MaxTargets != nil && *order.MaxTargets < 0 || len(order.Tags) > 5 || order.Page != "" && !order.Plan || order.RenewBefore != nil && (*order.RenewBefore < 0 || *order.RenewBefore > handler.Duration(4320*time.Hour)) {
			t.Errorf("%q is taken for a good order: %s", data, text)
		}
		for _, region := range order.Regions {
			if !handler.ValidRegion(region) {
				t.Errorf("%q names the region %q", data, region)
			}
		}
	})
}

// A misread order may restart a fleet.
func TestAnOrderIsReadByTheLetter(t *testing.T) {
	for order, says := range map[string]string{
		`{"DryRun":true,"dryrun":false}`:       `no field "dryrun"`,
		`{"DryRun":true,"DryRun":false}`:       "DryRun is given twice",
		`{"Tags":{"env":"prod"},"Tags":null}`:  "Tags is given twice",
		`{"Tags":{"env":"prod","env":"test"}}`: `tag "env" is given twice`,
		`{"tags":{"env":"prod"}}`:              `no field "tags"`,
		`{"Colour":1}`:                         "there are Regions, Tags, RenewBefore, MaxTargets, DryRun, Plan, Page",
	} {
		if _, err := fleet.Decode([]byte(order)); !errors.Is(err, handler.Invalid) || !strings.Contains(err.Error(), says) {
			t.Errorf("%s is answered %v, want %q", order, err, says)
		}
	}
}
