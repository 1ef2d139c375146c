package tair

import (
	"context"
	"errors"
	"math/rand/v2"
	"sync"
	"time"

	"tairssl/handler"
)

// Usage counts the calls that are made in a context of [Counting]: every
// attempt is one. The zero value is ready; it is safe for concurrent use.
type Usage struct {
	mu     sync.Mutex
	counts Counts
}

// Counts are what a [Usage] has counted.
type Counts struct {
	Calls     int
	Throttled int           // refused because the API's rate is used up, also where a later attempt did
	Spent     time.Duration // of all calls together, which may be made at once
	// Latencies are those of the calls, at most [MaxLatencies]: of more a sample
	// in which each call is with the same probability.
	Latencies []time.Duration
}

// MaxLatencies is how many values one metric of CloudWatch's embedded metric
// format holds.
const MaxLatencies = 100

// Counts gives what was counted up to now.
func (u *Usage) Counts() Counts {
	u.mu.Lock()
	defer u.mu.Unlock()
	c := u.counts
	c.Latencies = append([]time.Duration(nil), c.Latencies...)
	return c
}

type usageKey struct{}

// Counting returns a context whose calls are counted in u.
func Counting(ctx context.Context, u *Usage) context.Context {
	return context.WithValue(ctx, usageKey{}, u)
}

// count notes a call that has ended.
func count(ctx context.Context, took time.Duration, err error) {
	u, _ := ctx.Value(usageKey{}).(*Usage)
	if u == nil {
		return
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	c := &u.counts
	c.Calls++
	c.Spent += took
	if errors.Is(err, handler.Throttled) {
		c.Throttled++
	}
	if len(c.Latencies) < MaxLatencies {
		c.Latencies = append(c.Latencies, took)
	} else if n := rand.IntN(c.Calls); n < MaxLatencies {
		c.Latencies[n] = took
	}
}
