package tair

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"tairssl/handler"
)

// Quota is the number of calls of an action that an account may make in a region in any
// period of length Per.
type Quota struct {
	Calls int
	Per   time.Duration
}

// PublishedQuotas returns the quotas that Alibaba publishes for R-kvstore 2015-01-01, by
// action. Each quota holds separately in every region. Alibaba publishes no quota for
// UntagResources, so the quota of TagResources is assumed. It also publishes no quota for
// the SSL operations. [Options].Rate limits these.
func PublishedQuotas() map[string]Quota {
	return map[string]Quota{
		"TagResources":                 {200, time.Minute},
		"UntagResources":               {200, time.Minute},
		"DescribeActiveOperationTasks": {200, time.Minute},
		"ModifyActiveOperationTasks":   {200, time.Minute},
		"CancelActiveOperationTasks":   {200, time.Minute},
		"DescribeInstanceAttribute":    {1000, time.Second},
		"ListTagResources":             {100, time.Second},
	}
}

// quotas holds back the calls of a client so that they keep to the quotas.
type quotas struct {
	of map[string]Quota // by action

	mu      sync.Mutex
	windows map[string]*window // by action and region
}

// wait waits until a request may be sent. Afterwards the caller must report by ended
// whether the request was sent. wait fails at once if the context ends before the
// request's turn.
func (q *quotas) wait(ctx context.Context, action, region string) (ended func(sent bool), err error) {
	limit, limited := q.of[action]
	if !limited || limit.Calls <= 0 {
		return func(bool) {}, nil
	}
	w := q.window(action+" "+region, limit)
	waited, err := w.take(ctx)
	countWait(ctx, action, waited)
	if err != nil {
		return nil, noTime(ctx, err, "%s: Alibaba allows %d calls in %s in %s, so this call would have to wait longer than this invocation lasts: give the function more time, or ask for less at once", action, limit.Calls, limit.Per, region)
	}
	return w.give, nil
}

func (q *quotas) window(name string, limit Quota) *window {
	q.mu.Lock()
	defer q.mu.Unlock()
	w := q.windows[name]
	if w == nil {
		w = &window{Quota: limit, unused: limit.Calls}
		q.windows[name] = w
	}
	return w
}

// noTime is the failure of a call that was not started.
func noTime(ctx context.Context, err error, format string, args ...any) *handler.Error {
	e := handler.Errorf(handler.Throttled, format, args...)
	if ctx.Err() != nil {
		e = handler.Errorf(handler.Unavailable, "the time for this invocation ran out, or it was cancelled, before the call was made")
	}
	e.Err = fmt.Errorf("%w: %w", handler.ErrNoTime, err)
	return e
}

// window lets calls through in the order of their arrival and keeps to a quota. It has one
// slot for each call of the quota. A call takes a slot and gives it back when the call has
// ended. The next call may take the slot one whole period later. The API counts a call at
// some moment between its start and its end. So the API never counts more calls than the
// quota in any period, however long the calls take.
type window struct {
	Quota

	mu     sync.Mutex
	unused int         // free slots
	rest   []time.Time // the times at which the returned slots become free, in order
	queue  []*waiter
	armed  bool // a timer is set for the first call in the queue
}

type waiter struct{ admitted chan struct{} }

// take waits for a slot.
func (w *window) take(ctx context.Context) (waited time.Duration, err error) {
	began := time.Now()
	w.mu.Lock()
	if w.free(began) && len(w.queue) == 0 {
		w.pop()
		w.mu.Unlock()
		return 0, nil
	}
	// turn is the earliest time at which this call can get a slot. A slot that another
	// call holds becomes free in one whole period at the earliest.
	turn := began.Add(w.Per)
	if n := len(w.queue); n < len(w.rest) {
		turn = w.rest[n]
	}
	if deadline, ok := ctx.Deadline(); ok && turn.After(deadline) {
		w.mu.Unlock()
		return 0, context.DeadlineExceeded
	}
	me := &waiter{make(chan struct{})}
	w.queue = append(w.queue, me)
	w.arm(began)
	w.mu.Unlock()

	select {
	case <-me.admitted:
		return time.Since(began), nil
	case <-ctx.Done():
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	if n := slices.Index(w.queue, me); n >= 0 {
		w.queue = slices.Delete(w.queue, n, n+1)
	} else { // the call got a slot at the same moment, but is not made
		w.putBack()
	}
	return time.Since(began), ctx.Err()
}

// give returns the slot of a call. The API has not counted a call that was not sent.
func (w *window) give(sent bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if !sent {
		w.putBack()
		return
	}
	now := time.Now()
	w.rest = append(w.rest, now.Add(w.Per))
	w.arm(now)
}

// putBack returns a slot that no call used. The caller holds w.mu.
func (w *window) putBack() {
	w.unused++
	w.admit()
}

// admit gives the free slots to the first calls in the queue. The caller holds w.mu.
func (w *window) admit() {
	now := time.Now()
	for len(w.queue) > 0 && w.free(now) {
		w.pop()
		close(w.queue[0].admitted)
		w.queue = w.queue[1:]
	}
	w.arm(now)
}

// arm sets a timer for the first call in the queue, unless a timer is set. The caller
// holds w.mu.
func (w *window) arm(now time.Time) {
	if w.armed || len(w.queue) == 0 || len(w.rest) == 0 {
		return
	}
	w.armed = true
	time.AfterFunc(w.rest[0].Sub(now), func() {
		w.mu.Lock()
		defer w.mu.Unlock()
		w.armed = false
		w.admit()
	})
}

// free reports whether there is a free slot. The caller holds w.mu.
func (w *window) free(now time.Time) bool {
	return w.unused > 0 || len(w.rest) > 0 && !w.rest[0].After(now)
}

// pop takes a free slot. The caller holds w.mu.
func (w *window) pop() {
	if w.unused > 0 {
		w.unused--
		return
	}
	w.rest = w.rest[1:]
}
