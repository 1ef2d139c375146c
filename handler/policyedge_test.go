package handler_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"tairssl/handler"
)

// The edges of the policy's rules, where one second or one word decides.
func TestTheEdgesOfThePolicy(t *testing.T) {
	automatic := update()
	automatic.Automatic = true
	nightly, _ := handler.ParseWindow("22:00-23:00") // opens in ten hours
	tagged := func(value string) handler.Observation {
		o := expiring(5 * day)
		o.Tags = map[string]string{"tairssl": value}
		return o
	}
	weak := func(within time.Duration) handler.Delivery {
		d := update()
		d.Trust, d.Confirmed, d.RenewBefore = handler.Weak, true, wait(within)
		return d
	}
	for name, test := range map[string]struct {
		instance handler.Observation
		delivery handler.Delivery
		policy   handler.Policy
		outcome  handler.Outcome
		alert    bool
	}{
		"opens a day before the expiry":         {expiring(34 * time.Hour), automatic, handler.Policy{Window: nightly}, handler.Deferred, false},
		"opens less than a day before":          {expiring(34*time.Hour - time.Second), automatic, handler.Policy{Window: nightly}, handler.Deferred, true},
		"opens a day before, and may not miss":  {expiring(34 * time.Hour), automatic, handler.Policy{Window: nightly, MissedActs: true}, handler.Deferred, false},
		"opens too late, and may not miss":      {expiring(34*time.Hour - time.Second), automatic, handler.Policy{Window: nightly, MissedActs: true}, handler.Accepted, false},
		"tagged OFF":                            {tagged("OFF"), automatic, handler.Policy{}, handler.Refused, false},
		"tagged on":                             {tagged("on"), automatic, handler.Policy{Window: nightly}, handler.Deferred, false},
		"tagged off, missed, and may not":       {tagged("off"), automatic, handler.Policy{Window: nightly, MissedActs: true}, handler.Refused, false},
		"weak, within less than the setting":    {expiring(5 * day), weak(4 * day), handler.Policy{}, handler.Unchanged, false},
		"weak, within exactly the setting":      {expiring(30 * day), weak(30 * day), handler.Policy{}, handler.Accepted, false},
		"weak, within more than the setting":    {expiring(30*day + time.Second), weak(31 * day), handler.Policy{}, handler.Unchanged, false},
		"an action that is not granted":         {expiring(5 * day), update(), handler.Policy{Actions: []handler.Action{handler.Enable}}, handler.Refused, false},
		"a name that nobody included":           {expiring(5 * day), update(), handler.Policy{Instances: []string{"["}}, handler.Refused, false},
		"an exclusion beside a bad one":         {expiring(5 * day), update(), handler.Policy{Instances: []string{"!r-uf6*", "!["}}, handler.Refused, false},
		"included by the second of two":         {expiring(5 * day), update(), handler.Policy{Instances: []string{"r-uf6*", "r-bp1*"}}, handler.Accepted, false},
		"excluded first and included afterward": {expiring(5 * day), update(), handler.Policy{Instances: []string{"!r-bp1*", "*"}}, handler.Refused, false},
	} {
		c, h := on(test.instance, handler.Options{Policy: test.policy})
		if got := ask(t, h, test.delivery); got.Outcome != test.outcome || got.Alert != test.alert || (c.Restarts(id) == 1) != (test.outcome == handler.Accepted) {
			t.Errorf("%s: ended %s, alert %v (%s), want %s, %v", name, got.Outcome, got.Alert, got.Reason, test.outcome, test.alert)
		}
	}
}

// Messages on which people act are complete.
func TestReasonsThatNameTheWayOut(t *testing.T) {
	automatic := update()
	automatic.Automatic = true
	nightly, _ := handler.ParseWindow("22:00-23:00")
	wrong := expiring(90 * day)
	wrong.CommonName, wrong.ConnectionDomain = "old.example.com", "new.example.com"
	disable := update()
	disable.SSLEnabled = handler.Disable
	enable := update()
	enable.SSLEnabled = handler.Enable
	for name, test := range map[string]struct {
		instance handler.Observation
		delivery handler.Delivery
		policy   handler.Policy
		says     []string
	}{
		"too late":         {expiring(30 * time.Hour), automatic, handler.Policy{Window: nightly}, []string{"expires in 30h, within 30d", "opens 2026-11-24T22:00:00Z", "too late for the expiry 2026-11-25T18:00:00Z", "widen TAIRSSL_WINDOW"}},
		"not granted":      {expiring(5 * day), disable, handler.Policy{}, []string{"Disable is not among the allowed actions: add it to TAIRSSL_ACTIONS", "never be enabled again"}},
		"a wrong name":     {wrong, automatic, handler.Policy{}, []string{"not within 30d", "old.example.com is not that of the endpoint new.example.com", "a request with SSLExpiredTime"}},
		"of unknown type":  {handler.Observation{SSL: handler.SSL{NoTLS: true}}, enable, everything, []string{"(unknown) has no TLS"}},
		"of a known type":  {handler.Observation{Instance: handler.Instance{Type: "Redis"}, SSL: handler.SSL{NoTLS: true}}, enable, everything, []string{"(Redis) has no TLS"}},
		"pinned, but off":  {handler.Observation{}, func() handler.Delivery { d := disable; d.SSLExpiredTime = handler.At(start); return d }(), everything, []string{"encryption is off now"}},
		"pinned, moved on": {expiring(5 * day), func() handler.Delivery { d := update(); d.SSLExpiredTime = handler.At(start); return d }(), everything, []string{"expires 2026-11-29T12:00:00Z now, and the request was made for the one that expires 2026-11-24T12:00:00Z"}},
	} {
		_, h := on(test.instance, handler.Options{Policy: test.policy})
		result := h.Handle(context.Background(), []handler.Delivery{test.delivery})[0]
		for _, says := range test.says {
			if !strings.Contains(result.Reason, says) {
				t.Errorf("%s: the reason does not say %q: %s", name, says, result.Reason)
			}
		}
	}
}
