package fleet_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"tairssl/handler"
	"tairssl/handler/fleet"
	"tairssl/handler/handlertest"
)

// pages reads a plan from one page to the end.
func pages(t *testing.T, h *fleet.Fleet, order fleet.Order) (names []string, requests []fleet.PlannedRequest) {
	t.Helper()
	for range 10 {
		page, err := h.PlanPage(context.Background(), order)
		if err != nil {
			t.Fatal(err)
		}
		requests = append(requests, page.Requests...)
		if page.NextPage == "" {
			return names, requests
		}
		order.Page = page.NextPage
		names = append(names, page.NextPage)
	}
	t.Fatalf("the plan does not end: %v", names)
	return nil, nil
}

// A plan has a page for each fifty instances, and goes on in the next region.
func TestThePagesOfAPlan(t *testing.T) {
	for total, want := range map[int]string{0: "[]", 1: "[]", 50: "[]", 51: "[cn-hangzhou/2]", 100: "[cn-hangzhou/2]", 101: "[cn-hangzhou/2 cn-hangzhou/3]"} {
		c := handlertest.NewCloud(instances(total, total))
		names, requests := pages(t, sweeper(c, handler.Options{Policy: handler.Policy{RenewBefore: 4000 * time.Hour}}), fleet.Order{})
		if fmt.Sprint(names) != want || len(requests) != total {
			t.Errorf("the plan of %d goes on at %v and has %d requests, want %s", total, names, len(requests), want)
		}
	}
	all := instances(60, 60)
	for id, o := range all {
		if id < "r-fleet00053" {
			o.Region = "cn-shanghai"
		}
		all[id] = o
	}
	c := handlertest.NewCloud(all)
	h := sweeper(c, handler.Options{Regions: []string{"cn-beijing", "cn-shanghai", "cn-hangzhou"}, Policy: handler.Policy{RenewBefore: 4000 * time.Hour}})
	names, requests := pages(t, h, fleet.Order{})
	if want := "[cn-shanghai/1 cn-shanghai/2 cn-hangzhou/1]"; fmt.Sprint(names) != want || len(requests) != 60 {
		t.Errorf("the plan of three regions goes on at %v and has %d requests, want %s", names, len(requests), want)
	}
	for _, r := range requests {
		if region := map[bool]string{true: "cn-shanghai", false: "cn-hangzhou"}[r.InstanceID < "r-fleet00053"]; r.RegionID != region {
			t.Errorf("%s is planned in %s, want %s", r.InstanceID, r.RegionID, region)
		}
	}
	if names, requests := pages(t, h, fleet.Order{Regions: []string{"cn-shanghai"}}); fmt.Sprint(names) != "[cn-shanghai/2]" || len(requests) != 53 {
		t.Errorf("the plan of one of them goes on at %v and has %d requests", names, len(requests))
	}
}

func TestPagesThatAPlanMayGoOnAt(t *testing.T) {
	c := handlertest.NewCloud(instances(60, 60))
	h := sweeper(c, handler.Options{})
	for page, good := range map[string]bool{
		"": true, "cn-hangzhou/1": true, "cn-hangzhou/2": true, "cn-hangzhou/1048576": true, "cn-hangzhou/1048577": false, "cn-hangzhou/0": false, "cn-hangzhou/-1": false,
		"cn-hangzhou/": false, "cn-hangzhou": false, "/1": false, "cn-shanghai/1": false, "cn-hangzhou/1/1": false,
	} {
		_, err := h.PlanPage(context.Background(), fleet.Order{Page: page})
		if (err == nil) != good || err != nil && (!errors.Is(err, handler.Invalid) || !strings.Contains(err.Error(), page)) {
			t.Errorf("the page %q: %v", page, err)
		}
	}
	c.OnList = func(string, int) error { return handler.Errorf(handler.Throttled, "slow down") }
	if _, err := h.PlanPage(context.Background(), fleet.Order{}); !errors.Is(err, handler.Throttled) {
		t.Errorf("a page that cannot be listed ends by %v", err)
	}
}

// A plan names the due instances that may be changed now or later, the most urgent first,
// and then the instances that could not be read but may be readable later.
func TestWhatAPlanNames(t *testing.T) {
	nightly, _ := handler.ParseWindow("22:00-23:00")
	for name, test := range map[string]struct {
		change  func(*handler.Observation)
		policy  handler.Policy
		onSSL   error
		planned bool
		pinned  bool
	}{
		"due":                    {func(*handler.Observation) {}, handler.Policy{}, nil, true, true},
		"due, outside a window":  {func(*handler.Observation) {}, handler.Policy{Window: nightly}, nil, true, true},
		"due, and busy":          {func(o *handler.Observation) { o.Status = "Changing" }, handler.Policy{}, nil, true, true},
		"due, and tagged off":    {func(o *handler.Observation) { o.Tags = map[string]string{"tairssl": "off"} }, handler.Policy{}, nil, true, true},
		"due, and paused":        {func(*handler.Observation) {}, handler.Policy{Pause: true}, nil, true, true},
		"due, and excluded":      {func(*handler.Observation) {}, handler.Policy{Instances: []string{"!r-fleet*"}}, nil, false, false},
		"not due":                {func(o *handler.Observation) { o.Expires = start.Add(90 * day) }, handler.Policy{}, nil, false, false},
		"gone":                   {func(o *handler.Observation) { o.Status = "Released" }, handler.Policy{}, nil, false, false},
		"broken":                 {func(o *handler.Observation) { o.Status = "Error" }, handler.Policy{}, nil, false, false},
		"without TLS":            {func(o *handler.Observation) { o.SSL = handler.SSL{NoTLS: true} }, handler.Policy{}, nil, false, false},
		"not to be read now":     {func(*handler.Observation) {}, handler.Policy{}, handler.Errorf(handler.Throttled, "slow down"), true, false},
		"not to be read at all":  {func(*handler.Observation) {}, handler.Policy{}, handler.Errorf(handler.Forbidden, "no right"), false, false},
		"released in the midst":  {func(*handler.Observation) {}, handler.Policy{}, handler.Errorf(handler.NotFound, "gone"), false, false},
		"on, without any expiry": {func(o *handler.Observation) { o.Expires = time.Time{} }, handler.Policy{}, nil, false, false},
	} {
		o := expiring(5 * day)
		test.change(&o)
		c := handlertest.NewCloud(map[string]handler.Observation{first: o})
		if test.onSSL != nil {
			c.OnSSL = func(handler.Ref) error { return test.onSSL }
		}
		within := handler.Duration(240 * time.Hour)
		h := newFleet(c, handler.Options{Now: c.Now, Policy: test.policy}, 0)
		page, err := h.PlanPage(context.Background(), fleet.Order{RenewBefore: &within})
		if err != nil || (len(page.Requests) == 1) != test.planned {
			t.Errorf("%s: the plan is %+v, %v", name, page, err)
			continue
		}
		if !test.planned {
			continue
		}
		want := fleet.PlannedRequest{InstanceID: first, RegionID: "cn-hangzhou", SSLEnabled: handler.Update, RenewBefore: &within, Automatic: true}
		if test.pinned {
			want.SSLExpiredTime = handler.At(start.Add(5 * day))
		}
		if page.Requests[0] != want {
			t.Errorf("%s: it plans %+v, want %+v", name, page.Requests[0], want)
		}
	}
}

// One unreadable instance is left to the program that carries the plan out. If none of
// several can be read, the cause is not the instances.
func TestAPageOfWhichNothingCanBeRead(t *testing.T) {
	for name, test := range map[string]struct {
		listed, unread int
		fails          bool
	}{"one of one": {1, 1, false}, "one of two": {2, 1, false}, "two of two": {2, 2, true}, "two of three": {3, 2, false}, "none of none": {0, 0, false}} {
		c := handlertest.NewCloud(instances(test.listed, test.listed))
		b := &blind{c, func(id string) bool { return id < fmt.Sprintf("r-fleet%05d", test.unread) }}
		page, err := newFleet(b, handler.Options{Now: c.Now, Policy: handler.Policy{Window: always}}, 0).PlanPage(context.Background(), fleet.Order{})
		if (err != nil) != test.fails || err != nil && !errors.Is(err, handler.Unavailable) || err == nil && len(page.Requests) != test.listed {
			t.Errorf("%s: the page is %+v, %v", name, page, err)
		}
		for i, r := range page.Requests { // the instances that were read come first
			if read := i < test.listed-test.unread; r.SSLExpiredTime.IsZero() == read {
				t.Errorf("%s: request %d is %+v", name, i, r)
			}
		}
	}
}

// A region is listed by as many calls as it has pages.
func TestEveryPageOfARegionIsListedOnce(t *testing.T) {
	for total, want := range map[int]int{0: 1, 1: 1, 49: 1, 50: 1, 51: 2, 99: 2, 100: 2, 101: 3} {
		c := handlertest.NewCloud(instances(total, 0))
		listed := map[int]int{}
		c.OnList = func(_ string, page int) error { listed[page]++; return nil }
		got, err := sweeper(c, handler.Options{}).Sweep(context.Background(), fleet.Order{})
		if err != nil || len(listed) != want || got.Summary.Seen != total {
			t.Errorf("of %d instances %d are seen on %v, want %d pages: %v", total, got.Summary.Seen, listed, want, err)
		}
		for page, n := range listed {
			if n != 1 || page < 1 || page > want {
				t.Errorf("of %d instances page %d is listed %d times", total, page, n)
			}
		}
	}
}

func TestPlanPagesCoverTheFleetOnce(t *testing.T) {
	c := handlertest.NewCloud(instances(120, 40))
	h := sweeper(c, handler.Options{})
	seen := map[string]int{}
	order := fleet.Order{Plan: true}
	pages := 0
	for {
		page, err := h.PlanPage(context.Background(), order)
		if err != nil {
			t.Fatal(err)
		}
		pages++
		for _, r := range page.Requests {
			if seen[r.InstanceID]++; !r.Automatic || r.SSLExpiredTime.IsZero() || r.RegionID == "" {
				t.Errorf("the plan asks for %+v", r)
			}
		}
		if order.Page = page.NextPage; order.Page == "" {
			break
		}
	}
	if pages != 3 || len(seen) != 40 || c.AllRestarts() != 0 {
		t.Errorf("%d pages name %d instances, want 3 and 40", pages, len(seen))
	}
	for _, bad := range []string{"cn-hangzhou", "cn-hangzhou/0", "cn-hangzhou/x", "cn-hangzhou/922337203685477580", "cn-nowhere/1"} {
		if _, err := h.PlanPage(context.Background(), fleet.Order{Plan: true, Page: bad}); !errors.Is(err, handler.Invalid) {
			t.Errorf("the page %q ends %v", bad, err)
		}
	}
}

// A plan of a dry run must not be carried out.
func TestPlanOfADryRun(t *testing.T) {
	c := handlertest.NewCloud(instances(5, 2))
	h := sweeper(c, handler.Options{})
	page, err := h.PlanPage(context.Background(), fleet.Order{Plan: true, DryRun: true})
	if err != nil || len(page.Requests) != 2 {
		t.Fatalf("the plan is %+v, %v", page, err)
	}
	for _, planned := range page.Requests {
		requests, _, err := handler.Decode(handler.JSON(planned))
		if err != nil {
			t.Fatal(err)
		}
		requests[0].Trust = handler.Trusted
		if got := h.Handle(context.Background(), requests)[0]; got.Outcome != handler.Planned {
			t.Errorf("the request %s ends %s: %s", handler.JSON(planned), got.Outcome, got.Reason)
		}
	}
	if c.AllRestarts() != 0 {
		t.Errorf("carrying out the plan of a dry run restarted %d instances", c.AllRestarts())
	}
}

// blind is a cloud in which the encryption of some instances cannot be read.
type blind struct {
	*handlertest.Cloud
	unreadable func(id string) bool
}

func (b *blind) SSL(ctx context.Context, ref handler.Ref) (handler.SSL, error) {
	if b.unreadable(ref.InstanceID) {
		return handler.SSL{}, handler.Errorf(handler.Unavailable, "down")
	}
	return b.Cloud.SSL(ctx, ref)
}

func TestPlanGoesOnPastWhatCannotBeRead(t *testing.T) {
	c := handlertest.NewCloud(instances(60, 3))
	c.Instances["r-fleet00005"].Expires = time.Time{} // encryption is on, without an expiry
	b := &blind{c, func(id string) bool { return id == "r-fleet00000" }}
	h := newFleet(b, handler.Options{Now: c.Now, Sleep: c.Sleep, Policy: handler.Policy{Window: always}}, 0)
	page, err := h.PlanPage(context.Background(), fleet.Order{Plan: true})
	if err != nil || page.NextPage != "cn-hangzhou/2" || len(page.Requests) != 3 {
		t.Fatalf("the page is %+v, %v", page, err)
	}
	last := page.Requests[2]
	if last.InstanceID != "r-fleet00000" || !last.SSLExpiredTime.IsZero() || !last.Automatic || page.Requests[0].SSLExpiredTime.IsZero() {
		t.Errorf("what could not be read is to be read by whoever carries the plan out, last of all: %+v", page.Requests)
	}
	b.unreadable = func(string) bool { return true }
	if page, err := h.PlanPage(context.Background(), fleet.Order{Plan: true}); !errors.Is(err, handler.Unavailable) {
		t.Errorf("a page of which nothing could be read is %+v, %v", page, err)
	}
}

func TestPlanOfARegionThatIsNamedTwice(t *testing.T) {
	c := handlertest.NewCloud(instances(60, 60))
	h := sweeper(c, handler.Options{Regions: []string{handler.DefaultRegion, handler.DefaultRegion}})
	order, pages := fleet.Order{Plan: true}, 0
	for range 5 {
		page, err := h.PlanPage(context.Background(), order)
		if err != nil {
			t.Fatal(err)
		}
		pages++
		if order.Page = page.NextPage; order.Page == "" {
			break
		}
	}
	if pages != 2 {
		t.Errorf("the plan has %d pages, want 2", pages)
	}
	if got, err := h.Sweep(context.Background(), fleet.Order{DryRun: true}); err != nil || got.Summary.Seen != 60 {
		t.Errorf("a sweep sees %d instances, want 60: %v", got.Summary.Seen, err)
	}
}
