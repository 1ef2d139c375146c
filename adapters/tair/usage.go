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

// Usage counts the calls that are made with a context of [Counting]. Every try counts as a
// call. The zero value is ready. A Usage may be used concurrently.
type Usage struct {
	mu     sync.Mutex
	counts Counts
}

// Counts are the numbers that a [Usage] has counted.
type Counts struct {
	Calls     int
	Throttled int           // calls that the API refused because the rate is used up, even if a later try succeeded
	Spent     time.Duration // the sum over all calls; concurrent calls count separately
	// Waited is the time that calls waited for a quota of Alibaba's, as a sum over all
	// calls. QuotaWaits is the number of waiting calls of each action. They show whether a
	// sweep was slow because of a quota or because of a large fleet.
	Waited     time.Duration
	QuotaWaits map[string]int
	// Latencies are the durations of single calls, at most [MaxLatencies]. If there are
	// more calls, Latencies is a sample in which each call has the same probability.
	Latencies []time.Duration
}

// MaxLatencies is the largest number of values of one metric in CloudWatch's embedded
// metric format.
const MaxLatencies = 100

// Counts returns the numbers so far.
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

// count records a call that has ended.
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

// countWait records that a call of an action waited for a quota.
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
