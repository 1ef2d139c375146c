package handler_test

import (
	"bytes"
	"errors"
	"log/slog"
	"strconv"
	"strings"
	"testing"
	"time"

	"tairssl/handler"
	"tairssl/handler/handlertest"
)

// If Alibaba's own schedule cannot be read, an unattended change fails and can be tried
// again, because it might cause a second restart. If the right to read the schedule is
// missing, the change is made.
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

// Alibaba's schedule is only read for a change that would happen.
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
	const pending, running, done, failed, cancelled = handler.RenewalPending, handler.RenewalRunning, handler.RenewalDone, handler.RenewalStatus(6), handler.RenewalStatus(7)
	at := func(d time.Duration) time.Time { return start.Add(d) }
	for name, test := range map[string]struct {
		status           handler.RenewalStatus
		at, expires, now time.Time
		want             bool
	}{
		"none":                           {0, time.Time{}, at(5 * day), start, false},
		"at no known time":               {pending, time.Time{}, at(5 * day), start, false},
		"before the expiry":              {pending, at(4 * day), at(5 * day), start, true},
		"a second before the expiry":     {pending, at(5*day - time.Second), at(5 * day), start, true},
		"at the expiry":                  {pending, at(5 * day), at(5 * day), start, false},
		"after the expiry":               {pending, at(6 * day), at(5 * day), start, false},
		"now":                            {pending, start, at(5 * day), start, true},
		"overdue by less than a day":     {pending, at(-day + time.Second), at(5 * day), start, true},
		"overdue by a day":               {pending, at(-day), at(5 * day), start, false},
		"overdue, at the expiry":         {pending, at(-time.Hour), start, start, false},
		"overdue, before the expiry":     {pending, at(-time.Hour), at(time.Second), start, true},
		"overdue, and it expired before": {pending, at(-time.Hour), at(-time.Minute), start, false},
		"in progress":                    {running, at(-time.Hour), at(5 * day), start, true},
		"in progress for a day":          {running, at(-day), at(5 * day), start, false},
		"done moments ago":               {done, at(-time.Minute), at(5 * day), start, true},
		"done long ago":                  {done, at(-45 * time.Minute), at(5 * day), start, false},
		"failed":                         {failed, at(4 * day), at(5 * day), start, false},
		"cancelled":                      {cancelled, at(4 * day), at(5 * day), start, false},
	} {
		o := handler.Observation{SSL: handler.SSL{Enabled: true, Expires: test.expires}}
		if got := (handler.Renewal{ID: "7", Status: test.status, At: test.at}).Counts(o, test.now); got != test.want {
			t.Errorf("a renewal that is scheduled %s is counted on: %v", name, got)
		}
	}
}

// If Alibaba has scheduled several renewals, the first renewal that counts matters. A
// renewal that is long overdue does not count.
func TestWhichOfSeveralRenewalsMatters(t *testing.T) {
	for name, test := range map[string]struct {
		days []int // days from now; done if the number is odd
		want int   // 0 for none
	}{
		"none":                          {nil, 0},
		"the first":                     {[]int{12, 4, 8}, 4},
		"overdue for long, and one":     {[]int{-30, 8}, 8},
		"done long ago, and one":        {[]int{-31, 8}, 8},
		"after the expiry alone":        {[]int{40, 30}, 30},
		"after the expiry, and in time": {[]int{30, 8}, 8},
		"ended alone":                   {[]int{-31}, 0},
	} {
		c := handlertest.NewCloud(map[string]handler.Observation{id: expiring(20 * day)})
		for _, days := range test.days {
			r := handler.Renewal{Ref: handler.Ref{RegionID: handler.DefaultRegion, InstanceID: id}, ID: strconv.Itoa(days), Status: handler.RenewalPending, At: start.Add(time.Duration(days) * day)}
			if days%2 != 0 {
				r.Status = handler.RenewalDone
			}
			c.Tasks = append(c.Tasks, r)
		}
		h := handler.New(c, handler.Options{Now: c.Now, Sleep: c.Sleep})
		got, err := h.Renewal(t.Context(), handler.Ref{RegionID: handler.DefaultRegion, InstanceID: id}, expiring(20*day))
		if want := time.Duration(test.want) * day; err != nil || test.want == 0 && got.ID != "" || test.want != 0 && !got.At.Equal(start.Add(want)) {
			t.Errorf("%s: the renewal %+v matters, %v; want that in %d days", name, got, err, test.want)
		}
	}
}
