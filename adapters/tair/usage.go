package tair

import (
	"context"
	"errors"
	"maps"
	"math/rand/v2"
	"slices"
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
	// Waited is how long calls waited for their turn within a quota of Alibaba's,
	// all together; QuotaWaits is how many of each action did. A slow sweep that
	// waited much is slow by the quota and not by its fleet.
	Waited     time.Duration
	QuotaWaits map[string]int
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
	c.Latencies = slices.Clone(c.Latencies)
	c.QuotaWaits = maps.Clone(c.QuotaWaits)
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

// countWait notes that a call of an action waited for its turn.
func countWait(ctx context.Context, action string, waited time.Duration) {
	u, _ := ctx.Value(usageKey{}).(*Usage)
	if u == nil || waited <= 0 {
		return
	}
	u.mu.Lock()
	defer u.mu.Unlock()
	c := &u.counts
	c.Waited += waited
	if c.QuotaWaits == nil {
		c.QuotaWaits = map[string]int{}
	}
	c.QuotaWaits[action]++
}
