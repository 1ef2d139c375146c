package localruntime_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"sync"
	"testing"
	"time"

	"tairssl/adapters/cli/localruntime"
	"tairssl/adapters/tair/tairtest"
	"tairssl/handler"
	"tairssl/handler/fleet"
)

// sweptBy invokes a function with a sweep order.
func sweptBy(t *testing.T, p *localruntime.Process) (r fleet.Result) {
	t.Helper()
	answer, err := p.Invoke(context.Background(), []byte(`{"Sweep":{}}`))
	if err != nil || answer.Failed || json.Unmarshal(answer.Payload, &r) != nil {
		t.Fatalf("the answer to the sweep is %s, %v", answer.Payload, err)
	}
	return r
}

// The real functions move Alibaba's own renewal into the window, once, and read it
// back. It restarts the instance in the window, and nothing restarts it again.
func TestRealFunctionsMoveAlibabasRenewal(t *testing.T) {
	t.Parallel()
	const due, later, fixed = "r-duemoved01", "r-latermoved1", "r-fixedtask1"
	for _, cloud := range clouds {
		t.Run(string(cloud), func(t *testing.T) {
			t.Parallel()
			now := time.Now().UTC()
			opens := now.Truncate(time.Hour).Add(6 * time.Hour)
			window := fmt.Sprintf("TAIRSSL_WINDOW=%s-%s", opens.Format("15:04"), opens.Add(2*time.Hour).Format("15:04"))
			e, p, _ := start(t, cloud, "TAIRSSL_ALIBABA_RENEWAL=window", window)
			in := func(d time.Duration) string { return handler.At(now.Add(d)).String() }
			task := func(allowed string) []tairtest.Task {
				return []tairtest.Task{{TaskType: "rds_apsaradb_ssl_update", SwitchTime: in(26 * time.Hour), Deadline: in(100 * time.Hour), PrepareInterval: "00:30:00", AllowChange: allowed}}
			}
			if err := e.Put(
				tairtest.Instance{InstanceID: due, SSLExpiredTime: in(20 * 24 * time.Hour), ActiveOperationTasks: task("1")},
				tairtest.Instance{InstanceID: later, SSLExpiredTime: in(90 * 24 * time.Hour), ActiveOperationTasks: task("1")},
				tairtest.Instance{InstanceID: fixed, SSLExpiredTime: in(20 * 24 * time.Hour), ActiveOperationTasks: task("0")},
			); err != nil {
				t.Fatal(err)
			}
			event, err := p.Invoke(context.Background(), []byte(`{"InstanceId":"`+due+`","SSLEnabled":"Update","Automatic":true}`))
			if err != nil || !strings.Contains(string(event.Payload), "moved to "+handler.At(opens).String()) {
				t.Errorf("the answer to an event is %s, %v", event.Payload, err)
			}
			for n := range 2 {
				alerts := ""
				for _, r := range sweptBy(t, p).Results {
					if r.Alert && r.InstanceID != "r-bp1zxszhcgatnx04" { // this one has expired
						alerts += r.InstanceID + ": " + r.Reason + "\n"
					}
				}
				if !strings.HasPrefix(alerts, fixed+": ") || strings.Count(alerts, "\n") != 1 || !strings.Contains(alerts, in(26*time.Hour)+", outside the maintenance window, which restarts the instance then") {
					t.Errorf("sweep %d raises the alerts\n%s", n+1, alerts)
				}
			}
			for id, want := range map[string]string{due: handler.At(opens).String(), later: handler.At(opens).String(), fixed: in(26 * time.Hour)} {
				if i, _ := e.Instance(id); i.ActiveOperationTasks[0].SwitchTime != want || i.Restarts != 0 || len(i.Tags) != 0 {
					t.Errorf("%s is renewed %s, after %d restarts, with the tags %v; want %s", id, i.ActiveOperationTasks[0].SwitchTime, i.Restarts, i.Tags, want)
				}
			}
			if got := e.Calls("ModifyActiveOperationTasks"); got != 2 {
				t.Errorf("two renewals were moved with %d calls, want 2", got)
			}
			for _, advance := range []time.Duration{opens.Sub(e.Now()) + 50*time.Millisecond, time.Minute, time.Hour} { // during the renewal, and after it
				e.Advance(advance)
				sweptBy(t, p)
			}
			for id, want := range map[string]int{due: 1, later: 1, fixed: 0} {
				if i, _ := e.Instance(id); i.Restarts != want || (i.SSLExpiredTime > in(1000*24*time.Hour)) != (want == 1) {
					t.Errorf("%s restarted %d times and expires %s, want %d restarts", id, i.Restarts, i.SSLExpiredTime, want)
				}
			}
		})
	}
}

// Two processes of two clouds get requests for two members of one global instance at
// the same time. They change the members one after the other.
func TestRealFunctionsKeepMembersApart(t *testing.T) {
	t.Parallel()
	members := map[localruntime.Cloud]string{localruntime.Lambda: "r-memberone1", localruntime.FC: "r-membertwo2"}
	regions := map[localruntime.Cloud]string{localruntime.Lambda: "cn-hangzhou", localruntime.FC: "cn-shanghai"}
	e, lambda, _ := start(t, localruntime.Lambda, "TAIRSSL_WINDOW=any", "TAIRSSL_REGION=cn-hangzhou,cn-shanghai")
	fc := startOn(t, e, localruntime.FC, io.Discard, "TAIRSSL_WINDOW=any", "TAIRSSL_REGION=cn-hangzhou,cn-shanghai")
	for cloud, id := range members {
		err := e.Put(tairtest.Instance{InstanceID: id, RegionID: regions[cloud], GlobalInstanceID: "gr-bp1zxszhcgatnx99", SSLExpiredTime: handler.At(time.Now().Add(9 * 24 * time.Hour)).String()})
		if err != nil {
			t.Fatal(err)
		}
	}
	restarts := func() (n int) {
		for _, id := range members {
			i, _ := e.Instance(id)
			n += i.Restarts
		}
		return n
	}
	for round := range 4 {
		var group sync.WaitGroup
		for cloud, p := range map[localruntime.Cloud]*localruntime.Process{localruntime.Lambda: lambda, localruntime.FC: fc} {
			group.Go(func() {
				answer, err := p.Invoke(context.Background(), []byte(`{"InstanceId":"`+members[cloud]+`","SSLEnabled":"Update","Automatic":true,"Wait":"0s"}`))
				if err != nil || answer.Failed && round == 0 && !strings.Contains(string(answer.Payload), "in_progress") {
					t.Errorf("%s answers %s, %v", cloud, answer.Payload, err)
				}
			})
		}
		group.Wait()
		if got := restarts(); got > round+1 {
			t.Errorf("after round %d there are %d restarts, want at most %d", round+1, got, round+1)
		}
		e.Advance(46 * time.Minute)
	}
	// Two attempts at the same moment may both withdraw. A later sweep makes the change.
	for range 2 {
		sweptBy(t, lambda)
		e.Advance(46 * time.Minute)
	}
	for _, id := range members {
		if i, _ := e.Instance(id); i.Restarts != 1 {
			t.Errorf("in the end %s restarted %d times, want once", id, i.Restarts)
		}
	}
}
