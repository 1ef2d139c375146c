package function

import (
	"context"
	"log/slog"
	"maps"
	"strings"

	"tairssl/handler"
	"tairssl/handler/fleet"
)

// sweep carries out an order with do and records the result.
func (l *line) sweep(ctx context.Context, order fleet.Order, do func(context.Context, fleet.Order) (fleet.Result, error)) (fleet.Result, error) {
	l.mu.Lock()
	outcomes, atRisk := maps.Clone(l.facts.outcomes), l.facts.atRisk
	l.mu.Unlock()
	result, err := do(ctx, order)
	l.mu.Lock()
	defer l.mu.Unlock()
	ok := err == nil
	if err == nil {
		// The sweep's own counts include results without a request.
		l.facts.outcomes, l.facts.atRisk = outcomes, atRisk
		l.facts.tally(result.Summary.Outcomes)
		l.facts.saw(result.Summary.Earliest)
		for _, r := range result.Results {
			if r.Alert {
				l.facts.atRisk++
			}
			ref := handler.Ref{RegionID: r.RegionID, InstanceID: r.InstanceID}
			if r.Outcome == handler.Failed && !l.named[ref] {
				l.ownLine(ctx, handler.Decided{Delivery: handler.Delivery{Request: handler.Request{Automatic: true, DryRun: order.DryRun}}, Result: r})
			}
			ok = ok && r.InstanceID != "" // a result without an id is a region that could not be listed
		}
		l.covered(result.Summary, order.DryRun)
	}
	if !order.DryRun { // a dry run renews nothing
		l.facts.swept = &ok
	}
	return result, err
}

// covered records how much a sweep read. The caller holds l.mu.
func (l *line) covered(s fleet.Summary, dryRun bool) {
	listed, read := 0, 0
	var unread []string
	for _, c := range s.Regions {
		listed, read = listed+c.Listed, read+c.Read
		if c.Unread > 0 || c.Error != nil {
			unread = append(unread, c.RegionID)
		}
	}
	l.facts.set(
		slog.Int("seen", s.Seen), slog.Int("due", s.Due), slog.Bool("dry_run", dryRun),
		slog.Int("listed", listed), slog.Int("read", read), slog.Int("no_tls", s.NoTLS),
		slog.String("empty_regions", strings.Join(s.Empty(), ",")), slog.String("unread_regions", strings.Join(unread, ",")),
	)
	n := s.Unread()
	l.facts.unread = &n
}
