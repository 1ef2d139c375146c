package fleetpage

import (
	"cmp"
	"html/template"
	"slices"
	"strings"

	"tairssl/handler"
)

const (
	// maxRows is the largest number of instances that a page lists. A longer list is
	// slow on a telephone.
	maxRows = 5000
	// maxPrinted is the largest number of instances that a browser prints.
	maxPrinted = 500
)

// view is the content of the page in the form that page.html needs.
type view struct {
	Policy          string
	CSS             template.CSS
	JS              template.JS
	Generated       *moment
	RenewBefore     string
	Regions         string
	Total           string
	Unread          []string
	Empty           string
	Verdict         verdict
	Groups          []groupRows
	Choices         []string // the regions of the filter, if there are several
	Chart           *chart
	Left            int // the number of instances that are not listed
	LeftText, Shown string
	Printed         int // the number of printed instances, or 0 for all
	Again           string
}

// groupRows is a group with its rows.
type groupRows struct {
	Group
	Count string
	Rows  []cells
}

// cells holds the texts of one row of the table.
type cells struct {
	ID, Name, Region string
	Expires          *moment
	Planned          bool // the renewal has a time or a rule
	Renewal          *moment
	Rule             string
	Late             bool // the renewal is after the expiry
	Next             bool // the next sweep renews the certificate
	Why              string
	Facts            []Fact
	Commands         []string
	Open             bool // the details are open from the start
	Unprinted        bool // the row is left out on paper
}

func (p Page) view() view {
	rows := make([]Row, len(p.Rows))
	for i, r := range p.Rows {
		rows[i] = r.plain()
	}
	slices.SortStableFunc(rows, urgency)
	if p.RenewBefore == 0 {
		p.RenewBefore = handler.DefaultRenewBefore
	}
	c, t := p.clock(), p.tally(rows)
	v := view{
		Policy: policy, CSS: template.CSS(pageCSS), JS: template.JS(pageJS),
		Generated: c.moment(p.Generated), RenewBefore: handler.Span(p.RenewBefore),
		Regions: strings.Join(regions(p.Regions, rows), ", "), Total: counted(len(rows), "instance"),
		Unread: plainAll(p.Unread), Empty: strings.Join(plainAll(p.Empty), ", "),
		Verdict: p.verdict(rows, t), Chart: p.chart(rows), Again: Plain(p.Again),
	}
	if names := regions(nil, rows); len(names) > 1 {
		v.Choices = names
	}
	shown := rows[:min(len(rows), maxRows)]
	v.Left, v.LeftText, v.Shown = len(rows)-len(shown), number(len(rows)-len(shown)), number(len(shown))
	if len(shown) > maxPrinted {
		v.Printed = maxPrinted
	}
	v.Groups = c.groups(shown, t)
	for i := range v.Groups { // listed groups are the first of the counted ones
		v.Verdict.Counts[i].Listed = true
	}
	return v
}

// groups divides the listed rows into groups. The counts include the rows that are
// not listed.
func (c clock) groups(shown []Row, t tally) (divided []groupRows) {
	for i, r := range shown {
		if i == 0 || r.Group != shown[i-1].Group {
			divided = append(divided, groupRows{Group: r.Group, Count: number(t.groups[r.Group])})
		}
		g := &divided[len(divided)-1]
		row := c.cells(r)
		row.Open, row.Unprinted = r.Group.needsPerson() && t.groups[r.Group] <= 5, i >= maxPrinted
		g.Rows = append(g.Rows, row)
	}
	return divided
}

func (c clock) cells(r Row) cells {
	row := cells{ID: r.ID, Name: r.Name, Region: r.Region, Why: r.Why, Facts: r.Facts, Commands: r.Commands, Expires: c.moment(r.Expires)}
	if row.Planned = !r.Expires.IsZero() && r.Renewal.Rule != NothingToRenew; !row.Planned {
		return row
	}
	row.Renewal, row.Rule = c.moment(r.Renewal.At), r.Renewal.Rule.String()
	row.Late = r.fate() == afterwards && r.Expires.After(c.now)
	if row.Next = row.Renewal != nil && !r.Renewal.At.After(c.now); row.Next && r.Renewal.Rule == WhenDue {
		row.Rule = ""
	}
	return row
}

// plain applies Plain to all texts of the row. It drops a name that is equal to the
// id.
func (r Row) plain() Row {
	if r.Name == r.ID {
		r.Name = ""
	}
	r.ID, r.Name, r.Region, r.Why = Plain(r.ID), Plain(r.Name), Plain(r.Region), Plain(r.Why)
	facts := make([]Fact, len(r.Facts))
	for i, f := range r.Facts {
		facts[i] = Fact{Plain(f.Name), Plain(f.Value)}
	}
	r.Facts, r.Commands = facts, plainAll(r.Commands)
	return r
}

// urgency orders rows by group and then by expiry.
func urgency(a, b Row) int {
	return cmp.Or(slices.Index(order[:], a.Group)-slices.Index(order[:], b.Group), a.Expires.Compare(b.Expires),
		cmp.Compare(a.Region, b.Region), cmp.Compare(a.Name, b.Name), cmp.Compare(a.ID, b.ID))
}

// regions returns the regions that were read, sorted. If none are given, it returns
// the regions of the rows.
func regions(read []string, rows []Row) []string {
	names := plainAll(read)
	if len(names) == 0 {
		for _, r := range rows {
			names = append(names, r.Region)
		}
	}
	slices.Sort(names)
	return slices.DeleteFunc(slices.Compact(names), func(name string) bool { return name == "" })
}
