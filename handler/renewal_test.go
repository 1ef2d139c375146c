package handler_test

import (
	"bytes"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"time"

	"tairssl/handler"
	"tairssl/handler/handlertest"
)

// Where Alibaba's own schedule cannot be read, an unattended change that would be
// made now is put off: it might be the second restart. Only a missing right does
// not hold it up for ever.
func TestAlibabasScheduleThatCannotBeRead(t *testing.T) {
	always, _ := handler.ParseWindow("any")
	nightly, _ := handler.ParseWindow("22:00-23:00")
	fails := func(kind handler.Kind) func() (time.Time, error) {
		return func() (time.Time, error) { return time.Time{}, handler.Errorf(kind, "no schedule") }
	}
	for name, test := range map[string]struct {
		renewal    func() (time.Time, error)
		window     handler.Window
		unattended bool
		outcome    handler.Outcome
		says       string
	}{
		"down":                       {fails(handler.Unavailable), always, true, handler.Failed, "no schedule"},
		"down, with a date":          {func() (time.Time, error) { return start.Add(day), handler.Errorf(handler.Unavailable, "cut off") }, nightly, true, handler.Deferred, "maintenance window"},
		"down, outside the window":   {fails(handler.Unavailable), nightly, true, handler.Deferred, "maintenance window"},
		"throttled":                  {fails(handler.Throttled), always, true, handler.Failed, "no schedule"},
		"a panic":                    {func() (time.Time, error) { panic("boom") }, always, true, handler.Failed, "unexpected fault"},
		"no right":                   {fails(handler.Forbidden), always, true, handler.Accepted, ""},
		"no right, with a date":      {func() (time.Time, error) { return start.Add(day), handler.Errorf(handler.Forbidden, "x") }, always, true, handler.Accepted, ""},
		"down, but a person decided": {fails(handler.Unavailable), always, false, handler.Accepted, ""},
	} {
		c := handlertest.NewCloud(map[string]handler.Observation{id: expiring(5 * day)})
		log := &bytes.Buffer{}
		h := handler.New(odd{Cloud: c, renewal: test.renewal}, handler.Options{Now: c.Now, Sleep: c.Sleep, Policy: handler.Policy{Window: test.window}, Log: slog.New(slog.NewTextHandler(log, nil))})
		d := update()
		d.Automatic = test.unattended
		result := ask(t, h, d)
		if result.Outcome != test.outcome || !strings.Contains(result.Reason, test.says) || (c.Restarts(id) == 1) != (test.outcome == handler.Accepted) {
			t.Errorf("%s: ended %s (%s) after %d restarts, want %s and %q", name, result.Outcome, result.Reason, c.Restarts(id), test.outcome, test.says)
		}
		if result.Outcome == handler.Failed && !result.Error.Retryable {
			t.Errorf("%s: is not to be tried again: %v", name, result.Error)
		}
		if warned := strings.Contains(log.String(), "kvstore:DescribeActiveOperationTasks"); warned != strings.HasPrefix(name, "no right") {
			t.Errorf("%s: the log says %q", name, log)
		}
	}
}

// Nothing that is not due, refused or under way asks for Alibaba's schedule.
func TestAlibabasScheduleIsReadOnlyWhereItCounts(t *testing.T) {
	for name, change := range map[string]func(*handler.Observation){
		"not due":      func(o *handler.Observation) { o.Expires = start.Add(300 * day) },
		"tagged off":   func(o *handler.Observation) { o.Tags = map[string]string{"tairssl": "OFF"} },
		"SSLModifying": func(o *handler.Observation) { o.Status = "SSLModifying" },
	} {
		o := expiring(5 * day)
		change(&o)
		c := handlertest.NewCloud(map[string]handler.Observation{id: o})
		asked := 0
		h := handler.New(odd{Cloud: c, renewal: func() (time.Time, error) { asked++; return time.Time{}, errors.New("no") }}, handler.Options{Now: c.Now, Sleep: c.Sleep})
		d := update()
		d.Automatic = true
		if result := ask(t, h, d); asked != 0 || result.Outcome == handler.Accepted || result.Outcome == handler.Failed {
			t.Errorf("%s: ended %s (%s) and asked %d times", name, result.Outcome, result.Reason, asked)
		}
	}
}

func TestWhichOfAlibabasRenewalsCount(t *testing.T) {
	at := func(d time.Duration) time.Time { return start.Add(d) }
	for name, test := range map[string]struct {
		at, expires, now time.Time
		want             bool
	}{
		"none":                           {time.Time{}, at(5 * day), start, false},
		"before the expiry":              {at(4 * day), at(5 * day), start, true},
		"a second before the expiry":     {at(5*day - time.Second), at(5 * day), start, true},
		"at the expiry":                  {at(5 * day), at(5 * day), start, false},
		"after the expiry":               {at(6 * day), at(5 * day), start, false},
		"now":                            {start, at(5 * day), start, true},
		"overdue by less than a day":     {at(-day + time.Second), at(5 * day), start, true},
		"overdue by a day":               {at(-day), at(5 * day), start, false},
		"overdue, at the expiry":         {at(-time.Hour), start, start, false},
		"overdue, before the expiry":     {at(-time.Hour), at(time.Second), start, true},
		"overdue, and it expired before": {at(-time.Hour), at(-time.Minute), start, false},
	} {
		o := handler.Observation{SSL: handler.SSL{Enabled: true, Expires: test.expires}}
		if got := handler.RenewedBy(test.at, o, test.now); got != test.want {
			t.Errorf("a renewal that is scheduled %s is counted on: %v", name, got)
		}
	}
}
