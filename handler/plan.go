package handler

import (
	"cmp"
	"context"
	"time"
)

// Plan says what a delivery would do, as a DryRun does. It returns the delivery pinned to
// the present certificate. If the certificate changes after the plan, the pinned delivery
// changes nothing. For a forbidden request Plan reads nothing.
func (h *Handler) Plan(ctx context.Context, d Delivery) (Result, Delivery) {
	d.DryRun, d.unpinned = true, true // the plan names the certificate
	force := d.Force
	d.Force = false // Force requires the expiry, which is not known yet
	p := h.attempts(ctx, []Delivery{d})[0]
	a := p.attempt
	a.Force = force
	ended := p.ended
	if ended.act {
		ended = inTurn(ctx, a.read, a.pin, a.judge, a.plan)
	}
	d = a.Delivery
	d.DryRun, d.unpinned = false, false
	result := Result{InstanceID: Clip(d.InstanceID), SSLEnabled: d.SSLEnabled}
	return a.fill(result).end(ended), d
}

// pin ties an attempt to the present certificate.
func (a *attempt) pin(context.Context) decision {
	if a.SSLExpiredTime.IsZero() {
		a.SSLExpiredTime = At(a.before.Expires)
	}
	a.Force = a.Force && !a.SSLExpiredTime.IsZero() // Force needs the expiry of a certificate; the answer says that there is none
	if err := a.Request.Validate(); err != nil {
		return failure(err)
	}
	return a.Policy.permit(a.Delivery)
}

// Judge says how a sweep's delivery would end. It uses the facts that a listing and SSL
// show of an instance. Planned means that a change would be tried. Judge makes no call,
// with one exception: if the change would be deferred, it reads Alibaba's own schedule. A
// listing does not show an instance's own window. The caller adds the window only if it
// matters; see [Handler.NeedsWindow].
func (h *Handler) Judge(ctx context.Context, ref Ref, d Delivery, o Observation) Result {
	a := &attempt{Handler: h, Delivery: d, ref: ref, before: look{Observation: o}, seen: true}
	result := a.fill(Result{InstanceID: ref.InstanceID, SSLEnabled: d.SSLEnabled})
	now := h.clock(o)
	o.Status = cmp.Or(o.Status, statusNormal)
	verdict := settledBy(d, o, nil, now)
	if verdict.outcome == "" || o.Gone() {
		wanted := wants(d, o, h.Policy, now)
		if result.Due = wanted.act; verdict.outcome == "" {
			verdict = wanted
		}
	}
	if verdict.act { // a certificate that is not due needs no permission
		verdict = h.Policy.permit(d)
	}
	if verdict.act {
		p := h.Policy
		if p.Window.Own() && (o.MaintainStartTime == "" || len(p.Freezes) == 0) {
			p.Window = Window{any: true}
		}
		judge := func(o Observation) decision { return decide(d, o, p, nil, now) }
		if verdict = judge(o); verdict.outcome == Deferred {
			verdict = h.leftToAlibaba(ctx, ref, o, verdict, now, judge)
		}
	}
	if verdict.act {
		verdict = decision{outcome: Planned, reason: verdict.reason}
	}
	return result.end(verdict)
}

// NeedsWindow reports whether [Handler.Judge] has to know the instance's own maintenance
// window, which a listing does not show. Judge needs it if the freezes leave no whole
// day. In a whole day every window opens. within is the order's RenewBefore; nil for the
// setting.
func (h *Handler) NeedsWindow(o Observation, within *Duration) bool {
	d := Delivery{Request: Request{SSLEnabled: Update, RenewBefore: within}, Trust: Trusted}
	return h.Policy.needsWindow(o, h.Policy.within(d), h.clock(o))
}

// clock is the API's clock at an observation. If that is unknown, it is this machine's
// clock.
func (h *Handler) clock(o Observation) time.Time {
	if at := o.At(); !at.IsZero() {
		return at
	}
	return h.Now()
}

// Due reports whether an Update would renew the certificate now, and why.
func (h *Handler) Due(o Observation) (bool, string) {
	return h.Policy.due(Delivery{Request: Request{SSLEnabled: Update}, Trust: Trusted}, o, h.clock(o))
}

// Observe reads an instance and changes nothing. Without a region, it looks for the
// instance in every configured region.
func (h *Handler) Observe(ctx context.Context, ref Ref) (Ref, Observation, error) {
	d := Delivery{Request: Request{InstanceID: ref.InstanceID, RegionID: ref.RegionID, SSLEnabled: Update}}
	a := &attempt{Handler: h, Delivery: d, ref: Ref{h.regionOf(d.Request), ref.InstanceID}}
	if err := d.Validate(); err != nil {
		return a.ref, Observation{}, err
	}
	if err := h.Allows(ref.RegionID); err != nil {
		return a.ref, Observation{}, err
	}
	if a.ref.RegionID == "" {
		if err := h.locate(ctx, a)[0]; err != nil {
			return a.ref, Observation{}, err
		}
	}
	if d := a.read(ctx); !d.act {
		return a.ref, Observation{}, d.err
	}
	return a.ref, a.before.Observation, nil
}
