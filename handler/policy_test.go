package handler_test

import (
	"strings"
	"testing"
	"time"

	"tairssl/handler"
)

func TestAutomaticChangesWait(t *testing.T) {
	always, err := handler.ParseWindow("any")
	if err != nil {
		t.Fatal(err)
	}
	automatic := update()
	automatic.Automatic = true
	nightly, err := handler.ParseWindow("22:00-23:00")
	if err != nil {
		t.Fatal(err)
	}
	for name, test := range map[string]struct {
		instance handler.Observation
		policy   handler.Policy
		renewal  time.Time
		request  handler.Delivery
		outcome  handler.Outcome
		alert    bool
		reason   string
	}{
		"for the window":              {expiring(5 * day), handler.Policy{Window: nightly}, time.Time{}, automatic, handler.Deferred, false, "opens 2026-11-24T22:00:00Z"},
		"for its own window":          {expiring(5 * day), handler.Policy{}, time.Time{}, automatic, handler.Deferred, false, "opens 2026-11-24T18:00:00Z"},
		"too long":                    {expiring(30 * time.Hour), handler.Policy{Window: nightly}, time.Time{}, automatic, handler.Deferred, true, "too late for the expiry"},
		"too long, and must not":      {expiring(30 * time.Hour), handler.Policy{Window: nightly, MissedActs: true}, time.Time{}, automatic, handler.Accepted, false, ""},
		"after the expiry":            {expiring(-time.Hour), handler.Policy{Window: nightly}, time.Time{}, automatic, handler.Deferred, true, ""},
		"not if somebody decided":     {expiring(5 * day), handler.Policy{Window: nightly}, time.Time{}, update(), handler.Accepted, false, ""},
		"for Alibaba's own renewal":   {expiring(5 * day), handler.Policy{Window: always}, start.Add(2 * day), automatic, handler.Deferred, false, "Alibaba itself renews it 2026-11-26"},
		"not for one after expiry":    {expiring(5 * day), handler.Policy{Window: always}, start.Add(6 * day), automatic, handler.Accepted, false, ""},
		"for Alibaba's, not in vain":  {expiring(30 * time.Hour), handler.Policy{Window: nightly}, start.Add(20 * time.Hour), automatic, handler.Deferred, false, "Alibaba itself renews it 2026-11-25"},
		"not for one that is overdue": {expiring(5 * day), handler.Policy{Window: always}, start.Add(-2 * day), automatic, handler.Accepted, false, ""},
		"not for one that came never": {expiring(-time.Hour), handler.Policy{Window: always}, start.Add(-2 * time.Hour), automatic, handler.Accepted, false, ""},
		"not if nothing is due":       {expiring(90 * day), handler.Policy{Window: nightly}, time.Time{}, automatic, handler.Unchanged, false, ""},
		"not for a renewal, by hand":  {expiring(5 * day), handler.Policy{}, start.Add(2 * day), update(), handler.Accepted, false, ""},
	} {
		c, h := on(test.instance, handler.Options{Policy: test.policy})
		c.Renewals = map[string]time.Time{id: test.renewal}
		if got := ask(t, h, test.request); got.Outcome != test.outcome || got.Alert != test.alert || !strings.Contains(got.Reason, test.reason) {
			t.Errorf("%s: ended %s, alert %v: %s", name, got.Outcome, got.Alert, got.Reason)
		}
	}
}
