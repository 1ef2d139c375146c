package handler

import (
	"bytes"
	"cmp"
	"container/heap"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"
)

const (
	// DefaultMaxTargets is how many instances one sweep changes at most.
	DefaultMaxTargets = 10
	// maxListed is how many results a sweep gives beside those that changed.
	maxListed = 100
	// listers is how many pages are read at once.
	listers = 4
	// canaryWait is how long the first change of a sweep is watched at least.
	canaryWait = time.Minute
)

// SweepOrder asks to renew whatever is due.
type SweepOrder struct {
	Regions     []string          `json:",omitempty"` // default: those of the settings
	Tags        map[string]string `json:",omitempty"` // only instances that have all of them; at most 5
	RenewBefore *Duration         `json:",omitempty"`
	MaxTargets  *int              `json:",omitempty"` // the smaller of this and the setting holds
	DryRun      bool              `json:",omitempty"`
	Plan        bool              `json:",omitempty"` // answer one page of requests, and change nothing
	Page        string            `json:",omitempty"` // where a plan goes on: the NextPage of the last answer

	// Weak is [Request].Weak, of all that is asked for.
	Weak bool `json:"-"`
	// Progress, if set, is told how many of how many instances were read.
	Progress func(read, total int) `json:"-"`
}

// DecodeSweep reads the order in a sweep's JSON; its errors are of kind
// [Invalid].
func DecodeSweep(data []byte) (order SweepOrder, err error) {
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.DisallowUnknownFields()
	if err := dec.Decode(&order); err != nil {
		return order, Errorf(Invalid, "the sweep can not be read: %s", clip(strings.TrimPrefix(err.Error(), "json: ")))
	}
	if _, err := dec.Token(); err != io.EOF {
		return order, Errorf(Invalid, "the sweep is followed by something else")
	}
	var faults []string
	for _, region := range order.Regions {
		if r := (Request{InstanceID: "r-0000", SSLEnabled: Update, RegionID: region}); region == "" || r.Validate() != nil {
			faults = append(faults, fmt.Sprintf("%q is not a region id such as cn-hangzhou", clip(region)))
		}
	}
	if r := (Request{InstanceID: "r-0000", SSLEnabled: Update, RenewBefore: order.RenewBefore}); r.Validate() != nil {
		faults = append(faults, AsError(r.Validate()).Message)
	}
	if order.MaxTargets != nil && *order.MaxTargets < 0 {
		faults = append(faults, "MaxTargets must not be negative")
	}
	if len(order.Tags) > 5 {
		faults = append(faults, "Tags are at most 5")
	}
	if order.Page != "" && !order.Plan {
		faults = append(faults, "Page goes with Plan")
	}
	if faults != nil {
		return order, Errorf(Invalid, "%s", strings.Join(faults[:min(len(faults), maxFaults)], "; "))
	}
	return order, nil
}

// SweepSummary counts what a sweep saw and did.
type SweepSummary struct {
	Seen, Due int
	Outcomes  map[Outcome]int
}

// SweepResult is the answer to a [SweepOrder].
type SweepResult struct {
	Summary SweepSummary
	// Results are those that changed, and at most 100 more, the worst first.
	Results []Result
}

// PlanPage is the answer to a [SweepOrder] with Plan.
type PlanPage struct {
	Requests []PlannedRequest
	NextPage string `json:",omitempty"` // none: this is the last
}

// PlannedRequest is a request pinned to the certificate that was seen.
type PlannedRequest struct {
	InstanceID     string `json:"InstanceId"`
	SSLEnabled     Action
	RegionID       string    `json:"RegionId"`
	RenewBefore    *Duration `json:",omitempty"`
	SSLExpiredTime Time
	Automatic      bool
}

// candidate is an instance whose certificate is due.
type candidate struct {
	ref     Ref
	expires time.Time
}

func byExpiry(a, b candidate) int {
	return cmp.Or(a.expires.Compare(b.expires), strings.Compare(a.ref.InstanceID, b.ref.InstanceID))
}

// mostUrgent is a heap whose root expires last, so that it is the first to go.
type mostUrgent []candidate

func (h mostUrgent) Len() int           { return len(h) }
func (h mostUrgent) Less(i, j int) bool { return h[i].expires.After(h[j].expires) }
func (h mostUrgent) Swap(i, j int)      { h[i], h[j] = h[j], h[i] }
func (h *mostUrgent) Push(v any)        { *h = append(*h, v.(candidate)) }
func (h *mostUrgent) Pop() any {
	last := len(*h) - 1
	v := (*h)[last]
	*h = (*h)[:last]
	return v
}

// sweep is one on its way. What it holds does not grow with the fleet.
type sweep struct {
	order SweepOrder
	most  int // targets

	mu      sync.Mutex
	seen    int
	due     int
	settled int            // due ones that have a result
	totals  map[string]int // instances by region
	urgent  mostUrgent     // the most urgent, bounded
	counts  map[Outcome]int
	changed []Result
	others  []Result // bounded
}

// Sweep renews what is due, the most urgent first, at most MaxTargets of it. The
// first change is the canary: it is watched, and if it can not be verified the
// sweep stops there. One bad instance never stops the others. Its error, an
// *[Error], says that nothing could be listed.
func (h *Handler) Sweep(ctx context.Context, order SweepOrder) (SweepResult, error) {
	ctx, cancel := answerInTime(ctx)
	defer cancel()
	s := &sweep{order: order, most: h.maxTargets(order), totals: map[string]int{}, counts: map[Outcome]int{}}
	var failures []error
	regions := h.regions(order)
	for _, region := range regions {
		if err := h.read(ctx, s, region); err != nil {
			failures = append(failures, err)
			e := AsError(err)
			s.add(Result{RegionID: region, Outcome: Failed, Reason: e.Message, Error: e})
		}
	}
	if s.seen == 0 && len(failures) == len(regions) {
		return SweepResult{}, AsError(failures[0])
	}
	h.act(ctx, s)
	return s.result(), nil
}

func (h *Handler) maxTargets(order SweepOrder) int {
	most := h.MaxTargets
	if most <= 0 {
		most = DefaultMaxTargets
	}
	if order.MaxTargets != nil {
		most = min(most, *order.MaxTargets)
	}
	return most
}

func (h *Handler) regions(order SweepOrder) []string {
	switch {
	case len(order.Regions) > 0:
		return slices.Compact(slices.Sorted(slices.Values(order.Regions)))
	case len(h.Regions) > 0:
		return h.Regions
	}
	return []string{h.Region}
}

// read lists a region, several pages at once, and reads the encryption of each
// instance while the next pages come.
func (h *Handler) read(ctx context.Context, s *sweep, region string) error {
	first, total, err := h.api.List(ctx, region, s.order.Tags, 1)
	if err != nil {
		return err
	}
	s.mu.Lock()
	s.totals[region] = total
	s.mu.Unlock()
	found := make(chan Listed, listers*PageSize)
	readers, reading := errgroup.WithContext(ctx)
	for range max(1, h.Concurrency-listers) {
		readers.Go(func() error {
			for l := range found {
				h.judge(reading, s, l)
			}
			return nil
		})
	}
	pages := (total + PageSize - 1) / PageSize
	var lists errgroup.Group
	lists.SetLimit(listers)
	send := func(list []Listed) {
		for _, l := range list {
			found <- l
		}
	}
	send(first)
	for page := 2; page <= pages; page++ {
		lists.Go(func() error {
			return guarded(func() error {
				list, _, err := h.api.List(ctx, region, s.order.Tags, page)
				if err != nil {
					return fmt.Errorf("page %d of %d: %w", page, pages, err)
				}
				send(list)
				return nil
			})
		})
	}
	err = lists.Wait()
	close(found)
	return errors.Join(err, readers.Wait())
}

// judge reads an instance's encryption and keeps it if it is due.
func (h *Handler) judge(ctx context.Context, s *sweep, l Listed) {
	var o Observation
	o.Instance = l.Instance
	err := ctx.Err()
	if err == nil {
		err = guarded(func() (err error) { o.SSL, err = h.api.SSL(ctx, l.Ref); return })
	}
	r := h.ofSweep(s.order, l.Ref, o)
	var d decision
	switch {
	case err != nil:
		d = decision{outcome: Failed, err: AsError(err)}
	case o.Enabled && o.Expires.IsZero():
		d = decision{outcome: Failed, err: Errorf(Unavailable, "the API gives no expiry for an instance whose encryption is on; try again")}
	case !o.Enabled:
		d = decision{outcome: Unchanged, reason: "encryption is off"}
	default:
		due, why := r.due(o, h.Policy, h.Now())
		if d = (decision{outcome: Unchanged, reason: why}); due {
			d = h.Policy.permit(r)
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.seen++
	if s.order.Progress != nil {
		all := 0
		for _, n := range s.totals {
			all += n
		}
		s.order.Progress(s.seen, all)
	}
	if d.outcome == Unchanged {
		s.counts[Unchanged]++
		return
	}
	if d.outcome != act {
		if d.outcome == Refused {
			s.due++
			s.settled++
		}
		s.addLocked(Result{InstanceID: l.InstanceID, RegionID: l.RegionID, SSLEnabled: Update}.end(d))
		return
	}
	s.due++
	heap.Push(&s.urgent, candidate{l.Ref, o.Expires})
	if s.urgent.Len() > s.most+maxListed {
		heap.Pop(&s.urgent)
	}
}

// ofSweep is the request that a sweep makes of what it saw.
func (h *Handler) ofSweep(order SweepOrder, ref Ref, o Observation) Request {
	return Request{
		InstanceID: ref.InstanceID, RegionID: ref.RegionID, SSLEnabled: Update, RenewBefore: order.RenewBefore,
		SSLExpiredTime: At(o.Expires), Automatic: true, DryRun: order.DryRun, Weak: order.Weak,
	}
}

// act changes the most urgent. Who does not change makes room for the next.
func (h *Handler) act(ctx context.Context, s *sweep) {
	left := slices.Clone([]candidate(s.urgent))
	slices.SortFunc(left, byExpiry)
	request := func(c candidate) Request {
		return h.ofSweep(s.order, c.ref, Observation{SSL: SSL{Enabled: true, Expires: c.expires}})
	}
	changed, why := 0, fmt.Sprintf("one sweep changes at most %d instances: the next one goes on", s.most)
	// The canary goes alone, until one changes.
	for len(left) > 0 && changed == 0 && s.most > 0 && !s.order.DryRun {
		r := request(left[0])
		left = left[1:]
		wait := Duration(max(h.Wait, canaryWait))
		r.Wait = &wait
		result := h.Handle(ctx, []Request{r})[0]
		s.settle(result)
		switch result.Outcome {
		case Verified:
			changed++
		case Accepted, Unknown:
			why, s.most = fmt.Sprintf("the first change, of %s, could not be verified: the sweep stopped there", result.InstanceID), 0
		}
	}
	for len(left) > 0 && changed < s.most {
		n := min(s.most-changed, len(left))
		requests := make([]Request, n)
		for i, c := range left[:n] {
			requests[i] = request(c)
		}
		left = left[n:]
		for _, result := range h.Handle(ctx, requests) {
			s.settle(result)
			if isChange(result.Outcome) || result.Outcome == Planned {
				changed++
			}
		}
	}
	for _, c := range left {
		s.settle(Result{InstanceID: c.ref.InstanceID, RegionID: c.ref.RegionID, SSLEnabled: Update}.end(decision{outcome: Deferred, reason: why}))
	}
	if rest := s.due - s.settled; rest > 0 {
		s.counts[Deferred] += rest // too many to be kept
	}
}

func isChange(o Outcome) bool { return o == Verified || o == Accepted || o == Unknown }

// settle adds the result of one that is due.
func (s *sweep) settle(r Result) {
	s.settled++
	s.add(r)
}

func (s *sweep) add(r Result) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.addLocked(r)
}

// worstFirst orders the results that a sweep shows.
var worstFirst = []Outcome{Unknown, Failed, Refused, InProgress, Deferred, Planned, Accepted, Verified, Unchanged}

func (s *sweep) addLocked(r Result) {
	s.counts[r.Outcome]++
	if isChange(r.Outcome) {
		s.changed = append(s.changed, r)
		return
	}
	s.others = append(s.others, r)
	if len(s.others) > 2*maxListed {
		s.trim()
	}
}

// trim keeps the worst of those that are only shown.
func (s *sweep) trim() {
	slices.SortStableFunc(s.others, byWorst)
	s.others = s.others[:min(len(s.others), maxListed)]
}

func byWorst(a, b Result) int {
	return slices.Index(worstFirst, a.Outcome) - slices.Index(worstFirst, b.Outcome)
}

func (s *sweep) result() SweepResult {
	s.trim()
	results := slices.Concat(s.changed, s.others)
	slices.SortStableFunc(results, byWorst)
	return SweepResult{SweepSummary{s.seen, s.due, s.counts}, results}
}

// PlanSweep reads one page of a sweep, at most 50 instances, and gives the
// requests that would renew what is due there. Nothing is capped: that is for
// whoever carries them out.
func (h *Handler) PlanSweep(ctx context.Context, order SweepOrder) (PlanPage, error) {
	ctx, cancel := answerInTime(ctx)
	defer cancel()
	regions := h.regions(order)
	region, page := regions[0], 1
	if order.Page != "" {
		name, number, _ := strings.Cut(order.Page, "/")
		n, err := strconv.Atoi(number)
		if err != nil || n < 1 || !slices.Contains(regions, name) {
			return PlanPage{}, Errorf(Invalid, "Page %q is not the NextPage of an answer to the same order", clip(order.Page))
		}
		region, page = name, n
	}
	list, total, err := h.api.List(ctx, region, order.Tags, page)
	if err != nil {
		return PlanPage{}, AsError(err)
	}
	s := &sweep{order: order, most: PageSize, totals: map[string]int{}, counts: map[Outcome]int{}}
	var group errgroup.Group
	group.SetLimit(h.Concurrency)
	for _, l := range list {
		group.Go(func() error { h.judge(ctx, s, l); return nil })
	}
	_ = group.Wait() // no function fails
	for _, r := range s.others {
		if r.Error != nil && r.Error.Retryable {
			return PlanPage{}, r.Error // a page that was not read whole would lose what is due
		}
	}
	answer := PlanPage{Requests: []PlannedRequest{}}
	slices.SortFunc(s.urgent, byExpiry)
	for _, c := range s.urgent {
		answer.Requests = append(answer.Requests, PlannedRequest{c.ref.InstanceID, Update, c.ref.RegionID, order.RenewBefore, At(c.expires), true})
	}
	switch i := slices.Index(regions, region); {
	case page*PageSize < total:
		answer.NextPage = fmt.Sprintf("%s/%d", region, page+1)
	case i+1 < len(regions):
		answer.NextPage = regions[i+1] + "/1"
	}
	return answer, nil
}
