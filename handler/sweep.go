package handler

import (
	"bytes"
	"cmp"
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
	"unicode/utf8"

	"golang.org/x/sync/errgroup"
)

const (
	// DefaultMaxTargets is how many instances one sweep changes at most.
	DefaultMaxTargets = 10
	// maxListed is how many results a sweep gives beside those that changed.
	maxListed = 100
	// maxTried is how many of the most urgent are tried beside the targets, for
	// some of them may not be changed now.
	maxTried = 1000
	// canaryWait is how long the first change of a sweep is watched at least.
	canaryWait = time.Minute
	// maxPage is more than any region has.
	maxPage = 1 << 20
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
	if string(bytes.TrimSpace(data)) == "null" {
		return order, Errorf(Invalid, "the sweep is null: {} asks for one of everything") // a field that nobody filled in
	}
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
	for key := range order.Tags {
		if n := utf8.RuneCountInString(key); n < 1 || n > 64 {
			faults = append(faults, fmt.Sprintf("the tag key %q has not 1 to 64 characters", clip(key))) // an empty one would filter nothing
		}
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
	// Earliest is the first expiry of all that the settings take in and that were
	// not changed.
	Earliest time.Time `json:"-"`
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

// PlannedRequest is a request pinned to the certificate that was seen. Without
// an SSLExpiredTime the instance could not be read now: who carries the request
// out reads it again, and nothing happens unless it is due.
type PlannedRequest struct {
	InstanceID     string `json:"InstanceId"`
	SSLEnabled     Action
	RegionID       string    `json:"RegionId"`
	RenewBefore    *Duration `json:",omitempty"`
	SSLExpiredTime Time
	Automatic      bool
	DryRun         bool `json:",omitempty"` // as the order says
}

// sweep is one on its way. What it holds does not grow with the fleet.
type sweep struct {
	order SweepOrder
	most  int // targets

	mu      sync.Mutex
	total   int // instances there are, as far as is known
	seen    int
	due     int
	settled int        // due ones that have a result
	urgent  mostUrgent // the most urgent, bounded
	counts  map[Outcome]int
	changed []Result
	others  []Result // bounded

	earliest time.Time // expiry
}

// saw notes an expiry of what stays as it is.
func (s *sweep) saw(expires time.Time) {
	if !expires.IsZero() && (s.earliest.IsZero() || expires.Before(s.earliest)) {
		s.earliest = expires
	}
}

// Sweep renews what is due, the most urgent first, at most MaxTargets of it. The
// first change is the canary: it is watched, and if it can not be verified the
// sweep stops there. One bad instance never stops the others. Its error, an
// *[Error], says that nothing could be listed.
func (h *Handler) Sweep(ctx context.Context, order SweepOrder) (SweepResult, error) {
	ctx, cancel := answerInTime(ctx)
	defer cancel()
	s := &sweep{order: order, most: h.maxTargets(order), counts: map[Outcome]int{}}
	regions := h.regions(order)
	f := newFleet(regions, h.Concurrency)
	h.read(ctx, s, f)
	for _, name := range regions {
		err := f.failure(name)
		if err == nil {
			continue
		}
		if f.nothing() {
			return SweepResult{}, err
		}
		s.add(Result{RegionID: name, Outcome: Failed, Reason: err.Message, Error: err})
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
		return unique(order.Regions)
	case len(h.Regions) > 0:
		return h.Regions
	}
	return []string{h.Region}
}

// unique drops what a list names again.
func unique(names []string) (once []string) {
	for _, name := range names {
		if !slices.Contains(once, name) {
			once = append(once, name)
		}
	}
	return once
}

// ofSweep is the request that a sweep makes of what it saw.
func (h *Handler) ofSweep(order SweepOrder, ref Ref, o Observation) Request {
	return Request{
		InstanceID: ref.InstanceID, RegionID: ref.RegionID, SSLEnabled: Update, RenewBefore: order.RenewBefore,
		SSLExpiredTime: At(o.Expires), Automatic: true, DryRun: order.DryRun, Weak: order.Weak,
	}
}

// act changes the most urgent that can be changed now.
func (h *Handler) act(ctx context.Context, s *sweep) {
	left := s.candidates()
	changed, why := 0, fmt.Sprintf("one sweep changes at most %d instances: the next one goes on", s.most)
	inTime := true
	for inTime && changed < s.most && len(left) > 0 {
		var ready []candidate
		if ready, left, inTime = h.ready(ctx, s, left, s.most-changed); s.order.DryRun {
			changed += len(ready)
			continue
		}
		// The canary goes alone, until one changes.
		var first Result
		for len(ready) > 0 && changed == 0 && h.timeFor(ctx, Request{}, h.LeasePause) {
			r := h.request(s, ready[0])
			wait := Duration(max(h.Wait, canaryWait))
			r.Wait = &wait
			if first = h.handleAll(ctx, []Request{r})[0]; lacksTime(ctx, first) {
				break
			}
			ready = ready[1:]
			if s.settle(first); isChange(first.Outcome) {
				changed++
			}
		}
		switch {
		case isChange(first.Outcome) && first.Outcome != Verified:
			why = fmt.Sprintf("the first change, of %s, could not be verified: the sweep stopped there", first.InstanceID)
			left, changed = append(ready, left...), s.most
			continue
		case len(ready) > 0 && (changed == 0 || !h.timeFor(ctx, Request{}, h.LeasePause)):
			left, inTime = append(ready, left...), false
			continue
		}
		requests := make([]Request, len(ready))
		for i, c := range ready {
			requests[i] = h.request(s, c)
		}
		var late []candidate
		for i, result := range h.handleAll(ctx, requests) {
			if lacksTime(ctx, result) {
				late, inTime = append(late, ready[i]), false
				continue
			}
			if s.settle(result); isChange(result.Outcome) {
				changed++
			}
		}
		left = append(late, left...)
	}
	if !inTime {
		why = "the time for this sweep was up: the next one goes on"
	}
	for _, c := range left {
		s.settle(Result{InstanceID: c.ref.InstanceID, RegionID: c.ref.RegionID, SSLEnabled: Update}.end(decision{outcome: Deferred, reason: why}))
	}
	if rest := s.due - s.settled; rest > 0 {
		s.counts[Deferred] += rest // too many to be kept
	}
}

// candidates are the most urgent in their order. A listing that shifts while it
// is read shows an instance twice: it counts once.
func (s *sweep) candidates() []candidate {
	all := slices.Clone([]candidate(s.urgent))
	slices.SortFunc(all, byExpiry)
	once := slices.CompactFunc(all, func(a, b candidate) bool { return a.ref == b.ref })
	s.seen -= len(all) - len(once)
	s.due -= len(all) - len(once)
	return once
}

// lacksTime reports whether a request failed for want of time. Nothing was
// changed by it.
func lacksTime(ctx context.Context, r Result) bool {
	return r.Outcome == Failed && r.Error != nil && (errors.Is(r.Error, ErrNoTime) || ctx.Err() != nil && r.Error.Retryable)
}

func (h *Handler) request(s *sweep, c candidate) Request {
	r := h.ofSweep(s.order, c.ref, Observation{SSL: SSL{Enabled: true, Expires: c.expires}})
	r.swept = true
	return r
}

// ready looks at the most urgent, many at once, and splits off at most so many
// that would be changed now; what waits or can not be changed is settled by it.
// inTime is false if the time was up before all that were asked for were found.
func (h *Handler) ready(ctx context.Context, s *sweep, left []candidate, most int) (ready, rest []candidate, inTime bool) {
	if deadline, ok := ctx.Deadline(); ok && !s.order.DryRun {
		// What is found later can not be changed any more.
		var cancel context.CancelFunc
		ctx, cancel = context.WithDeadline(ctx, deadline.Add(-h.LeasePause-h.MinLeft))
		defer cancel()
	}
	for len(left) > 0 && len(ready) < most && ctx.Err() == nil {
		n := min(len(left), max(most-len(ready), h.Concurrency))
		requests := make([]Request, n)
		for i, c := range left[:n] {
			requests[i] = h.request(s, c)
			requests[i].DryRun, requests[i].ahead = true, !s.order.DryRun
		}
		var late []candidate
		for i, result := range h.handleAll(ctx, requests) {
			switch {
			case lacksTime(ctx, result):
				late = append(late, left[i])
			case result.Outcome != Planned:
				s.settle(result)
			case len(ready) == most:
				rest = append(rest, left[i])
			default:
				if ready = append(ready, left[i]); s.order.DryRun {
					s.settle(result)
				}
			}
		}
		if left = append(late, left[n:]...); late != nil {
			break
		}
	}
	rest = append(rest, left...)
	return ready, rest, len(ready) == most || len(rest) == 0
}

func isChange(o Outcome) bool { return o == Verified || o == Accepted || o == Unknown }

// settle adds the result of one that is due.
func (s *sweep) settle(r Result) {
	s.settled++
	s.add(r)
}

// expect adds a region's instances to those there are.
func (s *sweep) expect(instances int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.total += instances
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

// byWorst orders by outcome, then what asks for attention, then by expiry, so
// that the most urgent are shown.
func byWorst(a, b Result) int {
	expires := func(r Result) time.Time {
		if r.Before == nil {
			return time.Time{}
		}
		return r.Before.SSLExpiredTime.Time
	}
	alert := func(r Result) int {
		if r.Alert {
			return 0
		}
		return 1
	}
	return cmp.Or(slices.Index(worstFirst, a.Outcome)-slices.Index(worstFirst, b.Outcome), alert(a)-alert(b), expires(a).Compare(expires(b)))
}

func (s *sweep) result() SweepResult {
	s.trim()
	results := slices.Concat(s.changed, s.others)
	slices.SortStableFunc(results, byWorst)
	for _, c := range s.urgent {
		if !slices.ContainsFunc(s.changed, func(r Result) bool { return r.Outcome != Unknown && (Ref{r.RegionID, r.InstanceID}) == c.ref }) {
			s.saw(c.expires)
		}
	}
	return SweepResult{SweepSummary{s.seen, s.due, s.counts, s.earliest}, results}
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
		if err != nil || n < 1 || n > maxPage || !slices.Contains(regions, name) {
			return PlanPage{}, Errorf(Invalid, "Page %q is not the NextPage of an answer to the same order", clip(order.Page))
		}
		region, page = name, n
	}
	var list []Listed
	var total int
	if err := guarded(func() (err error) { list, total, err = h.api.List(ctx, region, order.Tags, page); return }); err != nil {
		return PlanPage{}, AsError(err)
	}
	s := &sweep{order: order, most: PageSize, counts: map[Outcome]int{}}
	var group errgroup.Group
	group.SetLimit(h.Concurrency)
	for _, l := range list {
		group.Go(func() error {
			if !h.judge(ctx, s, l) {
				return Errorf(Unavailable, "the time did not allow to read all of page %q", order.Page)
			}
			return nil
		})
	}
	if err := group.Wait(); err != nil {
		return PlanPage{}, AsError(err)
	}
	answer := PlanPage{Requests: []PlannedRequest{}}
	slices.SortFunc(s.urgent, byExpiry)
	for _, c := range s.urgent {
		answer.Requests = append(answer.Requests, PlannedRequest{c.ref.InstanceID, Update, c.ref.RegionID, order.RenewBefore, At(c.expires), true, order.DryRun})
	}
	// One that can not be read now may be due, and must not hold up the others.
	unread := slices.DeleteFunc(s.others, func(r Result) bool { return r.Before != nil || r.Error == nil || !r.Error.Retryable })
	if len(unread) > 1 && len(unread) == len(list) {
		return PlanPage{}, unread[0].Error // it is not a matter of the instances: a repetition can help
	}
	slices.SortFunc(unread, func(a, b Result) int { return strings.Compare(a.InstanceID, b.InstanceID) })
	for _, r := range unread {
		answer.Requests = append(answer.Requests, PlannedRequest{r.InstanceID, Update, r.RegionID, order.RenewBefore, Time{}, true, order.DryRun})
	}
	switch i := slices.Index(regions, region); {
	case page*PageSize < total:
		answer.NextPage = fmt.Sprintf("%s/%d", region, page+1)
	case i+1 < len(regions):
		answer.NextPage = regions[i+1] + "/1"
	}
	return answer, nil
}
