package fleetpage

import (
	"fmt"
	"slices"
	"sort"
	"strings"
	"time"
)

// panel is a picture of piles: how many certificates meet which fate in each
// week or month. Heights are in pixels.
type panel struct {
	axis
	Title  string
	Height int // of the drawing
	Top    int // of the highest pile
	High   int // the height of that pile
	Levels []level
	Piles  []pile
}

// level is a horizontal line with the number of instances that it stands for.
type level struct{ Y, Count int }

// pile is a week or a month in which something happens.
type pile struct {
	Label string
	Total int
	Text  string // how many meet each fate
	Bars  []bar
	// The total stands above the middle of the pile, if that is wide enough.
	Middle float64
	Y      int
	Wide   bool
}

// bar is the part of a pile that meets one fate.
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
	wide       = 5 // percent
)

// event is a fate at its time.
type event struct {
	at   time.Time
	fate fate
}

// byTime gives the rows in the order in which things happen; those to which
// nothing happens come first, for they have expired.
func byTime(rows []Row, now time.Time) []Row {
	rows = slices.Clone(rows)
	slices.SortStableFunc(rows, func(a, b Row) int { return a.happens(now).Compare(b.happens(now)) })
	return rows
}

// addPanels draws the next weeks, and after them the months.
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

// weeks divides a time into weeks. The last bin is its end.
func weeks(from, to time.Time) (bins []bin) {
	for t := from; t.Before(to); t = t.AddDate(0, 0, 7) {
		bins = append(bins, bin{t, "week of " + t.Format(time.DateOnly)})
	}
	return append(bins, bin{from: to})
}

// months divides a time into months, of which the first may be a part. The last
// bin is its end.
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

// addPanel piles the events up. A panel without events says so in a note.
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
		height := max(4, n*pileHeight/top) // one of a thousand must still be seen
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

// roundUp is the next number that reads well beside a line, as does its half.
func roundUp(n int) int {
	for power := 1; ; power *= 10 {
		for _, digit := range []int{1, 2, 4, 6, 8} {
			if n <= digit*power {
				return digit * power
			}
		}
	}
}
