// Package handlertest tests implementations of handler.API.
package handlertest

import (
	"context"
	"errors"
	"slices"
	"sync"
	"testing"
	"time"

	"tairssl/handler"
)

// Fixture is an implementation and its world. The world has one instance whose encryption
// is on, tagged env=prod.
type Fixture struct {
	API handler.API
	Ref handler.Ref
	// Settle completes every accepted change.
	Settle func()
	// Writes counts the accepted changes.
	Writes func() int
	// NoTLS is an instance whose type has no TLS. Without it, the tests of such types are
	// skipped.
	NoTLS handler.Ref
	// Scheduled is an instance for which Alibaba has scheduled a renewal that may be
	// moved by a day. Without it, the tests of schedules are skipped.
	Scheduled handler.Ref
}

// Run tests an implementation. Each test gets a new fixture.
func Run(t *testing.T, fixture func(t *testing.T) Fixture) {
	for _, check := range []struct {
		name string
		body func(t *testing.T, f Fixture)
	}{
		{"reads an instance", readsAnInstance},
		{"reads that an instance has no TLS", readsNoTLS},
		{"lists the instances of a region", lists},
		{"finds instances by their name", searches},
		{"refuses filters that are too long", refusesLongFilters},
		{"says that an instance is not there", saysNotFound},
		{"sets, replaces and removes tags", tags},
		{"says that an instance takes no more tags", refusesTags},
		{"makes each change once", changes},
		{"sends no change that was signed too late", refusesLate},
		{"reads what Alibaba has scheduled", readsTheSchedule},
		{"moves what Alibaba has scheduled", movesARenewal},
		{"does nothing once its context has ended", endsWithItsContext},
		{"is safe for concurrent use", isConcurrent},
	} {
		t.Run(check.name, func(t *testing.T) { check.body(t, fixture(t)) })
	}
}

var ctx = context.Background()

// inTime is a signing deadline, by the API's clock, that a change asked for now can meet.
func inTime(t *testing.T, f Fixture) time.Time {
	t.Helper()
	i, err := f.API.Instance(ctx, f.Ref)
	if err != nil || i.At.IsZero() {
		t.Fatalf("the instance was read at %v, %v", i.At, err)
	}
	return i.At.Add(5 * time.Minute)
}

func readsAnInstance(t *testing.T, f Fixture) {
	i, err := f.API.Instance(ctx, f.Ref)
	if err != nil || i.Status != "Normal" || i.ConnectionDomain == "" || i.Port == 0 || i.Tags["env"] != "prod" {
		t.Errorf("the instance reads %+v, %v", i, err)
	}
	if i.Region != f.Ref.RegionID || i.Name == "" || i.Type == "" || i.At.IsZero() {
		t.Errorf("the instance is in %q, named %q, of type %q, read at %v", i.Region, i.Name, i.Type, i.At)
	}
	s, err := f.API.SSL(ctx, f.Ref)
	if err != nil || !s.Enabled || s.NoTLS || s.Expires.IsZero() || s.CommonName == "" || s.At.IsZero() {
		t.Errorf("its encryption reads %+v, %v", s, err)
	}
	if apart := s.At.Sub(i.At); apart < 0 || apart > time.Minute {
		t.Errorf("the second of two reads is of a clock that is %s later", apart)
	}
}

func readsNoTLS(t *testing.T, f Fixture) {
	if f.NoTLS == (handler.Ref{}) {
		t.Skip("the fixture has no instance without TLS")
	}
	s, err := f.API.SSL(ctx, f.NoTLS)
	if at := s.At; err != nil || at.IsZero() || s != (handler.SSL{NoTLS: true, At: at}) {
		t.Errorf("the encryption of an instance without TLS reads %+v, %v", s, err)
	}
	_, err = f.API.Modify(ctx, f.NoTLS, handler.Enable, inTime(t, f))
	if e := handler.AsError(err); err == nil || e.Kind != handler.Unsupported || e.Uncertain || e.Retryable || f.Writes() != 0 {
		t.Errorf("Enable of an instance without TLS ends with %v after %d writes", err, f.Writes())
	}
}

func lists(t *testing.T, f Fixture) {
	env := map[string]string{"env": "prod"}
	for name, test := range map[string]struct {
		filter handler.Filter
		page   int
		want   bool
	}{
		"all":                 {handler.Filter{}, 1, true},
		"tagged so":           {handler.Filter{Tags: env}, 1, true},
		"tagged other":        {handler.Filter{Tags: map[string]string{"env": "test"}}, 1, false},
		"tagged more":         {handler.Filter{Tags: map[string]string{"env": "prod", "team": "a"}}, 1, false},
		"with a key":          {handler.Filter{Key: "env"}, 1, true},
		"with another key":    {handler.Filter{Key: "team"}, 1, false},
		"with a key and so":   {handler.Filter{Key: "env", Tags: env}, 1, true},
		"named":               {handler.Filter{IDs: []string{"r-gonegonegone", f.Ref.InstanceID}}, 1, true},
		"named other":         {handler.Filter{IDs: []string{"r-gonegonegone"}}, 1, false},
		"named and tagged so": {handler.Filter{IDs: []string{f.Ref.InstanceID}, Tags: env}, 1, true},
		"searched by its id":  {handler.Filter{Search: f.Ref.InstanceID[3:]}, 1, true},
		"searched by another": {handler.Filter{Search: "gonegonegone"}, 1, false},
		"searched and tagged": {handler.Filter{Search: f.Ref.InstanceID, Tags: env}, 1, true},
		"a page after":        {handler.Filter{}, 2, false},
	} {
		list, err := f.API.List(ctx, f.Ref.RegionID, test.filter, test.page)
		if err != nil || list.At.IsZero() {
			t.Errorf("%s: the list is of %v, %v", name, list.At, err)
		}
		found := false
		for _, l := range list.Instances {
			if l.Ref != f.Ref {
				continue
			}
			found = true
			if l.Status != "Normal" || l.ConnectionDomain == "" || l.Port == 0 || l.Tags["env"] != "prod" || l.Name == "" || l.Type == "" || l.Region != f.Ref.RegionID {
				t.Errorf("%s: the list shows %+v", name, l)
			}
		}
		if found != test.want || found && list.Total < 1 {
			t.Errorf("%s: the instance is in the list: %v; want %v, of %d", name, found, test.want, list.Total)
		}
	}
}

// searches finds an instance by a part of its name.
func searches(t *testing.T, f Fixture) {
	i, err := f.API.Instance(ctx, f.Ref)
	if err != nil || len(i.Name) < 3 {
		t.Fatalf("the instance is named %q, %v", i.Name, err)
	}
	for text, want := range map[string]bool{i.Name: true, i.Name[1 : len(i.Name)-1]: true, i.Name + "x": false, "x=&+*~ " + i.Name: false} {
		list, err := f.API.List(ctx, f.Ref.RegionID, handler.Filter{Search: text}, 1)
		found := slices.ContainsFunc(list.Instances, func(l handler.Listed) bool { return l.Ref == f.Ref })
		if err != nil || found != want || want && list.Total != 1 {
			t.Errorf("a search for %q finds %s: %v, of %d, %v", text, i.Name, found, list.Total, err)
		}
	}
}

func refusesLongFilters(t *testing.T, f Fixture) {
	for name, filter := range map[string]handler.Filter{
		"31 ids":           {IDs: make([]string, handler.MaxIDs+1)},
		"5 tags and a key": {Key: "f", Tags: map[string]string{"a": "", "b": "", "c": "", "d": "", "e": ""}},
		"6 tags":           {Tags: map[string]string{"a": "", "b": "", "c": "", "d": "", "e": "", "f": ""}},
	} {
		for n := range filter.IDs {
			filter.IDs[n] = f.Ref.InstanceID
		}
		if _, err := f.API.List(ctx, f.Ref.RegionID, filter, 1); !errors.Is(err, handler.Invalid) {
			t.Errorf("a listing by %s fails with %v, want invalid", name, err)
		}
	}
}

func saysNotFound(t *testing.T, f Fixture) {
	gone := handler.Ref{RegionID: f.Ref.RegionID, InstanceID: "r-gonegonegone"}
	_, err1 := f.API.Instance(ctx, gone)
	_, err2 := f.API.SSL(ctx, gone)
	_, err3 := f.API.Modify(ctx, gone, handler.Update, inTime(t, f))
	for call, err := range map[string]error{"Instance": err1, "SSL": err2, "Modify": err3, "Tag": f.API.Tag(ctx, gone, "a", "b"), "Untag": f.API.Untag(ctx, gone, "a")} {
		if !errors.Is(err, handler.NotFound) || handler.AsError(err).Uncertain {
			t.Errorf("%s fails with %v, want a certain not_found", call, err)
		}
	}
}

func endsWithItsContext(t *testing.T, f Fixture) {
	by := inTime(t, f)
	ended, cancel := context.WithCancel(ctx)
	cancel()
	if _, err := f.API.SSL(ended, f.Ref); err == nil {
		t.Error("a read goes on")
	}
	_, err := f.API.Modify(ended, f.Ref, handler.Update, by)
	if err == nil || handler.AsError(err).Uncertain || f.Writes() != 0 {
		t.Errorf("a write ends with %v after %d writes", err, f.Writes())
	}
	err = f.API.Tag(ended, f.Ref, "late", "1")
	if i, failed := f.API.Instance(ctx, f.Ref); err == nil || handler.AsError(err).Uncertain || failed != nil || len(i.Tags) != 1 {
		t.Errorf("a tagging ends with %v, and then the tags are %v, %v", err, i.Tags, failed)
	}
}

func isConcurrent(t *testing.T, f Fixture) {
	var group sync.WaitGroup
	for range 16 {
		group.Go(func() {
			_, err1 := f.API.Instance(ctx, f.Ref)
			_, err2 := f.API.SSL(ctx, f.Ref)
			if err := errors.Join(err1, err2, f.API.Tag(ctx, f.Ref, "a", "b")); err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
}
