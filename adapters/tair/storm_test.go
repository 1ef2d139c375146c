package tair_test

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"tairssl/adapters/tair"
	"tairssl/adapters/tair/tairtest"
	"tairssl/handler"
	"tairssl/handler/handlertest"
)

// emulate serves an emulator over HTTP on loopback.
func emulate(t testing.TB, o tairtest.Options, fleet ...tairtest.Instance) (*tairtest.Emulator, tair.Endpoint) {
	t.Helper()
	e, url := tairtest.Start(t, o, fleet...)
	endpoint, err := tair.ParseEndpoint(url)
	if err != nil {
		t.Fatal(err)
	}
	return e, endpoint
}

func emulated(t testing.TB, endpoint tair.Endpoint) *tair.Client {
	client := tair.New(static(tair.Credential{AccessKeyID: "emulator", AccessKeySecret: "emulator-secret"}), tair.Options{Endpoint: endpoint, Rate: -1})
	t.Cleanup(client.Close)
	return client
}

func TestClientIsAnAPI(t *testing.T) {
	handlertest.Run(t, func(t *testing.T) handlertest.Fixture {
		noTLS := handler.Ref{RegionID: ref.RegionID, InstanceID: "r-withouttls"}
		scheduled := handler.Ref{RegionID: ref.RegionID, InstanceID: "r-scheduled"}
		tasks := []tairtest.Task{{TaskType: "rds_apsaradb_ssl_update", SwitchTime: time.Now().Add(48 * time.Hour).UTC().Format("2006-01-02T15:04:05Z")}}
		e, endpoint := emulate(t, tairtest.Options{}, tairtest.Instance{InstanceID: ref.InstanceID, Tags: map[string]string{"env": "prod"}},
			tairtest.Instance{InstanceID: noTLS.InstanceID, NoTLS: true}, tairtest.Instance{InstanceID: scheduled.InstanceID, ActiveOperationTasks: tasks})
		return handlertest.Fixture{
			API: emulated(t, endpoint), Ref: ref, NoTLS: noTLS, Scheduled: scheduled,
			Settle: func() { e.Advance(time.Minute) },
			Writes: func() int { i, _ := e.Instance(ref.InstanceID); return i.Restarts },
		}
	})
}

// The promise, over the real client and the wire: 50 instances, half of them due. Every
// need is delivered 4 times at once to two handlers that share no memory. The API
// throttles, fails, cuts connections before and after a change took effect, and shows
// changes late.
func TestStorm(t *testing.T) {
	const (
		instances = 50
		copies    = 4
		// In real use the lease's pause is 2 s, its life is 45 min, and the lag is some
		// minutes at worst. Here the pause is 8 times as short, and the clock jumps
		// between rounds.
		pause = 250 * time.Millisecond
		lag   = 400 * time.Millisecond
		task  = 200 * time.Millisecond
	)
	var fleet []tairtest.Instance
	for n := range instances {
		days := 200
		if n%2 == 0 {
			days = 10
		}
		fleet = append(fleet, tairtest.Instance{InstanceID: fmt.Sprintf("r-storm%04d", n), SSLExpiredTime: handler.At(time.Now().AddDate(0, 0, days)).String()})
	}
	e, endpoint := emulate(t, tairtest.Options{Lag: lag, ChangeTime: task}, fleet...)
	for n, kind := range []string{"throttle", "server_error", "server_error_after", "cut_before", "cut_after", "malformed"} {
		for action, times := range map[string]int{"ModifyInstanceSSL": 2, "DescribeInstanceSSL": 3, "DescribeInstanceAttribute": 3, "TagResources": n % 2} {
			if err := e.Fault(tairtest.Fault{Action: action, Kind: kind, Times: times}); times > 0 && err != nil {
				t.Fatal(err)
			}
		}
	}
	var handlers []*handler.Handler
	for range 2 {
		handlers = append(handlers, handler.New(emulated(t, endpoint), handler.Options{LeasePause: pause, Now: e.Now}))
	}

	quiet := false
	for round := 0; round < 12 && !quiet; round++ {
		quiet = deliver(handlers, fleet, copies)
		e.Advance(46 * time.Minute) // the next sweep, when no flag is live
	}
	if !quiet {
		t.Error("the deliveries never became quiet")
	}
	for n, i := range e.Instances() {
		want := 0
		if n%2 == 0 {
			want = 1
		}
		if i.Restarts != want {
			t.Errorf("%s restarted %d times, want %d", i.InstanceID, i.Restarts, want)
		}
	}
}

// deliver delivers the needs of all instances several times at once. It reports whether
// every instance was unchanged.
func deliver(handlers []*handler.Handler, fleet []tairtest.Instance, copies int) (quiet bool) {
	var requests []handler.Delivery
	for _, i := range fleet {
		requests = append(requests, handler.Trusted.Deliver(handler.Request{InstanceID: i.InstanceID, SSLEnabled: handler.Update})...)
	}
	answers := make([][]handler.Result, copies)
	var group sync.WaitGroup
	for n := range copies {
		group.Go(func() { answers[n] = handlers[n%len(handlers)].Handle(context.Background(), requests) })
	}
	group.Wait()
	for _, r := range slices.Concat(answers...) {
		if _, again := r.Redeliver(); again || r.Outcome != handler.Unchanged {
			return false
		}
	}
	return true
}
