package function

import (
	"context"
	"log/slog"
	"maps"
	"strings"

	"tairssl/handler"
	"tairssl/handler/fleet"
)

// sweep carries out an order by do and notes what came of it.
func (l *line) sweep(ctx context.Context, order fleet.Order, do func(context.Context, fleet.Order) (fleet.Result, error)) (fleet.Result, error) {
	l.mu.Lock()
	before, atRisk := maps.Clone(l.outcomes), l.atRisk
	l.mu.Unlock()
	result, err := do(ctx, order)
	l.mu.Lock()
	defer l.mu.Unlock()
	ok := err == nil
	if err == nil {
		// Its own count has what it settled without a request, too.
		l.outcomes, l.atRisk = before, atRisk
		l.tallyLocked(result.Summary.Outcomes)
		l.sawLocked(result.Summary.Earliest)
		for _, r := range result.Results {
			if r.Alert {
				l.atRisk++
			}
			ref := handler.Ref{RegionID: r.RegionID, InstanceID: r.InstanceID}
			if r.Outcome == handler.Failed && !l.named[ref] {
				l.decision(ctx, handler.Decided{Delivery: handler.Delivery{Request: handler.Request{Automatic: true, DryRun: order.DryRun}}, Result: r})
			}
			ok = ok && r.InstanceID != "" // a region that could not be listed
		}
		l.covered(result.Summary, order.DryRun)
	}
	if !order.DryRun { // which renews nothing
		l.swept = &ok
	}
	return result, err
}

// covered notes how much a sweep saw; l.mu is held.
func (l *line) covered(s fleet.Summary, dryRun bool) {
	listed, read := 0, 0
	var unread []string
	for _, c := range s.Regions {
		listed, read = listed+c.Listed, read+c.Read
		if c.Unread > 0 || c.Error != nil {
			unread = append(unread, c.RegionID)
		}
	}
	l.setLocked([]slog.Attr{
		slog.Int("seen", s.Seen), slog.Int("due", s.Due), slog.Bool("dry_run", dryRun),
		slog.Int("listed", listed), slog.Int("read", read), slog.Int("no_tls", s.NoTLS),
		slog.String("empty_regions", strings.Join(s.Empty(), ",")), slog.String("unread_regions", strings.Join(unread, ",")),
	})
	n := s.Unread()
	l.unread = &n
}
