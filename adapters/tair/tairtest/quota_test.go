package tairtest_test

import (
	"sync/atomic"
	"testing"
	"time"

	"tairssl/adapters/tair/tairtest"
)

const flowControl = "400 Throttling.User"

// machine is the machine's clock, moved by the test. Signatures are judged by it, so it
// must stay within 15 minutes of the present.
type machine struct{ ahead atomic.Int64 }

// loaded is the start time of the test binary.
var loaded = time.Now()

func (m *machine) now() time.Time          { return loaded.Add(time.Duration(m.ahead.Load())) }
func (m *machine) advance(d time.Duration) { m.ahead.Add(int64(d)) }

// passes counts the calls of an action that its quota lets through.
func (w *world) passes(calls int, action, query string) (passed int) {
	w.t.Helper()
	for range calls {
		switch got := w.ask(action, query).code(); got {
		case "200":
			passed++
		case flowControl:
		default:
			w.t.Fatalf("%s is answered %s", action, got)
		}
	}
	return passed
}

func TestThePublishedQuotasHoldForEachRegion(t *testing.T) {
	for action, quota := range map[string]struct {
		calls  int
		window time.Duration
		query  string
	}{
		"DescribeInstanceAttribute":    {1000, time.Second, "InstanceId=" + id},
		"ListTagResources":             {100, time.Second, "ResourceType=INSTANCE"},
		"TagResources":                 {200, time.Minute, "ResourceType=INSTANCE&ResourceId.1=" + id + "&Tag.1.Key=a"},
		"DescribeActiveOperationTasks": {200, time.Minute, ""},
	} {
		t.Run(action, func(t *testing.T) {
			var clock machine
			w := newWorldOf(t, tairtest.Options{Now: clock.now}, tairtest.Instance{InstanceID: id}, tairtest.Instance{InstanceID: shanghai, RegionID: "cn-shanghai"})
			query := quota.query + "&RegionId=cn-hangzhou"
			if got := w.passes(quota.calls/2, action, query); got != quota.calls/2 {
				t.Errorf("of the first half %d pass", got)
			}
			clock.advance(quota.window / 2)
			if got := w.passes(quota.calls/2+7, action, query); got != quota.calls/2 {
				t.Errorf("of the second half and 7 more %d pass, want %d", got, quota.calls/2)
			}
			w.Advance(time.Hour) // quotas do not follow the emulated clock
			if got := w.ask(action, query); got.code() != flowControl || got.body["Message"] != "Request was denied due to user flow control." {
				t.Errorf("one call too many is answered %s %v", got.code(), got.body["Message"])
			}
			if got := w.ask("DescribeInstances", "RegionId=cn-hangzhou").code(); got != "200" {
				t.Errorf("an action without a quota is answered %s", got)
			}
			if got := w.passes(1, action, "RegionId=cn-shanghai&ResourceType=INSTANCE&ResourceId.1="+shanghai+"&Tag.1.Key=a&InstanceId="+shanghai); got != 1 {
				t.Error("the quota of one region is used up by another")
			}
			clock.advance(quota.window / 2)
			if got := w.passes(quota.calls/2+7, action, query); got != quota.calls/2 {
				t.Errorf("when the first half has left the window %d pass, want %d", got, quota.calls/2)
			}
			if got := w.Throttled(action); got != 15 {
				t.Errorf("%d calls are counted as throttled, want 15", got)
			}
			if got := w.Calls(action); got != quota.calls/2*3+16 {
				t.Errorf("%d calls are counted, want %d", got, quota.calls/2*3+16)
			}
		})
	}
}

func TestQuotasAreChangedAndLifted(t *testing.T) {
	w := newWorldOf(t, tairtest.Options{NoQuotas: true}, tairtest.Instance{InstanceID: id})
	if status, text := w.control("quotas", `{"Action":"DescribeInstanceSSL","Calls":3,"Window":"1m"}`); status != 200 || text != `{"DescribeInstanceSSL":{"Calls":3,"Window":"1m0s","Throttled":0}}` {
		t.Errorf("a quota is answered %d %s", status, text)
	}
	if got := w.passes(5, "DescribeInstanceSSL", "InstanceId="+id); got != 3 {
		t.Errorf("of 5 calls %d pass, want 3", got)
	}
	if err := w.Quota("*", 1, time.Second); err != nil {
		t.Fatal(err)
	}
	for _, action := range []string{"DescribeInstanceSSL", "DescribeInstances"} {
		if got := w.passes(3, action, "RegionId=cn-hangzhou&InstanceId="+id); got != 1 {
			t.Errorf("with a quota of 1 for all actions %d calls of %s pass", got, action)
		}
	}
	if status, text := w.control("quotas", `{"Action":"*","Calls":0}`); status != 200 || text != `{}` {
		t.Errorf("lifting all quotas is answered %d %s", status, text)
	}
	if got := w.passes(300, "DescribeActiveOperationTasks", "RegionId=cn-hangzhou"); got != 300 {
		t.Errorf("of 300 calls without a quota %d pass", got)
	}
}

// A call that its quota refuses has no effect and uses up no fault.
func TestAThrottledCallDoesNothing(t *testing.T) {
	w := newWorldOf(t, tairtest.Options{}, tairtest.Instance{InstanceID: id})
	if err := w.Quota("ModifyInstanceSSL", 1, time.Minute); err != nil {
		t.Fatal(err)
	}
	if err := w.modify("Update"); err != nil {
		t.Fatal(err)
	}
	if err := w.Fault(tairtest.Fault{Action: "ModifyInstanceSSL", Kind: "server_error_after", Times: 1}); err != nil {
		t.Fatal(err)
	}
	if got := codeOf(w.modify("Update")); got != flowControl || w.instance().Restarts != 1 {
		t.Errorf("a call too many is answered %s, and there are %d restarts", got, w.instance().Restarts)
	}
	if err := w.Quota("ModifyInstanceSSL", 0, 0); err != nil {
		t.Fatal(err)
	}
	if got := codeOf(w.modify("Update")); got != "500 InternalError" || w.instance().Restarts != 2 {
		t.Errorf("the fault after that is answered %s, and there are %d restarts", got, w.instance().Restarts)
	}
}
