package storm_test

import (
	"context"
	"flag"
	"os/exec"
	"testing"
	"time"

	"tairssl/adapters/tair/tairtest"
)

var long = flag.Bool("storm.long", false, "also run the scenarios that take half a minute")

// slowAPI holds the latencies of a call.
var slowAPI = []struct {
	latency time.Duration
	long    bool
}{{350 * time.Millisecond, false}, {1200 * time.Millisecond, true}}

// eachLatency runs a scenario for each latency, in parallel with other tests.
func eachLatency(t *testing.T, scenario func(t *testing.T, latency time.Duration)) {
	t.Parallel()
	for _, api := range slowAPI {
		t.Run(api.latency.String()+" per call", func(t *testing.T) {
			if api.long && !*long {
				t.Skip("run with -storm.long")
			}
			t.Parallel()
			scenario(t, api.latency)
		})
	}
}

func slowCloud(t *testing.T, latency time.Duration, size int) (*tairtest.Emulator, []string) {
	fleet := dueFleet(size)
	return tairtest.Emulate(t, tairtest.Options{Latency: latency, Lag: time.Second, ChangeTime: time.Second}, fleet...), idsOf(fleet)
}

func TestSlowCallsStillRenewEverythingOnce(t *testing.T) {
	eachLatency(t, func(t *testing.T, latency time.Duration) {
		for _, size := range []int{1, 5} {
			for _, cloud := range both {
				t.Run(text(size)+" on "+string(cloud), func(t *testing.T) {
					t.Parallel()
					e, ids := slowCloud(t, latency, size)
					f := start(t, cloud, string(cloud), e, time.Minute)
					began := time.Now()
					results := update(t, f, ids...)
					t.Logf("renewed %d of %d within %s", renewed(t, e), size, time.Since(began).Round(time.Millisecond))
					if renewed(t, e) != size {
						t.Errorf("%d of %d were renewed, want all: %v", renewed(t, e), size, results)
					}
				})
			}
		}
	})
}

func TestSlowCallsStillRenewByTheCommandLine(t *testing.T) {
	eachLatency(t, func(t *testing.T, latency time.Duration) {
		e, ids := slowCloud(t, latency, 5)
		ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
		defer cancel()
		command := exec.CommandContext(ctx, binary(t, "tairssl"), append([]string{"update", "--yes", "--region", "cn-hangzhou"}, ids...)...)
		command.Env = environment(serve(t, e))
		began := time.Now()
		out, err := command.CombinedOutput()
		t.Logf("renewed and watched %d of %d within %s", renewed(t, e), len(ids), time.Since(began).Round(time.Millisecond))
		if err != nil || renewed(t, e) != len(ids) {
			t.Errorf("%d of %d were renewed: %v\n%s", renewed(t, e), len(ids), err, out)
		}
	})
}

// Among attempts that start at the same time, the one with the lowest key makes the
// change. If it gives up before the others have withdrawn, the next delivery makes the
// change.
func TestSlowCallsAndThreeProcessesAtOnce(t *testing.T) {
	eachLatency(t, func(t *testing.T, latency time.Duration) {
		for _, size := range []int{1, 5} {
			t.Run(text(size)+" each", func(t *testing.T) {
				t.Parallel()
				e, ids := slowCloud(t, latency, size)
				functions := several(t, e, 3, time.Minute)
				began := time.Now()
				atOnce(functions, func(_ int, f *function) { update(t, f, ids...) })
				first := renewed(t, e)
				t.Logf("renewed %d of %d at once, within %s", first, size, time.Since(began).Round(time.Millisecond))
				if first < size {
					update(t, functions[0], ids...)
				}
				if n := renewed(t, e); n < size-1 {
					t.Errorf("%d of %d were renewed after one more delivery, want at least %d", n, size, size-1)
				} else if n > first {
					t.Logf("one more delivery renewed %d", n-first)
				}
			})
		}
	})
}
