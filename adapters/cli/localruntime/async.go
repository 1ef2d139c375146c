package localruntime

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// Delivery is the result of an asynchronous event.
type Delivery struct {
	Answer   Answer // of the last attempt
	Attempts int
	Err      error // set if there is no answer: the process ended, or the event was too old
}

// Failure describes in a few words why the event failed. It is empty if the event
// succeeded.
func (d Delivery) Failure() string {
	switch {
	case d.Err != nil:
		return d.Err.Error()
	case d.Answer.Failed:
		return d.Answer.ErrorType + ": " + d.Answer.ErrorMessage
	}
	return ""
}

// event is an accepted asynchronous invocation.
type event struct {
	id       string
	payload  []byte
	accepted time.Time
}

// events holds the events that wait and the results of finished events.
type events struct {
	waiting      []event // the first is being delivered
	waitingBytes int
	settled      []Delivery
	settledBytes int
}

// The limits of events. A new event is refused if more than mostEvents events or
// mostWaiting bytes would wait. The oldest results are dropped if more than mostEvents
// results or mostSettled bytes would be kept.
const (
	mostEvents  = 1000
	mostWaiting = 64 << 20
	mostSettled = 8 << 20
)

// accept queues an event. With Options.DuplicateEvents it queues the event twice. It
// returns false if too many events wait.
func (p *Process) accept(e event) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	times := 1
	if p.options.DuplicateEvents {
		times = 2
	}
	if p.closed || len(p.events.waiting)+times > mostEvents || p.events.waitingBytes+times*len(e.payload) > mostWaiting {
		return false
	}
	for range times {
		p.events.waiting = append(p.events.waiting, e)
		p.events.waitingBytes += len(e.payload)
	}
	p.changedLocked()
	return true
}

// Async waits until no asynchronous event is left. It returns the results since its
// last call, the oldest first; only the last 1000 results and 8 MiB of answers are
// kept. It returns an error if events were left when ctx ended or the process was
// closed.
func (p *Process) Async(ctx context.Context) ([]Delivery, error) {
	take := func(left int, why error) ([]Delivery, error) {
		settled := p.events.settled
		p.events.settled, p.events.settledBytes = nil, 0
		if left > 0 {
			return settled, fmt.Errorf("%d asynchronous invocations have not ended: %w", left, why)
		}
		return settled, nil
	}
	for {
		p.mu.Lock()
		left, changed := len(p.events.waiting), p.changed
		if left == 0 || p.closed {
			defer p.mu.Unlock()
			return take(left, errClosed)
		}
		p.mu.Unlock()
		select {
		case <-changed:
		case <-ctx.Done():
			p.mu.Lock()
			defer p.mu.Unlock()
			return take(len(p.events.waiting), context.Cause(ctx))
		}
	}
}

// deliver invokes the function for one event after the other, until ctx ends. It waits
// until no other invocation is in progress.
func (p *Process) deliver(ctx context.Context) {
	for {
		e, err := p.nextEvent(ctx)
		if err != nil {
			return
		}
		d := p.attempts(ctx, e)
		if ctx.Err() != nil {
			return // the attempt was interrupted, so it has no result
		}
		p.settle(d)
	}
}

// nextEvent waits for the oldest event. The event stays in the queue until settle
// removes it.
func (p *Process) nextEvent(ctx context.Context) (event, error) {
	for {
		p.mu.Lock()
		changed := p.changed
		if len(p.events.waiting) > 0 {
			defer p.mu.Unlock()
			return p.events.waiting[0], nil
		}
		p.mu.Unlock()
		select {
		case <-changed:
		case <-ctx.Done():
			return event{}, ctx.Err()
		}
	}
}

// settle records the result of the oldest event and removes the event from the queue.
func (p *Process) settle(d Delivery) {
	p.mu.Lock()
	defer p.mu.Unlock()
	q := &p.events
	q.waitingBytes -= len(q.waiting[0].payload)
	q.waiting = q.waiting[1:]
	q.settled = append(q.settled, d)
	q.settledBytes += len(d.Answer.Payload)
	for len(q.settled) > 1 && (len(q.settled) > mostEvents || q.settledBytes > mostSettled) {
		q.settledBytes -= len(q.settled[0].Answer.Payload)
		q.settled = q.settled[1:]
	}
	p.changedLocked()
}

// attempts invokes the function for an event and repeats it after errors. All attempts
// have the same request id, as in the clouds.
func (p *Process) attempts(ctx context.Context, e event) Delivery {
	d := Delivery{Answer: Answer{RequestID: e.id}}
	pause := p.options.RetryAfter
	for {
		if err := p.idle(ctx); err != nil {
			return Delivery{Err: err}
		}
		if age := time.Since(e.accepted); age > p.options.MaxEventAge {
			if d.Attempts == 0 {
				d.Err = errors.New("the event was too old to be delivered")
			}
			return d
		}
		d.Answer, d.Err = p.inTurn(ctx, &invocation{id: e.id, payload: e.payload, retry: d.Attempts, answer: make(chan Answer, 1)})
		d.Answer.RequestID = e.id
		d.Attempts++
		if d.Failure() == "" || d.Attempts > p.options.Retries {
			return d
		}
		select {
		case <-time.After(pause):
			pause *= 2
		case <-ctx.Done():
			return d
		}
	}
}

// idle waits until no invocation is in progress, because the work that an invocation
// hands over starts after that invocation.
func (p *Process) idle(ctx context.Context) error {
	for {
		p.mu.Lock()
		running, changed := p.running, p.changed
		p.mu.Unlock()
		if running == 0 {
			return nil
		}
		select {
		case <-changed:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}
