package rehearsal

import (
	"context"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"tairssl/handler"
)

// reach starts to watch connections, if the instance is reachable.
func (r *run) reach(ctx context.Context, watchers *sync.WaitGroup) {
	if r.Prober == nil {
		r.unreached = "measuring connections was turned off"
		return
	}
	first, cancel := context.WithTimeout(ctx, pingTimeout)
	defer cancel()
	began := time.Now()
	c, err := r.Prober.Ping(first)
	if err != nil {
		r.unreached = handler.AsError(err).Message
		r.Prober = nil
		r.log.mark("connections are not measured: %s", r.unreached)
		return
	}
	r.log.pinged(Ping{Began: began, Took: time.Since(began), Certificate: c})
	watchers.Go(func() { r.connect(ctx) })
	watchers.Go(func() { r.hold(ctx) })
}

// connect opens a new connection at each interval, even while earlier ones are still
// waiting for an answer.
func (r *run) connect(ctx context.Context) {
	var pings sync.WaitGroup
	defer pings.Wait()
	everyTurn(ctx, r.PingEvery, func() {
		pings.Go(func() {
			limited, cancel := context.WithTimeout(ctx, pingTimeout)
			defer cancel()
			began := time.Now()
			c, err := r.Prober.Ping(limited)
			if ctx.Err() == nil {
				r.log.pinged(Ping{Began: began, Took: time.Since(began), Certificate: c, Err: err})
			}
		})
	})
}

// hold keeps one connection open. When it is cut, hold opens another one.
func (r *run) hold(ctx context.Context) {
	everyTurn(ctx, r.PingEvery, func() {
		if held, err := r.Prober.Hold(ctx, r.PingEvery); held && ctx.Err() == nil {
			r.log.cut(err)
		}
	})
}

// watch reads the instance at each interval.
func (r *run) watch(ctx context.Context) {
	everyTurn(ctx, r.Poll, func() {
		var i handler.Instance
		var ssl handler.SSL
		var group errgroup.Group
		group.Go(func() (err error) { i, err = r.api.Instance(ctx, r.Ref); return })
		group.Go(func() (err error) { ssl, err = r.api.SSL(ctx, r.Ref); return })
		if group.Wait() == nil && ctx.Err() == nil {
			r.log.saw(Sighting{At: time.Now(), Status: i.Status, Expires: ssl.Expires})
		}
	})
}

// everyTurn calls do at each interval until ctx ends. A call that takes longer skips
// intervals.
func everyTurn(ctx context.Context, every time.Duration, do func()) {
	turn := time.NewTicker(every)
	defer turn.Stop()
	for ctx.Err() == nil {
		do()
		select {
		case <-ctx.Done():
		case <-turn.C:
		}
	}
}
