package cli

import (
	"time"

	"tairssl/adapters/cli/fleetpage"
	"tairssl/handler"
)

// rulesOnPage translates the handler's rules into the rules of package fleetpage.
var rulesOnPage = map[handler.Rule]fleetpage.Rule{
	handler.RuleNone: fleetpage.WhenDue, handler.RulePause: fleetpage.Paused, handler.RuleOptOut: fleetpage.OptedOutRule,
	handler.RuleExcluded: fleetpage.Forbidden, handler.RuleApproval: fleetpage.Approval, handler.RuleFreeze: fleetpage.Freeze,
	handler.RuleAlibaba: fleetpage.Alibaba, handler.RuleWindow: fleetpage.Window, handler.RuleMaxTargets: fleetpage.Capped,
	handler.RuleCA: fleetpage.NewCA, handler.RuleMembers: fleetpage.Members,
}

// held is the renewal of an instance that is due and deferred, as the handler decided it.
func (s status) held(now time.Time) fleetpage.Renewal {
	switch s.Rule {
	case handler.RuleApproval: // the renewal waits for a person, so its time is not known
		return fleetpage.Renewal{Rule: fleetpage.Approval}
	case handler.RuleMembers: // the change of another member takes some minutes
		return fleetpage.Renewal{At: now, Rule: fleetpage.Members}
	case handler.RuleNone:
		return fleetpage.Renewal{At: s.DeferredUntil.Time, Rule: fleetpage.Window}
	}
	return fleetpage.Renewal{At: s.DeferredUntil.Time, Rule: rulesOnPage[s.Rule]}
}

const (
	// freezesAhead is how far ahead the page shows freezes. Certificates last three years.
	freezesAhead = 40 * 31 * 24 * time.Hour
	maxSpans     = 200
)

// spans are the freezes from now on, at most maxSpans.
func (p fleetPage) spans() (all []fleetpage.Span) {
	freezes, end := p.Policy.Freezes, p.Generated.Add(freezesAhead)
	for t := p.Generated; len(all) < maxSpans; {
		from := freezes.Begins(t)
		if !from.Before(end) {
			break
		}
		to := freezes.Ends(from)
		all, t = append(all, fleetpage.Span{From: from, To: to}), to
	}
	return all
}
