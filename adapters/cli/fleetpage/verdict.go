package fleetpage

import (
	"fmt"
	"strings"
)

// verdict is the summary at the top of the page.
type verdict struct {
	Calm       bool // no instance needs a person
	Title      string
	Needs      string       // the instances that need a person, or ""
	Unattended string       // the renewals that need no person
	Next       *renewal     // the first renewal after the next sweep, or nil
	Counts     []groupCount // of the groups that are not empty
}

// renewal is the planned renewal of one instance.
type renewal struct {
	Name string
	At   *moment
}

// groupCount is the number of instances in a group.
type groupCount struct {
	Group
	Count  string
	Listed bool // the page has rows of the group; a very large fleet may have too many
}

// tally counts the rows by group.
type tally struct {
	groups         [len(groups)]int
	held, optedOut int // due instances that nothing will renew unattended
}

func (p Page) tally(rows []Row) (t tally) {
	for _, r := range rows {
		t.groups[r.Group]++
		switch planned := !r.Renewal.At.IsZero(); {
		case planned:
		case r.Group == Due || r.Group == Waiting:
			t.held++
		case r.Group == OptedOut && !r.Expires.Add(-p.RenewBefore).After(p.Generated):
			t.optedOut++
		}
	}
	return t
}

func (p Page) verdict(rows []Row, t tally) verdict {
	needy := t.held + t.optedOut
	v := verdict{Needs: t.needs(), Next: p.next(rows)}
	for _, g := range order {
		if n := t.groups[g]; n > 0 {
			v.Counts = append(v.Counts, groupCount{Group: g, Count: number(n)})
			if g.needsPerson() {
				needy += n
			}
		}
	}
	due := t.groups[Due] + t.groups[Waiting] - t.held
	switch {
	case due > 0:
		v.Unattended = fmt.Sprintf("%s due and will be renewed without a person.", either(due, "1 is", number(due)+" are"))
	case needy > 0:
		v.Unattended = "Nothing else is due."
	default:
		v.Unattended = "Nothing is due."
	}
	switch v.Calm = needy == 0 && len(p.Unread) == 0; {
	case len(rows) == 0:
		v.Title = "No instances here"
	case needy > 0:
		v.Title = fmt.Sprintf("%s %s a person", counted(needy, "instance"), either(needy, "needs", "need"))
	case !v.Calm:
		v.Title = "Not everything could be read"
	case due > 0:
		v.Title = "Nothing needs a person"
	default:
		v.Title = "All is well"
	}
	return v
}

// needs counts the instances that need a person, as one sentence.
func (t tally) needs() string {
	var needs []string
	add := func(n int, words string) {
		if n > 0 {
			needs = append(needs, number(n)+" "+words)
		}
	}
	for _, g := range order {
		if g.needsPerson() {
			add(t.groups[g], groups[g].person)
		}
	}
	add(t.held, either(t.held, "is due and waits", "are due and wait")+" for a person")
	add(t.optedOut, either(t.optedOut, "is", "are")+" due but opted out")
	if needs == nil {
		return ""
	}
	return strings.Join(needs, ", ") + "."
}

// next returns the first renewal after the next sweep.
func (p Page) next(rows []Row) *renewal {
	var first Row
	for _, r := range rows {
		at := r.Renewal.At
		if r.dated() && at.After(p.Generated) && (first.Renewal.At.IsZero() || at.Before(first.Renewal.At)) {
			first = r
		}
	}
	if first.Renewal.At.IsZero() {
		return nil
	}
	return &renewal{first.label(), p.clock().moment(first.Renewal.At)}
}

// label is the name of the instance, or its id if it has no name.
func (r Row) label() string {
	if r.Name != "" {
		return r.Name
	}
	return r.ID
}
