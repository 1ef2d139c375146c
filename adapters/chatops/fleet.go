package chatops

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"tairssl/handler"
	"tairssl/handler/fleet"
)

// survey collects the instances of a fleet that could be read in the available time.
type survey struct {
	*wording
	mu     sync.Mutex
	looks  []*look
	failed map[string][]string // instances that could not be read, by the error
	first  errorOnce
}

// add records an observation of an instance, or its failure.
func (s *survey) add(instance string, o handler.Observation, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case err == nil:
		s.looks = append(s.looks, &look{id: instance, o: o})
	case handler.AsError(err).Kind.Retryable(): // the time was too short
	default:
		s.first.set(handler.AsError(err))
		fault := s.fault(handler.AsError(err))
		s.failed[fault] = append(s.failed[fault], instance)
	}
}

// lines lists the most urgent instances, and then the errors.
func (s *survey) lines(f *fleet.Fleet, now time.Time, coverage []fleet.Coverage) (lines []string) {
	slices.SortFunc(s.looks, func(x, y *look) int { return cmp.Or(mostUrgent(x, y), strings.Compare(x.id, y.id)) })
	for i, l := range s.looks {
		if i == maxStatus {
			lines = append(lines, fmt.Sprintf(s.MoreLater, len(s.looks)-i))
			break
		}
		lines = append(lines, l.line(s.wording, f, now))
	}
	var faults []string
	for _, fault := range slices.Sorted(maps.Keys(s.failed)) {
		ids := s.failed[fault]
		slices.Sort(ids)
		who := ids[0]
		if len(ids) > 1 {
			who = fmt.Sprintf(s.AndMore, who, len(ids)-1)
		}
		faults = append(faults, who+": "+fault)
	}
	for _, r := range coverage {
		if r.Error != nil && r.Listed == 0 {
			faults = append(faults, s.fault(r.Error))
		}
	}
	if more := len(faults) - maxFaults; more > 0 {
		faults = append(faults[:maxFaults], fmt.Sprintf(s.MoreFaults, more))
	}
	return append(lines, faults...)
}

// fleetStatus lists the most urgent instances that the sender may see. It reads as many
// instances as the time of a chat allows. The answer says how many were not read.
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
	ctx, cancel := handler.TextMargin.Before(ctx)
	defer cancel()
	s := survey{wording: w, failed: map[string][]string{}}
	coverage := b.fleet.Each(ctx, regions, nil,
		func(l handler.Listed) bool { return b.Allow.allow(m, status, l.InstanceID) },
		func(l handler.Listed, o handler.Observation, err error) { s.add(b.place(l.Ref), o, err) })

	lines := s.lines(b.fleet, b.Now(), coverage)
	seen, unseen := len(s.looks), 0
	for _, ids := range s.failed {
		seen += len(ids)
		unseen -= len(ids) // the answer says why these could not be read
	}
	for _, r := range coverage {
		unseen += r.Unread
		if r.Error != nil {
			s.first.set(r.Error)
		}
	}
	if a.outcome = answered; len(s.looks) == 0 && len(lines) > 0 {
		a.outcome = handler.Failed
	}
	switch a.err = s.first.get(); {
	case a.err != nil:
		a.why = a.err.Message
	case unseen > 0:
		a.why = fmt.Sprintf(inEnglish().CouldNotList, seen, seen+unseen)
	}
	if a.partial = unseen > 0; a.partial {
		lines = append(lines, fmt.Sprintf(w.NotAll, seen, seen+unseen, where), w.NameThem)
	} else if len(lines) == 0 {
		lines = append(lines, fmt.Sprintf(w.NothingToSee, where))
	}
	return Reply{Lines: lines}
}

// maxFaults is the greatest number of different errors in one answer.
const maxFaults = 5

// place is an instance's id, with its region if a command needs the region.
func (b *Bot) place(ref handler.Ref) string {
	if ref.RegionID == b.Region {
		return ref.InstanceID
	}
	return ref.InstanceID + " region=" + ref.RegionID
}
