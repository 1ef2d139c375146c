package fleet

import (
	"time"

	"tairssl/handler"
)

// Totals counts the instances of an outlook by when they are renewed.
type Totals struct {
	Renewed int // by the end of the plan, and in time
	Late    int // less than a day before the expiry, or never
	Later   int // after the end of the plan
	Without int // no certificate, or the instance does not run
	Unread  int // could not be read
}

// Count counts the instances of an outlook that looks ahead until a time.
func Count(all []Outlook, until time.Time) (t Totals) {
	for _, o := range all {
		switch {
		case o.Err != nil:
			t.Unread++
		case o.Observation.Gone() || o.Observation.Expires.IsZero():
			t.Without++
		case !o.Matters(until):
			t.Later++
		case !o.InTime:
			t.Late++
		default:
			t.Renewed++
		}
	}
	return t
}

// Matters reports whether a plan until a time has to name the instance: it is renewed
// by then, its renewal is too late or never comes, or the instance could not be read.
func (o Outlook) Matters(until time.Time) bool {
	expires := o.Observation.Expires
	switch {
	case o.Err != nil:
		return true
	case o.Observation.Gone():
		return false
	case !o.At.IsZero() && !o.At.After(until):
		return true
	}
	return !o.InTime && !expires.IsZero() && expires.Before(until.Add(handler.MissedBefore))
}
