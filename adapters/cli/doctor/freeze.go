package doctor

import (
	"fmt"
	"strings"
	"time"

	"tairssl/adapters/function"
	"tairssl/handler"
)

const freezeSetting = function.Prefix + "FREEZE"

// freezes finds out what the freezes leave to the maintenance window.
func (x *examination) freezes(l look) (findings []Finding) {
	all, now := x.settings.Freeze, x.Now()
	if len(all) == 0 {
		return nil
	}
	within := x.settings.RenewBefore - handler.MissedBefore
	for _, f := range all {
		from, to, once := f.Once()
		switch lasts := to.Sub(from); {
		case !once:
		case !to.After(now):
			findings = append(findings, warn(Window, f.String(), "this freeze is over", "remove it from TAIRSSL_FREEZE, or write its next date"))
		case lasts > within:
			findings = append(findings, warn(Window, f.String(),
				fmt.Sprintf("this freeze lasts %s, and a certificate is due for %s before its last day: what expires in the freeze is renewed earlier, in the last window in front of it", handler.Span(lasts), handler.Span(max(within, 0))),
				fmt.Sprintf("raise TAIRSSL_RENEW_BEFORE to %s or more, so that they do not all wait for that one window", hours(lasts+handler.MissedBefore))))
		}
	}
	return append(findings, x.freezing(l, now))
}

// freezing says when changes are frozen next, and whether a window opens at all.
func (x *examination) freezing(l look, now time.Time) Finding {
	all := x.settings.Freeze
	seen := l.why == "" && l.err == nil
	if seen || !x.settings.Window.Own() { // else it is not known which windows there are
		if _, opens := x.fleet.Opening(l.seen, now); !opens {
			return fail(Window, freezeSetting, handler.Unsupported, "no maintenance window opens outside the freezes: nothing is ever renewed by itself", "change TAIRSSL_FREEZE or TAIRSSL_WINDOW")
		}
	}
	begins := all.Begins(now)
	switch {
	case all.On(now):
		return pass(Window, freezeSetting, "on until %s: nothing is renewed by itself until then", minute(all.Ends(now)))
	case begins.Sub(now) > 366*24*time.Hour:
		return pass(Window, freezeSetting, "off, and it does not come within a year")
	}
	return pass(Window, freezeSetting, "on next from %s to %s", minute(begins), minute(all.Ends(begins)))
}

// inTimeOfFreezes says when the instance's certificate is renewed, as a sweep would
// decide.
func (x *examination) inTimeOfFreezes(o handler.Observation) Finding {
	f := x.fleet.Forecast(x.subject.Ref, o)
	found := fmt.Sprintf("%s; the certificate expires %s", f.Reason, minute(o.Expires))
	if f.InTime || f.Rule == handler.RuleOptOut || f.Rule == handler.RulePause || f.Rule == handler.RuleExcluded {
		return pass(Window, x.Instance, "%s", found)
	}
	return x.missed(x.Instance, found, fmt.Sprintf("renew it by hand, tairssl update %s; or change TAIRSSL_FREEZE or TAIRSSL_WINDOW", x.Instance))
}

// approvals finds tags that look like approvals and approve nothing.
func approvals(c census) []Finding {
	var bad []string
	for _, s := range c.seen {
		if value, there := s.Tags[handler.ApprovalTag]; there {
			if _, ok := handler.ParseApproval(value); !ok {
				bad = append(bad, s.InstanceID)
			}
		}
	}
	if bad == nil {
		return nil
	}
	return []Finding{warn(Region, handler.ApprovalTag+" in "+c.region, fmt.Sprintf("the tag of %s cannot be read, so it approves nothing", shortList(bad)), "remove the tag, and approve again: tairssl approve "+bad[0])}
}

// shortList names a few, and counts the rest.
func shortList(ids []string) string {
	const most = 3
	if len(ids) <= most {
		return strings.Join(ids, ", ")
	}
	return fmt.Sprintf("%s and %d more", strings.Join(ids[:most], ", "), len(ids)-most)
}
