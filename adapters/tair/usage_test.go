package tair_test

import (
	"context"
	"sync"
	"testing"
	"time"

	"tairssl/adapters/tair"
	"tairssl/adapters/tair/tairtest"
)

// Every try counts as a call. Calls with another context do not count.
func TestUsageCountsEveryAttempt(t *testing.T) {
	const latency = 5 * time.Millisecond
	e, endpoint := emulate(t, tairtest.Options{Latency: latency}, tairtest.Instance{InstanceID: ref.InstanceID})
	c := emulated(t, endpoint)
	if err := e.Fault(tairtest.Fault{Action: "DescribeInstanceSSL", Kind: "throttle", Times: 2}); err != nil {
		t.Fatal(err)
	}
	var u tair.Usage
	ctx := tair.Counting(context.Background(), &u)
	if _, err := c.SSL(ctx, ref); err != nil {
		t.Fatal(err)
	}
	if got := u.Counts(); got.Calls != 3 || got.Throttled != 2 || len(got.Latencies) != 3 {
		t.Errorf("after two throttled tries and a successful one the usage is %+v", got)
	}
	if _, err := c.SSL(context.Background(), ref); err != nil {
		t.Fatal(err)
	}
	var group sync.WaitGroup
	for range 200 {
		group.Go(func() {
			if _, err := c.Instance(ctx, ref); err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
	got := u.Counts()
	if got.Calls != 203 || got.Throttled != 2 || len(got.Latencies) != tair.MaxLatencies || got.Spent < 203*latency {
		t.Errorf("after 203 calls of %s the usage is %d calls, %d throttled, %s, %d latencies", latency, got.Calls, got.Throttled, got.Spent, len(got.Latencies))
	}
	for _, took := range got.Latencies {
		if took < latency {
			t.Errorf("a call of %s took %s", latency, took)
		}
	}
}
