package chatops

import (
	"cmp"
	"context"
	"slices"
	"strings"

	"golang.org/x/sync/errgroup"

	"tairssl/handler"
)

// maxStatus is the greatest number of instances in one answer.
const maxStatus = 20

// status reads the named instances. If the command names no instance, it reads the fleet.
func (b *Bot) status(ctx context.Context, m Message, c Command, a *audit) Reply {
	if len(c.Instances) == 0 {
		return b.fleetStatus(ctx, m, c, a)
	}
	w := c.wording()
	looks, refused := make([]*look, len(c.Instances)), make([]*found, len(c.Instances))
	var group errgroup.Group
	group.SetLimit(b.fleet.Concurrency)
	for i, name := range c.Instances {
		group.Go(func() error {
			f := b.find(ctx, m, status, name, c.Region)
			if f.refused {
				refused[i] = &f
				return nil
			}
			looks[i] = b.look(ctx, name, f)
			return nil
		})
	}
	_ = group.Wait() // the functions return no error
	if i := slices.IndexFunc(refused, func(f *found) bool { return f != nil }); i >= 0 {
		return b.refused(w, m, status, refused[i].InstanceID, a)
	}
	a.outcome = answered
	slices.SortStableFunc(looks, mostUrgent)
	var lines []string
	for _, l := range looks {
		lines = append(lines, l.line(w, b.fleet, b.Now()))
	}
	if e := looks[0].err; e != nil { // failures are on top
		a.err = handler.AsError(e)
		if a.why = a.err.Message; looks[len(looks)-1].err != nil {
			a.outcome = handler.Failed
		}
	}
	return Reply{Lines: lines}
}

// look reads an instance.
func (b *Bot) look(ctx context.Context, name string, f found) *look {
	if f.err != nil {
		return &look{id: strings.Trim(quote(handler.Quoted(name)), "“”"), err: f.err}
	}
	ref, o, err := b.fleet.Observe(ctx, f.Ref)
	ref.RegionID = cmp.Or(ref.RegionID, f.RegionID, b.Region)
	return &look{id: b.place(ref), o: o, err: err}
}
