package fleetpage

import "time"

// Rule decides when a certificate is renewed. The zero value is
// [NothingToRenew].
type Rule int

// The rules.
const (
	NothingToRenew Rule = iota
	WhenDue             // no rule holds the renewal back
	Window              // the renewal waits until a maintenance window opens
	OwnWindow           // like Window, but the opening time is not known yet
	Freeze              // a freeze moves the renewal to a time before or after it
	Approval            // the renewal waits for a person's approval
	Alibaba             // Alibaba renews the certificate itself
	NewCA               // clients may not have the new CA of the region yet
	Members             // another member of the same global instance is being changed
	Capped              // one sweep changes a limited number of instances
	Busy                // the instance is being changed
	OptedOutRule        // a tag of the owner forbids unattended changes
	Paused              // all changes are paused
	Forbidden           // the settings do not allow changes of this instance
)

// rules is the text of each rule. The page shows it below the time of the renewal.
var rules = [...]string{
	NothingToRenew: "",
	WhenDue:        "as soon as it is due",
	Window:         "when its window opens",
	OwnWindow:      "or later, in its window",
	Freeze:         "moved by a freeze",
	Approval:       "an approval is missing",
	Alibaba:        "by Alibaba itself",
	NewCA:          "clients need the new CA first",
	Members:        "after another member of its global instance",
	Capped:         "in a later sweep",
	Busy:           "when the instance is not busy",
	OptedOutRule:   "opted out",
	Paused:         "all changes are paused",
	Forbidden:      "the settings do not allow it",
}

// String says why the renewal has this time.
func (r Rule) String() string { return rules[r] }

// fate is the end of a certificate: a renewal, in time or late, or its expiry.
type fate int

const (
	inTime     fate = iota // renewed before it expires
	byAlibaba              // renewed by Alibaba before it expires
	afterwards             // renewed, but only after it expires
	notRenewed             // it expires, unless a person acts
)

// fates holds for each fate its name, the CSS class of its colour, and the SVG path
// of a pattern for readers who cannot tell the colours apart.
var fates = [...]struct{ class, word, pattern string }{
	inTime:     {"in-time", "renewed", ""},
	byAlibaba:  {"by-alibaba", "renewed by Alibaba", "M0 3h6"},
	afterwards: {"afterwards", "renewed after it expires", "M0 3h6M3 0v6"},
	notRenewed: {"not-renewed", "expires, not renewed", "M-1 5l6 6M-1 -1l8 8M3 -3l6 6"},
}

// Class is the CSS class of the fate.
func (f fate) Class() string { return fates[f].class }

// Pattern is the SVG path of the fate's pattern.
func (f fate) Pattern() string { return fates[f].pattern }

// Word is the name of the fate for people.
func (f fate) Word() string { return fates[f].word }

// fate compares the planned renewal of the row with its expiry.
func (r Row) fate() fate {
	switch {
	case r.Renewal.At.IsZero():
		return notRenewed
	case !r.Renewal.At.Before(r.Expires):
		return afterwards
	case r.Renewal.Rule == Alibaba:
		return byAlibaba
	}
	return inTime
}

// happens returns the time of the row's fate. An overdue renewal happens now. The
// time is zero if the certificate has expired and no renewal is planned.
func (r Row) happens(now time.Time) time.Time {
	switch at := r.Renewal.At; {
	case !at.IsZero():
		return latest(at, now)
	case r.Expires.After(now):
		return r.Expires
	}
	return time.Time{}
}
