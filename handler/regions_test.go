package handler_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"

	"tairssl/handler"
	"tairssl/handler/handlertest"
)

var threeRegions = []string{"cn-hangzhou", "cn-shanghai", "cn-beijing"}

// listing counts a cloud's listings.
type listing struct {
	*handlertest.Cloud
	mu    sync.Mutex
	pages []handler.Filter
}

func (l *listing) List(ctx context.Context, region string, filter handler.Filter, page int) (handler.Listing, error) {
	l.mu.Lock()
	l.pages = append(l.pages, filter)
	l.mu.Unlock()
	return l.Cloud.List(ctx, region, filter, page)
}

// around is a cloud with one due instance in each region.
func around(regions ...string) (*listing, []handler.Delivery) {
	all := map[string]handler.Observation{}
	var deliveries []handler.Delivery
	for n, region := range regions {
		o := expiring(5 * day)
		o.Region = region
		d := update()
		d.InstanceID = fmt.Sprintf("r-place%04d", n)
		all[d.InstanceID] = o
		deliveries = append(deliveries, d)
	}
	return &listing{Cloud: handlertest.NewCloud(all)}, deliveries
}

func placed(c *listing, regions ...string) *handler.Handler {
	return handler.New(c, handler.Options{Regions: regions, Now: c.Now, Sleep: c.Sleep})
}

func TestInstancesAreLookedForInEveryRegion(t *testing.T) {
	c, deliveries := around("cn-beijing", "cn-hangzhou", "cn-shanghai")
	h := placed(c, threeRegions...)
	gone := update()
	gone.InstanceID = "r-gonegone"
	told := update()
	told.InstanceID, told.RegionID = "r-alsogone", "cn-beijing"
	known := update()
	known.InstanceID, known.RegionID = "r-place0002", "cn-shanghai"
	all := append([]handler.Delivery{handler.Invalidf("no"), known}, deliveries...)
	results := h.Handle(context.Background(), append(all, gone, told))
	if r := results[0]; kindOf(r) != handler.Invalid {
		t.Errorf("what could not be read ended %s (%s)", r.Outcome, r.Reason)
	}
	if r := results[1]; r.Outcome != handler.Accepted {
		t.Errorf("one that came with its region ended %s (%s)", r.Outcome, r.Reason)
	}
	results = results[2:]
	for n, region := range []string{"cn-beijing", "cn-hangzhou", "cn-shanghai"} {
		want := handler.Accepted
		if region == "cn-shanghai" { // changed already
			want = handler.InProgress
		}
		if r := results[n]; r.Outcome != want || r.RegionID != region {
			t.Errorf("the instance in %s ended %s (%s) in %s", region, r.Outcome, r.Reason, r.RegionID)
		}
	}
	if r := results[3]; kindOf(r) != handler.NotFound || r.Error.Retryable || !strings.Contains(r.Reason, "no instance r-gonegone in cn-hangzhou, cn-shanghai, cn-beijing") {
		t.Errorf("one that is nowhere ended %s (%s)", r.Outcome, r.Reason)
	}
	if r := results[4]; kindOf(r) != handler.NotFound {
		t.Errorf("one that is not in its region ended %s (%s)", r.Outcome, r.Reason)
	}
	if len(c.pages) != 3 {
		t.Errorf("four ids in three regions cost %d listings, want one of each region", len(c.pages))
	}
	for _, filter := range c.pages {
		if len(filter.IDs) != 4 {
			t.Errorf("a listing asks for %v", filter.IDs)
		}
	}
	// The handler remembers the regions.
	h.Handle(context.Background(), deliveries)
	if len(c.pages) != 3 {
		t.Errorf("a second batch cost %d listings more", len(c.pages)-3)
	}
}

// A known region costs no listing, whether the request or the memory knows it.
func TestAKnownRegionIsNotLookedFor(t *testing.T) {
	c, deliveries := around("cn-shanghai")
	if r := placed(c, "cn-shanghai").Handle(context.Background(), deliveries)[0]; r.Outcome != handler.Accepted || r.RegionID != "cn-shanghai" || len(c.pages) != 0 {
		t.Errorf("in the only region it ended %s (%s) after %d listings", r.Outcome, r.Reason, len(c.pages))
	}
	c, deliveries = around("cn-shanghai")
	deliveries[0].RegionID = "cn-shanghai"
	if r := placed(c, threeRegions...).Handle(context.Background(), deliveries)[0]; r.Outcome != handler.Accepted || len(c.pages) != 0 {
		t.Errorf("with its region it ended %s (%s) after %d listings", r.Outcome, r.Reason, len(c.pages))
	}
	// One endpoint serves several regions. The region that the API reports counts.
	deliveries[0].RegionID = "cn-hangzhou"
	c.Change(deliveries[0].InstanceID, func(o *handler.Observation) { o.Expires = start.Add(300 * day) })
	if r := placed(c, threeRegions...).Handle(context.Background(), deliveries)[0]; r.Outcome != handler.Unchanged || r.RegionID != "cn-shanghai" {
		t.Errorf("under another region it ended %s (%s) in %s", r.Outcome, r.Reason, r.RegionID)
	}
}

// An instance that moved to another region, or was created again with the same id, is
// looked for again after it was not found.
func TestAPlaceThatIsWrongIsForgotten(t *testing.T) {
	c, deliveries := around("cn-shanghai")
	h := placed(c, threeRegions...)
	h.Handle(context.Background(), deliveries)
	listed := len(c.pages)
	kept := c.Instances[deliveries[0].InstanceID]
	delete(c.Instances, deliveries[0].InstanceID)
	if r := h.Handle(context.Background(), deliveries)[0]; kindOf(r) != handler.NotFound || len(c.pages) != listed {
		t.Errorf("released it ended %s (%s) after %d listings", r.Outcome, r.Reason, len(c.pages)-listed)
	}
	c.Instances[deliveries[0].InstanceID] = kept
	if r := h.Handle(context.Background(), deliveries)[0]; r.Error != nil || len(c.pages) != listed+3 {
		t.Errorf("back again it ended %s (%s) after %d listings", r.Outcome, r.Reason, len(c.pages)-listed)
	}
}

// While a region cannot be listed, an instance that was not found elsewhere is not known
// to be missing.
func TestARegionThatCannotBeListed(t *testing.T) {
	for kind, want := range map[handler.Kind]handler.Kind{
		handler.Unavailable: handler.Unavailable, handler.Throttled: handler.Throttled, handler.Forbidden: handler.Forbidden, handler.NotFound: handler.Unavailable,
	} {
		c, deliveries := around("cn-hangzhou", "cn-shanghai")
		c.OnList = func(region string, _ int) error {
			if region != "cn-hangzhou" {
				return handler.Errorf(kind, "no answer of %s", region)
			}
			return nil
		}
		results := placed(c, threeRegions...).Handle(context.Background(), deliveries)
		if r := results[0]; r.Outcome != handler.Accepted {
			t.Errorf("the one that was found ended %s (%s)", r.Outcome, r.Reason)
		}
		if r := results[1]; kindOf(r) != want || !strings.Contains(r.Reason, "cn-shanghai could not be listed: no answer of cn-shanghai") {
			t.Errorf("with a region that is %s the other ended %s (%s), want %s of the first region", kind, r.Outcome, r.Reason, want)
		}
	}
	// A request that names its region does not have to wait for the others.
	c, deliveries := around("cn-hangzhou")
	c.OnList = func(string, int) error { return handler.Errorf(handler.Unavailable, "down") }
	deliveries = append(deliveries, deliveries[0])
	deliveries[1].RegionID = "cn-hangzhou"
	if results := placed(c, threeRegions...).Handle(context.Background(), deliveries); kindOf(results[0]) != handler.Unavailable || results[1].Outcome != handler.Accepted {
		t.Errorf("without and with its region it ended %s and %s (%s)", results[0].Outcome, results[1].Outcome, results[1].Reason)
	}
	c, deliveries = around("cn-hangzhou")
	c.OnList = func(string, int) error { panic("boom") }
	if r := placed(c, threeRegions...).Handle(context.Background(), deliveries)[0]; kindOf(r) != handler.Internal || !r.Error.Retryable {
		t.Errorf("a panic of the listing ended %s (%s)", r.Outcome, r.Reason)
	}
}

// A listing takes at most 30 ids.
func TestManyInstancesAreLookedForTogether(t *testing.T) {
	var regions []string
	for range 61 {
		regions = append(regions, "cn-beijing")
	}
	c, deliveries := around(regions...)
	deliveries = append(deliveries, deliveries...) // each one twice
	found := 0
	for _, r := range placed(c, "cn-beijing", "cn-hangzhou").Handle(context.Background(), deliveries) {
		if r.Outcome == handler.Accepted {
			found++
		}
	}
	if found != 61 || len(c.pages) != 6 {
		t.Errorf("of 61 instances %d were changed after %d listings, want three of each of two regions", found, len(c.pages))
	}
	for _, filter := range c.pages {
		if len(filter.IDs) > handler.MaxIDs {
			t.Errorf("a listing asks for %d ids", len(filter.IDs))
		}
	}
}

func TestWhichRegionsAreAllowed(t *testing.T) {
	h := handler.New(nil, handler.Options{Regions: []string{"cn-shanghai", "cn-beijing", "cn-shanghai"}})
	if fmt.Sprint(h.Regions) != "[cn-shanghai cn-beijing]" {
		t.Errorf("the regions are %v", h.Regions)
	}
	for region, want := range map[string]bool{"cn-shanghai": true, "cn-beijing": true, "": true, "cn-hangzhou": false, "CN-SHANGHAI": false} {
		if err := h.Allows(region); (err == nil) != want || err != nil && !errors.Is(err, handler.Forbidden) {
			t.Errorf("the region %q: %v", region, err)
		}
	}
	if h := handler.New(nil, handler.Options{}); fmt.Sprint(h.Regions) != "[cn-hangzhou]" {
		t.Errorf("without a setting the regions are %v", h.Regions)
	}
}

// The answer shows nothing of an instance in a region that is not configured.
func TestNothingIsToldOfAnInstanceInAnotherRegion(t *testing.T) {
	o := expiring(5 * day)
	o.Region, o.Name, o.Tags = "cn-shanghai", "secret-name", map[string]string{"secret": "tag"}
	_, h := on(o, handler.Options{})
	result := ask(t, h, update())
	if !errors.Is(result.Error, handler.Forbidden) || result.InstanceName != "" || result.Before != nil || result.Tags != nil {
		t.Errorf("it is answered %+v", result)
	}
}
