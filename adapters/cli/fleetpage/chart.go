package fleetpage

import (
	"fmt"
	"math"
)

// chart is the time line: the fate of each certificate and its time. Up to maxLanes
// instances have a lane each. A larger fleet is counted by week and by month.
type chart struct {
	Lanes   []lane
	Axis    axis // of the lanes
	Panels  []panel
	Fates   []fate   // the fates that occur, for the key
	Freezes []string // in words
	Notes   []string // certificates that are not drawn
}

// lane is one instance: a line from today to its expiry, with a mark at its renewal.
type lane struct {
	Name, Text   string
	Fate         fate
	Expiry       float64
	Renewal      float64
	Renewed      bool // there is a mark
	Start, Width float64
}

const (
	maxLanes   = 12
	maxFreezes = 4 // written out below the chart
)

// chart draws the time line. It returns nil if no instance has a certificate.
func (p Page) chart(rows []Row) *chart {
	var dated []Row
	for _, r := range rows {
		if r.dated() {
			dated = append(dated, r)
		}
	}
	if len(dated) == 0 {
		return nil
	}
	c := &chart{}
	present := map[fate]bool{}
	for _, r := range dated {
		present[r.fate()] = true
	}
	for f := range fates {
		if present[fate(f)] {
			c.Fates = append(c.Fates, fate(f))
		}
	}
	c.Freezes = p.freezesInWords()
	if len(dated) <= maxLanes {
		c.addLanes(p, dated)
	} else {
		c.addPanels(p, dated)
	}
	return c
}

// dated reports whether the row has a fate: it has a certificate, and the instance
// runs.
func (r Row) dated() bool { return !r.Expires.IsZero() && r.Group != Stopped }

// freezesInWords writes out the first maxFreezes freezes that have not ended, and
// counts the others.
func (p Page) freezesInWords() (words []string) {
	clock := p.clock()
	more := 0
	for _, f := range p.Freezes {
		switch {
		case !f.To.After(p.Generated):
		case len(words) == maxFreezes:
			more++
		default:
			words = append(words, clock.text(f.From)+" to "+clock.text(f.To))
		}
	}
	if more > 0 {
		words = append(words, fmt.Sprintf("%s more", number(more)))
	}
	return words
}

// addLanes draws a lane for each instance, the earliest event on top.
func (c *chart) addLanes(p Page, dated []Row) {
	clock := p.clock()
	now := p.Generated.In(clock.zone)
	first, last := now, now
	for _, r := range dated {
		first = earliest(first, r.Expires)
		last = latest(latest(last, r.Expires), r.Renewal.At)
	}
	from := latest(first, now.AddDate(0, -monthsBack, 0)).In(clock.zone)
	to := earliest(last, now.AddDate(0, monthsAhead, 0)).In(clock.zone)
	c.Axis = p.newAxis(month(from), month(to).AddDate(0, 1, 0))
	for _, r := range byTime(dated, p.Generated) {
		l := lane{Name: r.label(), Text: clock.laneText(r), Fate: r.fate(), Expiry: c.Axis.at(r.Expires)}
		if l.Renewed = l.Fate != notRenewed; l.Renewed {
			l.Renewal = c.Axis.at(latest(r.Renewal.At, p.Generated))
		}
		l.Start = min(l.Expiry, c.Axis.Today)
		l.Width = round(math.Abs(l.Expiry - c.Axis.Today))
		c.Lanes = append(c.Lanes, l)
	}
}

// laneText describes a certificate's fate, its time and the rule behind it.
func (c clock) laneText(r Row) string {
	rule := r.Renewal.Rule.String()
	if rule != "" {
		rule = ", " + rule
	}
	at := r.Renewal.At
	switch {
	case at.IsZero() && r.Expires.After(c.now):
		return "expires " + c.away(r.Expires) + ", not renewed" + rule
	case at.IsZero():
		return "expired " + c.away(r.Expires) + ", not renewed" + rule
	case !at.After(c.now):
		return "at the next sweep"
	case r.fate() == afterwards && r.Expires.After(c.now):
		rule += ", after it expires"
	}
	return c.text(at) + rule
}
