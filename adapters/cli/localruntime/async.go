package localruntime

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// Delivery is what became of an asynchronous event.
type Delivery struct {
	Answer   Answer // of the last attempt
	Attempts int
	Err      error // why there is no answer: the process ended, or the event was too old
}

// Failure says in a few words why the event was not dealt with; empty if it was.
func (d Delivery) Failure() string {
	switch {
	case d.Err != nil:
		return d.Err.Error()
	case d.Answer.Failed:
		return d.Answer.ErrorType + ": " + d.Answer.ErrorMessage
	}
	return ""
}

// event is an asynchronous invocation that was accepted.
type event struct {
	id       string
	payload  []byte
	accepted time.Time
}

// events are those that wait, the one in delivery first, and what became of
// those before them.
type events struct {
	waiting      []event
	waitingBytes int
	settled      []Delivery
	settledBytes int
}

// The most that is kept: beyond it new events are refused, and the oldest
// deliveries forgotten.
const (
	mostEvents  = 1000
	mostWaiting = 64 << 20
	mostSettled = 8 << 20
)

// accept queues an event, twice if duplicates are wanted; false if there are
// too many.
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

// Async waits until no asynchronous event is left, and returns what became of
// those that were settled since it was last called, the oldest first. Its error
// says that some were not settled when ctx ended or the process was closed.
// Of many deliveries only the last are kept: 1000, or 8 MiB of answers.
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

// deliver invokes the function for each event, one after the other, whenever no
// other invocation is in progress, until ctx ends.
func (p *Process) deliver(ctx context.Context) {
	for {
		e, err := p.nextEvent(ctx)
		if err != nil {
			return
		}
		d := p.attempts(ctx, e)
		if ctx.Err() != nil {
			return // cut off, which says nothing about the event
		}
		p.settle(d)
	}
}

// nextEvent waits for the oldest event. It stays in the queue until it is
// settled.
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

// settle notes what became of the oldest event.
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

// attempts invokes the function for an event, again after errors. Every attempt
// has the same request id, as in the clouds.
func (p *Process) attempts(ctx context.Context, e event) Delivery {
	d := Delivery{Answer: Answer{RequestID: e.id}}
	pause := p.options.RetryAfter
	for {
		if err := p.idle(ctx); err != nil {
			return Delivery{Err: err}
		}
		if age := time.Since(e.accepted); age > p.options.MaxEventAge {
			if d.Attempts == 0 {
				d.Err = errors.New("it was too old to be delivered")
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

// idle waits until no invocation is in progress: what an invocation hands over
// begins after it.
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
