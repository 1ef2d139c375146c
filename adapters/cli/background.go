package cli

import (
	"context"
	"sync"
	"time"

	"tairssl/adapters/chatops"
	"tairssl/handler"
)

// background is work that goes on after the answer to its caller.
type background struct {
	ctx     context.Context
	cut     context.CancelFunc // cancels all work
	mu      sync.Mutex
	ending  bool
	running sync.WaitGroup
}

func newBackground() *background {
	b := &background{}
	b.ctx, b.cut = context.WithCancel(context.Background())
	return b
}

// start runs do on a goroutine, for at most [chatops.HandedLife]. It fails while the
// server is ending.
func (b *background) start(do func(context.Context)) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.ending {
		return handler.Errorf(handler.Unavailable, "this server is about to end")
	}
	b.running.Go(func() {
		ctx, cancel := context.WithTimeout(b.ctx, chatops.HandedLife)
		defer cancel()
		do(ctx)
	})
	return nil
}

// end waits for running work for at most the time patience. Then it cancels the remaining
// work. It returns after all work has ended, so people have been told the results.
func (b *background) end(patience time.Duration) {
	b.mu.Lock()
	b.ending = true
	b.mu.Unlock()
	timer := time.AfterFunc(patience, b.cut)
	defer timer.Stop()
	b.running.Wait()
	b.cut()
}
