package handler

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"
)

// ApprovalTag is the tag that approves the next Update of an instance. Everyone who may
// tag the instance can approve.
const ApprovalTag = "tairssl-approved"

// maxWho is the greatest length of an approver's name, in characters.
const maxWho = 40

// Approval is a person's consent to the Update of one certificate. It is stored in a tag
// with the value "2026-12-01T00:00:00Z/slack:U123/2026-11-24T10:40:14Z": the expiry of
// the certificate, the approver, and the time of the approval by the API's clock.
type Approval struct {
	Expires Time
	Who     string
	Time    Time
}

// String gives the value of the tag, at most 82 characters.
func (a Approval) String() string { return fmt.Sprintf("%s/%s/%s", a.Expires, a.Who, a.Time) }

// ParseApproval reads the value of a tag. A value that it cannot read approves nothing.
func ParseApproval(value string) (a Approval, ok bool) {
	parts := strings.Split(value, "/")
	if len(parts) != 3 {
		return Approval{}, false
	}
	expires, err1 := ParseTime(parts[0])
	at, err2 := ParseTime(parts[2])
	who := parts[1]
	if err1 != nil || err2 != nil || expires.IsZero() || at.IsZero() || who == "" || who != safeWho(who) {
		return Approval{}, false
	}
	return Approval{expires, who, at}, true
}

// approvalOf finds the approval among an instance's tags. It is the zero value if there
// is no readable approval.
func approvalOf(tags map[string]string) Approval {
	a, _ := ParseApproval(tags[ApprovalTag])
	return a
}

// of reports whether the approval is for the instance's present certificate. An approval
// ends with its certificate.
func (a Approval) of(o Observation) bool {
	return o.Enabled && !a.Expires.IsZero() && a.Expires.Equal(At(o.Expires).Time)
}

// Approval finds the approval of the instance's present certificate.
func (o Observation) Approval() (a Approval, ok bool) {
	a = approvalOf(o.Tags)
	return a, a.of(o)
}

// safeWho replaces every character of a name that a tag may not hold by "_" and cuts the
// name to 40 characters. A slash would end the name in the tag's value, and tags may not
// contain "http://".
func safeWho(who string) string {
	safe := strings.Map(func(r rune) rune {
		switch {
		case r >= 'a' && r <= 'z', r >= 'A' && r <= 'Z', r >= '0' && r <= '9', strings.ContainsRune("-_.:@+=", r):
			return r
		}
		return '_'
	}, who)
	return safe[:min(len(safe), maxWho)]
}

// unapproved says why the present certificate is not approved.
func unapproved(o Observation) string {
	value, tagged := o.Tags[ApprovalTag]
	a, ok := ParseApproval(value)
	switch {
	case !tagged:
		return "nobody approved it yet"
	case !ok:
		return "its tag " + ApprovalTag + " cannot be read as an approval"
	}
	return fmt.Sprintf("%s approved another certificate, the one that expires %s", a.Who, a.Expires)
}

// howToApprove says how a person can approve the Update.
func howToApprove(d Delivery) string {
	where := ""
	if d.RegionID != "" {
		where = " --region " + d.RegionID
	}
	return fmt.Sprintf("say approve %s in a chat, or run tairssl approve %s%s", d.InstanceID, d.InstanceID, where)
}

// approves reports whether the delivery asks to approve an Update, instead of making it.
func (d Delivery) approves() bool { return d.ApprovedBy != "" }

// approve decides whether to write an approval. The reason of a decision to act says when
// the certificate will be renewed.
func (p Policy) approve(d Delivery, o Observation, now time.Time) decision {
	if ended := settledBy(d, o, nil, now); ended.outcome != "" {
		return ended
	}
	switch given := approvalOf(o.Tags); {
	case !o.Enabled:
		return unchanged("encryption is off, so there is no certificate to approve")
	case o.Status == statusSSLModifying:
		return inProgress(false, "the instance is SSLModifying: a change of its encryption is under way")
	case given.of(o):
		then := p.approved(d, o, now)
		return decision{outcome: Unchanged, until: then.At.Time, reason: fmt.Sprintf("%s approved this certificate already, at %s: %s", given.Who, given.Time, then.inWords(now))}
	case p.Pause:
		return decision{outcome: Refused, rule: RulePause, reason: "all changes are paused: unset TAIRSSL_PAUSE"}
	case o.Off():
		return decision{outcome: Refused, rule: RuleOptOut, reason: fmt.Sprintf("the instance is tagged %s=off, so an approval would have no effect: remove that tag, or renew with tairssl update %s", offTag, d.InstanceID)}
	}
	then := p.approved(d, o, now)
	reason := then.inWords(now)
	if !p.Approval {
		reason += " (TAIRSSL_APPROVAL is not set here; without it an automatic Update waits for no approval)"
	}
	return decision{act: true, until: then.At.Time, reason: reason}
}

// approved forecasts the renewal of a certificate as if it were approved.
func (p Policy) approved(d Delivery, o Observation, now time.Time) Forecast {
	tags := maps.Clone(o.Tags)
	if tags == nil {
		tags = map[string]string{}
	}
	tags[ApprovalTag] = Approval{At(o.Expires), safeWho(d.ApprovedBy), At(now)}.String()
	o.Tags = tags
	return p.Forecast(Ref{RegionID: d.RegionID, InstanceID: d.InstanceID}, o, now)
}

// writeApproval sets the tag. The tag does not change the encryption, so no lease is
// needed, and a second call is harmless.
func (a *attempt) writeApproval(ctx context.Context) decision {
	remove, d := a.roomForApproval()
	if !d.act {
		return d
	}
	if len(remove) > 0 {
		if err := a.api.Untag(ctx, a.ref, remove...); err != nil {
			return approvalFailure(AsError(err))
		}
	}
	approval := Approval{At(a.before.Expires), safeWho(a.ApprovedBy), At(a.before.present)}
	if err := a.api.Tag(ctx, a.ref, ApprovalTag, approval.String()); err != nil {
		return approvalFailure(AsError(err))
	}
	tags := maps.Clone(a.before.Tags)
	maps.DeleteFunc(tags, func(key, _ string) bool { return slices.Contains(remove, key) })
	if tags == nil {
		tags = map[string]string{}
	}
	tags[ApprovalTag] = approval.String()
	a.before.Tags = tags
	return decision{outcome: Deferred, approvedBy: approval.Who, until: a.until, reason: fmt.Sprintf("%s approved it: %s", approval.Who, a.reason)}
}

// roomForApproval finds the tags that have to be removed to make room for the approval.
// One tag stays free, for the flag of the change.
func (a *attempt) roomForApproval() (remove []string, d decision) {
	tags := a.before.Tags
	remove = DeadFlags(tags, a.before.present)
	if _, there := tags[ApprovalTag]; there { // Tag replaces the old approval
		return remove, proceed("")
	}
	if _, told := tags[ToldTag]; told && len(tags)-len(remove) >= MaxTags-1 {
		remove = append(remove, ToldTag)
	}
	if len(tags)-len(remove) >= MaxTags-1 {
		return nil, refuse("the instance has %d tags and takes %d. One has to stay free for the change itself, so there is no room for the approval: remove one of its tags", len(tags), MaxTags)
	}
	return remove, proceed("")
}

// approvalFailure explains why the tag could not be set, and gives the remedy.
func approvalFailure(e *Error) decision {
	switch {
	case errors.Is(e, Forbidden):
		return decision{outcome: Refused, err: e, reason: "the tag " + ApprovalTag + " cannot be set: allow kvstore:TagResources and kvstore:UntagResources to the role or user of the credentials"}
	case errors.Is(e, ErrTagRefused):
		return decision{outcome: Refused, err: e, reason: fmt.Sprintf("the tag %s is refused: %s", ApprovalTag, e.Message)}
	}
	return failure(e)
}

// DeadTags lists the keys of tairssl's own tags that have lost their meaning: flags that
// are no longer live, and the approval of an earlier certificate.
func DeadTags(tags map[string]string, expires, now time.Time) (keys []string) {
	keys = DeadFlags(tags, now)
	// An approval of a later certificate may be right, because expires may be a stale
	// read.
	if a := approvalOf(tags); !a.Expires.IsZero() && !expires.IsZero() && a.Expires.Before(At(expires).Time) {
		keys = append(keys, ApprovalTag)
	}
	return keys
}
