package fleetpage

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"tairssl/handler/handlertest"
)

// expiring makes one instance for each number of days until its certificate expires.
func expiring(days ...int) (rows []Row) {
	for i, d := range days {
		rows = append(rows, on(fmt.Sprintf("r-bp1zxszhcg%04d", i), "", time.Duration(d)*day))
	}
	return rows
}

func fleetOf(rows []Row) Page { return Page{Generated: now, RenewBefore: 30 * day, Rows: rows} }

func chartOf(rows []Row) *chart { return fleetOf(rows).chart(rows) }

func TestFewInstancesHaveALaneEach(t *testing.T) {
	c := chartOf(smallFleet().Rows)
	var lanes []string
	for _, l := range c.Lanes {
		lanes = append(lanes, fmt.Sprintf("%s: %s (%s)", l.Name, l.Text, l.Fate.Word()))
	}
	want := []string{
		"price-list: at the next sweep (renewed after it expires)",
		"orders & carts <eu>: at the next sweep (renewed)",
		"leaderboard: 2026-11-24 18:00 UTC, when its window opens (renewed)",
		"购物车缓存: 2026-11-27 12:00 UTC, in a later sweep (renewed)",
		"job-queue: 2026-11-28 12:00 UTC, when its window opens, after it expires (renewed after it expires)",
		"carts-shanghai: 2026-12-14 12:00 UTC, by Alibaba itself (renewed by Alibaba)",
		"ledger: expires in 20d, not renewed, opted out (expires, not renewed)",
		"r-uf6zxszhcgatnx13: expires in 26d, not renewed, an approval is missing (expires, not renewed)",
		"r-bp1zxszhcgatnx10: 2026-12-22 12:00 UTC, moved by a freeze (renewed)",
		"search-index: 2027-01-23 12:00 UTC, or later, in its window (renewed)",
		"sessions: 2027-05-13 13:00 UTC, or later, in its window (renewed)",
	}
	if !slices.Equal(lanes, want) {
		t.Errorf("the lanes are\n%s\nwant\n%s", strings.Join(lanes, "\n"), strings.Join(want, "\n"))
	}
	if len(c.Panels) != 0 || len(c.Fates) != len(fates) {
		t.Errorf("there are %d panels and %d fates in the key, want 0 and %d", len(c.Panels), len(c.Fates), len(fates))
	}
	if c := chartOf(expiring(make([]int, maxLanes+1)...)); len(c.Lanes) != 0 || len(c.Panels) != 1 || c.Panels[0].Piles[0].Total != maxLanes+1 {
		t.Errorf("with %d instances there are %d lanes and %d panels, want no lane and 1 panel", maxLanes+1, len(c.Lanes), len(c.Panels))
	}
	if chartOf([]Row{noCertificate("r-1", "", NoTLS, ""), on("r-2", "", 9*day, in(Stopped, time.Time{}, NothingToRenew))}) != nil {
		t.Error("a time line is drawn although no certificate is renewed or expires")
	}
}

func TestLanesLieOnTheAxis(t *testing.T) {
	c := chartOf(expiring(12, -3, 200))
	// The axis has 242 days, from 1 November to 1 July. Today is day 23.5.
	if c.Axis.Today != 9.71 || c.Lanes[1].Expiry != 8.47 || c.Lanes[1].Start != 8.47 || c.Lanes[1].Renewal != 9.71 || c.Lanes[0].Start != c.Axis.Today {
		t.Errorf("today is at %v, and the lanes are %+v", c.Axis.Today, c.Lanes)
	}
	if got := c.Lanes[2]; got.Expiry != 92.36 || got.Renewal != 79.96 || !got.Renewed {
		t.Errorf("the last lane is %+v", got)
	}
}

func TestManyInstancesArePiledUpByWeekAndThenByMonth(t *testing.T) {
	rows := expiring(-3, 1, 2, 3, 4, 5, 31, 38, 40, 123, 124, 200, 1000, 2000)
	in(OptedOut, time.Time{}, OptedOutRule)(&rows[7])
	in(Expired, time.Time{}, OptedOutRule)(&rows[0])
	in(TooLate, now.Add(6*day), Window)(&rows[1])
	c := chartOf(rows)
	var piles []string
	for _, p := range c.Panels {
		for _, pile := range p.Piles {
			piles = append(piles, fmt.Sprintf("%s: %d, %s", pile.Label, pile.Total, pile.Text))
		}
	}
	want := []string{
		"week of 2026-11-23: 5, 5 renewed",
		"week of 2026-11-30: 2, 1 renewed, 1 renewed after it expires",
		"week of 2026-12-28: 1, 1 expires, not renewed",
		"rest of February 2027: 2, 2 renewed",
		"May 2027: 1, 1 renewed",
		"July 2029: 1, 1 renewed",
	}
	if !slices.Equal(piles, want) {
		t.Errorf("the piles are\n%s\nwant\n%s", strings.Join(piles, "\n"), strings.Join(want, "\n"))
	}
	if want := []string{"1 certificate has expired and is not renewed unattended.", "1 more follows after January 2030."}; !slices.Equal(c.Notes, want) {
		t.Errorf("the notes are %q, want %q", c.Notes, want)
	}
	if quiet := chartOf(expiring(200, 200, 200, 200, 200, 200, 200, 200, 200, 200, 200, 200, 200)); len(quiet.Panels) != 1 || !strings.Contains(quiet.Notes[0], "in the next 13 weeks") {
		t.Errorf("without an event in 13 weeks there are %d panels and the notes %q", len(quiet.Panels), quiet.Notes)
	}
}

func TestFreezesAreShadedAndWrittenOut(t *testing.T) {
	p := fleetOf(expiring(12, 200))
	at := func(days int) time.Time { return now.Add(time.Duration(days) * day) }
	p.Freezes = []Span{{at(-20), at(-10)}, {at(20), at(30)}, {at(40), at(41)}, {at(5000), at(5001)}}
	for i := range 3 {
		p.Freezes = append(p.Freezes, Span{at(60 + i), at(61 + i)})
	}
	c := p.chart(p.Rows)
	if got := c.Axis.Freezes; len(got) != 6 || got[1].X != c.Axis.at(at(20)) || got[1].Width != 4.13 || got[2].Width != 0.41 {
		t.Errorf("the freezes are drawn at %+v", got)
	}
	want := []string{"2026-12-14 12:00 UTC to 2026-12-24 12:00 UTC", "2027-01-03 12:00 UTC to 2027-01-04 12:00 UTC", "2040-08-02 12:00 UTC to 2040-08-03 12:00 UTC", "2027-01-23 12:00 UTC to 2027-01-24 12:00 UTC", "2 more"}
	if !slices.Equal(c.Freezes, want) {
		t.Errorf("the freezes are written as %q, want %q", c.Freezes, want)
	}
}

func TestDistantTimesDoNotSqueezeTheOthers(t *testing.T) {
	c := chartOf(expiring(-900, -800, 10, 20, 30, 5000))
	if from, to := c.Axis.from.Format(time.DateOnly), c.Axis.to.Format(time.DateOnly); from != "2026-08-01" || to != "2030-03-01" {
		t.Errorf("the time line goes from %s to %s, want 2026-08-01 to 2030-03-01", from, to)
	}
	if c.Lanes[0].Expiry != 0 || c.Lanes[5].Expiry != 100 {
		t.Errorf("times beyond the ends are drawn at %v and %v, want 0 and 100", c.Lanes[0].Expiry, c.Lanes[5].Expiry)
	}
}

func TestLabelsHaveRoom(t *testing.T) {
	for months := 1; months <= monthsBack+monthsAhead+2; months++ {
		for first := range 12 {
			from := time.Date(2026, time.January+time.Month(first), 1, 0, 0, 0, 0, time.UTC)
			a := Page{}.newAxis(from, from.AddDate(0, months, 0))
			if len(a.Months) != months || len(a.Years) == 0 {
				t.Fatalf("%d months have %d ticks and %d years", months, len(a.Months), len(a.Years))
			}
			narrow := slices.DeleteFunc(slices.Clone(a.Months), func(k tick) bool { return k.Class != "all" })
			wide := slices.DeleteFunc(slices.Clone(a.Months), func(k tick) bool { return k.Class == "" })
			for _, row := range []struct {
				ticks []tick
				apart float64
			}{{narrow, 9.9}, {wide, 5}, {a.Years, 9.9}} {
				for i := 1; i < len(row.ticks); i++ {
					if gap := row.ticks[i].X - row.ticks[i-1].X; gap < row.apart {
						t.Errorf("of %d months from %s, %s and %s are %v%% apart, want at least %v%%", months, from.Format(monthName), row.ticks[i-1].Label, row.ticks[i].Label, gap, row.apart)
					}
				}
			}
			if len(wide) == 0 {
				t.Errorf("an axis of %d months from %s has no label", months, from.Format(monthName))
			}
		}
	}
}

func TestChartStaysInItsFrameAndDrawsEveryInstance(t *testing.T) {
	handlertest.Check(t, func(t *rapid.T) {
		rows := expiring(rapid.SliceOfN(rapid.IntRange(-2000, 4000), 1, 300).Draw(t, "days")...)
		for i := range rows {
			switch rapid.IntRange(0, 3).Draw(t, "fate") {
			case 0:
				rows[i].Renewal = Renewal{}
			case 1:
				rows[i].Renewal = Renewal{now.Add(time.Duration(rapid.IntRange(-100, 4000).Draw(t, "renewal")) * day), Alibaba}
			}
		}
		p := fleetOf(rows)
		p.Zone = time.FixedZone("", rapid.IntRange(-12, 14).Draw(t, "zone")*3600)
		c := p.chart(rows)
		inside := func(what string, x, width float64) {
			if x < 0 || width < 0 || x+width > 100.02 {
				t.Fatalf("%s reaches from %v to %v", what, x, x+width)
			}
		}
		drawn := 0
		for _, l := range c.Lanes {
			inside(l.Text, l.Start, l.Width)
			inside(l.Text, l.Expiry, 0)
			inside(l.Text, l.Renewal, 0)
			drawn++
		}
		for _, pn := range c.Panels {
			for _, pile := range pn.Piles {
				stacked := 0
				for _, b := range pile.Bars {
					inside(b.Text, b.X, b.Width)
					if b.Y < 0 || b.Y+b.Height > pn.Height || b.Height < 4 || b.Width <= 0 {
						t.Fatalf("%+v is outside of the frame or too small to see", b)
					}
					stacked++
				}
				if stacked == 0 {
					t.Fatalf("%+v has no bar", pile)
				}
				drawn += pile.Total
			}
		}
		left := 0
		for _, note := range c.Notes {
			var n int
			if fmt.Sscan(note, &n); n > 0 {
				left += n
			}
		}
		if drawn+left != len(rows) {
			t.Fatalf("%d instances are drawn and %d are in notes, want %d together", drawn, left, len(rows))
		}
	})
}

func TestLevelsAreRoundNumbers(t *testing.T) {
	for n, want := range map[int]int{1: 1, 2: 2, 3: 4, 9: 10, 10: 10, 11: 20, 65: 80, 81: 100, 1999: 2000} {
		if got := roundUp(n); got != want {
			t.Errorf("%d is rounded up to %d, want %d", n, got, want)
		}
	}
}
