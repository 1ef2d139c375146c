package handler

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"
)

// API is what the handler needs of the instances' OpenAPI. Its methods may be
// called concurrently, end when their context does, and fail with an [*Error]
// whose Kind tells what happened, wrapping [ErrNoTime] if they did not begin;
// Modify alone sets Uncertain.
// handlertest.Run is what an implementation must satisfy.
type API interface {
	// Instance reads an instance's status, endpoint and tags.
	Instance(ctx context.Context, ref Ref) (Instance, error)
	// SSL reads its encryption.
	SSL(ctx context.Context, ref Ref) (SSL, error)
	// List reads a page of at most [PageSize] of a region's instances, those that
	// have all the tags, and says how many there are in all. The first page is 1.
	List(ctx context.Context, region string, tags map[string]string, page int) (instances []Listed, total int, err error)
	// Renewal says when Alibaba itself will renew an instance's certificate; zero
	// if it has not scheduled that.
	Renewal(ctx context.Context, ref Ref) (time.Time, error)
	// Modify sends ModifyInstanceSSL once and never again. Its error wraps
	// [ErrAlready] or [ErrBusy] where the API refused for that reason.
	Modify(ctx context.Context, ref Ref, action Action) (Receipt, error)
	// Tag sets one tag of the instance, whether it is there or not.
	Tag(ctx context.Context, ref Ref, key, value string) error
	// Untag removes one tag; that it is not there is no error.
	Untag(ctx context.Context, ref Ref, key string) error
}

// PageSize is how many instances a page of the listing holds at most.
const PageSize = 50

// Listed is an instance as a listing shows it.
type Listed struct {
	Ref
	Instance
}

// Receipt is the API's word that it will make a change.
type Receipt struct{ RequestID, TaskID string }

// Options are the handler's settings; the zero value works.
type Options struct {
	Policy      Policy
	Region      string        // where an instance is if the request does not say; default cn-hangzhou
	Regions     []string      // what a sweep sweeps unless it says; default Region
	MaxTargets  int           // how many instances a sweep changes at most; default 10
	Wait        time.Duration // how long to watch a change unless the request says
	Concurrency int           // how many instances at once; default 16
	LeaseNone   bool          // take no lease: this is the only process that changes anything
	LeasePause  time.Duration // default 2s
	// MinLeft is the least time that must be left of the invocation for a write
	// to begin; default 5s.
	MinLeft time.Duration
	Now     func() time.Time                                 // default time.Now
	Sleep   func(ctx context.Context, d time.Duration) error // default by a timer
	Log     *slog.Logger                                     // default: none
	// Decided, if set, is told of every request that was answered as soon as it
	// is. It may be called concurrently.
	Decided func(context.Context, Decided)
}

// Decided is a request and what became of it.
type Decided struct {
	Request Request
	Result  Result
	Wrote   bool // ModifyInstanceSSL was sent
}

// Defaults of [Options].
const (
	DefaultRegion      = "cn-hangzhou"
	DefaultConcurrency = 16
	defaultMinLeft     = 5 * time.Second
	hurriedMinLeft     = 1200 * time.Millisecond
)

// Handler makes requested changes, each at most once. It is safe for
// concurrent use.
type Handler struct {
	Options
	api    API
	locks  locks
	ledger ledger
}

// New returns a handler of the instances behind api.
func New(api API, o Options) *Handler {
	if o.Region == "" {
		o.Region = DefaultRegion
	}
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
	o.Regions = unique(o.Regions)
	if o.Log == nil {
		o.Log = slog.New(slog.DiscardHandler)
	}
	return &Handler{Options: o, api: api}
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

// Handle answers every request, in the same order. Requests for one instance
// run one after the other, those for different ones at the same time. It never
// panics, and returns before ctx's deadline.
func (h *Handler) Handle(ctx context.Context, requests []Request) []Result {
	ctx, cancel := answerInTime(ctx)
	defer cancel()
	return h.handleAll(ctx, requests)
}

// handleAll is Handle for who has kept time to answer in already.
func (h *Handler) handleAll(ctx context.Context, requests []Request) []Result {
	results := make([]Result, len(requests))
	var order []Ref
	queues := map[Ref][]int{}
	for i, r := range requests {
		ref := h.ref(r)
		if queues[ref] == nil {
			order = append(order, ref)
		}
		queues[ref] = append(queues[ref], i)
	}
	var group errgroup.Group
	group.SetLimit(h.Concurrency)
	for _, ref := range order {
		group.Go(func() error {
			for _, i := range queues[ref] {
				results[i] = h.handle(ctx, ref, requests[i])
			}
			return nil
		})
	}
	_ = group.Wait() // no function fails
	return results
}

// answerInTime keeps enough of the invocation to answer in: half a second, or
// a tenth of what is short.
func answerInTime(ctx context.Context) (context.Context, context.CancelFunc) {
	deadline, ok := ctx.Deadline()
	if !ok {
		return ctx, func() {}
	}
	return context.WithDeadline(ctx, deadline.Add(-min(500*time.Millisecond, time.Until(deadline)/10)))
}

func (h *Handler) ref(r Request) Ref {
	if r.RegionID == "" {
		r.RegionID = h.Region
	}
	return Ref{r.RegionID, r.InstanceID}
}

// handle answers one request, whatever happens.
func (h *Handler) handle(ctx context.Context, ref Ref, r Request) (result Result) {
	wrote := false
	defer func() {
		if v := recover(); v != nil {
			d := decision{outcome: Failed, err: recovered(v)}
			if wrote {
				d.outcome = Unknown
			}
			result = result.end(d)
		}
		notYet := r.ahead && result.Outcome == Planned || r.swept && lacksTime(ctx, result)
		if h.Decided != nil && !notYet {
			h.Decided(ctx, Decided{r, result, wrote})
		}
	}()
	result = Result{InstanceID: clip(ref.InstanceID), RegionID: clip(ref.RegionID), SSLEnabled: Action(clip(string(r.SSLEnabled)))}
	if r.settled != nil {
		return result.end(*r.settled)
	}
	if err := r.Validate(); err != nil {
		return result.end(decision{outcome: Failed, err: AsError(err)})
	}
	if d := h.Policy.permit(r); d.outcome != act {
		return result.end(d)
	}
	before, receipt, d := h.change(ctx, ref, r, &wrote)
	if before != nil {
		result.Before, result.CertDownloadURL, result.Tags = before.State(), before.CertDownloadURL, before.Tags
	}
	result.RequestID, result.TaskID = receipt.RequestID, receipt.TaskID
	if d.outcome == Accepted || d.outcome == Unknown {
		var after *Observation
		if d, after = h.verify(ctx, ref, r, *before, d); after != nil {
			result.After, result.CertDownloadURL = after.State(), after.CertDownloadURL
		}
	}
	return result.end(d)
}

// end writes a decision into the result.
func (r Result) end(d decision) Result {
	r.Outcome, r.Reason, r.Busy, r.Alert, r.Until, r.Error = d.outcome, d.reason, d.busy, d.alert, At(d.until), d.err
	if r.Reason == "" && d.err != nil {
		r.Reason = d.err.Message
	}
	return r
}

// change reads, decides and acts. Its outcome is Accepted or Unknown if a
// write was sent.
func (h *Handler) change(ctx context.Context, ref Ref, r Request, wrote *bool) (*Observation, Receipt, decision) {
	failed := func(err error) decision { return decision{outcome: Failed, err: AsError(err)} }
	unlock, err := h.locks.lock(ctx, ref)
	if err != nil {
		return nil, Receipt{}, failed(err)
	}
	defer unlock()

	looked := time.Now() // by the machine's clock, for it is set against a pause
	before, err := h.look(ctx, ref)
	if err != nil {
		return nil, Receipt{}, failed(err)
	}
	d := decide(r, before, h.Policy, h.standing(ref, before, h.Now()), h.Now())
	if r.Automatic {
		d = h.leftToAlibaba(ctx, ref, r, before, d)
	}
	switch {
	case d.outcome != act:
		return &before, Receipt{}, d
	case r.DryRun:
		return &before, Receipt{}, planned(r, d)
	case !h.timeFor(ctx, r, h.pause(r)):
		return &before, Receipt{}, h.tooLate(r, d)
	}
	reason := d.reason
	if d = h.acquire(ctx, ref, r, before, looked); d.outcome != act {
		return &before, Receipt{}, d
	}
	if d.reason = reason; !h.timeFor(ctx, r, 0) {
		h.release(ctx, ref)
		return &before, Receipt{}, h.tooLate(r, d)
	}

	*wrote = true
	receipt, err := h.api.Modify(ctx, ref, r.SSLEnabled)
	e := AsError(err)
	switch {
	case err == nil:
		d.outcome = Accepted
	case e.Uncertain || e.Kind == Internal:
		d.outcome, d.err = Unknown, e
	default: // surely refused
		h.release(ctx, ref)
		receipt.RequestID = e.RequestID
		d = failed(e)
		if errors.Is(e, ErrAlready) {
			d = decision{outcome: Unchanged, reason: "the API says that this is so already"}
		} else if errors.Is(e, ErrBusy) {
			d = decision{outcome: InProgress, busy: true, reason: "the API says that the instance is busy: " + e.Message}
		}
	}
	return &before, receipt, d
}

// leftToAlibaba defers a change, or goes on deferring it, if Alibaba's own renewal
// comes before the expiry: an Update on top of it would restart the instance
// twice, and that no window opens in time does not matter then.
func (h *Handler) leftToAlibaba(ctx context.Context, ref Ref, r Request, o Observation, d decision) decision {
	if d.outcome != act && d.outcome != Deferred {
		return d
	}
	var at time.Time
	err := guarded(func() (err error) { at, err = h.api.Renewal(ctx, ref); return })
	switch {
	case errors.Is(err, Forbidden):
		// To renew twice is better than not at all.
		h.Log.WarnContext(ctx, "Alibaba's own renewals can not be seen: allow kvstore:DescribeActiveOperationTasks", "instance", ref.InstanceID, "region", ref.RegionID, "error", err)
	case err != nil && d.outcome == act:
		return decision{outcome: Failed, err: AsError(err)}
	case err == nil && RenewedBy(at, o, h.Now()):
		_, why := r.due(o, h.Policy, h.Now())
		return decision{outcome: Deferred, until: at, reason: fmt.Sprintf("%s, but Alibaba itself renews it %s", why, At(at))}
	}
	return d
}

// RenewedBy reports whether a renewal that Alibaba has scheduled, at is zero if
// none, spares one's own: it comes before the expiry. One that is overdue by a
// day, or has not come by the expiry, is not counted on.
func RenewedBy(at time.Time, o Observation, now time.Time) bool {
	return !at.IsZero() && at.Before(o.Expires) && now.Before(o.Expires) && now.Sub(at) < MissedBefore
}

// pause is how long a writer waits between its tag and its look.
func (h *Handler) pause(r Request) time.Duration {
	if r.Hurried {
		return min(h.LeasePause, shortestPause)
	}
	return h.LeasePause
}

// minLeft is the least time that must be left for a write to begin.
func (h *Handler) minLeft(r Request) time.Duration {
	if r.Hurried {
		return min(h.MinLeft, hurriedMinLeft)
	}
	return h.MinLeft
}

// timeFor reports whether a write may begin after a pause: with less of the
// invocation left its answer might be lost.
func (h *Handler) timeFor(ctx context.Context, r Request, pause time.Duration) bool {
	deadline, ok := ctx.Deadline()
	return ctx.Err() == nil && (!ok || time.Until(deadline) >= pause+h.minLeft(r))
}

func (h *Handler) tooLate(r Request, d decision) decision {
	fix := fmt.Sprintf("try again, with a timeout well above %s", h.pause(r)+h.minLeft(r))
	if r.Hurried {
		fix = "try again"
	}
	e := Errorf(Unavailable, "%s, but too little time is left to begin a change safely: nothing was changed; %s", d.reason, fix)
	e.Err = ErrNoTime
	return decision{outcome: Failed, err: e}
}

// look reads the two halves of an observation at once.
func (h *Handler) look(ctx context.Context, ref Ref) (o Observation, err error) {
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error {
		return guarded(func() (err error) { o.Instance, err = h.api.Instance(ctx, ref); return })
	})
	group.Go(func() error {
		return guarded(func() (err error) { o.SSL, err = h.api.SSL(ctx, ref); return })
	})
	err = group.Wait()
	return o, err
}

// Plan reads an instance once and says what a request would do to it, as a
// DryRun would, together with the request pinned to the certificate that was
// seen: to carry that out is to do what the plan says, or nothing.
func (h *Handler) Plan(ctx context.Context, r Request) (Result, Request) {
	ref := h.ref(r)
	result := Result{InstanceID: clip(ref.InstanceID), RegionID: clip(ref.RegionID), SSLEnabled: r.SSLEnabled}
	o, err := h.Observe(ctx, ref)
	if err != nil {
		return result.end(decision{outcome: Failed, err: AsError(err)}), r
	}
	result.Before, result.CertDownloadURL = o.State(), o.CertDownloadURL
	if r.SSLExpiredTime.IsZero() {
		r.SSLExpiredTime = At(o.Expires)
	}
	r.Force = r.Force && !r.SSLExpiredTime.IsZero() // there is no certificate to force; the answer says so
	if err := r.Validate(); err != nil {
		return result.end(decision{outcome: Failed, err: AsError(err)}), r
	}
	d := h.Policy.permit(r)
	if d.outcome == act {
		d = decide(r, o, h.Policy, h.standing(ref, o, h.Now()), h.Now())
	}
	if d.outcome == act {
		d = planned(r, d)
	}
	return result.end(d), r
}

func planned(r Request, d decision) decision {
	return decision{outcome: Planned, reason: fmt.Sprintf("%s: %s would restart the instance", d.reason, r.SSLEnabled)}
}

// Renewal says when Alibaba itself will renew a certificate; zero if never.
func (h *Handler) Renewal(ctx context.Context, ref Ref) (time.Time, error) {
	return h.api.Renewal(ctx, ref)
}

// List reads a page of a region's instances.
func (h *Handler) List(ctx context.Context, region string, tags map[string]string, page int) ([]Listed, int, error) {
	return h.api.List(ctx, region, tags, page)
}

// SSL reads the encryption of an instance that a listing named.
func (h *Handler) SSL(ctx context.Context, ref Ref) (ssl SSL, err error) {
	if err := guarded(func() (err error) { ssl, err = h.api.SSL(ctx, ref); return }); err != nil {
		return SSL{}, AsError(err)
	}
	return ssl, nil
}

// Observe reads an instance and changes nothing.
func (h *Handler) Observe(ctx context.Context, ref Ref) (Observation, error) {
	if ref.RegionID == "" {
		ref.RegionID = h.Region
	}
	if err := (Request{InstanceID: ref.InstanceID, RegionID: ref.RegionID, SSLEnabled: Update}).Validate(); err != nil {
		return Observation{}, err
	}
	o, err := h.look(ctx, ref)
	if err != nil {
		return Observation{}, AsError(err)
	}
	return o, nil
}

// verify watches a change that was accepted, or may have been, until it has
// come true, Wait is over or the invocation is. An Unknown one is looked at
// once at least.
func (h *Handler) verify(ctx context.Context, ref Ref, r Request, before Observation, d decision) (decision, *Observation) {
	wait := h.Wait
	if r.Wait != nil {
		wait = time.Duration(*r.Wait)
	}
	if wait <= 0 && d.outcome == Accepted {
		return d, nil
	}
	why := d.reason
	ctx, cancel := context.WithTimeout(ctx, max(wait, 0)+lookTime)
	defer cancel()
	last := "not read"
	for pause, waited := firstPoll, time.Duration(0); ; {
		if o, err := h.look(ctx, ref); err != nil {
			last = AsError(err).Message
		} else {
			switch progress(r.SSLEnabled, before, o) {
			case done:
				return decision{outcome: Verified, reason: why + "; done: " + described(o)}, &o
			case begun:
				// Whatever was lost, the change is under way.
				d = decision{outcome: Accepted, reason: why}
			}
			last = o.Status + ", " + described(o)
		}
		if waited >= wait {
			break
		}
		pause = min(pause, wait-waited)
		if h.Sleep(ctx, pause) != nil {
			break
		}
		waited += pause
		pause = min(pause*3/2, longestPoll)
	}
	switch {
	case d.outcome == Unknown:
		d.reason = why + "; the API's answer was lost, and the instance does not show yet whether it changed: look again later"
	case wait > 0:
		d.reason = fmt.Sprintf("%s; accepted, but not verified within %s: last seen %s", why, wait, last)
	default:
		d.reason = why + "; the API's answer was lost, but the instance shows that the change has begun"
	}
	return d, nil
}

const (
	firstPoll   = 500 * time.Millisecond
	longestPoll = 15 * time.Second
	lookTime    = 10 * time.Second // for the look at the end of the wait
)

type stage int

const (
	untouched stage = iota
	begun
	done
)

// progress says how far a change has come.
func progress(a Action, before, now Observation) stage {
	var reached bool
	switch a {
	case Enable:
		reached = now.Enabled && !now.Expires.IsZero()
	case Disable:
		reached = !now.Enabled
	default:
		reached = now.Enabled && now.Expires.After(before.Expires)
	}
	switch {
	case reached && now.Status == statusNormal:
		return done
	case reached, now.Status == statusSSLModifying:
		return begun
	}
	return untouched
}

func described(o Observation) string {
	if !o.Enabled {
		return "encryption is off"
	}
	return "certificate expires " + At(o.Expires).String()
}

// locks lets one request at a time work on an instance.
type locks struct {
	mu   sync.Mutex
	held map[Ref]*lock
}

type lock struct {
	free  chan struct{} // holds one token while nobody works on the instance
	users int
}

// lock waits for its turn, or for the end of ctx.
func (l *locks) lock(ctx context.Context, ref Ref) (unlock func(), err error) {
	l.mu.Lock()
	if l.held == nil {
		l.held = map[Ref]*lock{}
	}
	k := l.held[ref]
	if k == nil {
		k = &lock{free: make(chan struct{}, 1)}
		k.free <- struct{}{}
		l.held[ref] = k
	}
	k.users++
	l.mu.Unlock()

	leave := func() {
		l.mu.Lock()
		defer l.mu.Unlock()
		if k.users--; k.users == 0 {
			delete(l.held, ref)
		}
	}
	select {
	case <-k.free:
		return func() { k.free <- struct{}{}; leave() }, nil
	case <-ctx.Done():
		leave()
		return nil, context.Cause(ctx)
	}
}
