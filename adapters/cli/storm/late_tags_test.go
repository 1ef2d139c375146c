package storm_test

import (
	"context"
	"strings"
	"testing"
	"time"

	"tairssl/adapters/tair/tairtest"
)

// Six processes get the same 36 needs within four seconds. Their tags become visible
// just before the lease pause ends.
func TestTagsThatAreVisibleJustWithinThePause(t *testing.T) {
	t.Parallel()
	for _, tags := range []struct {
		lag, pause time.Duration
		long       bool
	}{{450 * time.Millisecond, 500 * time.Millisecond, false}, {1900 * time.Millisecond, 2 * time.Second, true}} {
		t.Run("tags after "+tags.lag.String(), func(t *testing.T) {
			if tags.long && !*long {
				t.Skip("run with -storm.long")
			}
			t.Parallel()
			fleet := dueFleet(36)
			e := tairtest.Emulate(t, tairtest.Options{TagLag: tags.lag}, fleet...)
			functions := several(t, e, 6, time.Minute, "TAIRSSL_LEASE_PAUSE="+tags.pause.String())
			began := time.Now()
			atOnce(functions, func(n int, f *function) {
				after(time.Duration(n) * 4 * time.Second / 6)
				update(t, f, idsOf(fleet)...)
			})
			n := renewed(t, e)
			t.Logf("renewed %d of %d at once, within %s", n, len(fleet), time.Since(began).Round(time.Millisecond))
			if n < len(fleet)*2/3 {
				t.Errorf("%d of %d were renewed, want at least two thirds", n, len(fleet))
			}
		})
	}
}

// after waits in real time, because this scenario is about the time of deliveries.
func after(d time.Duration) {
	ctx, cancel := context.WithTimeout(context.Background(), d)
	defer cancel()
	<-ctx.Done()
}

// If tags are slower than the lease pause, every result names the setting to raise.
func TestTagsThatAreVisibleAfterThePause(t *testing.T) {
	t.Parallel()
	fleet := dueFleet(6)
	e := tairtest.Emulate(t, tairtest.Options{TagLag: 3 * time.Second}, fleet...)
	functions := several(t, e, 3, time.Minute, "TAIRSSL_LEASE_PAUSE=1s")
	atOnce(functions, func(_ int, f *function) {
		for id, r := range update(t, f, idsOf(fleet)...) {
			if !strings.Contains(r.Reason, "TAIRSSL_LEASE_PAUSE") {
				t.Errorf("%s ends the request for %s as %s: %s; want TAIRSSL_LEASE_PAUSE named", f.name, id, r.Outcome, r.Reason)
			}
		}
	})
	t.Logf("renewed %d of %d", renewed(t, e), len(fleet))
}
