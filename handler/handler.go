package handler

import (
	"context"
	"log/slog"
	"slices"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"
)

// Options are the handler's settings. The zero value works.
type Options struct {
	Policy Policy
	// Regions are the regions whose instances may be read and changed; default
	// [DefaultRegion].
	Regions     []string
	Wait        time.Duration // how long to watch a change, unless the request says otherwise
	Concurrency int           // number of instances worked on at once; default 16
	LeaseNone   bool          // set no tags, because no other process changes instances
	LeasePause  time.Duration // longer than a new tag takes to become visible; default 2s
	// MinLeft is the time that must be left of the invocation when a write begins;
	// default 5s.
	MinLeft time.Duration
	// Served, if set, must show the new certificate before a change counts as Verified.
	Served Served
	// CA, if set, reads the CA before and after each Update. CAAccept lists the
	// fingerprints of new CAs that all clients have.
	CA       CAFingerprint
	CAAccept []string
	Now      func() time.Time                                 // default: time.Now
	Sleep    func(ctx context.Context, d time.Duration) error // default: a timer
	Log      *slog.Logger                                     // default: no log
	// Decided, if set, is called for every request as soon as it is answered. It may be
	// called concurrently.
	Decided func(context.Context, Decided)
}

// Decided is a delivery and its result.
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

// Handler carries out requested changes, each at most once. It is safe for concurrent
// use.
type Handler struct {
	Options
	api    API
	locks  locks
	memory memory
	pace   pace
	places places
}

// New returns a handler for the instances behind api. It copies the options.
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

// Unique copies a list without repeated names.
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

// Handle answers every delivery, in the same order. Deliveries for one instance run one
// after the other, deliveries for different instances at the same time. Handle never
// panics, and it returns before ctx's deadline.
func (h *Handler) Handle(ctx context.Context, deliveries []Delivery) []Result {
	ctx, cancel := AnswerMargin.Before(ctx)
	defer cancel()
	return h.HandleInTime(ctx, deliveries)
}

// HandleInTime is [Handler.Handle] without [AnswerMargin]: the caller has already
// reserved that margin.
func (h *Handler) HandleInTime(ctx context.Context, deliveries []Delivery) []Result {
	attempts := h.attempts(ctx, deliveries)
	results := make([]Result, len(deliveries))
	var order []string
	queues := map[string][]int{} // by id alone, because the caller may name a wrong region
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
	_ = group.Wait() // the functions return no error
	return results
}

// handle answers one delivery in every case.
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

// tell reports a decision to Options.Decided. A panic in it must not end the process and
// lose the answer.
func (h *Handler) tell(ctx context.Context, d Decided) {
	if err := Guarded(func() error { h.Decided(ctx, d); return nil }); err != nil {
		h.Log.ErrorContext(ctx, "a decision could not be reported", "error", AsError(err).Err)
	}
}

// fill adds the observed facts about the instance, and the API's answer, to the result.
func (a *attempt) fill(r Result) Result {
	r.RegionID, r.RequestID, r.TaskID = Clip(a.ref.RegionID), a.receipt.RequestID, a.receipt.TaskID
	if a.seen {
		r.InstanceName = a.before.Name
		r.Before, r.CertDownloadURL, r.Tags, r.NoTLS = a.before.State(), a.before.CertDownloadURL, a.before.Tags, a.before.WithoutTLS()
	}
	return r
}

func regionsInWords(regions []string) string { return strings.Join(regions, ", ") }
