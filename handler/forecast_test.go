package handler_test

import (
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"tairssl/handler"
	"tairssl/handler/handlertest"
)

// Forecasts come true: a sweep at every step renews the certificate at the forecast time
// and not before.
func TestForecastsComeTrue(t *testing.T) {
	t.Parallel() // it needs a processor for seconds
	const step = 15
	handlertest.Check(t, func(t *rapid.T) {
		base, _ := time.Parse(time.DateOnly, rapid.SampledFrom(near).Draw(t, "near"))
		begin := base.Add(time.Duration(rapid.IntRange(-5*1440/step, 1440/step).Draw(t, "begin")*step) * time.Minute)
		o := expiring(0)
		o.Expires = begin.Add(time.Duration(rapid.IntRange(1, 40*1440/step).Draw(t, "expires")*step) * time.Minute)
		var texts []string
		for range rapid.IntRange(0, 3).Draw(t, "freezes") {
			texts = append(texts, drawFreeze(t, base, step).text)
		}
		all, err := handler.ParseFreezes(strings.Join(texts, ", "))
		if err != nil {
			t.Skip("they leave no time")
		}
		_, w := drawWindow(t, step)
		h := handler.New(handlertest.NewCloud(nil), handler.Options{Policy: handler.Policy{
			Window: w, Freezes: all, RenewBefore: time.Duration(rapid.SampledFrom([]int{1, 3, 14}).Draw(t, "within")) * day, MissedActs: rapid.Bool().Draw(t, "missed acts"),
		}})
		o.SSL.At = begin
		forecast := h.Forecast(handler.Ref{InstanceID: id}, o)
		if forecast.InTime != (!forecast.At.IsZero() && !forecast.At.After(o.Expires.Add(-day))) {
			t.Fatalf("%+v is in time: %v", forecast, forecast.InTime)
		}
		for at := begin; at.Before(begin.AddDate(0, 0, 70)); at = at.Add(step * time.Minute) {
			r := swept(h, o, at)
			switch due := !at.Before(forecast.Due.Time); {
			case due != r.Due:
				t.Fatalf("from %s window %s, freezes %s, expiry %s: at %s it is due: %v, forecast %+v", begin, w, all, o.Expires, at, r.Due, forecast)
			case r.Outcome == handler.Planned && !at.Equal(forecast.At.Time):
				t.Fatalf("from %s window %s, freezes %s, expiry %s: renewed %s, forecast %+v", begin, w, all, o.Expires, at, forecast)
			case r.Outcome == handler.Planned:
				return
			case r.Outcome == handler.Deferred && r.Until.Time != forecast.At.Time:
				t.Fatalf("from %s window %s, freezes %s, expiry %s: at %s it is put off to %s, forecast %+v", begin, w, all, o.Expires, at, r.Until, forecast)
			}
		}
		if !forecast.At.IsZero() && forecast.At.Before(begin.AddDate(0, 0, 70)) {
			t.Fatalf("from %s window %s, freezes %s, expiry %s: it was not renewed, forecast %+v", begin, w, all, o.Expires, forecast)
		}
	})
}

// A weekly freeze keeps the window closed. A certificate that is due because of it stays
// due between two such freezes, also in the last week.
func TestWhatIsDueForAFreezeStaysDue(t *testing.T) {
	_, h := on(expiring(0), handler.Options{Policy: handler.Policy{
		Window: window(t, "Mon 00:00-03:15"), Freezes: freezes(t, "Sat 23:45-Thu 19:45"), RenewBefore: day,
	}})
	o := expiring(0)
	begin := time.Date(2027, 3, 14, 0, 0, 0, 0, time.UTC)
	o.Expires = begin.AddDate(0, 0, 21)
	for at := begin; at.Before(o.Expires); at = at.Add(time.Hour) {
		if r := swept(h, o, at); !r.Due || !r.Alert {
			t.Errorf("at %s it is due: %v, with an alert: %v, %s", at, r.Due, r.Alert, r.Reason)
		}
	}
}

// The reason for the time of each renewal, or why it never happens.
func TestForecasts(t *testing.T) {
	nightly, always := window(t, "22:00-23:00"), window(t, "any")
	december := freezes(t, "2026-12-20/2027-01-10")
	edit := func(expires time.Duration, change func(*handler.Observation)) handler.Observation {
		o := expiring(expires)
		o.Status, o.SSL.At = "Normal", start
		change(&o)
		return o
	}
	plain := func(*handler.Observation) {}
	for name, test := range map[string]struct {
		instance handler.Observation
		policy   handler.Policy
		at       string
		rule     handler.Rule
		inTime   bool
		alert    bool
		says     string
	}{
		"due, and nothing holds it": {edit(5*day, plain), handler.Policy{Window: always}, "2026-11-24T12:00:00Z", "", true, false, "due from 2026-10-30"},
		"due later":                 {edit(40*day, plain), handler.Policy{Window: always}, "2026-12-04T12:00:00Z", "", true, false, "due from 2026-12-04T12:00:00Z"},
		"due later, in a window":    {edit(40*day, plain), handler.Policy{Window: nightly}, "2026-12-04T22:00:00Z", "window", true, false, "maintenance window"},
		"its own window":            {edit(40*day, func(o *handler.Observation) { o.MaintainStartTime, o.MaintainEndTime = "02:00Z", "03:00Z" }), handler.Policy{}, "2026-12-05T02:00:00Z", "window", true, false, "opens 2026-12-05T02:00:00Z"},
		"after a freeze":            {edit(70*day, plain), handler.Policy{Window: nightly, Freezes: december}, "2027-01-11T22:00:00Z", "freeze", true, false, "frozen until 2027-01-11"},
		"in front of a freeze":      {edit(45*day, plain), handler.Policy{Window: window(t, "Sat 22:00-23:00"), RenewBefore: 10 * day, Freezes: december}, "2026-12-19T22:00:00Z", "freeze", true, false, "freeze, 2026-12-20"},
		"no window before a freeze": {edit(45*day, plain), handler.Policy{Window: window(t, "Sat 22:00-23:00"), RenewBefore: 10 * day, Freezes: freezes(t, "2026-11-25/2027-01-10")}, "2027-01-16T22:00:00Z", "freeze", false, true, "too late"},
		"Alibaba, before it is due": {edit(40*day, func(o *handler.Observation) {
			o.Renewal = handler.Renewal{Status: handler.RenewalPending, At: start.Add(day)}
		}), handler.Policy{Window: nightly}, "2026-11-25T12:00:00Z", "alibaba", true, false, "Alibaba"},
		"Alibaba, in spite of a tag": {edit(40*day, func(o *handler.Observation) {
			o.Renewal, o.Tags = handler.Renewal{Status: handler.RenewalPending, At: start.Add(day)}, map[string]string{"tairssl": "off"}
		}), handler.Policy{Pause: true}, "2026-11-25T12:00:00Z", "alibaba", true, false, "Alibaba"},
		"Alibaba, after the expiry": {edit(40*day, func(o *handler.Observation) {
			o.Renewal = handler.Renewal{Status: handler.RenewalPending, At: start.Add(41 * day)}
		}), handler.Policy{Window: always}, "2026-12-04T12:00:00Z", "", true, false, ""},
		"not approved": {edit(40*day, plain), handler.Policy{Window: nightly, Approval: true}, "2026-12-04T22:00:00Z", "approval", true, false, "tairssl approve " + id},
		"paused":       {edit(40*day, plain), handler.Policy{Pause: true}, "", "pause", false, false, "TAIRSSL_PAUSE"},
		"tagged off":   {edit(40*day, func(o *handler.Observation) { o.Tags = map[string]string{"tairssl": "off"} }), handler.Policy{}, "", "opt-out", false, false, "tairssl=off"},
		"excluded":     {edit(40*day, plain), handler.Policy{Instances: []string{"!" + id}}, "", "excluded", false, false, "TAIRSSL_INSTANCES"},
		"expired":      {edit(-day, plain), handler.Policy{Window: nightly}, "2026-11-24T22:00:00Z", "window", false, true, "too late"},
		"off":          {handler.Observation{}, handler.Policy{}, "", "", false, false, "encryption is off"},
		"without TLS":  {handler.Observation{SSL: handler.SSL{NoTLS: true}}, handler.Policy{}, "", "", false, false, "no TLS"},
		"not paid for": {edit(40*day, func(o *handler.Observation) { o.Status = "Inactive" }), handler.Policy{}, "", "", false, false, "Inactive"},
	} {
		_, h := on(expiring(0), handler.Options{Policy: test.policy})
		got := h.Forecast(handler.Ref{InstanceID: id, RegionID: "cn-hangzhou"}, test.instance)
		if got.At.String() != test.at || got.Rule != test.rule || got.InTime != test.inTime || got.Alert != test.alert || !strings.Contains(got.Reason, test.says) {
			t.Errorf("%s: %s by the rule %q, in time %v, alert %v: %s", name, got.At, got.Rule, got.InTime, got.Alert, got.Reason)
		}
	}
}
