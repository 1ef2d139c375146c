package handler_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"

	"tairssl/handler"
	"tairssl/handler/handlertest"
)

// fleet is a cloud of due instances in several regions, and a handler for these regions.
func fleet(regions []string, instances map[string]string) (*handlertest.Cloud, *handler.Handler) {
	all := map[string]handler.Observation{}
	for id, region := range instances {
		o := expiring(5 * day)
		o.Region = region
		all[id] = o
	}
	c := handlertest.NewCloud(all)
	return c, handler.New(c, handler.Options{Regions: regions, Now: c.Now, Sleep: c.Sleep})
}

// of is the Update that an event asks for, for the instance that a text names.
func of(t *testing.T, text string) handler.Delivery {
	t.Helper()
	n, ok := handler.ParseInstance(text)
	if !ok {
		t.Fatalf("%q names no instance", text)
	}
	d := update()
	d.InstanceID, d.OrID, d.RegionID = n.ID, n.OrID, n.Region
	return d
}

func TestAnEndpointThatEndsInPdIsOfOneInstance(t *testing.T) {
	const endpoint = ".redis.rds.aliyuncs.com"
	north := []string{"cn-hangzhou", "cn-beijing"}
	for name, test := range map[string]struct {
		instances map[string]string
		regions   []string
		endpoint  string
		outcome   handler.Outcome
		id        string
		reason    string
	}{
		"the public endpoint of an instance":         {map[string]string{id: "cn-beijing"}, north, id + "pd" + endpoint, handler.Accepted, id, ""},
		"the same in the only region":                {map[string]string{id: "cn-hangzhou"}, north[:1], id + "pd" + endpoint, handler.Accepted, id, ""},
		"the private one of an id that ends so":      {map[string]string{id + "pd": "cn-beijing"}, north, id + "pd" + endpoint, handler.Accepted, id + "pd", ""},
		"the same in the only region, by itself":     {map[string]string{id + "pd": "cn-hangzhou"}, north[:1], id + "pd" + endpoint, handler.Accepted, id + "pd", ""},
		"both are there, so the whole id counts":     {map[string]string{id: "cn-hangzhou", id + "pd": "cn-beijing"}, north, id + "pd" + endpoint, handler.Accepted, id + "pd", ""},
		"neither is there":                           {map[string]string{"r-bp1other000000000": "cn-hangzhou"}, north, id + "pd" + endpoint, handler.Failed, id + "pd", "no instance " + id + "pd or " + id + " in cn-hangzhou, cn-beijing"},
		"the region of the endpoint":                 {map[string]string{id: "cn-beijing"}, north, id + "pd.redis.cn-beijing.rds.aliyuncs.com", handler.Accepted, id, ""},
		"the region of the endpoint has none":        {map[string]string{id: "cn-hangzhou"}, north, id + "pd.redis.cn-beijing.rds.aliyuncs.com", handler.Failed, id + "pd", "in cn-beijing: check the id"},
		"the region of the endpoint is not one's":    {map[string]string{id: "cn-shanghai"}, north, id + "pd.redis.cn-shanghai.rds.aliyuncs.com", handler.Failed, id + "pd", "cn-shanghai is not one of the regions of TAIRSSL_REGION"},
		"an endpoint without pd costs no such doubt": {map[string]string{id: "cn-hangzhou"}, north[:1], id + endpoint, handler.Accepted, id, ""},
	} {
		c, h := fleet(test.regions, test.instances)
		r := ask(t, h, of(t, test.endpoint))
		if r.Outcome != test.outcome || r.InstanceID != test.id || !strings.Contains(r.Reason, test.reason) {
			t.Errorf("%s: the answer is %s for %s: %s", name, r.Outcome, r.InstanceID, r.Reason)
		}
		for other := range test.instances {
			want := 0
			if test.outcome == handler.Accepted && other == test.id {
				want = 1
			}
			if n := c.Restarts(other); n != want {
				t.Errorf("%s: %s restarted %d times, want %d", name, other, n, want)
			}
		}
	}
}

func TestAPublicEndpointIsJudgedByTheIdOfItsInstance(t *testing.T) {
	c, _ := fleet(nil, map[string]string{id: ""})
	h := handler.New(c, handler.Options{Now: c.Now, Sleep: c.Sleep, Policy: handler.Policy{Instances: []string{id}}})
	if r := ask(t, h, of(t, id+"pd.redis.rds.aliyuncs.com")); r.Outcome != handler.Accepted {
		t.Errorf("an instance that TAIRSSL_INSTANCES names is %s by its public endpoint: %s", r.Outcome, r.Reason)
	}
	h = handler.New(c, handler.Options{Now: c.Now, Sleep: c.Sleep, Policy: handler.Policy{Instances: []string{"*", "!" + id}}})
	if r := ask(t, h, of(t, id+"pd.redis.rds.aliyuncs.com")); r.Outcome != handler.Refused {
		t.Errorf("an instance that TAIRSSL_INSTANCES excludes is %s by its public endpoint: %s", r.Outcome, r.Reason)
	}
}

func TestOneNeedByTwoEndpointsRestartsOnce(t *testing.T) {
	c, h := fleet([]string{"cn-hangzhou", "cn-beijing"}, map[string]string{id: "cn-beijing"})
	results := h.Handle(context.Background(), []handler.Delivery{of(t, id+"pd.redis.rds.aliyuncs.com"), of(t, id+".redis.rds.aliyuncs.com"), of(t, id)})
	if results[0].Outcome != handler.Accepted || results[1].Outcome != handler.InProgress || results[2].Outcome != handler.InProgress || c.Restarts(id) != 1 {
		t.Errorf("three deliveries of one need end %s, %s, %s after %d restarts", results[0].Outcome, results[1].Outcome, results[2].Outcome, c.Restarts(id))
	}
}

func TestARegionThatCannotBeListedIsNotEmpty(t *testing.T) {
	c, h := fleet([]string{"cn-hangzhou", "cn-beijing"}, map[string]string{id: "cn-hangzhou"})
	c.OnList = func(region string, _ int) error {
		if region == "cn-beijing" {
			return handler.Errorf(handler.Unavailable, "it is down")
		}
		return nil
	}
	if r := ask(t, h, of(t, id+"pd.redis.rds.aliyuncs.com")); r.Outcome != handler.Accepted {
		t.Errorf("what was found elsewhere is %s: %s", r.Outcome, r.Reason)
	}
	const gone = "r-bp1gone0000000000"
	r := ask(t, h, of(t, gone))
	if !errors.Is(r.Error, handler.Unavailable) || !strings.Contains(r.Reason, "cn-beijing could not be listed: it is down") {
		t.Errorf("what was found nowhere ends with %v", r.Error)
	}
}

func TestAHundredInstancesAreFoundByFewListings(t *testing.T) {
	instances, deliveries := map[string]string{}, []handler.Delivery{}
	for n := range handler.MaxBatch {
		id := id[:len(id)-3] + string(rune('a'+n/26)) + string(rune('a'+n%26)) + "x"
		instances[id] = "cn-beijing"
		deliveries = append(deliveries, of(t, id+"pd.redis.rds.aliyuncs.com"))
	}
	c, h := fleet([]string{"cn-hangzhou", "cn-beijing"}, instances)
	var listings []string
	c.OnList = func(region string, _ int) error { listings = append(listings, region); return nil }
	for _, r := range h.Handle(context.Background(), deliveries) {
		if r.Outcome != handler.Accepted {
			t.Fatalf("%s is %s: %s", r.InstanceID, r.Outcome, r.Reason)
		}
	}
	slices.Sort(listings)
	// Each instance has two ids, and one listing takes 30, in each region.
	if n := len(listings); n != 14 {
		t.Errorf("%d instances are found by %d listings, want 14", handler.MaxBatch, n)
	}
}
