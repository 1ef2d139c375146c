package handler_test

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"tairssl/handler"
	"tairssl/handler/handlertest"
)

// moved counts the requested moves.
func moved(c *handlertest.Cloud) (n int) {
	for _, call := range c.Calls {
		if call == "Move" {
			n++
		}
	}
	return n
}

// task is a renewal that Alibaba has scheduled for the given time after the start.
func task(d time.Duration) handler.Renewal {
	return handler.Renewal{
		Ref: handler.Ref{RegionID: handler.DefaultRegion, InstanceID: id}, ID: "7", Status: handler.RenewalPending,
		At: start.Add(d), Deadline: start.Add(10 * day),
	}
}

// It is Tuesday noon. The window opens at 22:00, in ten hours.
func TestWhereAlibabasRenewalIsMoved(t *testing.T) {
	const at = "2006-01-02T15:04"
	for name, test := range map[string]struct {
		change  func(r *handler.Renewal, o *handler.Observation, p *handler.Policy)
		to      string // "" if the renewal is not moved
		outcome handler.Outcome
		alert   bool
		says    string
	}{
		"into the next window":         {nil, "2026-11-24T22:00", handler.Deferred, false, "outside the maintenance window; moved to 2026-11-24T22:00:00Z"},
		"not if that is not asked for": {func(_ *handler.Renewal, _ *handler.Observation, p *handler.Policy) { p.MovesRenewals = false }, "", handler.Deferred, false, "Alibaba itself renews it"},
		"inside already": {func(r *handler.Renewal, _ *handler.Observation, _ *handler.Policy) {
			r.At = start.Add(10*time.Hour + 59*time.Minute)
		}, "", handler.Deferred, false, "Alibaba itself renews it 2026-11-24T22:59:00Z"},
		"at the end of the window": {func(r *handler.Renewal, _ *handler.Observation, _ *handler.Policy) { r.At = start.Add(11 * time.Hour) }, "2026-11-24T22:00", handler.Deferred, false, "moved"},
		"into the window that is open": {func(r *handler.Renewal, _ *handler.Observation, p *handler.Policy) {
			r.At, p.Window = start.Add(20*time.Hour), window(t, "11:30-12:30")
		}, "2026-11-24T12:11", handler.Deferred, false, "moved"},
		"with the time to prepare": {func(r *handler.Renewal, _ *handler.Observation, _ *handler.Policy) {
			r.Lead, r.At = 10*time.Hour, start.Add(30*time.Hour)
		},
			"2026-11-24T22:11", handler.Deferred, false, "moved"},
		"with more time to prepare": {func(r *handler.Renewal, _ *handler.Observation, _ *handler.Policy) {
			r.Lead, r.At = 11*time.Hour, start.Add(30*time.Hour)
		},
			"2026-11-25T22:00", handler.Deferred, false, "moved"},
		"on a day of the week": {func(_ *handler.Renewal, _ *handler.Observation, p *handler.Policy) {
			p.Window = window(t, "Sat 02:00-05:00 Asia/Shanghai")
		}, "2026-11-27T18:00", handler.Deferred, false, "moved"},
		"into its own window": {func(_ *handler.Renewal, o *handler.Observation, p *handler.Policy) {
			p.Window, o.MaintainStartTime, o.MaintainEndTime = handler.Window{}, "03:00Z", "04:00Z"
		}, "2026-11-25T03:00", handler.Deferred, false, "moved"},
		"to its very deadline": {func(r *handler.Renewal, _ *handler.Observation, _ *handler.Policy) {
			r.Deadline = start.Add(10 * time.Hour)
		}, "2026-11-24T22:00", handler.Deferred, false, "moved"},
		"not past its deadline": {func(r *handler.Renewal, _ *handler.Observation, _ *handler.Policy) {
			r.Deadline = start.Add(10*time.Hour - time.Second)
		}, "", handler.Deferred, true, "no maintenance window opens before its deadline, 2026-11-24T21:59:59Z"},
		"without a deadline": {func(r *handler.Renewal, _ *handler.Observation, _ *handler.Policy) { r.Deadline = time.Time{} }, "2026-11-24T22:00", handler.Deferred, false, "moved"},
		"not after the last day": {func(r *handler.Renewal, o *handler.Observation, _ *handler.Policy) {
			r.Deadline, o.Expires = start.Add(9*day), start.Add(33*time.Hour)
		}, "", handler.Deferred, true, "no maintenance window opens a day before the expiry"},
		"not if it may not be":   {func(r *handler.Renewal, _ *handler.Observation, _ *handler.Policy) { r.Fixed = true }, "", handler.Deferred, true, "restarts the instance then: it cannot be moved, because Alibaba does not allow another time"},
		"not if it has no id":    {func(r *handler.Renewal, _ *handler.Observation, _ *handler.Policy) { r.ID = "" }, "", handler.Deferred, true, "no id"},
		"not when it is running": {func(r *handler.Renewal, _ *handler.Observation, _ *handler.Policy) { r.Status = handler.RenewalRunning }, "", handler.Deferred, true, "Alibaba itself is renewing it"},
		"not when it has begun": {func(r *handler.Renewal, _ *handler.Observation, _ *handler.Policy) {
			r.Begins = start.Add(-time.Minute)
		}, "", handler.Deferred, true, "it has begun"},
		"not when it is overdue": {func(r *handler.Renewal, _ *handler.Observation, _ *handler.Policy) { r.At = start.Add(-time.Hour) }, "", handler.Deferred, true, "it has begun"},
		"nor when long overdue":  {func(r *handler.Renewal, _ *handler.Observation, _ *handler.Policy) { r.At = start.Add(-2 * day) }, "", handler.Deferred, false, "maintenance window that opens"},
		"nor when it was done": {func(r *handler.Renewal, _ *handler.Observation, _ *handler.Policy) {
			r.Status, r.At = handler.RenewalDone, start.Add(-time.Minute)
		}, "", handler.Deferred, false, "may not show yet"},
		"from after the expiry": {func(r *handler.Renewal, o *handler.Observation, _ *handler.Policy) {
			r.At, r.Deadline = start.Add(6*day), start.Add(7*day)
		}, "2026-11-24T22:00", handler.Deferred, false, "after the expiry; moved"},
		"out of a freeze": {func(r *handler.Renewal, _ *handler.Observation, p *handler.Policy) {
			r.At, p.Freezes = start.Add(10*time.Hour), freezes(t, "2026-11-24T20:00/2026-11-25T12:00")
		}, "2026-11-25T22:00", handler.Deferred, false, "in a freeze (TAIRSSL_FREEZE); moved"},
		"not while in a freeze": {func(_ *handler.Renewal, _ *handler.Observation, p *handler.Policy) {
			p.Freezes = freezes(t, "2026-11-24/2026-11-25")
		}, "", handler.Deferred, true, "it is not moved while changes are frozen"},
		"but after it": {func(r *handler.Renewal, _ *handler.Observation, p *handler.Policy) {
			r.At, p.Freezes = start.Add(3*day), freezes(t, "2026-11-24/2026-11-25")
		}, "", handler.Deferred, false, "it will be moved after the freeze"},
		"not unless approved": {func(_ *handler.Renewal, _ *handler.Observation, p *handler.Policy) { p.Approval = true }, "", handler.Deferred, true, "unless it is approved before"},
		"when it was approved": {func(_ *handler.Renewal, o *handler.Observation, p *handler.Policy) {
			p.Approval, o.Tags = true, map[string]string{approvedTag: approval(*o)}
		}, "2026-11-24T22:00", handler.Deferred, false, "moved"},
		"not when all is paused": {func(_ *handler.Renewal, _ *handler.Observation, p *handler.Policy) { p.Pause = true }, "", handler.Refused, false, "TAIRSSL_PAUSE"},
		"not against its owner": {func(_ *handler.Renewal, o *handler.Observation, _ *handler.Policy) {
			o.Tags = map[string]string{"tairssl": "off"}
		}, "", handler.Refused, false, "tairssl=off"},
		"not while it is changed": {func(_ *handler.Renewal, o *handler.Observation, _ *handler.Policy) { o.Status = "SSLModifying" }, "", handler.InProgress, false, "SSLModifying"},
		"not if the window never opens": {func(_ *handler.Renewal, _ *handler.Observation, p *handler.Policy) {
			p.Window, p.Freezes = window(t, "Sat 02:00-03:00"), freezes(t, "Fri 16:00-Mon 08:00")
		}, "", handler.Deferred, true, "no maintenance window opens"},
	} {
		o, r, p := expiring(5*day), task(day), handler.Policy{MovesRenewals: true, Window: window(t, "22:00-23:00")}
		if test.change != nil {
			test.change(&r, &o, &p)
		}
		before := r.At
		c, h := on(o, handler.Options{Policy: p})
		c.Tasks = []handler.Renewal{r}
		d := update()
		d.Automatic = true
		got := ask(t, h, d)
		want := before
		if test.to != "" {
			want, _ = time.Parse(at, test.to)
		}
		if c.Tasks[0].At != want || moved(c) > 1 || (moved(c) == 1) != (test.to != "") {
			t.Errorf("%s: after %d moves it is at %s, want %s", name, moved(c), c.Tasks[0].At.Format(at), want.Format(at))
		}
		if got.Outcome != test.outcome || got.Alert != test.alert || !strings.Contains(got.Reason, test.says) {
			t.Errorf("%s: ended %s, alert %v: %s; want %s, %v and %q", name, got.Outcome, got.Alert, got.Reason, test.outcome, test.alert, test.says)
		}
		if c.Restarts(id) != 0 {
			t.Errorf("%s: it was restarted", name)
		}
		for key := range c.TagsOf(id) {
			if strings.HasPrefix(key, "tairssl-lease-") {
				t.Errorf("%s: the flag %s is left behind", name, key)
			}
		}
		if test.to != "" {
			if again := ask(t, h, d); moved(c) != 1 || again.Outcome != handler.Deferred || again.Alert || again.Until.Time != want {
				t.Errorf("%s: asked again it ended %s until %s, after %d moves", name, again.Outcome, again.Until, moved(c))
			}
		}
	}
}

// A person's Update happens at once, even if Alibaba has scheduled a renewal.
func TestAPersonsUpdateMovesNothing(t *testing.T) {
	c, h := on(expiring(5*day), handler.Options{Policy: handler.Policy{MovesRenewals: true, Window: window(t, "22:00-23:00")}})
	c.Tasks = []handler.Renewal{task(day)}
	if got := ask(t, h, update()); got.Outcome != handler.Accepted || moved(c) != 0 || c.Restarts(id) != 1 {
		t.Errorf("it ended %s after %d moves and %d restarts", got.Outcome, moved(c), c.Restarts(id))
	}
}

// A plan says what would be moved, and moves nothing.
func TestAPlanMovesNothing(t *testing.T) {
	c, h := on(expiring(5*day), handler.Options{Policy: handler.Policy{MovesRenewals: true, Window: window(t, "22:00-23:00")}})
	c.Tasks = []handler.Renewal{task(day)}
	d := update()
	d.Automatic, d.DryRun = true, true
	got := ask(t, h, d)
	if got.Outcome != handler.Planned || moved(c) != 0 || !strings.Contains(got.Reason, "would be moved to 2026-11-24T22:00:00Z") || got.MovedTo.String() != "2026-11-24T22:00:00Z" {
		t.Errorf("it ended %s (%s), to %s, after %d moves", got.Outcome, got.Reason, got.MovedTo, moved(c))
	}
}

// A move is asked for once, however it ends. People are told unless it certainly
// succeeded.
func TestMovesThatAreNotSure(t *testing.T) {
	lost := func(kind handler.Kind) error {
		e := handler.Errorf(kind, "the API's own words")
		e.Uncertain = true
		return e
	}
	for name, test := range map[string]struct {
		move    func(c *handlertest.Cloud, apply func()) error
		outcome handler.Outcome
		alert   bool
		says    string
	}{
		"refused": {func(*handlertest.Cloud, func()) error {
			return handler.Errorf(handler.Unsupported, "Part of the tasks cannot be modified.")
		}, handler.Deferred, true, "the API refuses that: Part of the tasks"},
		"no right":                  {func(*handlertest.Cloud, func()) error { return handler.Errorf(handler.Forbidden, "allow it") }, handler.Deferred, true, "allow it"},
		"throttled":                 {func(*handlertest.Cloud, func()) error { return handler.Errorf(handler.Throttled, "slower") }, handler.Failed, false, "slower"},
		"lost, but made":            {func(_ *handlertest.Cloud, apply func()) error { apply(); return lost(handler.Unavailable) }, handler.Deferred, false, "moved to"},
		"lost, and not made":        {func(*handlertest.Cloud, func()) error { return lost(handler.Unavailable) }, handler.Deferred, true, "it could not be moved: the API's own words"},
		"taken, and not made":       {func(*handlertest.Cloud, func()) error { return nil }, handler.Deferred, true, "but still shows 2026-11-25T12:00:00Z"},
		"taken, and made otherwise": {func(c *handlertest.Cloud, _ func()) error { c.Tasks[0].At = start.Add(time.Hour); return nil }, handler.Deferred, true, "but still shows 2026-11-24T13:00:00Z"},
		"taken, and gone":           {func(c *handlertest.Cloud, _ func()) error { c.Tasks = nil; return nil }, handler.Deferred, true, "does not list it any more"},
		"a panic":                   {func(*handlertest.Cloud, func()) error { panic("boom") }, handler.Deferred, true, "unexpected fault"},
	} {
		c, h := on(expiring(5*day), handler.Options{Policy: handler.Policy{MovesRenewals: true, Window: window(t, "22:00-23:00")}})
		c.Tasks = []handler.Renewal{task(day)}
		c.OnMove = func(_ context.Context, apply func()) error { return test.move(c, apply) }
		d := update()
		d.Automatic = true
		got := ask(t, h, d)
		if got.Outcome != test.outcome || got.Alert != test.alert || !strings.Contains(got.Reason, test.says) || moved(c) != 1 {
			t.Errorf("%s: ended %s, alert %v, after %d moves: %s", name, got.Outcome, got.Alert, moved(c), got.Reason)
		}
		if test.alert && !strings.Contains(got.Reason, "2026-11-25T12:00:00Z") {
			t.Errorf("%s: nobody is told when it restarts: %s", name, got.Reason)
		}
		if len(c.TagsOf(id)) != 0 || c.Restarts(id) != 0 {
			t.Errorf("%s: leaves the tags %v and %d restarts", name, c.TagsOf(id), c.Restarts(id))
		}
	}
}

// Two processes that want to move one renewal move it once.
func TestOneRenewalIsMovedOnceByTwo(t *testing.T) {
	c, h := on(expiring(5*day), handler.Options{Policy: handler.Policy{MovesRenewals: true, Window: window(t, "22:00-23:00")}})
	c.Tasks = []handler.Renewal{task(day)}
	d := update()
	d.Automatic = true
	c.OnTag = func(string, string) error { // between the first and the last look
		c.OnTag = nil
		c.Tasks[0].At = start.Add(10*time.Hour + 30*time.Minute)
		return nil
	}
	if got := ask(t, h, d); got.Outcome != handler.Deferred || moved(c) != 0 || got.Alert || got.Until.String() != "2026-11-24T22:30:00Z" {
		t.Errorf("it ended %s until %s after %d moves: %s", got.Outcome, got.Until, moved(c), got.Reason)
	}
}

// If Alibaba's renewal no longer exists after the pause, the attempt makes no change in
// its place.
func TestARenewalThatIsGoneBehindThePause(t *testing.T) {
	c, h := on(expiring(5*day), handler.Options{Policy: handler.Policy{MovesRenewals: true, Window: window(t, "11:30-12:30")}})
	c.Tasks = []handler.Renewal{task(20 * time.Hour)}
	c.OnTag = func(string, string) error { c.Tasks = nil; return nil }
	d := update()
	d.Automatic = true
	if got := ask(t, h, d); got.Outcome != handler.Unchanged || moved(c) != 0 || c.Restarts(id) != 0 || len(c.TagsOf(id)) != 0 {
		t.Errorf("it ended %s (%s) after %d moves and %d restarts, with the tags %v", got.Outcome, got.Reason, moved(c), c.Restarts(id), c.TagsOf(id))
	}
}

// A delivery that only asks for a move changes nothing, even if a change is due.
func TestADeliveryThatOnlyMoves(t *testing.T) {
	always := window(t, "any")
	for name, test := range map[string]struct {
		expires time.Duration
		tasks   []handler.Renewal
		policy  handler.Policy
		outcome handler.Outcome
		moves   int
	}{
		"due, and nothing is scheduled": {5 * day, nil, handler.Policy{Window: always}, handler.Unchanged, 0},
		"due, and moved":                {5 * day, []handler.Renewal{task(day)}, handler.Policy{Window: window(t, "22:00-23:00")}, handler.Deferred, 1},
		"not due, and moved":            {90 * day, []handler.Renewal{task(day)}, handler.Policy{Window: window(t, "22:00-23:00")}, handler.Deferred, 1},
		"not due, and inside":           {90 * day, []handler.Renewal{task(day)}, handler.Policy{Window: always}, handler.Unchanged, 0},
		"not due, and paused":           {90 * day, []handler.Renewal{task(day)}, handler.Policy{Pause: true}, handler.Unchanged, 0},
		"not due, and exposed":          {90 * day, []handler.Renewal{task(day)}, handler.Policy{Window: window(t, "22:00-23:00"), Approval: true}, handler.Deferred, 0},
	} {
		test.policy.MovesRenewals = true
		c, h := on(expiring(test.expires), handler.Options{Policy: test.policy})
		c.Tasks = slices.Clone(test.tasks)
		d := update()
		d.Automatic, d.Moves = true, true
		if got := ask(t, h, d); got.Outcome != test.outcome || moved(c) != test.moves || c.Restarts(id) != 0 {
			t.Errorf("%s: ended %s (%s) after %d moves and %d restarts", name, got.Outcome, got.Reason, moved(c), c.Restarts(id))
		}
	}
}
