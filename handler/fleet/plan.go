package fleet

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sync/errgroup"

	"tairssl/handler"
)

// Page is the answer to an [Order] with Plan.
type Page struct {
	Requests []PlannedRequest
	NextPage string `json:",omitempty"` // "" on the last page
}

// PlannedRequest is a request pinned to the present certificate. Without an
// SSLExpiredTime, the instance could not be read now. It is read again when the request
// is carried out, and nothing happens unless it is due.
type PlannedRequest struct {
	InstanceID     string `json:"InstanceId"`
	SSLEnabled     handler.Action
	RegionID       string            `json:"RegionId"`
	RenewBefore    *handler.Duration `json:",omitempty"`
	SSLExpiredTime handler.Time
	Automatic      bool
	DryRun         bool `json:",omitempty"` // copied from the order
}

// maxPage is more pages than any region has.
const maxPage = 1 << 20

// PlanPage reads one page of a sweep, at most 50 instances, and returns the requests that
// would renew the due certificates. MaxTargets does not limit the requests: the program
// that carries them out sets its own limit.
func (f *Fleet) PlanPage(ctx context.Context, order Order) (Page, error) {
	ctx, cancel := handler.AnswerMargin.Before(ctx)
	defer cancel()
	order.Plan = true
	regions, err := f.regionsOf(order)
	if err != nil {
		return Page{}, err
	}
	at, err := pageOf(order, regions)
	if err != nil {
		return Page{}, err
	}
	list, err := f.list(ctx, at, order.Tags)
	if err != nil {
		return Page{}, handler.AsError(err)
	}
	s := f.newSweep(order, handler.PageSize, []string{at.region})
	var group errgroup.Group
	group.SetLimit(f.Concurrency)
	for _, l := range list.Instances {
		l.At = list.At
		l.RegionID = at.region
		group.Go(func() error {
			if !s.judge(ctx, l) {
				return handler.Errorf(handler.Unavailable, "the time was too short to read all of page %q", order.Page)
			}
			return nil
		})
	}
	if err := group.Wait(); err != nil {
		return Page{}, handler.AsError(err)
	}
	requests, err := s.requests(len(list.Instances))
	return Page{requests, nextPage(at, list.Total, regions)}, err
}

// requests lists first the requests for due certificates, the most urgent first. Then it
// lists the requests for instances that could not be read now. These instances may be
// due, but must not hold up the others.
func (s *sweep) requests(listed int) ([]PlannedRequest, error) {
	requests := []PlannedRequest{}
	for _, c := range s.urgent.sorted() {
		requests = append(requests, s.request(c.ref, handler.At(c.expires)))
	}
	unread := slices.DeleteFunc(s.others, func(r handler.Result) bool { return r.Before != nil || r.Error == nil || !r.Error.Retryable })
	if len(unread) > 1 && len(unread) == listed {
		return nil, unread[0].Error // no instance could be read, so a repetition can help
	}
	slices.SortFunc(unread, func(a, b handler.Result) int { return strings.Compare(a.InstanceID, b.InstanceID) })
	for _, r := range unread {
		requests = append(requests, s.request(handler.Ref{RegionID: r.RegionID, InstanceID: r.InstanceID}, handler.Time{}))
	}
	return requests, nil
}

func (s *sweep) request(ref handler.Ref, expires handler.Time) PlannedRequest {
	return PlannedRequest{ref.InstanceID, handler.Update, ref.RegionID, s.order.RenewBefore, expires, true, s.order.DryRun}
}

// pageOf is the page that an order asks for, in the form "REGION/NUMBER".
func pageOf(order Order, regions []string) (page, error) {
	if order.Page == "" {
		return page{regions[0], 1}, nil
	}
	name, number, _ := strings.Cut(order.Page, "/")
	n, err := strconv.Atoi(number)
	if err != nil || n < 1 || n > maxPage || !slices.Contains(regions, name) {
		return page{}, handler.Errorf(handler.Invalid, "Page %q is not the NextPage of an answer to the same order", handler.Clip(order.Page))
	}
	return page{name, n}, nil
}

func nextPage(at page, total int, regions []string) string {
	i := slices.Index(regions, at.region)
	switch {
	case at.number*handler.PageSize < total:
		return fmt.Sprintf("%s/%d", at.region, at.number+1)
	case i+1 < len(regions):
		return regions[i+1] + "/1"
	}
	return ""
}
