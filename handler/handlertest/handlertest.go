// Package handlertest is what any implementation of handler.API must satisfy.
package handlertest

import (
	"context"
	"errors"
	"sync"
	"testing"

	"tairssl/handler"
)

// Fixture is an implementation and its world, with one instance whose
// encryption is on, tagged env=prod.
type Fixture struct {
	API handler.API
	Ref handler.Ref
	// Settle lets every accepted change come true.
	Settle func()
	// Writes counts the changes that were accepted.
	Writes func() int
}

// Run checks an implementation; each check gets a new fixture.
func Run(t *testing.T, fixture func(t *testing.T) Fixture) {
	ctx := context.Background()
	check := func(name string, body func(t *testing.T, f Fixture)) {
		t.Run(name, func(t *testing.T) { body(t, fixture(t)) })
	}
	check("reads an instance", func(t *testing.T, f Fixture) {
		i, err := f.API.Instance(ctx, f.Ref)
		if err != nil || i.Status != "Normal" || i.ConnectionDomain == "" || i.Tags["env"] != "prod" {
			t.Errorf("the instance reads %+v, %v", i, err)
		}
		s, err := f.API.SSL(ctx, f.Ref)
		if err != nil || !s.Enabled || s.Expires.IsZero() || s.CommonName == "" {
			t.Errorf("its encryption reads %+v, %v", s, err)
		}
	})
	check("lists the instances of a region by their tags", func(t *testing.T, f Fixture) {
		for name, test := range map[string]struct {
			tags map[string]string
			page int
			want int
		}{
			"all":          {nil, 1, 1},
			"tagged so":    {map[string]string{"env": "prod"}, 1, 1},
			"tagged other": {map[string]string{"env": "test"}, 1, 0},
			"tagged more":  {map[string]string{"env": "prod", "team": "a"}, 1, 0},
			"a page after": {nil, 2, 0},
		} {
			list, total, err := f.API.List(ctx, f.Ref.RegionID, test.tags, test.page)
			if err != nil || len(list) != test.want || total < test.want {
				t.Errorf("%s: the list is %+v of %d, %v; want %d", name, list, total, err, test.want)
			}
			if len(list) == 1 && (list[0].Ref != f.Ref || list[0].Status != "Normal" || list[0].ConnectionDomain == "" || list[0].Tags["env"] != "prod") {
				t.Errorf("%s: the list shows %+v", name, list[0])
			}
		}
	})
	check("says that an instance is not there", func(t *testing.T, f Fixture) {
		gone := handler.Ref{RegionID: f.Ref.RegionID, InstanceID: "r-gonegonegone"}
		_, err1 := f.API.Instance(ctx, gone)
		_, err2 := f.API.SSL(ctx, gone)
		_, err3 := f.API.Modify(ctx, gone, handler.Update)
		for call, err := range map[string]error{"Instance": err1, "SSL": err2, "Modify": err3, "Tag": f.API.Tag(ctx, gone, "a", "b")} {
			if !errors.Is(err, handler.NotFound) {
				t.Errorf("%s fails with %v, want not_found", call, err)
			}
		}
	})
	check("sets, replaces and removes a tag", func(t *testing.T, f Fixture) {
		for _, value := range []string{"Update/2026-12-01T00:00:00Z/x", "second +&=*~ value"} {
			if err := f.API.Tag(ctx, f.Ref, "tairssl-lease", value); err != nil {
				t.Fatal(err)
			}
			if i, err := f.API.Instance(ctx, f.Ref); err != nil || i.Tags["tairssl-lease"] != value || i.Tags["env"] != "prod" {
				t.Errorf("after tagging with %q the tags are %v, %v", value, i.Tags, err)
			}
		}
		for range 2 { // the second time it is gone already
			if err := f.API.Untag(ctx, f.Ref, "tairssl-lease"); err != nil {
				t.Errorf("untagging fails: %v", err)
			}
		}
		if i, err := f.API.Instance(ctx, f.Ref); err != nil || len(i.Tags) != 1 {
			t.Errorf("in the end the tags are %v, %v", i.Tags, err)
		}
	})
	check("makes each change once", func(t *testing.T, f Fixture) {
		before, err := f.API.SSL(ctx, f.Ref)
		if err != nil {
			t.Fatal(err)
		}
		for n, step := range []struct {
			action handler.Action
			ok     func(handler.SSL) bool
		}{
			{handler.Update, func(s handler.SSL) bool { return s.Enabled && s.Expires.After(before.Expires) }},
			{handler.Disable, func(s handler.SSL) bool { return !s.Enabled && s.Expires.IsZero() }},
			{handler.Enable, func(s handler.SSL) bool { return s.Enabled && !s.Expires.IsZero() }},
		} {
			receipt, err := f.API.Modify(ctx, f.Ref, step.action)
			if err != nil || receipt.RequestID == "" || receipt.TaskID == "" {
				t.Fatalf("%s is answered %+v, %v", step.action, receipt, err)
			}
			f.Settle()
			if s, err := f.API.SSL(ctx, f.Ref); err != nil || !step.ok(s) {
				t.Errorf("after %s the encryption reads %+v, %v", step.action, s, err)
			}
			if f.Writes() != n+1 {
				t.Errorf("after %s there were %d writes", step.action, f.Writes())
			}
		}
		if _, err := f.API.Modify(ctx, f.Ref, handler.Enable); !errors.Is(err, handler.ErrAlready) {
			t.Errorf("Enable while on fails with %v, want ErrAlready", err)
		}
	})
	check("does nothing once its context has ended", func(t *testing.T, f Fixture) {
		ended, cancel := context.WithCancel(ctx)
		cancel()
		if _, err := f.API.SSL(ended, f.Ref); err == nil {
			t.Error("a read goes on")
		}
		_, err := f.API.Modify(ended, f.Ref, handler.Update)
		if err == nil || handler.AsError(err).Uncertain || f.Writes() != 0 {
			t.Errorf("a write ends with %v after %d writes", err, f.Writes())
		}
	})
	check("is safe for concurrent use", func(t *testing.T, f Fixture) {
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
	})
}
