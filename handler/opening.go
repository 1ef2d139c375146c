package handler

import "time"

// horizon is the greatest time ahead in which an opening is searched.
const horizon = 400 * 24 * time.Hour

// openings are the times at which an instance may be changed unattended: its window is
// open, and nothing is frozen.
type openings struct {
	week    *weekly // nil if it is always open
	freezes Freezes
}

// stretch is the time from one moment until just before another.
type stretch struct{ from, to time.Time }

func (p Policy) openings(i Instance) openings { return openings{p.Window.of(i), p.Freezes} }

// next is the first opening at or after t. The opening must begin by the given time.
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

// last is the last opening before a time. The caller only needs to know whether the
// opening is longer than lead, so last does not examine earlier times.
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
