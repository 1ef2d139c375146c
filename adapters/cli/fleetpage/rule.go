package fleetpage

import "time"

// Rule decides when a certificate is renewed. The zero value is
// [NothingToRenew].
type Rule int

// The rules.
const (
	NothingToRenew Rule = iota
	WhenDue             // nothing holds it back
	Window              // it waits until a maintenance window opens
	OwnWindow           // the same, but when the window opens is not known yet
	Freeze              // a freeze moves it, to before or after
	Approval            // it waits for a person's approval
	Alibaba             // Alibaba renews it itself
	NewCA               // clients may lack the new CA of the region
	Members             // another member of its global instance is being changed
	Capped              // one sweep changes only so many instances
	Busy                // the instance is being changed
	OptedOutRule        // its owner keeps unattended changes away
	Paused              // all changes are paused
	Forbidden           // the settings do not allow to change it
)

// rules says how each rule reads below the time that it decides.
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

// String says why the renewal is then.
func (r Rule) String() string { return rules[r] }

// fate is what becomes of a certificate.
type fate int

const (
	inTime     fate = iota // renewed before it expires
	byAlibaba              // the same, but by Alibaba
	afterwards             // renewed, but only after it expires
	notRenewed             // it expires, unless a person acts
)

// fates says what each fate is called, which class gives it its colour, and by
// which lines on that colour it is told from the others.
var fates = [...]struct{ class, word, pattern string }{
	inTime:     {"in-time", "renewed", ""},
	byAlibaba:  {"by-alibaba", "renewed by Alibaba", "M0 3h6"},
	afterwards: {"afterwards", "renewed after it expires", "M0 3h6M3 0v6"},
	notRenewed: {"not-renewed", "expires, not renewed", "M-1 5l6 6M-1 -1l8 8M3 -3l6 6"},
}

// Class is the fate's class in the page.
func (f fate) Class() string { return fates[f].class }

// Pattern is the path of the lines on the fate's colour.
func (f fate) Pattern() string { return fates[f].pattern }

// Word is the name of the fate.
func (f fate) Word() string { return fates[f].word }

// fate says what becomes of the row's certificate.
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

// happens is when that is. A renewal that should have been made already happens
// now. It is zero if the certificate has expired and nothing will renew it.
func (r Row) happens(now time.Time) time.Time {
	switch at := r.Renewal.At; {
	case !at.IsZero():
		return latest(at, now)
	case r.Expires.After(now):
		return r.Expires
	}
	return time.Time{}
}
