package cli

import (
	"context"
	"sync"
	"time"

	"tairssl/adapters/chatops"
	"tairssl/handler"
)

// background is work that goes on after its caller was answered.
type background struct {
	ctx     context.Context
	cut     context.CancelFunc // ends all of it
	mu      sync.Mutex
	ending  bool
	running sync.WaitGroup
}

func newBackground() *background {
	b := &background{}
	b.ctx, b.cut = context.WithCancel(context.Background())
	return b
}

// start does some work beside the rest, for as long as handed work is worth
// doing. It fails once the server ends.
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

// end lets what is under way go on for so long, cuts the rest short, and waits
// until people were told of it.
func (b *background) end(patience time.Duration) {
	b.mu.Lock()
	b.ending = true
	b.mu.Unlock()
	timer := time.AfterFunc(patience, b.cut)
	defer timer.Stop()
	b.running.Wait()
	b.cut()
}
