package doctor

import (
	"crypto/rand"
	"errors"
	"fmt"
	"strings"
	"time"

	"tairssl/handler"
)

// denied reports that it is a right which is missing, not a credential.
func denied(err error) bool {
	code := handler.AsError(err).Code
	return strings.HasPrefix(code, "Forbidden") || strings.HasPrefix(code, "NoPermission")
}

// barred says why no call is made in a region, "" if there is no reason.
func (x *examination) barred(region string) string {
	switch {
	case x.over() != "":
		return x.over()
	case x.rejected:
		return "it needs a credential"
	case x.silent[region]:
		return "the endpoint of " + region + " does not answer"
	}
	return ""
}

// reads really makes the calls that read, in every region.
func (x *examination) reads() (rights, regions []Finding) {
	all := each(x.settings.Region, func(region string) census {
		if x.barred(region) != "" {
			return census{region: region}
		}
		return x.census(region)
	})
	x.censuses = map[string]census{}
	for _, c := range all {
		x.censuses[c.region] = c
	}
	for _, found := range each(all, x.readsIn) {
		rights = append(rights, found...)
	}
	return rights, x.regionsFound(all)
}

func (x *examination) readsIn(c census) (findings []Finding) {
	if why := x.barred(c.region); why != "" {
		return []Finding{x.skipped(Permission, "reads in "+c.region, why)}
	}
	findings = append(findings, x.right("DescribeInstances", handler.Ref{RegionID: c.region, InstanceID: "*"}, c.err, fmt.Sprintf("%d instances in %s", c.total, c.region)))
	s, ok := x.pick(c)
	if x.isIn(c.region) {
		s = seen{Ref: x.subject.Ref}
	} else if !ok {
		return append(findings, skip(Permission, "reads of an instance", "there is none with TLS in "+c.region+" to read: name one with --instance"))
	}
	i, err := x.client.Instance(x.ctx, s.Ref)
	findings = append(findings, x.right("DescribeInstanceAttribute", s.Ref, err, fmt.Sprintf("%s is %s, with %d tags", s.InstanceID, i.Status, len(i.Tags))))
	if errors.Is(err, handler.NotFound) {
		return findings // so would the others say
	}
	if !s.asked {
		s.SSL, s.err = x.client.SSL(x.ctx, s.Ref)
	}
	found := "of " + s.InstanceID
	if s.NoTLS {
		found += ", whose type has no TLS"
	}
	findings = append(findings, x.right("DescribeInstanceSSL", s.Ref, s.err, found))
	_, err = x.client.Schedule(x.ctx, s.Ref)
	return append(findings, x.right("DescribeActiveOperationTasks", handler.Ref{RegionID: c.region, InstanceID: "*"}, err, "for "+s.InstanceID))
}

// right is the finding of a call that was really made.
func (x *examination) right(action string, ref handler.Ref, err error, found string) Finding {
	switch {
	case err == nil:
		return pass(Permission, action, "%s", found)
	case denied(err):
		f := x.called(Permission, action, err)
		f.Found = "denied in " + ref.RegionID
		if ref.InstanceID != "*" {
			f.Found = "denied on " + ref.InstanceID
		}
		f.Fix = x.grant(action, ref)
		return f
	}
	return x.called(Permission, action, err)
}

// grant says which right is missing to whom.
func (x *examination) grant(action string, ref handler.Ref) string {
	account, whom := "*", "the role or user of the credential"
	if x.who.AccountID != "" {
		account, whom = x.who.AccountID, x.who.ARN
	}
	if action == "ModifyActiveOperationTasks" {
		return fmt.Sprintf("allow kvstore:%s on * to %s: RAM knows no other resource of it", action, whom)
	}
	return fmt.Sprintf("allow kvstore:%s on acs:kvstore:%s:%s:instance/%s to %s", action, ref.RegionID, account, ref.InstanceID, whom)
}

// tagged is what the lease's check has learnt of the right to tag, by really
// doing it; nothing is known where it was not done.
type tagged struct {
	ref  handler.Ref
	done bool
	err  error // of TagResources
}

// writes finds out whether the calls that write are allowed, in every region,
// without writing.
func (x *examination) writes(tags tagged) (findings []Finding) {
	for _, found := range each(x.settings.Region, func(region string) []Finding { return append(x.writesIn(region, tags), x.moves(region)...) }) {
		findings = append(findings, found...)
	}
	return findings
}

func (x *examination) writesIn(region string, tags tagged) []Finding {
	if why := x.barred(region); why != "" {
		return []Finding{x.skipped(Permission, "writes in "+region, why)}
	}
	none, err := x.nobody(region)
	var modify, tag, untag Finding
	if err != nil {
		const why = "no id can be found of which the API says that it is nobody's, so nothing was sent"
		modify, tag, untag = unknown(Permission, "ModifyInstanceSSL", why, ""), unknown(Permission, "TagResources", why, ""), unknown(Permission, "UntagResources", why, "")
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
			tag.Found += "; what people were told, and that the CA changed, is remembered in a tag"
			tag.Fix = "see that the policy allows kvstore:TagResources on yours: adapters/tair/policy.json"
		}
		return []Finding{modify, tag, untag}
	case !x.isIn(region):
		return []Finding{modify, tag, untag}
	case tags.done:
		tag = x.right("TagResources", tags.ref, tags.err, "a tag of "+x.Instance+" was set")
	}
	// To remove a tag whose key nobody has thought of yet is allowed or not, and
	// removes nothing.
	err = x.client.Untag(x.ctx, x.subject.Ref, probeTag+"-"+strings.ToLower(rand.Text()))
	return []Finding{modify, tag, x.right("UntagResources", x.subject.Ref, err, "on "+x.Instance+", of a tag that it does not have")}
}

// nobody is an instance that is not there: the API has said so.
type nobody struct{ handler.Ref }

// nobody makes up an instance's id and has the API say that there is no such
// instance in the region.
//
// This is what makes the probes harmless. Whatever is then sent for that id has
// nothing that it could change, in whatever order the gateway checks: not only
// is the id made of 120 random bits, it is also longer than any that Alibaba
// gives out, so none of that name can come to be in between. And only this
// function makes a value of the type that the probes take.
//
// An instance that exists is never probed with ModifyInstanceSSL. There is no
// parameter by which it would surely be refused after it is authorised: the
// call has an instance and an action, nothing of it is a rehearsal, and an
// action that is none would meet a policy's condition on kvstore:SSLEnabled
// instead of the right that is asked about.
func (x *examination) nobody(region string) (nobody, error) {
	// Policies name instances by their beginning, too, and so the made-up id
	// begins as that of the instance in question does: r-bp1.
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

// soon is by when a probe has to be signed.
func soon() time.Time { return time.Now().Add(time.Hour) }

// noAction is none of ModifyInstanceSSL's actions.
const noAction handler.Action = "Doctor"

// modify asks whether ModifyInstanceSSL is allowed, for an instance that is not
// there, and for an action that is none as well.
func (x *examination) modify(none nobody) Finding {
	_, other := x.client.Modify(x.ctx, none.Ref, noAction, soon())
	if other == nil { // then nothing is as it is taken to be
		return x.judge("ModifyInstanceSSL", none, nil, nil)
	}
	_, update := x.client.Modify(x.ctx, none.Ref, handler.Update, soon())
	return x.judge("ModifyInstanceSSL", none, update, other)
}

// tag asks whether TagResources is, for an instance that is not there.
func (x *examination) tag(none nobody) Finding {
	f := x.judge("TagResources", none, x.client.Tag(x.ctx, none.Ref, probeTag, "1"), nil)
	if f.State == Unknown {
		f.Fix = "to know it, say --tag-probe --instance ID"
	}
	return f
}

// untag asks whether UntagResources is.
func (x *examination) untag(none nobody) Finding {
	f := x.judge("UntagResources", none, x.client.Untag(x.ctx, none.Ref, probeTag), nil)
	if f.State == Unknown {
		f.Fix = "to know it, say --instance ID"
	}
	return f
}

// judge makes what it can of the answers to a call for an instance that is not
// there, and to another call for it that differs in what a policy may have a
// condition on; nil if there is none.
//
// Alibaba documents nowhere whether its gateway first looks for the right or for
// the instance. So "no such instance" alone does not show that the right is
// there. It does if the other call is denied: then rights come first. And a
// denial does not show that the right is missing, for a policy that names its
// instances, as it should, denies what it does not name.
func (x *examination) judge(action string, none nobody, probe, other error) Finding {
	switch {
	case probe == nil:
		return unknown(Permission, action, "taken, for an instance that is not there", "")
	case denied(probe):
		f := unknown(Permission, action, "denied on an instance that is not there: either the right is missing, or the policy names its instances, as it should",
			"see that the policy allows kvstore:"+action+" on yours: adapters/tair/policy.json")
		f.Code, f.RequestID = handler.AsError(probe).Code, handler.AsError(probe).RequestID
		return f
	case !errors.Is(probe, handler.NotFound):
		return x.called(Permission, action, probe)
	case other != nil && denied(other):
		return pass(Permission, action, "Update is allowed on ids like %s, what is no Update is denied", none.InstanceID[:strings.Index(none.InstanceID, "doctor")]+"*")
	}
	return unknown(Permission, action, "not denied on an instance that is not there; whether rights are looked at before that is documented nowhere",
		"see that the policy allows kvstore:"+action+" on yours: adapters/tair/policy.json")
}
