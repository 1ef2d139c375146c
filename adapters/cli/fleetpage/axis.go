package fleetpage

import (
	"math"
	"time"
)

const (
	monthsBack  = 3  // earlier times are drawn at the left end
	monthsAhead = 39 // certificates last a little more than three years
	monthName   = "January 2006"
)

// axis is a span of time from left to right. Positions and widths are in percent,
// so that the picture fits every screen without scaling its text.
type axis struct {
	from, to time.Time
	Today    float64
	Months   []tick
	Years    []tick
	Freezes  []band
}

// tick is the beginning of a month or a year. Class says which screens have room for
// its label: "wide", "all", or "" for none.
type tick struct {
	X            float64
	Label, Class string
}

// band is a freeze.
type band struct{ X, Width float64 }

// newAxis makes the axis of the time that begins at from and ends before to, with its
// months and freezes.
func (p Page) newAxis(from, to time.Time) axis {
	a := axis{from: from, to: to}
	a.Today = a.at(p.Generated)
	a.Months, a.Years = a.ticks()
	for _, f := range p.Freezes {
		const narrowest = 0.4 // percent; a narrower band is invisible
		if f.To.After(from) && f.From.Before(to) {
			x := a.at(f.From)
			a.Freezes = append(a.Freezes, band{x, min(100-x, max(narrowest, round(a.at(f.To)-x)))})
		}
	}
	return a
}

// at is the position of a time in percent of the width. A time outside of the axis
// is at its nearer end.
func (a axis) at(t time.Time) float64 {
	return round(100 * min(1, max(0, float64(t.Sub(a.from))/float64(a.to.Sub(a.from)))))
}

// round rounds to a hundredth of a percent, which is less than a pixel. Short numbers
// keep the page small.
func round(x float64) float64 { return math.Round(x*100) / 100 }

// ticks makes a tick for every month, and labels as many as have room: about 9 on a
// narrow screen, 18 on a wide one. Years stand below January.
func (a axis) ticks() (months, years []tick) {
	var starts []time.Time
	for t := month(a.from); t.Before(a.to); t = t.AddDate(0, 1, 0) {
		if !t.Before(a.from) {
			starts = append(starts, t)
		}
	}
	every := func(room int) int {
		for _, step := range []int{1, 3, 6} { // each divides the next, so narrow labels are wide ones, too
			if len(starts) <= step*room {
				return step
			}
		}
		return 12
	}
	narrow, wide := every(9), every(18)
	for _, t := range starts {
		m := tick{X: a.at(t), Label: t.Format("Jan")}
		switch i := int(t.Month()) - 1; {
		case i%narrow == 0:
			m.Class = "all"
		case i%wide == 0:
			m.Class = "wide"
		}
		// The label of a tick at the right end does not fit.
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
	// The left end shows its year, unless the next year would touch it.
	if len(years) == 0 || years[0].X >= 12 {
		years = append([]tick{{Label: a.from.Format("2006"), Class: "all"}}, years...)
	}
	return months, years
}

// month is the first moment of t's month, in t's zone.
func month(t time.Time) time.Time {
	return time.Date(t.Year(), t.Month(), 1, 0, 0, 0, 0, t.Location())
}

// week is the first moment of the Monday of t's week, in t's zone.
func week(t time.Time) time.Time {
	return time.Date(t.Year(), t.Month(), t.Day()-(int(t.Weekday())+6)%7, 0, 0, 0, 0, t.Location())
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
