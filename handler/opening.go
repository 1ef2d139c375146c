package handler

import "time"

// horizon is how far ahead an opening is looked for.
const horizon = 400 * 24 * time.Hour

// openings are the times at which one instance may be changed unattended: its
// window is open, and nothing is frozen.
type openings struct {
	week    *weekly // nil: always
	freezes Freezes
}

// stretch is from a time to before another.
type stretch struct{ from, to time.Time }

func (p Policy) openings(i Instance) openings { return openings{p.Window.of(i), p.Freezes} }

// next is the first opening at or after t that begins by a time at the latest.
func (o openings) next(t, by time.Time) (s stretch, ok bool) {
	for !t.After(by) {
		opens, shuts := t, forever
		if o.week != nil {
			opens = o.week.first(t, true)
		}
		if t = o.freezes.Ends(opens); !t.Equal(opens) {
			continue
		}
		if t.After(by) {
			break
		}
		if o.week != nil {
			shuts = o.week.first(t, false)
		}
		return stretch{t, sooner(shuts, o.freezes.Begins(t))}, true
	}
	return stretch{}, false
}

// last is the last opening before a time. Whether it began more than lead before its
// end does not matter, so it is not looked at further back than that.
func (o openings) last(before time.Time, lead time.Duration) (last stretch, ok bool) {
	for back := lead + 8*24*time.Hour; ; back *= 2 {
		from := before.Add(-min(back, lead+horizon))
		ok = false
		for t := from; ; {
			s, more := o.next(t, before.Add(-1))
			if !more {
				break
			}
			last, ok = s, true
			t = s.to
		}
		whole := ok && (last.from.After(from) || !last.to.Add(-lead).Before(from))
		if whole || back >= lead+horizon {
			return last, ok
		}
	}
}

func sooner(a, b time.Time) time.Time {
	if b.Before(a) {
		return b
	}
	return a
}
