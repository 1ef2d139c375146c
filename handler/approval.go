package handler

import (
	"fmt"
	"strings"
)

// ApprovalTag is the tag by which somebody approved the next Update of an
// instance. Whoever may tag the instance can approve.
const ApprovalTag = "tairssl-approved"

// maxWho is how many characters of the name of who approved are kept.
const maxWho = 40

// Approval says that somebody agreed to the Update of one certificate. Its tag is
// "2026-12-01T00:00:00Z/slack:U123/2026-11-24T10:40:14Z": the expiry of the
// certificate, who approved, and when, by the API's clock.
type Approval struct {
	Expires Time
	Who     string
	Time    Time
}

// String is the tag's value, at most 82 characters.
func (a Approval) String() string { return fmt.Sprintf("%s/%s/%s", a.Expires, a.Who, a.Time) }

// ParseApproval reads a tag's value. What it cannot read approves nothing.
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

// approvalOf is the approval among an instance's tags; the zero value if there is
// none that can be read.
func approvalOf(tags map[string]string) Approval {
	a, _ := ParseApproval(tags[ApprovalTag])
	return a
}

// of reports that the approval is of the certificate that an instance has. It dies
// with it.
func (a Approval) of(o Observation) bool {
	return o.Enabled && !a.Expires.IsZero() && a.Expires.Equal(At(o.Expires).Time)
}

// safeWho is a name in the characters that a tag takes for certain, at most 40 of
// them; all others become "_". A slash would end it, and "http://" is forbidden in
// tags.
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

// unapproved says why an instance has no approval.
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

// howToApprove says what to do.
func howToApprove(d Delivery) string {
	where := ""
	if d.RegionID != "" {
		where = " --region " + d.RegionID
	}
	return fmt.Sprintf("say approve %s in a chat, or run tairssl approve %s%s", d.InstanceID, d.InstanceID, where)
}
