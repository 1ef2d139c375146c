package cli

import (
	"strings"
	"testing"
	"time"

	"tairssl/adapters/cli/fleetpage"
	"tairssl/handler"
)

func by(rule handler.Rule) func(*status) { return func(s *status) { s.Rule = rule } }

// The page shows which renewals wait for a freeze or an approval, and when the freezes are.
func TestFreezesAndApprovalsOnThePage(t *testing.T) {
	freezes, err := handler.ParseFreezes("2026-12-20/2027-01-10, Fri 16:00-Mon 08:00")
	if err != nil {
		t.Fatal(err)
	}
	always, _ := handler.ParseWindow("any")
	waiting := func(s *status) { s.state.Sweep.Outcome = handler.Deferred }
	for name, test := range map[string]struct {
		policy  handler.Policy
		row     status
		group   fleetpage.Group
		rule    fleetpage.Rule
		at      string
		command string
	}{
		"due, not approved":        {handler.Policy{Approval: true}, on("r-abcd", 9*day, waiting, by(handler.RuleApproval)), fleetpage.Waiting, fleetpage.Approval, "0001-01-01T00:00:00Z", "approve"},
		"due, frozen":              {handler.Policy{Freezes: freezes}, on("r-abcd", 9*day, deferred(day), by(handler.RuleFreeze)), fleetpage.Waiting, fleetpage.Freeze, "2026-11-25T12:00:00Z", "update"},
		"not due, after a freeze":  {handler.Policy{Freezes: freezes, Window: always}, on("r-abcd", 70*day), fleetpage.Fine, fleetpage.Freeze, "2027-01-11T08:00:00Z", "status"},
		"not due, before a freeze": {handler.Policy{Freezes: freezes, Window: always, RenewBefore: 5 * day}, on("r-abcd", 35*day), fleetpage.Fine, fleetpage.Freeze, "2026-12-14T08:00:00Z", "status"},
		"not due, untouched":       {handler.Policy{Freezes: freezes, Window: always}, on("r-abcd", 40*day), fleetpage.Fine, fleetpage.WhenDue, "2026-12-04T12:00:00Z", "status"},
		"not due, to be approved":  {handler.Policy{Approval: true, Window: always}, on("r-abcd", 40*day), fleetpage.Fine, fleetpage.Approval, "2026-12-04T12:00:00Z", "status"},
	} {
		r := rowOn(test.policy, test.row)
		if r.Group != test.group || r.Renewal.Rule != test.rule || r.Renewal.At.UTC().Format(time.RFC3339) != test.at || !strings.Contains(r.Commands[0], " "+test.command+" ") {
			t.Errorf("%s: the page says %s, %s, %s, %q", name, r.Group.Word(), r.Renewal.At, r.Renewal.Rule, r.Commands)
		}
	}
	spans := fleetPage{Generated: now, Policy: handler.Policy{Freezes: freezes}}.page().Freezes
	if len(spans) < 100 || spans[0].From.Format(time.RFC3339) != "2026-11-27T16:00:00Z" || spans[3].To.Format(time.RFC3339) != "2027-01-11T08:00:00Z" {
		t.Errorf("the freezes are %v", spans[:min(len(spans), 5)])
	}
	for rule, shown := range rulesOnPage {
		if shown == fleetpage.NothingToRenew {
			t.Errorf("the rule %q has no word on the page", rule)
		}
	}
}
