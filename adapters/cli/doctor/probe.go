package doctor

import (
	"crypto/rand"
	"errors"
	"fmt"
	"strings"
	"time"

	"tairssl/handler"
)

// tagged is the result of the lease's check for the right TagResources.
type tagged struct {
	ref  handler.Ref
	done bool  // the call was made; otherwise nothing is known about the right
	err  error // of the call
}

// writes checks in every region whether the writing calls are allowed, without
// changing anything.
func (x *examination) writes(tags tagged) (findings []Finding) {
	for _, found := range each(x.settings.Region, func(region string) []Finding { return append(x.writesIn(region, tags), x.moves(region)...) }) {
		findings = append(findings, found...)
	}
	return findings
}

// writesIn checks the writing calls in one region.
func (x *examination) writesIn(region string, tags tagged) []Finding {
	if why := x.barred(region); why != "" {
		return []Finding{x.skipped(Permission, "writes in "+region, why)}
	}
	none, err := x.nobody(region)
	var modify, tag, untag Finding
	if err != nil {
		const why = "nothing was sent, because the API did not confirm that the made-up instance id does not exist"
		const fix = "correct DescribeInstanceAttribute above, and run the doctor again"
		modify, tag, untag = unknown(Permission, "ModifyInstanceSSL", why, fix), unknown(Permission, "TagResources", why, fix), unknown(Permission, "UntagResources", why, fix)
	} else {
		modify, tag, untag = x.modify(none), x.tag(none), x.untag(none)
	}
	switch {
	case x.settings.Lease == "none":
		const why = "TAIRSSL_LEASE is none: no tag is "
		untag = skip(Permission, "UntagResources", why+"removed")
		switch {
		case len(x.settings.NotifyURLs) == 0 && !x.settings.CACheck:
			tag = skip(Permission, "TagResources", why+"written")
		case tag.State == Unknown:
			tag.Found += "; tags also remember which notices were sent and that the CA changed"
			tag.Fix = checkPolicy("TagResources")
		}
		return []Finding{modify, tag, untag}
	case !x.isIn(region):
		return []Finding{modify, tag, untag}
	case tags.done:
		tag = x.right("TagResources", tags.ref, tags.err, "a tag of "+x.Instance+" was set")
	}
	// No instance has a tag with this random key, so the call removes nothing, but it
	// shows whether the right is there.
	err = x.client.Untag(x.ctx, x.subject.Ref, probeTag+"-"+strings.ToLower(rand.Text()))
	return []Finding{modify, tag, x.right("UntagResources", x.subject.Ref, err, "on "+x.Instance+", of a tag that it does not have")}
}

// nobody is an instance that does not exist: the API has confirmed that.
type nobody struct{ handler.Ref }

// nobody makes up an instance id and confirms with the API that the region has no
// such instance.
//
// This makes the probes harmless: a call for this id has nothing to change. No
// instance can get the id in the meantime, because the id has 120 random bits and
// is longer than Alibaba's own ids. Only this function makes a value of the type
// that the probes take.
//
// ModifyInstanceSSL is never sent for an instance that exists. The call has no dry
// run and no parameter that Alibaba checks only after the right. An invalid action
// would not help either: a policy with a condition on kvstore:SSLEnabled denies it,
// although it allows Update.
func (x *examination) nobody(region string) (nobody, error) {
	// A policy may name instances by a prefix. So the made-up id begins like that of
	// the named instance, for example r-bp1.
	begin := "r-"
	if dash := strings.IndexByte(x.Instance, '-'); dash > 0 && len(x.Instance) > dash+4 && x.isIn(region) {
		begin = x.Instance[:dash+4]
	}
	ref := handler.Ref{RegionID: region, InstanceID: begin + "doctor" + strings.ToLower(rand.Text()[:24])}
	switch _, err := x.client.Instance(x.ctx, ref); {
	case errors.Is(err, handler.NotFound):
		return nobody{ref}, nil
	case err == nil:
		return nobody{}, fmt.Errorf("there is an instance %s", ref.InstanceID)
	default:
		return nobody{}, err
	}
}

// soon is the latest time at which a probe may be signed.
func soon() time.Time { return time.Now().Add(time.Hour) }

// noAction is an action that ModifyInstanceSSL does not have.
const noAction handler.Action = "Doctor"

// modify checks the right ModifyInstanceSSL with two calls for an instance that does
// not exist: one with an invalid action, one with Update.
func (x *examination) modify(none nobody) Finding {
	_, other := x.client.Modify(x.ctx, none.Ref, noAction, soon())
	if other == nil { // the API accepted nonsense: send nothing more
		return x.judge("ModifyInstanceSSL", none, nil, nil)
	}
	_, update := x.client.Modify(x.ctx, none.Ref, handler.Update, soon())
	return x.judge("ModifyInstanceSSL", none, update, other)
}

// tag checks the right TagResources with an instance that does not exist.
func (x *examination) tag(none nobody) Finding {
	f := x.judge("TagResources", none, x.client.Tag(x.ctx, none.Ref, probeTag, "1"), nil)
	if f.State == Unknown {
		f.Fix = "to be certain, run with --tag-probe --instance ID"
	}
	return f
}

// untag checks the right UntagResources with an instance that does not exist.
func (x *examination) untag(none nobody) Finding {
	f := x.judge("UntagResources", none, x.client.Untag(x.ctx, none.Ref, probeTag), nil)
	if f.State == Unknown {
		f.Fix = "to be certain, run with --instance ID"
	}
	return f
}

// judge decides what the error of a probe says about a right. other is the error of
// a second call for the same id with another action, or nil if no such call was
// made.
//
// Alibaba does not document whether its gateway checks the right or the instance
// first. So "no such instance" shows that the right is there only if the other call
// is denied, because then the gateway checks rights first. A denial does not show
// that the right is missing: a good policy names its instances and denies all other
// ids.
func (x *examination) judge(action string, none nobody, probe, other error) Finding {
	switch {
	case probe == nil:
		return unknown(Permission, action, "the API accepted a call for an instance that does not exist", "look in Alibaba's ActionTrail for what the call did")
	case denied(probe):
		f := unknown(Permission, action, "denied on an instance that does not exist: either the right is missing, or the policy allows it only on named instances, which is good", checkPolicy(action))
		f.Code, f.RequestID = handler.AsError(probe).Code, handler.AsError(probe).RequestID
		return f
	case !errors.Is(probe, handler.NotFound):
		return x.called(Permission, action, probe)
	case other != nil && denied(other):
		return pass(Permission, action, "Update is allowed on ids like %s, other actions are denied", none.InstanceID[:strings.Index(none.InstanceID, "doctor")]+"*")
	}
	return unknown(Permission, action, "not denied on an instance that does not exist; Alibaba does not document whether it checks rights before it looks for the instance", checkPolicy(action))
}

// checkPolicy is the advice for a right that the doctor cannot check without a change.
func checkPolicy(action string) string {
	return "check that the policy allows kvstore:" + action + " on your instances: adapters/tair/policy.json"
}

// noTask is an id that no task has: real ids have about seven digits.
const noTask = "9223372036854775807"

// moves checks the right ModifyActiveOperationTasks, if Alibaba's own renewals are to
// be moved. The call names a task that does not exist and a time in the past; either
// of the two is enough for a refusal. RAM accepts only * as the resource of this
// action, so a denial always means that the right is missing.
func (x *examination) moves(region string) []Finding {
	const action = "ModifyActiveOperationTasks"
	if x.settings.AlibabaRenewal != "window" || x.barred(region) != "" {
		return nil
	}
	ref := handler.Ref{RegionID: region, InstanceID: "*"}
	err := x.client.Move(x.ctx, handler.Renewal{Ref: ref, ID: noTask}, time.Unix(0, 0), soon())
	switch {
	case err == nil:
		return []Finding{unknown(Permission, action, "the API accepted a call for a task that does not exist", "look in Alibaba's ActionTrail for what the call did")}
	case denied(err) || !errors.Is(err, handler.Unsupported):
		f := x.right(action, ref, err, "")
		if f.State == Failed {
			f.Fix += "; without this right tairssl only sends a notice when Alibaba will restart an instance outside the window"
		}
		return []Finding{f}
	}
	return []Finding{pass(Permission, action, "allowed; the task of the call does not exist, and the API refused it as such")}
}
