package handlertest

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"tairssl/handler"
)

func tags(t *testing.T, f Fixture) {
	const key, other = "tairssl-lease-a1b2c3d4", "tairssl-lease-e5f6g7h8"
	read := func() map[string]string {
		i, err := f.API.Instance(ctx, f.Ref)
		if err != nil {
			t.Fatal(err)
		}
		return i.Tags
	}
	for _, value := range []string{"Update/2026-12-01T00:00:00Z/2026-11-24T10:40:14Z/", "second +&=*~ value"} {
		if err := f.API.Tag(ctx, f.Ref, key, value); err != nil {
			t.Fatal(err)
		}
		if tags := read(); tags[key] != value || tags["env"] != "prod" || len(tags) != 2 {
			t.Errorf("after tagging with %q the tags are %v", value, tags)
		}
	}
	if err := f.API.Tag(ctx, f.Ref, other, "1"); err != nil {
		t.Fatal(err)
	}
	for range 2 { // the second time, the tags are gone already
		if err := f.API.Untag(ctx, f.Ref, key, "tairssl-lease-notthere", other); err != nil {
			t.Errorf("untagging fails: %v", err)
		}
	}
	if err := f.API.Untag(ctx, f.Ref); err != nil {
		t.Errorf("removing no tag fails: %v", err)
	}
	if tags := read(); len(tags) != 1 || tags["env"] != "prod" {
		t.Errorf("in the end the tags are %v", tags)
	}
}

func refusesTags(t *testing.T, f Fixture) {
	for n := 1; n < handler.MaxTags; n++ { // the instance has one tag already
		if err := f.API.Tag(ctx, f.Ref, fmt.Sprint("tag", n), "1"); err != nil {
			t.Fatalf("tag %d is refused: %v", n+1, err)
		}
	}
	err := f.API.Tag(ctx, f.Ref, "one-too-many", "1")
	if e := handler.AsError(err); !errors.Is(err, handler.ErrTagRefused) || e.Kind != handler.Unsupported || e.Uncertain || e.Retryable {
		t.Errorf("the tag after the last fails with %v, want a certain ErrTagRefused", err)
	}
	if err := f.API.Tag(ctx, f.Ref, "tag1", "2"); err != nil {
		t.Errorf("a tag of a full instance cannot be replaced: %v", err)
	}
	if i, err := f.API.Instance(ctx, f.Ref); err != nil || len(i.Tags) != handler.MaxTags || i.Tags["tag1"] != "2" {
		t.Errorf("in the end there are %d tags, tag1 is %q, %v", len(i.Tags), i.Tags["tag1"], err)
	}
}

func changes(t *testing.T, f Fixture) {
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
		receipt, err := f.API.Modify(ctx, f.Ref, step.action, inTime(t, f))
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
	if _, err := f.API.Modify(ctx, f.Ref, handler.Enable, inTime(t, f)); !errors.Is(err, handler.ErrAlready) || handler.AsError(err).Uncertain {
		t.Errorf("Enable while on fails with %v, want a certain ErrAlready", err)
	}
}

func refusesLate(t *testing.T, f Fixture) {
	for name, by := range map[string]time.Time{"an hour ago": inTime(t, f).Add(-65 * time.Minute), "never": {}} {
		_, err := f.API.Modify(ctx, f.Ref, handler.Update, by)
		if e := handler.AsError(err); !errors.Is(err, handler.ErrLate) || e.Kind != handler.Unavailable || e.Uncertain {
			t.Errorf("a write that had to be signed %s ends with %v, want a certain ErrLate", name, err)
		}
	}
	if f.Writes() != 0 {
		t.Errorf("writes that were signed too late are sent %d times", f.Writes())
	}
}
