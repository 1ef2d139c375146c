package storm_test

import (
	"context"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"tairssl/adapters/cli/localruntime"
	"tairssl/adapters/tair/tairtest"
	"tairssl/handler/fleet"
)

// The function renews a batch of the largest size at its default rate, with the API's
// published quotas in force.
func TestBatchOfAHundred(t *testing.T) {
	t.Parallel()
	instances := dueFleet(100)
	e := tairtest.Emulate(t, tairtest.Options{Latency: 60 * time.Millisecond}, instances...)
	f := start(t, localruntime.Lambda, "lambda", e, 2*time.Minute)
	began := time.Now()
	update(t, f, idsOf(instances)...)
	n := renewed(t, e)
	t.Logf("renewed %d of %d within %s", n, len(instances), time.Since(began).Round(time.Millisecond))
	if n < 97 {
		t.Errorf("%d of %d were renewed, want at least 97", n, len(instances))
	}
}

func TestSweepOfSixty(t *testing.T) {
	if !*long {
		t.Skip("run with -storm.long")
	}
	t.Parallel()
	instances := dueFleet(60)
	e := tairtest.Emulate(t, tairtest.Options{Latency: 60 * time.Millisecond}, instances...)
	f := start(t, localruntime.FC, "fc", e, 5*time.Minute, "TAIRSSL_WINDOW=any", "TAIRSSL_MAX_TARGETS=60")
	began := time.Now()
	a, err := f.Invoke(context.Background(), []byte(text(timer(object{"Sweep": object{"MaxTargets": 60}}))))
	var r fleet.Result
	if err != nil || a.Failed || json.Unmarshal(a.Payload, &r) != nil {
		t.Fatalf("the answer to the sweep is %.2000s, %v", a.Payload, err)
	}
	n := renewed(t, e)
	t.Logf("renewed %d of %d within %s: %v", n, len(instances), time.Since(began).Round(time.Millisecond), r.Summary.Outcomes)
	if n < 58 {
		t.Errorf("%d of %d were renewed, want at least 58", n, len(instances))
	}
}

// If the time runs out, no instance keeps a flag without a change, because the flag would
// delay other writers.
func TestBatchWhoseTimeRunsOut(t *testing.T) {
	t.Parallel()
	for _, short := range []struct {
		size             int
		latency, timeout time.Duration
		long             bool
	}{{40, 250 * time.Millisecond, 10 * time.Second, false}, {100, time.Second, 30 * time.Second, true}} {
		t.Run(short.latency.String()+" per call", func(t *testing.T) {
			if short.long && !*long {
				t.Skip("run with -storm.long")
			}
			t.Parallel()
			instances := dueFleet(short.size)
			e := tairtest.Emulate(t, tairtest.Options{Latency: short.latency}, instances...)
			f := start(t, localruntime.Lambda, "lambda", e, short.timeout)
			update(t, f, idsOf(instances)...)
			n := renewed(t, e)
			t.Logf("renewed %d of %d within %s", n, short.size, short.timeout)
			if n == 0 || n == short.size {
				t.Errorf("%d of %d were renewed, want the time to run out in between", n, short.size)
			}
			for _, i := range e.Instances() {
				for key, value := range i.Tags {
					if i.Restarts == 0 && strings.HasPrefix(key, "tairssl-lease") {
						t.Errorf("%s was not changed, but has the tag %s=%s", i.InstanceID, key, value)
					}
				}
			}
		})
	}
}
