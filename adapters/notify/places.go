package notify

import (
	"context"
	"slices"

	"golang.org/x/sync/errgroup"

	"tairssl/handler"
)

// parcel is the message to one place.
type parcel struct {
	place  int // index into the URLs
	chosen []choice
}

// maxOwed is the greatest number of notices that are kept for a place.
const maxOwed = 100

// parcels lists the messages to send: to each place, the chosen notices that it wants,
// and those that it did not take before. If a place refused its last message for good,
// that message is only sent again together with a new notice.
func (n *Notifier) parcels(chosen []choice) (all []parcel) {
	n.mu.Lock()
	defer n.mu.Unlock()
	now := n.Now()
	wanted := n.urls.wanted(chosen)
	for i := range n.urls {
		fresh := wanted[i]
		owed := slices.DeleteFunc(n.owed[i], func(c choice) bool {
			again := slices.ContainsFunc(fresh, func(f choice) bool { return f.key == c.key })
			return again || now.Sub(c.owedSince) >= owedTTL
		})
		n.owed[i] = nil
		retry := slices.ContainsFunc(owed, func(c choice) bool { return c.passing })
		if len(fresh) == 0 && !retry {
			n.owed[i] = owed
			continue
		}
		all = append(all, parcel{i, slices.Concat(owed, fresh)})
	}
	return all
}

// owe keeps the notices that a place did not take for the next message to it.
func (n *Notifier) owe(p parcel, passing bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, c := range p.chosen {
		c.passing = passing
		if c.owedSince.IsZero() {
			c.owedSince = n.Now()
		}
		n.owed[p.place] = append(n.owed[p.place], c)
	}
	if over := len(n.owed[p.place]) - maxOwed; over > 0 {
		n.owed[p.place] = n.owed[p.place][over:]
	}
}

// send sends all messages at the same time. took contains the messages that were taken,
// by place, and missed the others.
func (n *Notifier) send(ctx context.Context, parcels []parcel) (took map[int]parcel, missed map[int]parcel) {
	took, missed = map[int]parcel{}, map[int]parcel{}
	errs := make([]error, len(parcels))
	var group errgroup.Group
	for at, p := range parcels {
		errs[at] = handler.Unexpected() // until the try is over
		group.Go(func() error {
			n.guarded(ctx, func() {
				if !n.limits[p.place].AllowN(n.Now(), 1) {
					errs[at] = errLimit
					return
				}
				errs[at] = n.deliver(ctx, n.urls[p.place], newDigest(p.chosen))
			})
			return nil
		})
	}
	_ = group.Wait() // the functions return no error
	title, lines := "", 0
	for at, err := range errs {
		p := parcels[at]
		if err == nil {
			d := newDigest(p.chosen)
			took[p.place], title, lines = p, d.title, max(lines, d.count())
			continue
		}
		missed[p.place] = p
		n.owe(p, Passing(err))
		n.Undelivered(ctx)
		t := n.urls[p.place]
		n.Log.ErrorContext(ctx, "notice not delivered", "to", t.name, "entry", p.place+1, "lines", len(p.chosen), "error", t.redact(err.Error()))
	}
	if len(took) > 0 {
		n.Log.InfoContext(ctx, "notice", "title", title, "lines", lines, "places", len(took))
	}
	return took, missed
}

// split separates the notices that any place took from those that no place took.
func split(chosen []choice, took, missed map[int]parcel) (told, untold []choice) {
	in := func(parcels map[int]parcel, c choice) bool {
		for _, p := range parcels {
			if slices.ContainsFunc(p.chosen, func(other choice) bool { return other.key == c.key }) {
				return true
			}
		}
		return false
	}
	for _, c := range chosen {
		switch {
		case in(took, c):
			told = append(told, c)
		case in(missed, c):
			untold = append(untold, c)
		}
	}
	return told, untold
}
