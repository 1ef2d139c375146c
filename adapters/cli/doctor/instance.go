package doctor

import (
	"fmt"

	"tairssl/handler"
)

// look is the state of the named instance and the result that an unattended Update
// of it would have.
type look struct {
	why    string // the reason why the instance was not read, or ""
	seen   handler.Observation
	err    error
	result handler.Result
}

func (x *examination) look() (l look) {
	if x.Instance == "" {
		l.why = "name one with --instance"
		return l
	}
	ref := x.subject.Ref
	if l.why = x.barred(ref.RegionID); l.why != "" {
		return l
	}
	if l.err = x.subject.lost; l.err != nil {
		return l
	}
	if _, l.seen, l.err = x.fleet.Observe(x.ctx, ref); l.err == nil {
		l.result = x.fleet.Handle(x.ctx, handler.Trusted.Deliver(handler.Request{InstanceID: ref.InstanceID, RegionID: ref.RegionID, SSLEnabled: handler.Update, Automatic: true, DryRun: true}))[0]
	}
	return l
}

// instance says what an unattended Update of the named instance would do now.
func (x *examination) instance(l look) []Finding {
	if l.why != "" {
		return []Finding{x.skipped(Instance, x.Instance, l.why)}
	}
	if l.err != nil {
		f := x.called(Instance, x.Instance, l.err)
		if denied(l.err) && f.State == Failed {
			f.Found, f.Fix = "it cannot be read", "correct the permissions above"
		}
		return []Finding{f}
	}
	if l.seen.Gone() {
		return []Finding{warn(Instance, x.Instance, "is "+l.seen.Status+": it is not renewed until it runs", "pay for it or repair it, unless this is intended")}
	}
	r := l.result
	found := fmt.Sprintf("an unattended Update now would end as %s: %s", r.Outcome, r.Reason)
	switch {
	case r.Error != nil:
		return []Finding{x.called(Instance, x.Instance, r.Error)}
	case r.Outcome == handler.Refused:
		return []Finding{fail(Instance, x.Instance, handler.Forbidden, found, "to renew it unattended, change the setting or tag that the reason names")}
	case l.seen.Off():
		return []Finding{warn(Instance, x.Instance, found+"; when it is due, the Update will be refused, because the instance is tagged tairssl=off", "to renew it unattended, remove the tag")}
	case l.seen.WrongName():
		return []Finding{warn(Instance, x.Instance, found, fmt.Sprintf("get a certificate for the endpoint's name with tairssl update %s --force, which restarts the instance", x.Instance))}
	}
	return []Finding{pass(Instance, x.Instance, "%s", found)}
}
