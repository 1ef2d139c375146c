package tairtest_test

import (
	"fmt"
	"math"
	"strings"
	"testing"

	"tairssl/adapters/tair/tairtest"
)

// outcomes counts the results of calls, by their code or as "cut".
func (w *world) outcomes(calls int) map[string]int {
	w.t.Helper()
	ends := map[string]int{}
	for range calls {
		end := codeOf(w.modify("Update"))
		if strings.Contains(end, "EOF") || strings.Contains(end, "reset") {
			end = "cut"
		}
		ends[end]++
	}
	return ends
}

func TestFaultsThatStrikeAShareOfAllCalls(t *testing.T) {
	w := newWorldOf(t, tairtest.Options{Seed: 11, ChangeTime: -1}, tairtest.Instance{InstanceID: id})
	shares := map[string]float64{"throttle": 0.2, "server_error": 0.1, "server_error_after": 0.1, "cut_before": 0.1, "cut_after": 0.1}
	for kind, share := range shares {
		if status, text := w.control("faults", fmt.Sprintf(`{"Action":"ModifyInstanceSSL","Kind":%q,"Share":%g}`, kind, share)); status != 200 || !strings.Contains(text, `"Share":`) {
			t.Fatalf("the fault is answered %d %s", status, text)
		}
	}
	const calls = 1000
	got := w.outcomes(calls)
	near := func(what string, is, share float64) {
		t.Helper()
		if spread := 5 * math.Sqrt(calls*share*(1-share)); math.Abs(is-calls*share) > spread {
			t.Errorf("%s: %g of %d calls, want about %g", what, is, calls, calls*share)
		}
	}
	near("throttled", float64(got[flowControl]), 0.2)
	near("internal errors", float64(got["500 InternalError"]), 0.2)
	near("cut", float64(got["cut"]), 0.2)
	near("answered well", float64(got["<nil>"]), 0.4)
	near("restarts", float64(w.instance().Restarts), 0.6) // successful calls, and calls that failed after their effect
	if got := w.ask("DescribeInstanceSSL", "InstanceId="+id).code(); got != "200" {
		t.Errorf("a fault of another action hits a call: %s", got)
	}
	for kind := range shares {
		if err := w.Fault(tairtest.Fault{Action: "ModifyInstanceSSL", Kind: kind}); err != nil {
			t.Fatal(err)
		}
	}
	if got := w.outcomes(50); got["<nil>"] != 50 {
		t.Errorf("when the faults are cleared 50 calls end as %v", got)
	}
}

func TestSharesOfAnActionAddUpToOneAtMost(t *testing.T) {
	w := newWorld(t)
	for _, order := range []struct {
		fault tairtest.Fault
		taken bool
	}{
		{tairtest.Fault{Action: "TagResources", Kind: "throttle", Share: 0.7}, true},
		{tairtest.Fault{Kind: "server_error", Share: 0.4}, false}, // a fault of every action hits this action too
		{tairtest.Fault{Kind: "server_error", Share: 0.3}, true},
		{tairtest.Fault{Action: "TagResources", Kind: "cut_before", Share: 0.1}, false},
		{tairtest.Fault{Action: "TagResources", Kind: "throttle", Share: 0.2}, true}, // replaces the Share of 0.7
		{tairtest.Fault{Action: "TagResources", Kind: "cut_before", Share: 0.5}, true},
		{tairtest.Fault{Kind: "throttle", Share: math.NaN()}, false},
		{tairtest.Fault{Kind: "throttle", Share: 0.1, Times: 1}, false},
	} {
		if err := w.Fault(order.fault); (err == nil) != order.taken {
			t.Errorf("%+v is answered %v", order.fault, err)
		}
	}
}

func TestAFaultThatCountsComesBeforeAShare(t *testing.T) {
	w := newWorld(t)
	for _, f := range []tairtest.Fault{{Action: "ModifyInstanceSSL", Kind: "server_error", Share: 1}, {Action: "ModifyInstanceSSL", Kind: "throttle", Times: 1}} {
		if err := w.Fault(f); err != nil {
			t.Fatal(err)
		}
	}
	for n, want := range []string{flowControl, "500 InternalError", "500 InternalError"} {
		if got := codeOf(w.modify("Update")); got != want {
			t.Errorf("call %d is answered %s, want %s", n, got, want)
		}
	}
}

// The same seed draws the same faults in the same order. Another seed draws other faults.
func TestASeedRepeatsWhatWasDrawn(t *testing.T) {
	story := func(o tairtest.Options) string {
		w := newWorldOf(t, o, tairtest.Instance{InstanceID: id})
		if err := w.Fault(tairtest.Fault{Kind: "throttle", Share: 0.5}); err != nil {
			t.Fatal(err)
		}
		var told strings.Builder
		for range 64 {
			told.WriteString(w.ask("DescribeInstanceSSL", "InstanceId="+id).code()[:1])
		}
		return told.String()
	}
	first := story(tairtest.Options{Seed: 1})
	if again := story(tairtest.Options{Seed: 1}); again != first {
		t.Errorf("seed 1 draws %s and then %s", first, again)
	}
	if other := story(tairtest.Options{Seed: 2}); other == first {
		t.Errorf("the seeds 1 and 2 both draw %s", first)
	}
	var seed uint64
	from := story(tairtest.Options{Logf: func(format string, args ...any) {
		_, _ = fmt.Sscanf(fmt.Sprintf(format, args...), "the seed is %d", &seed)
	}})
	if again := story(tairtest.Options{Seed: seed}); seed == 0 || again != from {
		t.Errorf("the seed %d from the clock draws %s, and as an option %s", seed, from, again)
	}
}
