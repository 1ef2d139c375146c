package fleetpage

import (
	"fmt"
	"slices"
	"sort"
	"strings"
	"time"
)

// panel is a bar chart: the number of certificates with each fate, by week or by
// month. Heights are in pixels.
type panel struct {
	axis
	Title  string
	Height int // of the whole drawing
	Top    int // the y position of the highest level
	High   int // the height of the highest level above the floor
	Levels []level
	Piles  []pile
}

// level is a horizontal line at the height of Count instances.
type level struct{ Y, Count int }

// pile is a week or a month, with one bar for each fate that occurs in it.
type pile struct {
	Label string
	Total int
	Text  string // the number of certificates for each fate
	Bars  []bar
	// Wide piles have their total written above their middle, at Y.
	Middle float64
	Y      int
	Wide   bool
}

// bar is the part of a pile for one fate.
type bar struct {
	X, Width  float64
	Y, Height int
	Fate      fate
	Text      string
}

const (
	pileHeight = 120
	pileTop    = 20 // room for the total of the highest pile
	weeksNear  = 13
	wide       = 5 // the narrowest pile with room for its total, in percent
)

// event is a certificate's fate with its time.
type event struct {
	at   time.Time
	fate fate
}

// byTime sorts the rows by the time of their fate. Expired certificates that nothing
// renews come first.
func byTime(rows []Row, now time.Time) []Row {
	rows = slices.Clone(rows)
	slices.SortStableFunc(rows, func(a, b Row) int { return a.happens(now).Compare(b.happens(now)) })
	return rows
}

// addPanels draws a panel of the next weeks and a panel of the following months.
func (c *chart) addPanels(p Page, dated []Row) {
	zone := p.clock().zone
	start := week(p.Generated.In(zone))
	middle := start.AddDate(0, 0, 7*weeksNear)
	end := month(p.Generated.In(zone)).AddDate(0, monthsAhead, 0)
	var near, far []event
	lost, later := 0, 0
	for _, r := range byTime(dated, p.Generated) {
		at := r.happens(p.Generated)
		switch e := (event{at, r.fate()}); {
		case at.IsZero():
			lost++
		case at.Before(middle):
			near = append(near, e)
		case at.Before(end):
			far = append(far, e)
		default:
			later++
		}
	}
	c.addPanel(p, fmt.Sprintf("The next %d weeks, by week", weeksNear), near, weeks(start, middle))
	if len(far) > 0 {
		c.addPanel(p, "After that, by month", far, months(middle, month(far[len(far)-1].at.In(zone)).AddDate(0, 1, 0)))
	}
	if lost > 0 {
		c.Notes = append(c.Notes, fmt.Sprintf("%s expired and %s not renewed unattended.", either(lost, "1 certificate has", number(lost)+" certificates have"), either(lost, "is", "are")))
	}
	if later > 0 {
		c.Notes = append(c.Notes, fmt.Sprintf("%s after %s.", either(later, "1 more follows", number(later)+" more follow"), end.AddDate(0, 0, -1).Format(monthName)))
	}
}

// bin is a week or a month.
type bin struct {
	from  time.Time
	label string
}

// weeks divides a span of time into weeks. The last bin marks the end.
func weeks(from, to time.Time) (bins []bin) {
	for t := from; t.Before(to); t = t.AddDate(0, 0, 7) {
		bins = append(bins, bin{t, "week of " + t.Format(time.DateOnly)})
	}
	return append(bins, bin{from: to})
}

// months divides a span of time into months. The first may be a part of a month. The
// last bin marks the end.
func months(from, to time.Time) (bins []bin) {
	for t := from; t.Before(to); t = month(t).AddDate(0, 1, 0) {
		label := t.Format(monthName)
		if t.Day() > 1 {
			label = "rest of " + label
		}
		bins = append(bins, bin{t, label})
	}
	return append(bins, bin{from: to})
}

// addPanel counts the events in each bin and draws them. Without events it adds a
// note instead of a panel.
func (c *chart) addPanel(p Page, title string, events []event, bins []bin) {
	if len(events) == 0 {
		c.Notes = append(c.Notes, fmt.Sprintf("No certificate is renewed or expires in the next %d weeks.", weeksNear))
		return
	}
	counts := make([][len(fates)]int, len(bins))
	for _, e := range events {
		i := sort.Search(len(bins), func(i int) bool { return bins[i].from.After(e.at) }) - 1
		counts[i][e.fate]++
	}
	top := 0
	for _, n := range counts {
		top = max(top, sum(n))
	}
	top = roundUp(top)
	pn := panel{axis: p.newAxis(bins[0].from, bins[len(bins)-1].from), Title: title, Height: pileTop + pileHeight, Top: pileTop, High: pileHeight}
	pn.Levels = append(pn.Levels, level{pileTop, top})
	if top%2 == 0 {
		pn.Levels = append(pn.Levels, level{pileTop + pileHeight/2, top / 2})
	}
	for i, n := range counts {
		if sum(n) > 0 {
			x := pn.at(bins[i].from)
			pn.Piles = append(pn.Piles, newPile(bins[i].label, n, top, x, round(pn.at(bins[i+1].from)-x)))
		}
	}
	c.Panels = append(c.Panels, pn)
}

// newPile stacks the bars of a pile.
func newPile(label string, counts [len(fates)]int, top int, x, width float64) pile {
	p := pile{Label: label, Total: sum(counts), Middle: round(x + width/2), Wide: width >= wide}
	y := pileTop + pileHeight
	var texts []string
	for f, n := range counts {
		if n == 0 {
			continue
		}
		text := number(n) + " " + fate(f).Word()
		texts = append(texts, text)
		height := max(4, n*pileHeight/top) // one certificate in a thousand stays visible
		y -= height
		p.Bars = append(p.Bars, bar{x, width, y, height, fate(f), label + ": " + text})
	}
	p.Y, p.Text = y, strings.Join(texts, ", ")
	return p
}

func sum(counts [len(fates)]int) (total int) {
	for _, n := range counts {
		total += n
	}
	return total
}

// roundUp returns the next number that is easy to read as the label of a level.
func roundUp(n int) int {
	for power := 1; ; power *= 10 {
		for _, digit := range []int{1, 2, 4, 6, 8} {
			if n <= digit*power {
				return digit * power
			}
		}
	}
}
