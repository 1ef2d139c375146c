package cli

import (
	"fmt"
	"math"
	"strings"
	"time"
)

// timeLine is the expiries of a fleet laid out along months. Positions and
// widths across are in percent, so that the picture fits every screen while its
// letters keep their size; heights are in pixels. A few instances have a lane
// each, with their names; more are piled up by week or month.
type timeLine struct {
	Height int // of the drawing, without the months below
	Today  float64
	Due    float64 // width of the time, from today, in which a certificate is due
	Months []tick
	Years  []tick
	Lanes  []lane
	Levels []level
	Bars   []bar
	Bins   []bin   // what the bars say, in numbers
	States []state // that occur, for the legend
	Unit   string  // "week" or "month", if there are bars
	From   string
	To     string
	Count  int
	// Earlier and Later count what lies beyond the ends, and is drawn at them.
	Earlier, Later int
}

// tick is the beginning of a month or a year. Class says on which screens its
// label has room: "wide", "all", or "" for none.
type tick struct {
	X            float64
	Label, Class string
}

type lane struct {
	Y               int // of the line; the text stands above it
	X, Start, Width float64
	State           state
	Text            string
}

// level is a horizontal line with the number of instances that it stands for.
type level struct{ Y, Count int }

// bar is the part of a pile that is in one state.
type bar struct {
	X, Width  float64
	Y, Height int
	State     state
	Text      string
}

type bin struct {
	Label string
	First int // anchor of its first instance; 0: it is not in the table
	Total int
	Text  string // how many are in each state
}

const (
	maxLanes    = 12
	laneHeight  = 40
	pileHeight  = 168
	lineTop     = 24 // room for the word "today"
	monthsBack  = 3  // what expired before that is drawn at the left end
	monthsAhead = 39 // certificates last three years, and some
)

// layOut draws the time line; nil if nothing has an expiry. Entries are sorted
// by expiry.
func layOut(entries []entry, now time.Time, renewBefore time.Duration) *timeLine {
	var dated []entry
	for _, e := range entries {
		if !e.Expires.IsZero() {
			dated = append(dated, e)
		}
	}
	if len(dated) == 0 {
		return nil
	}
	now = now.UTC()
	s := extent(now, now.Add(renewBefore), dated[0].Expires.Time, dated[len(dated)-1].Expires.Time)
	l := &timeLine{Today: s.at(now), Count: len(dated), From: s.from.Format(monthName), To: s.to.Add(-1).Format(monthName)}
	l.Due = round(s.at(now.Add(renewBefore)) - l.Today)
	l.Months, l.Years = s.ticks()
	present := map[state]bool{}
	for _, e := range dated {
		present[e.State] = true
		if e.Expires.Before(s.from) {
			l.Earlier++
		}
		if !e.Expires.Before(s.to) {
			l.Later++
		}
	}
	for st := range states {
		if present[state(st)] {
			l.States = append(l.States, state(st))
		}
	}
	if len(dated) <= maxLanes {
		l.addLanes(dated, s)
	} else {
		l.addBars(dated, s)
	}
	return l
}

const monthName = "January 2006"

// span is a stretch of whole months.
type span struct{ from, to time.Time }

// extent is the months from the first moment to the last, today and the time
// in which certificates are due among them, as far as a reader cares: one
// forgotten certificate must not squeeze all others into a corner.
func extent(now, dueTo, first, last time.Time) span {
	from := latest(earliest(now, first), now.AddDate(0, -monthsBack, 0))
	to := earliest(latest(dueTo, last), now.AddDate(0, monthsAhead, 0))
	return span{month(from), month(to).AddDate(0, 1, 0)}
}

func earliest(a, b time.Time) time.Time {
	if a.Before(b) {
		return a
	}
	return b
}

func latest(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

func month(t time.Time) time.Time {
	t = t.UTC()
	return time.Date(t.Year(), t.Month(), 1, 0, 0, 0, 0, time.UTC)
}

// week is the Monday of t's week.
func week(t time.Time) time.Time {
	t = t.UTC()
	return time.Date(t.Year(), t.Month(), t.Day()-(int(t.Weekday())+6)%7, 0, 0, 0, 0, time.UTC)
}

// at is where a moment is, in percent of the width; what lies beyond is at the end.
func (s span) at(t time.Time) float64 {
	return round(100 * min(1, max(0, float64(t.Sub(s.from))/float64(s.to.Sub(s.from)))))
}

// round keeps the page small: a hundredth of a percent is less than a pixel.
func round(x float64) float64 { return math.Round(x*100) / 100 }

// ticks gives every month a tick and as many of them a label as have room: a
// narrow screen holds some 9, a wide one 18. Years stand below, at January.
func (s span) ticks() (months, years []tick) {
	n := 0
	for t := s.from; t.Before(s.to); t = t.AddDate(0, 1, 0) {
		n++
	}
	every := func(room int) int {
		for _, step := range []int{1, 3, 6} { // each a part of the next
			if n <= step*room {
				return step
			}
		}
		return 12
	}
	narrow, wide := every(9), every(18)
	for t := s.from; t.Before(s.to); t = t.AddDate(0, 1, 0) {
		m := tick{X: s.at(t), Label: t.Format("Jan")}
		switch i := int(t.Month()) - 1; {
		case i%narrow == 0:
			m.Class = "all"
		case i%wide == 0:
			m.Class = "wide"
		}
		// At the right end its label would not fit in.
		switch {
		case m.X > 95:
			m.Class = ""
		case m.X > 90 && m.Class == "all":
			m.Class = "wide"
		}
		months = append(months, m)
		if t.Month() == time.January {
			years = append(years, tick{X: m.X, Label: t.Format("2006"), Class: m.Class})
		}
	}
	// The year at the left end, unless the next one would touch it.
	if len(years) == 0 || years[0].X >= 12 {
		years = append([]tick{{Label: s.from.Format("2006"), Class: "all"}}, years...)
	}
	return months, years
}

func (l *timeLine) addLanes(dated []entry, s span) {
	for i, e := range dated {
		x := s.at(e.Expires.Time)
		far := e.Left
		if d, ahead := strings.CutSuffix(far, " left"); ahead {
			far = "in " + d
		}
		l.Lanes = append(l.Lanes, lane{
			Y: lineTop + i*laneHeight + 28, X: x, Start: min(x, l.Today), Width: round(math.Abs(x - l.Today)),
			State: e.State, Text: fmt.Sprintf("%s · %s · %s", shorten(e.ID), far, e.State.Word()),
		})
	}
	l.Height = lineTop + len(dated)*laneHeight + 4
}

// shorten keeps a long id within a narrow screen; its ends tell it apart.
func shorten(id string) string {
	const most = 20
	if r := []rune(id); len(r) > most {
		return string(r[:most/2]) + "…" + string(r[len(r)-most/2+1:])
	}
	return id
}

// addBars piles the instances up by week if the line is short and by month
// otherwise, so that a pile is wide enough to be seen on a telephone.
func (l *timeLine) addBars(dated []entry, s span) {
	begin, next, name := month, func(t time.Time) time.Time { return t.AddDate(0, 1, 0) }, monthName
	l.Unit = "month"
	if s.to.Sub(s.from) <= 30*7*24*time.Hour {
		begin, next, name = week, func(t time.Time) time.Time { return t.AddDate(0, 0, 7) }, "week of "+time.DateOnly
		l.Unit = "week"
	}
	type pile struct {
		start  time.Time
		first  int
		total  int
		counts [len(states)]int
	}
	var piles []pile
	top := 0
	for _, e := range dated {
		start := begin(latest(s.from, earliest(e.Expires.Time, s.to.Add(-1))))
		if len(piles) == 0 || !piles[len(piles)-1].start.Equal(start) {
			piles = append(piles, pile{start: start, first: e.Anchor})
		}
		p := &piles[len(piles)-1]
		p.counts[e.State]++
		p.total++
		top = max(top, p.total)
	}
	top = roundUp(top)
	for _, p := range piles {
		x, y := s.at(p.start), lineTop+pileHeight
		width := round(s.at(next(p.start)) - x)
		label := p.start.Format(name)
		var texts []string
		for st, n := range p.counts {
			if n == 0 {
				continue
			}
			text := fmt.Sprintf("%d %s", n, state(st).Word())
			texts = append(texts, text)
			height := max(3, n*pileHeight/top) // one of a thousand must still be seen
			y -= height
			l.Bars = append(l.Bars, bar{x, width, y, height, state(st), label + ": " + text})
		}
		l.Bins = append(l.Bins, bin{label, p.first, p.total, strings.Join(texts, ", ")})
	}
	l.Levels = append(l.Levels, level{lineTop, top})
	if top%2 == 0 {
		l.Levels = append(l.Levels, level{lineTop + pileHeight/2, top / 2})
	}
	l.Height = lineTop + pileHeight
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
