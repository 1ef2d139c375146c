package cli

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// expiring are good instances, so many days before they expire.
func expiring(days ...int) (entries []entry) {
	slices.Sort(days)
	for i, d := range days {
		s := on(fmt.Sprintf("r-bp1zxszhcg%04d", i), time.Duration(d)*day)
		entries = append(entries, newEntry(s, now))
		entries[i].Anchor = i + 1
	}
	return entries
}

func TestFewInstancesHaveALaneEach(t *testing.T) {
	l := layOut(expiring(12, -3, 200), now, 30*day)
	if len(l.Lanes) != 3 || len(l.Bars) != 0 || l.From != "November 2026" || l.To != "June 2027" {
		t.Fatalf("there are %d lanes and %d bars from %s to %s", len(l.Lanes), len(l.Bars), l.From, l.To)
	}
	for i, want := range []string{"r-bp1zxszhcg0000 · 3d ago · Expired", "r-bp1zxszhcg0001 · in 12d · Due", "r-bp1zxszhcg0002 · in 200d · Good"} {
		if l.Lanes[i].Text != want {
			t.Errorf("lane %d says %q, want %q", i, l.Lanes[i].Text, want)
		}
	}
	// 242 days from 1 November to 1 July, of which 23.5 are over today.
	if l.Today != 9.71 || l.Due != 12.4 || l.Lanes[0].X != 8.47 || l.Lanes[0].Start != 8.47 || l.Lanes[1].Start != l.Today {
		t.Errorf("today is at %v, the due time %v wide, the lanes are %+v", l.Today, l.Due, l.Lanes)
	}
	if l := layOut(expiring(make([]int, maxLanes+1)...), now, 30*day); len(l.Lanes) != 0 || len(l.Bars) != 1 || l.Bins[0].Total != maxLanes+1 {
		t.Errorf("one more than there are lanes for makes %d lanes and %d bars", len(l.Lanes), len(l.Bars))
	}
	if layOut(nil, now, 30*day) != nil {
		t.Error("a time line is drawn of nothing")
	}
}

func TestManyInstancesArePiledUp(t *testing.T) {
	near := layOut(expiring(-3, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 100), now, 30*day)
	if near.Unit != "week" || near.Bins[0].Label != "week of 2026-11-16" || near.Bins[1].Text != "5 Due" || near.Bins[1].First != 2 {
		t.Errorf("a short line is piled by %s: %+v", near.Unit, near.Bins)
	}
	far := layOut(expiring(-3, -3, 1, 2, 3, 4, 5, 40, 41, 42, 43, 44, 1000), now, 30*day)
	if far.Unit != "month" || far.Bins[0].Label != "November 2026" || far.Bins[0].Text != "2 Expired, 5 Due" || far.Bins[1].Label != "January 2027" || far.Bins[1].First != 8 {
		t.Errorf("a long line is piled by %s: %+v", far.Unit, far.Bins)
	}
	if far.Levels[0] != (level{lineTop, 8}) || far.Levels[1].Count != 4 {
		t.Errorf("the levels are %+v", far.Levels)
	}
}

func TestWhatIsFarAwayDoesNotSqueezeTheRest(t *testing.T) {
	l := layOut(expiring(-900, -800, 10, 20, 30, 5000), now, 30*day)
	if l.From != "August 2026" || l.To != "February 2030" || l.Earlier != 2 || l.Later != 1 {
		t.Errorf("the line goes from %s to %s, with %d before and %d after", l.From, l.To, l.Earlier, l.Later)
	}
	if l.Lanes[0].X != 0 || l.Lanes[5].X != 100 {
		t.Errorf("what is beyond the ends is drawn at %v and %v", l.Lanes[0].X, l.Lanes[5].X)
	}
}

func TestLabelsHaveRoom(t *testing.T) {
	for months := 1; months <= monthsBack+monthsAhead+2; months++ {
		for first := range 12 {
			from := time.Date(2026, time.January+time.Month(first), 1, 0, 0, 0, 0, time.UTC)
			ticks, years := span{from, from.AddDate(0, months, 0)}.ticks()
			if len(ticks) != months || len(years) == 0 {
				t.Fatalf("%d months have %d ticks and %d years", months, len(ticks), len(years))
			}
			narrow := slices.DeleteFunc(slices.Clone(ticks), func(k tick) bool { return k.Class != "all" })
			wide := slices.DeleteFunc(slices.Clone(ticks), func(k tick) bool { return k.Class == "" })
			for _, row := range []struct {
				ticks []tick
				apart float64
			}{{narrow, 9.9}, {wide, 5}, {years, 9.9}} {
				for i := 1; i < len(row.ticks); i++ {
					if gap := row.ticks[i].X - row.ticks[i-1].X; gap < row.apart {
						t.Errorf("of %d months from %s, %s and %s are %v%% apart, want %v%% at least", months, from.Format(monthName), row.ticks[i-1].Label, row.ticks[i].Label, gap, row.apart)
					}
				}
			}
			if len(wide) == 0 {
				t.Errorf("of %d months from %s none has a label", months, from.Format(monthName))
			}
		}
	}
}

func TestTimeLineStaysInItsFrame(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		renewBefore := time.Duration(rapid.IntRange(1, 4320).Draw(t, "renew before")) * time.Hour
		entries := expiring(rapid.SliceOfN(rapid.IntRange(-2000, 4000), 1, 300).Draw(t, "days")...)
		for i := range entries {
			entries[i].State = state(rapid.IntRange(int(expired), int(good)).Draw(t, "state"))
		}
		l := layOut(entries, now, renewBefore)
		inside := func(what string, x, width float64) {
			if x < 0 || width < 0 || x+width > 100.02 {
				t.Fatalf("%s reaches from %v to %v", what, x, x+width)
			}
		}
		inside("the due time", l.Today, l.Due)
		total := 0
		for _, lane := range l.Lanes {
			inside(lane.Text, lane.Start, lane.Width)
			inside(lane.Text, lane.X, 0)
			total++
		}
		for _, bar := range l.Bars {
			inside(bar.Text, bar.X, bar.Width)
			if bar.Y < 0 || bar.Y+bar.Height > l.Height || bar.Height < 3 || bar.Width <= 0 {
				t.Fatalf("%+v does not fit in or can not be seen", bar)
			}
		}
		for _, bin := range l.Bins {
			total += bin.Total
			if entries[bin.First-1].Expires.IsZero() || strings.Count(bin.Text, ",") >= len(states) {
				t.Fatalf("%+v is wrong", bin)
			}
		}
		if total != len(entries) || l.Count != total {
			t.Fatalf("%d of %d instances are drawn", total, len(entries))
		}
	})
}

func TestRoundNumbers(t *testing.T) {
	for n, want := range map[int]int{1: 1, 2: 2, 3: 4, 9: 10, 10: 10, 11: 20, 65: 80, 81: 100, 1999: 2000} {
		if got := roundUp(n); got != want {
			t.Errorf("%d is rounded up to %d, want %d", n, got, want)
		}
	}
}

func TestLongIDsKeepTheirEnds(t *testing.T) {
	if got := shorten("r-bp1zxszhcgatnx01"); got != "r-bp1zxszhcgatnx01" {
		t.Errorf("an ordinary id becomes %s", got)
	}
	if got := shorten("tt-" + strings.Repeat("x", 30) + "0123456789"); got != "tt-xxxxxxx…123456789" {
		t.Errorf("a long id becomes %s", got)
	}
}
