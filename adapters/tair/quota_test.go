package tair

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"tairssl/handler"
	"tairssl/handler/handlertest"
)

// The API never counts more calls than the quota in any period, however long the calls
// take, and whenever within a call the API counts it.
func TestQuotaHoldsInEveryPeriod(t *testing.T) {
	chance := handlertest.Chance(t)
	synctest.Test(t, func(t *testing.T) {
		const calls, most, per, longest = 500, 20, 10 * time.Second, 4 * time.Second
		w := &window{Quota: Quota{most, per}, unused: most}
		var mu sync.Mutex
		var counted []time.Time
		began := time.Now()
		work := make(chan struct{})
		var group sync.WaitGroup
		for range 3 * most {
			group.Go(func() {
				for range work {
					if _, err := w.take(context.Background()); err != nil {
						t.Error(err)
					}
					before, after := time.Duration(chance.Int64N(int64(longest/2))), time.Duration(chance.Int64N(int64(longest/2)))
					time.Sleep(before)
					mu.Lock()
					counted = append(counted, time.Now())
					mu.Unlock()
					time.Sleep(after)
					w.give(true)
				}
			})
		}
		for range calls {
			work <- struct{}{}
		}
		close(work)
		group.Wait()
		slices.SortFunc(counted, time.Time.Compare)
		for n := most; n < len(counted); n++ {
			if apart := counted[n].Sub(counted[n-most]); apart < per {
				t.Fatalf("%d calls were counted within %s", most+1, apart)
			}
		}
		if took, bound := time.Since(began), calls/most*(per+longest); len(counted) != calls || took > bound {
			t.Errorf("%d calls took %s, want at most %s", len(counted), took, bound)
		}
	})
}

func TestQuotaAdmitsInOrder(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := &window{Quota: Quota{3, time.Minute}, unused: 3}
		var mu sync.Mutex
		var order []string
		var group sync.WaitGroup
		for n := range 12 {
			group.Go(func() {
				if _, err := w.take(context.Background()); err != nil {
					t.Error(err)
				}
				mu.Lock()
				order = append(order, fmt.Sprint(n))
				mu.Unlock()
				time.Sleep(time.Second)
				w.give(true)
			})
			time.Sleep(time.Millisecond)
		}
		group.Wait()
		if got := strings.Join(order, " "); got != "0 1 2 3 4 5 6 7 8 9 10 11" {
			t.Errorf("the calls were admitted in the order %s", got)
		}
	})
}

// A caller that has gone does not hold up the others, and no slot is lost.
func TestQuotaLosesNoSlot(t *testing.T) {
	chance := handlertest.Chance(t)
	synctest.Test(t, func(t *testing.T) {
		w := &window{Quota: Quota{2, time.Minute}, unused: 2}
		for range 200 {
			ctx, cancel := context.WithCancel(context.Background())
			var group sync.WaitGroup
			for range 6 {
				group.Go(func() {
					if _, err := w.take(ctx); err == nil {
						time.Sleep(time.Duration(chance.Int64N(int64(2 * time.Second))))
						w.give(chance.IntN(2) == 0)
					}
				})
			}
			time.Sleep(time.Duration(chance.Int64N(int64(2 * time.Minute))))
			cancel()
			group.Wait()
		}
		time.Sleep(time.Minute)
		if got := w.unused + len(w.rest); got != 2 || len(w.queue) != 0 {
			t.Fatalf("in the end %d of 2 slots are left, and %d calls wait", got, len(w.queue))
		}
		for range 2 {
			if waited, err := w.take(context.Background()); err != nil || waited != 0 {
				t.Errorf("a free slot is taken after %s, %v", waited, err)
			}
		}
	})
}

// limited returns a client of a server in memory that counts the calls.
func limited(t *testing.T, latency time.Duration, quotas map[string]Quota) (*Client, *atomic.Int32) {
	var calls atomic.Int32
	m := newMemory(t, latency, nil, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		calls.Add(1)
		_, _ = fmt.Fprint(w, `{"RequestId":"1"}`)
	}))
	endpoint, err := ParseEndpoint("http://127.0.0.1")
	if err != nil {
		t.Fatal(err)
	}
	c := New(func(context.Context) (Credential, error) {
		return Credential{AccessKeyID: "LTAI5tSecretKeyId", AccessKeySecret: "VerySecretKey"}, nil
	}, Options{Endpoint: endpoint, Rate: -1, Quotas: quotas})
	c.transport.Proxy, c.transport.DialContext = nil, m.dial
	t.Cleanup(c.Close)
	return c, &calls
}

func TestCallsKeepToTheirQuota(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, calls := limited(t, 20*time.Millisecond, map[string]Quota{"TagResources": {3, time.Minute}})
		var u Usage
		ctx := Counting(context.Background(), &u)
		here, there := handler.Ref{RegionID: "cn-hangzhou", InstanceID: "r-bp1zxszhcgatnx01"}, handler.Ref{RegionID: "cn-beijing", InstanceID: "r-bp1zxszhcgatnx01"}
		began := time.Now()
		for _, step := range []struct {
			what string
			do   func() error
			at   time.Duration
		}{
			{"the first tag", func() error { return c.Tag(ctx, here, "a", "b") }, 0},
			{"the second", func() error { return c.Tag(ctx, here, "a", "b") }, 0},
			{"the third", func() error { return c.Tag(ctx, here, "a", "b") }, 0},
			{"one of another region", func() error { return c.Tag(ctx, there, "a", "b") }, 0},
			{"another call", func() error { return c.Untag(ctx, here, "a") }, 0},
			{"the fourth", func() error { return c.Tag(ctx, here, "a", "b") }, time.Minute},
		} {
			if err := step.do(); err != nil {
				t.Fatalf("%s: %v", step.what, err)
			}
			if at := time.Since(began).Truncate(time.Second); at != step.at {
				t.Errorf("%s ends after %s, want %s", step.what, at, step.at)
			}
		}
		got := u.Counts()
		if calls.Load() != 6 || got.Calls != 6 || got.Waited < 59*time.Second || got.Waited > time.Minute || len(got.QuotaWaits) != 1 || got.QuotaWaits["TagResources"] != 1 {
			t.Errorf("after %d calls the usage is %+v", calls.Load(), got)
		}
		got.QuotaWaits["TagResources"] = 7
		if u.Counts().QuotaWaits["TagResources"] != 1 {
			t.Error("the caller can change the counts")
		}
	})
}

// A call fails at once if its turn comes after its deadline.
func TestQuotaThatLeavesNoTime(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, calls := limited(t, 20*time.Millisecond, map[string]Quota{"TagResources": {2, time.Minute}})
		ref := handler.Ref{RegionID: "cn-hangzhou", InstanceID: "r-bp1zxszhcgatnx01"}
		for range 2 {
			if err := c.Tag(context.Background(), ref, "a", "b"); err != nil {
				t.Fatal(err)
			}
		}
		began := time.Now()
		ctx, cancel := context.WithTimeout(context.Background(), 50*time.Second)
		defer cancel()
		err := c.Tag(ctx, ref, "a", "b")
		if e := handler.AsError(err); !errors.Is(err, handler.ErrNoTime) || e.Kind != handler.Throttled || e.Uncertain || !strings.Contains(e.Message, "TagResources: Alibaba allows 2 calls in 1m0s in cn-hangzhou") {
			t.Errorf("a call without a turn ends with %v", err)
		}
		if time.Since(began) != 0 || calls.Load() != 2 {
			t.Errorf("it took %s, and %d calls were sent", time.Since(began), calls.Load())
		}
		longer, cancel := context.WithTimeout(context.Background(), 70*time.Second)
		defer cancel()
		if err := c.Tag(longer, ref, "a", "b"); err != nil || calls.Load() != 3 {
			t.Errorf("a call with a turn in time ends with %v", err)
		}
	})
}

// A call that was never sent uses up no quota.
func TestUnsentCallsUseUpNoQuota(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := newWorld(Options{Rate: -1, Quotas: map[string]Quota{"DescribeInstanceAttribute": {1, time.Hour}}})
		began := time.Now()
		for range 5 {
			_, err := w.Instance(context.Background(), handler.Ref{RegionID: "cn-hangzhou", InstanceID: "r-bp1zxszhcgatnx01"})
			if err == nil || errors.Is(err, handler.ErrNoTime) {
				t.Errorf("a call without a connection ends with %v", err)
			}
		}
		if took := time.Since(began); took > time.Minute {
			t.Errorf("the calls waited %s", took)
		}
	})
}

func TestPublishedQuotas(t *testing.T) {
	for action, want := range map[string]Quota{
		"TagResources": {200, time.Minute}, "UntagResources": {200, time.Minute}, "DescribeActiveOperationTasks": {200, time.Minute},
		"ModifyActiveOperationTasks": {200, time.Minute}, "CancelActiveOperationTasks": {200, time.Minute},
		"DescribeInstanceAttribute": {1000, time.Second}, "ListTagResources": {100, time.Second},
	} {
		if got := New(nil, Options{}).quotas.of[action]; got != want {
			t.Errorf("the quota of %s is %v, want %v", action, got, want)
		}
	}
	if got := New(nil, Options{Quotas: map[string]Quota{}}).quotas.of; len(got) != 0 {
		t.Errorf("without quotas there are %v", got)
	}
}
