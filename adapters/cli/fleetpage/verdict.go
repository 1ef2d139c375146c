package fleetpage

import (
	"fmt"
	"strings"
	"time"
)

// verdict is what a reader in a hurry has to know.
type verdict struct {
	Calm      bool // nothing needs a person
	Title     string
	Sentences []string
	Counts    []groupCount // of the groups that are not empty
}

type groupCount struct {
	Group
	Count string
}

func (p Page) verdict(rows []Row) verdict {
	counts := countGroups(rows)
	v := verdict{Sentences: p.sentences(rows, counts)}
	for _, g := range order {
		if counts[g] > 0 {
			v.Counts = append(v.Counts, groupCount{g, number(counts[g])})
		}
	}
	needy := 0
	for _, r := range rows {
		if p.needsPerson(r) {
			needy++
		}
	}
	v.Calm = needy == 0 && len(p.Unread) == 0
	switch {
	case needy > 0:
		v.Title = fmt.Sprintf("%s %s a person", counted(needy, "instance"), either(needy, "needs", "need"))
	case len(p.Unread) > 0:
		v.Title = "Not everything could be read"
	case counts[Due]+counts[Waiting] > 0:
		v.Title = "Nothing needs a person"
	default:
		v.Title = "All is well"
	}
	return v
}

// needsPerson reports whether nothing unattended will renew a row that is due.
func (p Page) needsPerson(r Row) bool {
	held := r.Renewal.At.IsZero() && (r.Group == Due || r.Group == Waiting || r.Group == OptedOut && !p.dueAt(r).After(p.Generated))
	return groups[r.Group].needsPerson || held
}

// sentences say who needs a person, and what goes on without one.
func (p Page) sentences(rows []Row, counts [len(groups)]int) (sentences []string) {
	held, optedOut := 0, 0
	for _, r := range rows {
		switch {
		case !p.needsPerson(r) || groups[r.Group].needsPerson:
		case r.Group == OptedOut:
			optedOut++
		default:
			held++
		}
	}
	var needs []string
	add := func(n int, words string) {
		if n > 0 {
			needs = append(needs, number(n)+" "+words)
		}
	}
	for _, g := range order {
		if groups[g].needsPerson {
			add(counts[g], groups[g].inSentence)
		}
	}
	add(held, either(held, "is due and waits", "are due and wait")+" for a person")
	add(optedOut, either(optedOut, "is", "are")+" due but opted out")
	if len(needs) > 0 {
		sentences = append(sentences, strings.Join(needs, ", ")+".")
	}
	return append(sentences, p.unattended(rows, counts[Due]+counts[Waiting]-held, len(needs) > 0))
}

// unattended says what goes on without a person.
func (p Page) unattended(rows []Row, due int, others bool) string {
	text := "Nothing is due."
	switch {
	case due > 0:
		text = fmt.Sprintf("%s due and renewed without a person.", either(due, "1 is", number(due)+" are"))
	case others:
		text = "Nothing else is due."
	}
	if name, at := p.next(rows); !at.IsZero() {
		c := p.clock()
		text += fmt.Sprintf(" The next renewal: %s, %s (%s).", name, c.away(at), c.text(at))
	}
	return text
}

// next is the instance that is renewed next, after the next sweep.
func (p Page) next(rows []Row) (name string, at time.Time) {
	for _, r := range rows {
		t := r.Renewal.At
		if r.dated() && t.After(p.Generated) && (at.IsZero() || t.Before(at)) {
			if name = r.Name; name == "" {
				name = r.ID
			}
			at = t
		}
	}
	return name, at
}
