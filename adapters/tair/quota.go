package tair

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"tairssl/handler"
)

// Quota is how many calls of an action an account may make in a region in any
// period of a length.
type Quota struct {
	Calls int
	Per   time.Duration
}

// PublishedQuotas are those that Alibaba publishes, by action; each holds in
// every region of its own. Source: the quotas of R-kvstore 2015-01-01, for each
// region, API and account. For UntagResources none is published; it is taken to
// be that of TagResources. Of the SSL operations none is known either:
// [Options].Rate bounds them.
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

// quotas keeps the calls of a client within the quotas.
type quotas struct {
	of map[string]Quota // by action

	mu      sync.Mutex
	windows map[string]*window // by action and region, which are few
}

// wait waits until a call may be made, and gives what must be told when the call
// has ended: whether it was sent. It fails at once if the context would end
// before.
func (q *quotas) wait(ctx context.Context, action, region string) (ended func(sent bool), err error) {
	limit, limited := q.of[action]
	if !limited || limit.Calls <= 0 {
		return func(bool) {}, nil
	}
	w := q.window(action+" "+region, limit)
	waited, err := w.take(ctx)
	countWait(ctx, action, waited)
	if err != nil {
		return nil, noTime(ctx, err, "%s: Alibaba allows %d calls in %s in %s, and its turn comes after the end of this invocation: give the function more time, or ask for less at once", action, limit.Calls, limit.Per, region)
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

// noTime is the failure of a call that was not begun.
func noTime(ctx context.Context, err error, format string, args ...any) *handler.Error {
	e := handler.Errorf(handler.Throttled, format, args...)
	if ctx.Err() != nil {
		e = handler.Errorf(handler.Unavailable, "the time for this invocation ran out, or it was cancelled, before the call was made")
	}
	e.Err = fmt.Errorf("%w: %w", handler.ErrNoTime, err)
	return e
}

// window admits calls to a quota, in the order in which they ask. There are as
// many slots as the quota has calls. A call takes one and gives it back when it
// has ended, and no other call has it before another whole period: the API
// counts a call at some moment between its begin and its end, so it never counts
// more than the quota in any period, however long the calls take.
type window struct {
	Quota

	mu     sync.Mutex
	unused int         // slots that are free
	rest   []time.Time // when each slot that a call gave back is free, in order
	queue  []*waiter
	armed  bool // a timer will let in whoever waits first
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
	// The earliest moment at which this call can have its turn: a slot that a call
	// has now is free after another whole period at least.
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
	} else { // it was admitted in the same moment, and makes no call
		w.putBack()
	}
	return time.Since(began), ctx.Err()
}

// give gives a slot back after a call. The API has not counted what was not sent.
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

// putBack gives a slot back of which no use was made; w.mu is held.
func (w *window) putBack() {
	w.unused++
	w.admit()
}

// admit lets in all that may be; w.mu is held.
func (w *window) admit() {
	now := time.Now()
	for len(w.queue) > 0 && w.free(now) {
		w.pop()
		close(w.queue[0].admitted)
		w.queue = w.queue[1:]
	}
	w.arm(now)
}

// arm sets the timer for whoever waits first, if it is not set; w.mu is held.
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

// free reports whether a slot may be taken; w.mu is held.
func (w *window) free(now time.Time) bool {
	return w.unused > 0 || len(w.rest) > 0 && !w.rest[0].After(now)
}

// pop takes the slot that is free; w.mu is held.
func (w *window) pop() {
	if w.unused > 0 {
		w.unused--
		return
	}
	w.rest = w.rest[1:]
}
