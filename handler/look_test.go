package handler_test

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"tairssl/handler"
	"tairssl/handler/handlertest"
)

const othersFlag = "tairssl-lease-abcd1234"

// During a look of more than a minute, others may raise flags. Such a look does not
// count.
func TestALookThatTookMoreThanAMinuteIsRepeated(t *testing.T) {
	slowFirst := func(d time.Duration) func(string, int) time.Duration {
		return func(call string, nth int) time.Duration {
			if call == "SSL" && nth == 1 {
				return d
			}
			return 0
		}
	}
	for name, test := range map[string]struct {
		first   time.Duration
		outcome handler.Outcome
	}{
		"a minute and more": {time.Minute + 1, handler.Unchanged},
		"a minute":          {time.Minute, handler.Accepted},
	} {
		inBubble(t, name, func(t *testing.T) {
			c := newTimed(expiring(5*day), slowFirst(test.first))
			h := handler.New(renewedLater{c}, handler.Options{LeaseNone: true})
			if result := ask(t, h, update()); result.Outcome != test.outcome {
				t.Errorf("a first look of %s ended %s (%s), want %s", test.first, result.Outcome, result.Reason, test.outcome)
			}
		})
	}
	inBubble(t, "each time", func(t *testing.T) {
		c := newTimed(expiring(5*day), handlertest.Lasting(2*time.Minute, "Instance"))
		result := ask(t, handler.New(c, handler.Options{}), update())
		if kindOf(result) != handler.Unavailable || !result.Error.Retryable || !strings.Contains(result.Reason, "took more than 1m0s each time") {
			t.Errorf("ended %s (%s)", result.Outcome, result.Reason)
		}
		if c.Restarts(id) != 0 || time.Since(c.Begun) != 6*time.Minute {
			t.Errorf("it came to %d restarts after %s", c.Restarts(id), time.Since(c.Begun))
		}
	})
	inBubble(t, "after the pause", func(t *testing.T) {
		c := newTimed(expiring(5*day), func(call string, nth int) time.Duration {
			if call == "SSL" && nth == 2 {
				return 61 * time.Second
			}
			return 0
		})
		h := handler.New(c, handler.Options{Sleep: func(context.Context, time.Duration) error {
			// The flag becomes visible after the slow look has read the tags.
			time.AfterFunc(30*time.Second, func() {
				c.Change(id, func(o *handler.Observation) {
					o.Tags["tairssl-lease-00000000"] = raisedBy("Update", start.Add(5*day), 0, "")
				})
			})
			return nil
		}})
		if result := ask(t, h, update()); result.Outcome != handler.InProgress || c.Restarts(id) != 0 {
			t.Errorf("ended %s (%s) after %d restarts, want in_progress", result.Outcome, result.Reason, c.Restarts(id))
		}
	})
}

// renewedLater is a cloud in which the certificate has been renewed when the encryption
// is read again.
type renewedLater struct{ *handlertest.Timed }

func (r renewedLater) SSL(ctx context.Context, ref handler.Ref) (handler.SSL, error) {
	s, err := r.Timed.SSL(ctx, ref)
	r.Change(id, func(o *handler.Observation) { o.Expires = start.Add(300 * day) })
	return s, err
}

// The age of a flag is its age at the start of the look. A flag that was live then may
// cover a write that the look did not see.
func TestAgesOfFlagsAreThoseAtTheStartOfALook(t *testing.T) {
	for name, slow := range map[string][]string{"a slow half": {"Instance"}, "the other half": {"SSL"}, "both halves": {"Instance", "SSL"}} {
		for of, test := range map[string]struct {
			age     time.Duration
			outcome handler.Outcome
		}{
			"live at its start":     {44*time.Minute + 30*time.Second, handler.InProgress},
			"not live at its start": {45 * time.Minute, handler.Accepted},
		} {
			inBubble(t, name+", "+of, func(t *testing.T) {
				o := expiring(5 * day)
				o.Tags = map[string]string{othersFlag: raisedBy("Update", start.Add(5*day), test.age, "")}
				c := newTimed(o, handlertest.Lasting(50*time.Second, slow...))
				if result := ask(t, handler.New(c, handler.Options{}), update()); result.Outcome != test.outcome {
					t.Errorf("ended %s (%s), want %s", result.Outcome, result.Reason, test.outcome)
				}
			})
		}
	}
}

// odd is a cloud that changes its answers.
type odd struct {
	*handlertest.Cloud
	instance func(*handler.Instance) error
	ssl      func(*handler.SSL) error
	renewal  func() (time.Time, error)
}

func (c odd) Instance(ctx context.Context, ref handler.Ref) (handler.Instance, error) {
	i, err := c.Cloud.Instance(ctx, ref)
	if err == nil && c.instance != nil {
		err = c.instance(&i)
	}
	return i, err
}

func (c odd) SSL(ctx context.Context, ref handler.Ref) (handler.SSL, error) {
	s, err := c.Cloud.SSL(ctx, ref)
	if err == nil && c.ssl != nil {
		err = c.ssl(&s)
	}
	return s, err
}

func (c odd) Schedule(ctx context.Context, ref handler.Ref) ([]handler.Renewal, error) {
	if c.renewal == nil {
		return c.Cloud.Schedule(ctx, ref)
	}
	at, err := c.renewal()
	return []handler.Renewal{{Ref: ref, ID: "1", Status: handler.RenewalPending, At: at}}, err
}

func TestLooksThatFail(t *testing.T) {
	down := handler.Errorf(handler.Unavailable, "down")
	untimed := func(i *handler.Instance) error { i.At = time.Time{}; return nil }
	for name, test := range map[string]struct {
		odd     odd
		kind    string
		outcome handler.Outcome
		says    string
	}{
		"nothing wrong":                    {odd{}, "Redis", handler.Accepted, ""},
		"no instance":                      {odd{instance: func(*handler.Instance) error { return down }}, "Redis", handler.Failed, "down"},
		"no encryption":                    {odd{ssl: func(*handler.SSL) error { return down }}, "Redis", handler.Failed, "down"},
		"no encryption of a Memcache":      {odd{ssl: func(*handler.SSL) error { return down }}, "Memcache", handler.Unchanged, "(Memcache) has no TLS"},
		"a Memcache that claims to be due": {odd{}, "Memcache", handler.Unchanged, "(Memcache) has no TLS"},
		"an instance without a time":       {odd{instance: untimed}, "Redis", handler.Failed, "header Date"},
		"an encryption without a time":     {odd{ssl: func(s *handler.SSL) error { s.At = time.Time{}; return nil }}, "Redis", handler.Failed, "header Date"},
		"a panic":                          {odd{instance: func(*handler.Instance) error { panic("boom") }}, "Redis", handler.Failed, "unexpected fault"},
		"a panic in the encryption":        {odd{ssl: func(*handler.SSL) error { panic("boom") }}, "Redis", handler.Failed, "unexpected fault"},
	} {
		t.Run(name, func(t *testing.T) {
			o := expiring(5 * day)
			o.Type = test.kind
			c := handlertest.NewCloud(map[string]handler.Observation{id: o})
			test.odd.Cloud = c
			result := ask(t, handler.New(test.odd, handler.Options{Now: c.Now, Sleep: c.Sleep}), update())
			if result.Outcome != test.outcome || !strings.Contains(result.Reason, test.says) || (c.Restarts(id) == 1) != (test.outcome == handler.Accepted) {
				t.Errorf("ended %s (%s) after %d restarts, want %s and %q", result.Outcome, result.Reason, c.Restarts(id), test.outcome, test.says)
			}
			if result.Outcome == handler.Failed && !result.Error.Retryable {
				t.Errorf("what may go well the next time is not to be tried again: %v", result.Error)
			}
		})
	}
}

// The transport refuses a write that was signed too late. The answer names the clock if
// that is the reason.
func TestAWriteThatWasSignedTooLate(t *testing.T) {
	late := handler.Errorf(handler.Unavailable, "late")
	late.Err = handler.ErrLate
	for ahead, says := range map[time.Duration]string{
		0:                               "more than 5m0s passed",
		time.Minute - time.Second:       "more than 5m0s passed",
		-time.Hour:                      "more than 5m0s passed",
		time.Minute:                     "this machine's clock is 1m0s ahead of the API's",
		6*time.Minute + time.Nanosecond: "this machine's clock is 6m0s ahead of the API's",
	} {
		c, h := on(expiring(5*day), handler.Options{})
		h.Now = func() time.Time { return c.Now().Add(ahead) }
		c.OnModify = func(context.Context, func()) error { return late }
		result := ask(t, h, update())
		if kindOf(result) != handler.Unavailable || !errors.Is(result.Error, handler.ErrLate) || !result.Error.Retryable || !strings.Contains(result.Reason, says) {
			t.Errorf("with a clock %s ahead it ended %s (%s), want %q", ahead, result.Outcome, result.Reason, says)
		}
		if flagsOn(c) != nil {
			t.Errorf("the flags %v are left", flagsOn(c))
		}
	}
}

// The time in a flag comes from the API's clock, not from this machine's clock. The write
// must be signed within five minutes of it.
func TestTheTimeOfAFlagIsTheAPIs(t *testing.T) {
	c, h := on(expiring(5*day), handler.Options{})
	h.Now = func() time.Time { return c.Now().Add(-3 * time.Hour) }
	var by time.Time
	h = handler.New(signing{c, &by}, h.Options)
	if result := ask(t, h, update()); result.Outcome != handler.Accepted {
		t.Fatalf("ended %s (%s)", result.Outcome, result.Reason)
	}
	if want := start.Add(5 * time.Minute); !by.Equal(want) {
		t.Errorf("the write had to be signed by %s, want %s: the time in the flag and five minutes", by, want)
	}
	for _, key := range flagsOn(c) {
		if value := c.TagsOf(id)[key]; value != raisedBy("Update", start.Add(5*day), 0, "") {
			t.Errorf("the flag reads %q", value)
		}
	}
}

type signing struct {
	*handlertest.Cloud
	by *time.Time
}

func (s signing) Modify(ctx context.Context, ref handler.Ref, a handler.Action, signBy time.Time) (handler.Receipt, error) {
	*s.by = signBy
	return s.Cloud.Modify(ctx, ref, a, signBy)
}
