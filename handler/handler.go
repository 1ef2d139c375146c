package handler

import (
	"context"
	"log/slog"
	"slices"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"
)

// Options are the handler's settings; the zero value works.
type Options struct {
	Policy Policy
	// Regions are those whose instances may be read and changed; default
	// [DefaultRegion].
	Regions     []string
	Wait        time.Duration // how long to watch a change unless the request says
	Concurrency int           // how many instances at once; default 16
	LeaseNone   bool          // set no tags: this is the only process that changes anything
	LeasePause  time.Duration // longer than a new tag takes to be visible; default 2s
	// MinLeft is the least time that must be left of the invocation for a write
	// to begin; default 5s.
	MinLeft time.Duration
	// Served, if set, has to show the new certificate before a change is Verified.
	Served Served
	// CA, if set, is compared before and after each Update. CAAccept are the
	// fingerprints of new CAs that clients have by now.
	CA       CAFingerprint
	CAAccept []string
	Now      func() time.Time                                 // default time.Now
	Sleep    func(ctx context.Context, d time.Duration) error // default by a timer
	Log      *slog.Logger                                     // default: none
	// Decided, if set, is told of every request that was answered as soon as it
	// is. It may be called concurrently.
	Decided func(context.Context, Decided)
}

// Decided is a delivery and what became of it.
type Decided struct {
	Delivery Delivery
	Result   Result
	Wrote    bool // ModifyInstanceSSL was sent
}

// Defaults of [Options].
const (
	DefaultRegion      = "cn-hangzhou"
	DefaultConcurrency = 16
	defaultMinLeft     = 5 * time.Second
)

// Handler makes requested changes, each at most once. It is safe for
// concurrent use.
type Handler struct {
	Options
	api    API
	locks  locks
	memory memory
	pace   pace
	places places
}

// New returns a handler of the instances behind api. The options are copied.
func New(api API, o Options) *Handler {
	if o.Concurrency <= 0 {
		o.Concurrency = DefaultConcurrency
	}
	if o.LeasePause <= 0 {
		o.LeasePause = defaultLeasePause
	}
	if o.MinLeft <= 0 {
		o.MinLeft = defaultMinLeft
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Sleep == nil {
		o.Sleep = sleep
	}
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	if o.Regions = Unique(o.Regions); len(o.Regions) == 0 {
		o.Regions = []string{DefaultRegion}
	}
	o.CAAccept = slices.Clone(o.CAAccept)
	o.Policy.Actions = slices.Clone(o.Policy.Actions)
	o.Policy.Instances = slices.Clone(o.Policy.Instances)
	return &Handler{Options: o, api: api}
}

// Unique copies a list without what it names again.
func Unique(names []string) (once []string) {
	for _, name := range names {
		if !slices.Contains(once, name) {
			once = append(once, name)
		}
	}
	return once
}

func sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-timer.C:
		return nil
	}
}

// Handle answers every delivery, in the same order. Those for one instance run
// one after the other, those for different ones at the same time. It never
// panics, and returns before ctx's deadline.
func (h *Handler) Handle(ctx context.Context, deliveries []Delivery) []Result {
	ctx, cancel := AnswerMargin.Before(ctx)
	defer cancel()
	return h.HandleInTime(ctx, deliveries)
}

// HandleInTime is [Handler.Handle] without [AnswerMargin]: the caller has kept that
// margin already.
func (h *Handler) HandleInTime(ctx context.Context, deliveries []Delivery) []Result {
	attempts := h.attempts(ctx, deliveries)
	results := make([]Result, len(deliveries))
	var order []string
	queues := map[string][]int{} // by the id alone: the region is only the caller's word
	for i, a := range attempts {
		id := a.ref.InstanceID
		if queues[id] == nil {
			order = append(order, id)
		}
		queues[id] = append(queues[id], i)
	}
	var group errgroup.Group
	group.SetLimit(h.Concurrency)
	for _, id := range order {
		group.Go(func() error {
			for _, i := range queues[id] {
				results[i] = h.handle(ctx, attempts[i])
			}
			return nil
		})
	}
	_ = group.Wait() // no function fails
	return results
}

// prepared is an attempt, or the decision that ended it before its first step.
type prepared struct {
	*attempt
	ended decision
}

// attempts checks all that needs no look at an instance, and finds those whose
// region or id is not settled.
func (h *Handler) attempts(ctx context.Context, deliveries []Delivery) []prepared {
	all := make([]prepared, len(deliveries))
	var lost []*attempt
	var index []int // of lost among all
	for i, d := range deliveries {
		a := &attempt{Handler: h, Delivery: d, ref: Ref{h.regionOf(d.Request), d.InstanceID}}
		all[i] = prepared{a, a.admit()}
		if all[i].ended.act && (a.ref.RegionID == "" || a.OrID != "") {
			lost, index = append(lost, a), append(index, i)
		}
	}
	for n, err := range h.locate(ctx, lost...) {
		p := &all[index[n]]
		if err != nil {
			p.ended = failure(err)
		} else {
			p.ended = p.admit() // of a settled id all can be judged
		}
	}
	return all
}

// regionOf is where a request's instance is, "" if it has to be looked for.
func (h *Handler) regionOf(r Request) string {
	switch {
	case r.RegionID != "":
		return r.RegionID
	case len(h.Regions) == 1:
		return h.Regions[0]
	}
	return h.places.of(r.InstanceID)
}

// admit judges what needs no look at the instance.
func (a *attempt) admit() decision {
	if a.settled != nil {
		return *a.settled
	}
	if err := a.Validate(); err != nil {
		return failure(err)
	}
	if a.OrID != "" {
		return a.inRegion(a.RegionID) // the rest depends on the id, which is not settled
	}
	for _, d := range []decision{a.Policy.permit(a.Delivery), pinned(a.Delivery), a.inRegion(a.RegionID)} {
		if !d.act {
			return d
		}
	}
	return proceed("")
}

// handle answers one delivery, whatever happens.
func (h *Handler) handle(ctx context.Context, p prepared) (result Result) {
	a := p.attempt
	result = Result{InstanceID: Clip(a.ref.InstanceID), RegionID: Clip(a.ref.RegionID), SSLEnabled: Action(Clip(string(a.SSLEnabled)))}
	defer func() {
		if v := recover(); v != nil {
			d := failure(recovered(v))
			if a.wrote {
				d.outcome = Unknown
			}
			result = a.fill(result).end(d)
		}
		notYet := a.Ahead && (result.Outcome == Planned || a.Moves && result.Outcome == Unchanged) || a.Swept && LacksTime(ctx, result)
		if h.Decided != nil && !notYet {
			h.tell(ctx, Decided{a.Delivery, result, a.wrote})
		}
	}()
	d := p.ended
	if d.act {
		d = a.run(ctx)
	}
	result = a.fill(result)
	if a.wrote && (d.outcome == Accepted || d.outcome == Unknown) {
		var after *Observation
		if d, after = a.verify(ctx, d); after != nil {
			result.After, result.CertDownloadURL = after.State(), after.CertDownloadURL
		}
		result.CA, d = a.ca.told(d)
	}
	return result.end(d)
}

// tell tells of a decision. A fault of the listener must not end the process, and
// the answer with it.
func (h *Handler) tell(ctx context.Context, d Decided) {
	if err := Guarded(func() error { h.Decided(ctx, d); return nil }); err != nil {
		h.Log.ErrorContext(ctx, "a decision could not be reported", "error", AsError(err).Err)
	}
}

// fill writes what was seen of the instance, and what the API answered.
func (a *attempt) fill(r Result) Result {
	r.RegionID, r.RequestID, r.TaskID = Clip(a.ref.RegionID), a.receipt.RequestID, a.receipt.TaskID
	if a.seen {
		r.InstanceName = a.before.Name
		r.Before, r.CertDownloadURL, r.Tags, r.NoTLS = a.before.State(), a.before.CertDownloadURL, a.before.Tags, a.before.WithoutTLS()
	}
	return r
}

func regionsInWords(regions []string) string { return strings.Join(regions, ", ") }
