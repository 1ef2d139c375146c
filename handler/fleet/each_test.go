package fleet_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"tairssl/handler"
	"tairssl/handler/fleet"
	"tairssl/handler/handlertest"
)

// sightings collects what Each passes to seen.
type sightings struct {
	mu     sync.Mutex
	seen   map[string]int
	failed map[string]handler.Kind
}

func (s *sightings) see(l handler.Listed, o handler.Observation, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if err != nil {
		s.failed[l.InstanceID] = handler.AsError(err).Kind
	}
	s.seen[l.InstanceID]++
}

func sight() *sightings { return &sightings{seen: map[string]int{}, failed: map[string]handler.Kind{}} }

func all(handler.Listed) bool { return true }

func TestEachHandsOverEveryInstanceOnce(t *testing.T) {
	c := handlertest.NewCloud(instances(130, 130))
	c.Instances["r-fleet00005"].Type = "Memcache"
	b := &blind{c, func(id string) bool { return id == "r-fleet00007" }}
	h := newFleet(shifting{b.Cloud}, handler.Options{Now: c.Now}, 0)
	s := sight()
	coverage := h.Each(context.Background(), []string{"cn-hangzhou"}, nil, all, s.see)
	if len(s.seen) != 130 || len(s.failed) != 0 || len(coverage) != 1 || coverage[0].Error != nil {
		t.Errorf("a listing that shifts shows %d instances, %d failed, with %+v", len(s.seen), len(s.failed), coverage)
	}
	for id, n := range s.seen {
		if n != 1 {
			t.Errorf("%s was handed over %d times", id, n)
		}
	}

	s = sight()
	coverage = newFleet(b, handler.Options{Now: c.Now}, 0).Each(context.Background(), []string{"cn-hangzhou"}, nil, all, s.see)
	if want := (fleet.Coverage{RegionID: "cn-hangzhou", Listed: 130, Read: 129, Unread: 1}); len(coverage) != 1 || coverage[0] != want {
		t.Errorf("with one that cannot be read the coverage is %+v, want %+v", coverage, want)
	}
	if len(s.seen) != 130 || len(s.failed) != 1 || s.failed["r-fleet00007"] != handler.Unavailable {
		t.Errorf("%d were handed over, of which failed %v", len(s.seen), s.failed)
	}

	s = sight()
	reads := len(c.Calls)
	odd := func(l handler.Listed) bool { return strings.HasSuffix(l.InstanceID, "1") }
	newFleet(c, handler.Options{Now: c.Now}, 0).Each(context.Background(), []string{"cn-hangzhou"}, nil, odd, s.see)
	if len(s.seen) != 13 || len(c.Calls)-reads != 13 {
		t.Errorf("of those that are wanted %d were handed over, after %d reads, want 13", len(s.seen), len(c.Calls)-reads)
	}
	if c.AllRestarts() != 0 {
		t.Errorf("looking restarted %d", c.AllRestarts())
	}
}

// The coverage says for each region, in the order of the request, what was read and what
// was not.
func TestTheCoverageOfRegions(t *testing.T) {
	many := map[string]handler.Observation{}
	for region, n := range map[string]int{"cn-hangzhou": 120, "cn-shanghai": 60, "cn-beijing": 10} {
		for i := range n {
			o := expiring(90 * day)
			o.Region = region
			many[fmt.Sprintf("r-%s%05d", strings.ReplaceAll(region, "-", ""), i)] = o
		}
	}
	regions := []string{"cn-hangzhou", "cn-shanghai", "cn-beijing", "cn-qingdao"}
	c := handlertest.NewCloud(many)
	c.OnList = func(region string, page int) error {
		switch fmt.Sprintf("%s/%d", region, page) {
		case "cn-hangzhou/2", "cn-hangzhou/3":
			return handler.Errorf(handler.Throttled, "slow down at %d", page)
		case "cn-beijing/1":
			return handler.Errorf(handler.Forbidden, "no right")
		}
		return nil
	}
	h := newFleet(c, handler.Options{Now: c.Now, Sleep: c.Sleep, Regions: regions}, 0)
	check := func(what string, coverage []fleet.Coverage) {
		t.Helper()
		for i, want := range []fleet.Coverage{
			{RegionID: "cn-hangzhou", Listed: 120, Read: 50, Unread: 70}, {RegionID: "cn-shanghai", Listed: 60, Read: 60},
			{RegionID: "cn-beijing"}, {RegionID: "cn-qingdao"},
		} {
			got := coverage[i]
			says := []string{"slow down at ", "", "could not list cn-beijing: no right", ""}[i]
			if (got.Error == nil) != (says == "") || got.Error != nil && !strings.Contains(got.Error.Message, says) {
				t.Errorf("%s: of %s it says %v", what, want.RegionID, got.Error)
			}
			if i == 0 && !strings.Contains(got.Error.Message, "; 2 of the pages of cn-hangzhou could not be listed, of 50 instances each") {
				t.Errorf("%s: of %s it says %v", what, want.RegionID, got.Error)
			}
			if got.Error = nil; got != want {
				t.Errorf("%s: the coverage is %+v, want %+v", what, got, want)
			}
		}
	}
	check("to each", h.Each(context.Background(), regions, nil, all, sight().see))
	got, err := h.Sweep(context.Background(), fleet.Order{})
	if err != nil {
		t.Fatal(err)
	}
	check("in a sweep", got.Summary.Regions)
	if s := got.Summary; s.Unread() != 70 || fmt.Sprint(s.Empty()) != "[cn-qingdao]" || s.Seen != 110 || s.Outcomes[handler.Failed] != 2 {
		t.Errorf("the sweep ended %+v, with %d unread and %v empty", s, s.Unread(), s.Empty())
	}
}

// A sweep ends with an error only if it could list no region.
func TestASweepThatCanListNothing(t *testing.T) {
	for name, test := range map[string]struct {
		fails func(region string) bool
		ends  bool
	}{
		"no region":    {func(string) bool { return true }, true},
		"one region":   {func(region string) bool { return region == "cn-hangzhou" }, false},
		"an empty one": {func(region string) bool { return region != "cn-shanghai" }, false},
	} {
		c := handlertest.NewCloud(instances(3, 1))
		c.OnList = func(region string, _ int) error {
			if test.fails(region) {
				return handler.Errorf(handler.Forbidden, "no right in %s", region)
			}
			return nil
		}
		_, err := sweeper(c, handler.Options{Regions: []string{"cn-hangzhou", "cn-shanghai"}}).Sweep(context.Background(), fleet.Order{})
		if (err != nil) != test.ends || err != nil && (!errors.Is(err, handler.Forbidden) || !strings.Contains(err.Error(), "could not list cn-hangzhou: no right in cn-hangzhou")) {
			t.Errorf("where %s can be listed it ends %v", name, err)
		}
	}
	c := handlertest.NewCloud(instances(3, 1))
	c.OnList = func(string, int) error { panic("boom") }
	if _, err := sweeper(c, handler.Options{}).Sweep(context.Background(), fleet.Order{}); !errors.Is(err, handler.Internal) {
		t.Errorf("a panic of the listing ends it by %v", err)
	}
}

// If the time ends during the reading, the rest is counted and reported, and no
// unfinished instance counts as read.
func TestEachEndsWithItsTime(t *testing.T) {
	inBubble(t, "among the instances", func(t *testing.T) {
		c := handlertest.NewTimed(handlertest.NewCloud(instances(60, 60)), handlertest.Lasting(time.Second, "SSL"))
		ctx, cancel := context.WithTimeout(context.Background(), 5500*time.Millisecond)
		defer cancel()
		s := sight()
		coverage := newFleet(c, handler.Options{Now: c.Now, Concurrency: 4}, 0).Each(ctx, []string{"cn-hangzhou"}, nil, all, s.see)[0]
		if len(s.seen) != 20 || len(s.failed) != 0 || coverage.Listed != 60 || coverage.Read != 20 || coverage.Unread != 40 {
			t.Errorf("%d were handed over, %d failed, and the coverage is %+v", len(s.seen), len(s.failed), coverage)
		}
		if e := coverage.Error; e == nil || !e.Retryable || !strings.Contains(e.Message, "only 20 of 60 instances of cn-hangzhou were read before the time was up") {
			t.Errorf("of the rest it says %v", coverage.Error)
		}
	})
	inBubble(t, "among the pages", func(t *testing.T) {
		c := handlertest.NewTimed(handlertest.NewCloud(instances(120, 0)), func(call string, nth int) time.Duration {
			if call == "List" && nth == 2 {
				return time.Hour
			}
			return 0
		})
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		s := sight()
		coverage := newFleet(c, handler.Options{Now: c.Now, Concurrency: 1}, 0).Each(ctx, []string{"cn-hangzhou"}, nil, all, s.see)[0]
		if coverage.Read != len(s.seen) || coverage.Read < 40 || coverage.Read > 50 || coverage.Error == nil || !strings.Contains(coverage.Error.Message, "before the time was up") {
			t.Errorf("%d were handed over, and the coverage is %+v", len(s.seen), coverage)
		}
	})
	inBubble(t, "before the first page", func(t *testing.T) {
		c := handlertest.NewTimed(handlertest.NewCloud(instances(10, 0)), handlertest.Lasting(time.Hour, "List"))
		ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
		defer cancel()
		coverage := newFleet(c, handler.Options{Now: c.Now}, 0).Each(ctx, []string{"cn-hangzhou"}, nil, all, sight().see)[0]
		if coverage.Listed != 0 || coverage.Error == nil || !strings.Contains(coverage.Error.Message, "only 0 of 0 instances") {
			t.Errorf("the coverage is %+v", coverage)
		}
	})
	inBubble(t, "with the last instance", func(t *testing.T) {
		c := handlertest.NewTimed(handlertest.NewCloud(instances(4, 0)), handlertest.Lasting(time.Second, "SSL"))
		ctx, cancel := context.WithTimeout(context.Background(), 4500*time.Millisecond)
		defer cancel()
		if coverage := newFleet(c, handler.Options{Now: c.Now, Concurrency: 1}, 0).Each(ctx, []string{"cn-hangzhou"}, nil, all, sight().see)[0]; coverage.Error != nil || coverage.Read != 4 {
			t.Errorf("the coverage is %+v", coverage)
		}
	})
	// The region that was read in time is complete.
	inBubble(t, "in one region of two", func(t *testing.T) {
		many := instances(64, 0)
		for i := range 60 {
			o := many[fmt.Sprintf("r-fleet%05d", i)]
			o.Region = "cn-shanghai"
			many[fmt.Sprintf("r-fleet%05d", i)] = o
		}
		c := handlertest.NewTimed(handlertest.NewCloud(many), handlertest.Lasting(time.Second, "SSL"))
		ctx, cancel := context.WithTimeout(context.Background(), 55500*time.Millisecond)
		defer cancel()
		coverage := newFleet(c, handler.Options{Now: c.Now, Concurrency: 1}, 0).Each(ctx, []string{"cn-shanghai", "cn-hangzhou"}, nil, all, sight().see)
		if shanghai, hangzhou := coverage[0], coverage[1]; shanghai.Error == nil || shanghai.Read != 51 || hangzhou.Error != nil || hangzhou.Read != 4 {
			t.Errorf("the coverage is %+v", coverage)
		}
	})
	// A call that was refused because its turn would come too late is not a failure of an
	// instance.
	c := handlertest.NewCloud(instances(4, 0))
	c.OnSSL = func(handler.Ref) error {
		late := handler.Errorf(handler.Unavailable, "no turn")
		late.Err = handler.ErrNoTime
		return late
	}
	s := sight()
	if coverage := newFleet(c, handler.Options{Now: c.Now}, 0).Each(context.Background(), []string{"cn-hangzhou"}, nil, all, s.see)[0]; len(s.seen) != 0 || coverage.Read != 0 || coverage.Unread != 4 || coverage.Error == nil {
		t.Errorf("%d were handed over, and the coverage is %+v", len(s.seen), coverage)
	}
}

// The next page is listed before the last one is read, so that no worker waits. But only
// a few pages are listed ahead.
func TestPagesAreListedAFewAhead(t *testing.T) {
	inBubble(t, "three workers", func(t *testing.T) {
		c := &counting{Timed: handlertest.NewTimed(handlertest.NewCloud(instances(150, 0)), func(call string, _ int) time.Duration {
			return map[string]time.Duration{"SSL": time.Second, "List": 2 * time.Second}[call]
		})}
		newFleet(c, handler.Options{Now: c.Now, Concurrency: 3}, 0).Each(context.Background(), []string{"cn-hangzhou"}, nil, all, sight().see)
		// Three pages and 150 instances are 156 seconds of work for three workers. Only
		// the first page makes two of them wait, for two seconds.
		if took := time.Since(c.Begun); took != 54*time.Second || c.most > 2 {
			t.Errorf("it took %s, with %d pages at once on their way, want 54s and two at most", took, c.most)
		}
	})
	c := handlertest.NewCloud(instances(500, 0))
	reads, pages := 0, 0
	c.OnSSL = func(handler.Ref) error { reads++; return nil }
	c.OnList = func(string, int) error {
		if left := 50*pages - reads; pages > 0 && left != 1 {
			t.Errorf("page %d is listed with %d instances left to read, want 1", pages+1, left)
		}
		pages++
		return nil
	}
	newFleet(c, handler.Options{Now: c.Now, Concurrency: 1}, 0).Each(context.Background(), []string{"cn-hangzhou"}, nil, all, sight().see)
	if pages != 10 || reads != 500 {
		t.Errorf("%d pages and %d instances were read", pages, reads)
	}
}

// counting records the greatest number of pages that were listed at the same time.
type counting struct {
	*handlertest.Timed
	mu        sync.Mutex
	now, most int
}

func (c *counting) List(ctx context.Context, region string, filter handler.Filter, page int) (handler.Listing, error) {
	count := func(n int) {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.now += n
		c.most = max(c.most, c.now)
	}
	count(1)
	defer count(-1)
	return c.Timed.List(ctx, region, filter, page)
}
