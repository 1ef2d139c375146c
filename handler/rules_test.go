package handler_test

import (
	"strings"
	"testing"
	"time"

	"tairssl/handler"
)

const approvedTag = "tairssl-approved"

// approval is the value of the tag that approves the instance's certificate.
func approval(o handler.Observation) string {
	return handler.At(o.Expires).String() + "/slack:U1/2026-11-23T08:00:00Z"
}

// The rules are asked in their order, and the first that holds is named.
func TestTheOrderOfTheRules(t *testing.T) {
	nightly := window(t, "22:00-23:00") // opens in ten hours
	december := freezes(t, "2026-12-24/2027-01-02")
	today := freezes(t, "2026-11-24/2026-11-24")
	week := freezes(t, "2026-11-24/2026-12-01")
	tonight := freezes(t, "2026-11-24T20:00/2026-11-25T04:00")
	shanghai := freezes(t, "2026-12-24/2027-01-02 Asia/Shanghai")
	always := window(t, "any")
	for name, test := range map[string]struct {
		expires  time.Duration
		tags     map[string]string
		policy   handler.Policy
		renewal  time.Time
		outcome  handler.Outcome
		rule     handler.Rule
		until    string
		alert    bool
		contains string
	}{
		"nothing holds it":          {5 * day, nil, handler.Policy{Window: always, Freezes: december}, time.Time{}, handler.Accepted, "", "", false, ""},
		"pause before all":          {5 * day, map[string]string{"tairssl": "off"}, handler.Policy{Window: nightly, Pause: true, Approval: true, Freezes: today}, time.Time{}, handler.Refused, "pause", "", false, "TAIRSSL_PAUSE"},
		"the owner before approval": {5 * day, map[string]string{"tairssl": "off"}, handler.Policy{Window: nightly, Approval: true, Freezes: today}, time.Time{}, handler.Refused, "opt-out", "", false, "tairssl=off"},
		"approval before a freeze":  {20 * day, nil, handler.Policy{Window: nightly, Approval: true, Freezes: today}, start.Add(day), handler.Deferred, "approval", "2026-11-25T12:00:00Z", false, "tairssl approve " + id},
		"a freeze before Alibaba":   {20 * day, nil, handler.Policy{Window: nightly, Freezes: today}, start.Add(2 * day), handler.Deferred, "freeze", "2026-11-26T12:00:00Z", false, "Alibaba itself renews it 2026-11-26"},
		"a freeze before a window":  {20 * day, nil, handler.Policy{Window: nightly, Freezes: today}, time.Time{}, handler.Deferred, "freeze", "2026-11-25T22:00:00Z", false, "frozen until 2026-11-25T00:00:00Z"},
		"Alibaba before a window":   {20 * day, nil, handler.Policy{Window: nightly, Freezes: december}, start.Add(2 * day), handler.Deferred, "alibaba", "2026-11-26T12:00:00Z", false, "Alibaba itself renews it 2026-11-26"},
		"the window":                {20 * day, nil, handler.Policy{Window: nightly, Freezes: december}, time.Time{}, handler.Deferred, "window", "2026-11-24T22:00:00Z", false, "opens 2026-11-24T22:00:00Z"},
		"the next window is frozen": {20 * day, nil, handler.Policy{Window: nightly, Freezes: tonight}, time.Time{}, handler.Deferred, "freeze", "2026-11-25T22:00:00Z", false, "windows before are frozen"},
		"a freeze without a window": {20 * day, nil, handler.Policy{Window: always, Freezes: today}, time.Time{}, handler.Deferred, "freeze", "2026-11-25T00:00:00Z", false, "frozen until 2026-11-25T00:00:00Z"},

		"approved":                     {20 * day, map[string]string{approvedTag: "x"}, handler.Policy{Window: always, Approval: true}, time.Time{}, handler.Accepted, "", "", false, ""},
		"approved, and frozen":         {20 * day, map[string]string{approvedTag: "x"}, handler.Policy{Window: always, Approval: true, Freezes: today}, time.Time{}, handler.Deferred, "freeze", "2026-11-25T00:00:00Z", false, ""},
		"approved, and left":           {20 * day, map[string]string{approvedTag: "x"}, handler.Policy{Window: always, Approval: true}, start.Add(day), handler.Deferred, "alibaba", "2026-11-25T12:00:00Z", false, ""},
		"unapproved, a week is left":   {7 * day, nil, handler.Policy{Window: always, Approval: true}, time.Time{}, handler.Deferred, "approval", "2026-11-24T12:00:00Z", true, "nobody approved"},
		"unapproved, more is left":     {7*day + time.Second, nil, handler.Policy{Window: always, Approval: true}, time.Time{}, handler.Deferred, "approval", "2026-11-24T12:00:00Z", false, "nobody approved"},
		"unapproved, due tomorrow":     {7 * day, nil, handler.Policy{Window: always, Approval: true, RenewBefore: 6 * day}, time.Time{}, handler.Deferred, "approval", "2026-11-24T12:00:00Z", true, "nobody approved"},
		"approved, due tomorrow":       {7 * day, map[string]string{approvedTag: "x"}, handler.Policy{Window: always, Approval: true, RenewBefore: 6 * day}, time.Time{}, handler.Unchanged, "", "", false, ""},
		"unapproved, due in two days":  {8 * day, nil, handler.Policy{Window: always, Approval: true, RenewBefore: 6 * day}, time.Time{}, handler.Unchanged, "", "", false, ""},
		"unapproved, Alibaba comes":    {5 * day, nil, handler.Policy{Window: always, Approval: true}, start.Add(day), handler.Deferred, "approval", "2026-11-25T12:00:00Z", false, "Alibaba itself"},
		"unapproved, expired":          {-day, nil, handler.Policy{Window: always, Approval: true, MissedActs: true}, time.Time{}, handler.Deferred, "approval", "2026-11-24T12:00:00Z", true, ""},
		"unapproved before a freeze":   {14 * day, nil, handler.Policy{Window: always, Approval: true, Freezes: freezes(t, "2026-11-30/2026-12-10")}, time.Time{}, handler.Deferred, "approval", "2026-11-24T12:00:00Z", true, ""},
		"unapproved, a freeze is over": {14 * day, nil, handler.Policy{Window: always, Approval: true, Freezes: freezes(t, "2026-11-30/2026-12-05")}, time.Time{}, handler.Deferred, "approval", "2026-11-24T12:00:00Z", false, ""},

		"expires in a freeze":                   {5 * day, nil, handler.Policy{Window: always, Freezes: week}, time.Time{}, handler.Deferred, "freeze", "2026-12-02T00:00:00Z", true, "too late"},
		"expires in a freeze, Alibaba":          {5 * day, nil, handler.Policy{Window: always, Freezes: week}, start.Add(day), handler.Deferred, "freeze", "2026-11-25T12:00:00Z", false, "Alibaba itself"},
		"expires in a freeze, and may not miss": {5 * day, nil, handler.Policy{Window: nightly, Freezes: week, MissedActs: true}, time.Time{}, handler.Deferred, "freeze", "2026-12-02T00:00:00Z", true, "too late"},
		"missed by a freeze, and may not":       {34 * time.Hour, nil, handler.Policy{Window: nightly, Freezes: freezes(t, "2026-11-24T00:00/2026-11-24T14:00"), MissedActs: true}, time.Time{}, handler.Deferred, "freeze", "2026-11-24T22:00:00Z", false, ""},
		"missed, may not, and is frozen":        {33 * time.Hour, nil, handler.Policy{Window: nightly, Freezes: freezes(t, "2026-11-24T00:00/2026-11-24T14:00"), MissedActs: true}, time.Time{}, handler.Deferred, "freeze", "2026-11-24T14:00:00Z", false, "frozen until 2026-11-24T14:00:00Z"},
		"the last window, not due otherwise":    {35 * day, nil, handler.Policy{Window: window(t, "Tue 11:00-13:00"), Freezes: freezes(t, "2026-11-25/2026-12-28")}, time.Time{}, handler.Accepted, "", "", false, "end of a freeze"},
		"the window before the last":            {35 * day, nil, handler.Policy{Window: window(t, "Tue,Wed 11:00-13:00"), Freezes: freezes(t, "2026-11-26/2026-12-28")}, time.Time{}, handler.Unchanged, "", "", false, ""},
		"no window in front of a freeze":        {35 * day, nil, handler.Policy{Window: nightly, Freezes: freezes(t, "2026-11-24T20:00/2026-12-28")}, time.Time{}, handler.Deferred, "freeze", "2026-12-29T22:00:00Z", true, "too late"},
		"none, and may not miss":                {35 * day, nil, handler.Policy{Window: nightly, Freezes: freezes(t, "2026-11-24T20:00/2026-12-28"), MissedActs: true}, time.Time{}, handler.Accepted, "", "", false, ""},
		"a freeze far off":                      {400 * day, nil, handler.Policy{Window: always, Freezes: shanghai}, time.Time{}, handler.Unchanged, "", "", false, ""},
		"only the window does not open":         {40 * day, nil, handler.Policy{Window: window(t, "Tue 11:00-13:00"), RenewBefore: 2 * day, Freezes: freezes(t, "2026-11-25/2026-11-26")}, time.Time{}, handler.Unchanged, "", "", false, ""},
		"a window that every freeze takes":      {20 * day, nil, handler.Policy{Window: window(t, "Sat 02:00-03:00"), Freezes: freezes(t, "Fri 16:00-Mon 08:00")}, time.Time{}, handler.Deferred, "freeze", "", true, "no maintenance window opens outside the freezes"},
		"as long as it takes, and may not miss": {20 * day, nil, handler.Policy{Window: window(t, "Sat 02:00-03:00"), Freezes: freezes(t, "Fri 16:00-Mon 08:00"), MissedActs: true}, time.Time{}, handler.Accepted, "", "", false, ""},
	} {
		o := expiring(test.expires)
		o.Tags = map[string]string{}
		for key, value := range test.tags {
			if o.Tags[key] = value; value == "x" {
				o.Tags[key] = approval(o)
			}
		}
		c, h := on(o, handler.Options{Policy: test.policy})
		c.Renewals = map[string]time.Time{id: test.renewal}
		d := update()
		d.Automatic = true
		got := ask(t, h, d)
		if got.Outcome != test.outcome || got.Rule != test.rule || got.Until.String() != test.until || got.Alert != test.alert || !strings.Contains(got.Reason, test.contains) {
			t.Errorf("%s: ended %s by the rule %q until %s, alert %v: %s", name, got.Outcome, got.Rule, got.Until, got.Alert, got.Reason)
		}
		if restarted := c.Restarts(id) == 1; restarted != (test.outcome == handler.Accepted) {
			t.Errorf("%s: restarted: %v", name, restarted)
		}
	}
}
