package chatops

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"tairssl/handler"
)

// fleetStatus says what is most urgent of all that the asker may see, in as much time
// as a chat has; and aloud if that was not enough to see everything.
func (b *Bot) fleetStatus(ctx context.Context, m Message, c Command, a *audit) Reply {
	w := c.wording()
	if !b.Allow.allow(m, status, "") {
		return b.refused(w, m, status, "*", a)
	}
	regions := b.fleet.Regions
	if c.Region != "" || len(regions) == 0 {
		regions = []string{cmp.Or(c.Region, b.Region)}
	}
	where := strings.Join(regions, ", ")
	a.region = where
	ctx, cancel := timeToTell(ctx)
	defer cancel()

	var (
		mu     sync.Mutex
		looks  []look
		failed = map[string][]string{} // instances by what is wrong
		first  errorOnce
	)
	coverage := b.fleet.Each(ctx, regions, nil,
		func(l handler.Listed) bool { return b.Allow.allow(m, status, l.InstanceID) },
		func(l handler.Listed, o handler.Observation, err error) {
			mu.Lock()
			defer mu.Unlock()
			switch {
			case err == nil:
				looks = append(looks, look{id: b.place(l.Ref), o: o})
			case errors.Is(err, handler.Throttled) || errors.Is(err, handler.Unavailable): // for want of time
			default:
				first.set(handler.AsError(err))
				message := handler.AsError(err).Message
				failed[message] = append(failed[message], b.place(l.Ref))
			}
		})

	seen, unseen := len(looks), 0
	var lines, faults []string
	for _, message := range slices.Sorted(maps.Keys(failed)) {
		ids := failed[message]
		seen += len(ids)
		unseen -= len(ids) // why they could not be read is told
		slices.Sort(ids)
		who := ids[0]
		if len(ids) > 1 {
			who = fmt.Sprintf(w.AndMore, who, len(ids)-1)
		}
		faults = append(faults, who+": "+w.sentence(message))
	}
	for _, r := range coverage {
		unseen += r.Unread
		if r.Error != nil {
			first.set(r.Error)
		}
		if r.Error != nil && r.Listed == 0 {
			faults = append(faults, w.sentence(r.Error.Message))
		}
	}
	if a.decision = "answered"; seen == 0 && len(faults) > 0 {
		a.decision = string(handler.Failed)
	}
	switch a.err = first.get(); {
	case a.err != nil:
		a.why = a.err.Message
	case unseen > 0:
		a.why = fmt.Sprintf(inEnglish.CouldNotList, seen, seen+unseen)
	}
	a.partial = unseen > 0
	slices.SortFunc(looks, func(x, y look) int { return cmp.Or(mostUrgent(x, y), strings.Compare(x.id, y.id)) })
	for i, l := range looks {
		if i == maxStatus {
			lines = append(lines, fmt.Sprintf(w.MoreLater, len(looks)-i))
			break
		}
		lines = append(lines, l.line(w, b.fleet, b.Now()))
	}
	if more := len(faults) - maxFaults; more > 0 {
		faults = append(faults[:maxFaults], fmt.Sprintf(w.MoreFaults, more))
	}
	lines = append(lines, faults...)
	switch {
	case unseen > 0:
		lines = append(lines, fmt.Sprintf(w.NotAll, seen, seen+unseen, where), w.NameThem)
	case len(lines) == 0:
		lines = append(lines, fmt.Sprintf(w.NothingToSee, where))
	}
	return Reply{Lines: lines}
}

// maxFaults bounds how many different faults one answer shows.
const maxFaults = 5

// place is an instance's id, with its region where a command has to say it.
func (b *Bot) place(ref handler.Ref) string {
	if ref.RegionID == b.Region {
		return ref.InstanceID
	}
	return ref.InstanceID + " region=" + ref.RegionID
}

// timeToTell leaves enough of the time to put together what was seen.
func timeToTell(ctx context.Context) (context.Context, context.CancelFunc) {
	deadline, ok := ctx.Deadline()
	if !ok {
		return ctx, func() {}
	}
	return context.WithDeadline(ctx, deadline.Add(-min(200*time.Millisecond, time.Until(deadline)/10)))
}
