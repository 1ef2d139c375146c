package doctor

import (
	"fmt"
	"time"

	"tairssl/adapters/function"
	"tairssl/handler"
)

const freezeSetting = function.Prefix + "FREEZE"

// freezes checks whether the freezes leave enough time for renewals.
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
				fmt.Sprintf("this freeze lasts %s, but certificates become due only %s before their last day: all certificates that expire in the freeze are renewed in the last window before it", handler.Span(lasts), handler.Span(max(within, 0))),
				fmt.Sprintf("raise TAIRSSL_RENEW_BEFORE to %s or more, so that these renewals spread over several windows", hours(lasts+handler.MissedBefore))))
		}
	}
	return append(findings, x.freezing(l, now))
}

// freezing says when the next freeze is, and fails if no window ever opens outside
// the freezes.
func (x *examination) freezing(l look, now time.Time) Finding {
	all := x.settings.Freeze
	seen := l.why == "" && l.err == nil
	if seen || !x.settings.Window.Own() { // otherwise the windows of the instances are unknown
		if _, opens := x.fleet.Opening(l.seen, now); !opens {
			return fail(Window, freezeSetting, handler.Unsupported, "no maintenance window opens outside the freezes: nothing is ever renewed automatically", "change TAIRSSL_FREEZE or TAIRSSL_WINDOW")
		}
	}
	begins := all.Begins(now)
	switch {
	case all.On(now):
		return pass(Window, freezeSetting, "on until %s: nothing is renewed automatically until then", minute(all.Ends(now)))
	case begins.Sub(now) > 366*24*time.Hour:
		return pass(Window, freezeSetting, "off; no freeze begins within a year")
	}
	return pass(Window, freezeSetting, "off; the next freeze is from %s to %s", minute(begins), minute(all.Ends(begins)))
}

// inTimeOfFreezes says when a sweep would renew the instance's certificate.
func (x *examination) inTimeOfFreezes(o handler.Observation) Finding {
	f := x.fleet.Forecast(x.subject.Ref, o)
	found := fmt.Sprintf("%s; the certificate expires %s", f.Reason, minute(o.Expires))
	if f.InTime || f.Rule == handler.RuleOptOut || f.Rule == handler.RulePause || f.Rule == handler.RuleExcluded {
		return pass(Window, x.Instance, "%s", found)
	}
	return x.missed(x.Instance, found, fmt.Sprintf("renew it by hand with tairssl update %s, or change TAIRSSL_FREEZE or TAIRSSL_WINDOW", x.Instance))
}
