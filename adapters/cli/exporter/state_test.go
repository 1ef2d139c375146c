package exporter_test

import (
	"reflect"
	"testing"
	"time"

	"tairssl/adapters/cli/exporter"
	"tairssl/handler"
)

var (
	t0 = time.Date(2026, 11, 24, 6, 0, 0, 0, time.UTC)
	t1 = t0.Add(5 * time.Minute)
)

func ref(id string) handler.Ref { return handler.Ref{RegionID: "cn-hangzhou", InstanceID: id} }

func read(id string, at time.Time) exporter.Instance {
	return exporter.Instance{Ref: ref(id), Name: id + "-name", TLS: exporter.On, Expires: at.AddDate(0, 0, 12), Due: true, Seen: at}
}

func old(i exporter.Instance) exporter.Instance { i.Unread = true; return i }

// first is a look that read both instances of a region.
func first() exporter.Look {
	return exporter.Look{Began: t0, Regions: []exporter.Region{{ID: "cn-hangzhou", Listed: 2}}, Instances: []exporter.Instance{read("r-b", t0), read("r-a", t0)}}
}

func TestASecondLook(t *testing.T) {
	region := func(r exporter.Region) []exporter.Region { r.ID = "cn-hangzhou"; return []exporter.Region{r} }
	failed := func(id string, kind handler.Kind) []exporter.Failure {
		return []exporter.Failure{{Ref: ref(id), Name: id + "-name", Kind: kind}}
	}
	for name, test := range map[string]struct {
		look      exporter.Look
		instances []exporter.Instance
		whole     time.Time
		errors    map[exporter.Fault]int
	}{
		"that reads all": {
			exporter.Look{Regions: region(exporter.Region{Listed: 2}), Instances: []exporter.Instance{read("r-a", t1), read("r-b", t1)}},
			[]exporter.Instance{read("r-a", t1), read("r-b", t1)}, t1, nil,
		},
		"in which an instance no longer exists": {
			exporter.Look{Regions: region(exporter.Region{Listed: 1}), Instances: []exporter.Instance{read("r-b", t1)}},
			[]exporter.Instance{read("r-b", t1)}, t1, nil,
		},
		"in which an instance was released after the listing": {
			exporter.Look{Regions: region(exporter.Region{Listed: 2}), Instances: []exporter.Instance{read("r-b", t1)}, Failures: failed("r-a", handler.NotFound)},
			[]exporter.Instance{read("r-b", t1)}, t1, nil,
		},
		"in which an instance is new": {
			exporter.Look{Regions: region(exporter.Region{Listed: 3}), Instances: []exporter.Instance{read("r-a", t1), read("r-b", t1), read("r-c", t1)}},
			[]exporter.Instance{read("r-a", t1), read("r-b", t1), read("r-c", t1)}, t1, nil,
		},
		"in which an instance could not be read": {
			exporter.Look{Regions: region(exporter.Region{Listed: 2}), Instances: []exporter.Instance{read("r-b", t1)}, Failures: failed("r-a", handler.Throttled)},
			[]exporter.Instance{old(read("r-a", t0)), read("r-b", t1)}, t1, map[exporter.Fault]int{{RegionID: "cn-hangzhou", Kind: handler.Throttled}: 1},
		},
		"in which a new instance could not be read": {
			exporter.Look{Regions: region(exporter.Region{Listed: 3}), Instances: []exporter.Instance{read("r-a", t1), read("r-b", t1)}, Failures: failed("r-c", handler.Unavailable)},
			[]exporter.Instance{read("r-a", t1), read("r-b", t1), {Ref: ref("r-c"), Name: "r-c-name", Unread: true}}, t1, map[exporter.Fault]int{{RegionID: "cn-hangzhou", Kind: handler.Unavailable}: 1},
		},
		"whose listing shifted and left out an instance": {
			exporter.Look{Regions: region(exporter.Region{Listed: 2}), Instances: []exporter.Instance{read("r-b", t1)}},
			[]exporter.Instance{old(read("r-a", t0)), read("r-b", t1)}, t1, nil,
		},
		"that could not list the region": {
			exporter.Look{Regions: region(exporter.Region{Kind: handler.Forbidden})},
			[]exporter.Instance{old(read("r-a", t0)), old(read("r-b", t0))}, t0, map[exporter.Fault]int{{RegionID: "cn-hangzhou", Kind: handler.Forbidden}: 1},
		},
		"that listed a part of the region": {
			exporter.Look{Regions: region(exporter.Region{Listed: 2, Kind: handler.Unavailable}), Instances: []exporter.Instance{read("r-a", t1)}},
			[]exporter.Instance{read("r-a", t1), old(read("r-b", t0))}, t0, map[exporter.Fault]int{{RegionID: "cn-hangzhou", Kind: handler.Unavailable}: 1},
		},
	} {
		before := exporter.State{}.After(first())
		test.look.Began = t1
		after := before.After(test.look)
		if !reflect.DeepEqual(after.Instances, test.instances) {
			t.Errorf("after a look %s the instances are\n%+v, want\n%+v", name, after.Instances, test.instances)
		}
		if len(after.Regions) != 1 || !after.Regions[0].Whole.Equal(test.whole) || after.Looks != 2 {
			t.Errorf("after a look %s the region is %+v after %d looks, want it completely listed at %s", name, after.Regions, after.Looks, test.whole)
		}
		if after.Regions[0].Listed != max(test.look.Regions[0].Listed, 1) && after.Regions[0].Listed != 2 {
			t.Errorf("after a look %s the region has %d instances", name, after.Regions[0].Listed)
		}
		if test.errors == nil {
			test.errors = map[exporter.Fault]int{}
		}
		if !reflect.DeepEqual(after.Errors, test.errors) {
			t.Errorf("after a look %s the errors are %v, want %v", name, after.Errors, test.errors)
		}
		if !reflect.DeepEqual(before, exporter.State{}.After(first())) {
			t.Errorf("a look %s changes the earlier state", name)
		}
	}
}

// While a region cannot be listed, its errors add up and its old values stay.
func TestARegionThatStaysUnreadable(t *testing.T) {
	s := exporter.State{}.After(first())
	for n := range 3 {
		s = s.After(exporter.Look{Began: t1, Regions: []exporter.Region{{ID: "cn-hangzhou", Kind: handler.Forbidden}}})
		if count := s.Errors[exporter.Fault{RegionID: "cn-hangzhou", Kind: handler.Forbidden}]; count != n+1 || len(s.Instances) != 2 || !s.Instances[0].Seen.Equal(t0) || s.Regions[0].Listed != 2 {
			t.Fatalf("after %d such looks there are %d errors and %+v, %+v", n+1, count, s.Instances, s.Regions)
		}
	}
}
