package fc_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aliyun/fc-runtime-go-sdk/fc/messages"

	"tairssl/adapters/fc"
	"tairssl/adapters/tair/tairtest"
	"tairssl/handler"
)

// fakeFleet answers plans page by page, and changes as its instances do.
type fakeFleet struct {
	pages [][]string
	// outcomes of an instance, one for each invocation, the last for ever;
	// "!name" is an error of that type.
	outcomes map[string][]string

	mu            sync.Mutex
	changes       []string // as they began
	running, most int
	ended         int
	alone         bool // whether the first change ended before the second began
}

func (f *fakeFleet) task(payload []byte) ([]byte, error) {
	var c struct {
		InstanceId, Wait string
		Sweep            *struct {
			Plan bool
			Page string
		}
	}
	if err := json.Unmarshal(payload, &c); err != nil {
		return nil, err
	}
	if c.Sweep != nil {
		page, _ := strconv.Atoi(c.Sweep.Page) // none is the first
		answer := map[string]any{"Requests": []any{}}
		if !c.Sweep.Plan || page >= len(f.pages) {
			return nil, messages.InvokeResponse_Error{Type: "invalid", Message: string(payload)}
		}
		if page+1 < len(f.pages) {
			answer["NextPage"] = strconv.Itoa(page + 1)
		}
		for _, id := range f.pages[page] {
			answer["Requests"] = append(answer["Requests"].([]any), map[string]any{"InstanceId": id, "SSLEnabled": "Update", "Automatic": true})
		}
		return json.Marshal(answer)
	}
	f.mu.Lock()
	if len(f.changes) == 1 {
		f.alone = f.ended == 1
	}
	outcome := map[bool]string{true: "verified", false: "accepted"}[c.Wait != ""]
	if slices.Contains(f.changes, c.InstanceId) {
		outcome = "unchanged"
	}
	if list := f.outcomes[c.InstanceId]; len(list) > 0 {
		outcome, f.outcomes[c.InstanceId] = list[0], list[min(1, len(list)-1):]
	}
	f.changes = append(f.changes, c.InstanceId)
	f.running++
	f.most = max(f.most, f.running)
	f.mu.Unlock()
	time.Sleep(time.Second) // of the bubble, so that changes overlap
	f.mu.Lock()
	f.running--
	f.ended++
	f.mu.Unlock()
	if name, ok := strings.CutPrefix(outcome, "!"); ok {
		return nil, messages.InvokeResponse_Error{Type: name, Message: c.InstanceId}
	}
	var kind any
	if o, k, ok := strings.Cut(outcome, "/"); ok {
		outcome, kind = o, map[string]string{"Kind": k}
	}
	return json.Marshal(map[string]any{"InstanceId": c.InstanceId, "Outcome": outcome, "Reason": "", "Error": kind})
}

func (f *fakeFleet) instances() []string {
	return slices.Compact(slices.Sorted(slices.Values(f.changes)))
}

// due names n instances on pages of 20, after an empty one.
func due(n int) [][]string {
	pages := [][]string{{}}
	for i := range n {
		if i%20 == 0 {
			pages = append(pages, nil)
		}
		pages[len(pages)-1] = append(pages[len(pages)-1], fmt.Sprintf("r-bp1fleet%04d", i))
	}
	return pages
}

func TestFleetAsksForMaxTargetsInTotal(t *testing.T) {
	for name, test := range map[string]struct{ due, most, want int }{
		"all": {50, 100, 50}, "the limit is within a page": {50, 27, 27}, "the limit is the end of a page": {50, 40, 40},
		"the limit is within the first page": {50, 7, 7}, "one": {50, 1, 1}, "none": {50, 0, 0}, "an empty fleet": {0, 100, 0},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := &fakeFleet{pages: due(test.due)}
				output, err := flow{task: f.task, sleep: time.Sleep}.run(t, "fleet.cloudflow.yaml", fmt.Sprintf(`{"MaxTargets":%d,"Sweep":{"Tags":{"env":"prod"}}}`, test.most))
				if err != nil || len(f.instances()) != test.want || output.(map[string]any)["Taken"] != float64(test.want) {
					t.Errorf("%d instances are asked for, ends with %v, %v; want %d", len(f.instances()), output, err, test.want)
				}
				if f.most > 5 || test.want >= 20 && f.most != 5 {
					t.Errorf("%d instances are changed at once, want 5", f.most)
				}
				if test.want > 1 && !f.alone {
					t.Error("the second change began before the first was over")
				}
			})
		})
	}
}

// A bad order is refused by the function with the first page of the plan, and a
// plan that cannot be had ends the flow: nothing is changed.
func TestFleetWithoutAPlanChangesNothing(t *testing.T) {
	for _, answer := range []string{
		`{"Outcome":"failed","Reason":"the sweep cannot be read: MaxTargets","Error":{"Kind":"invalid"}}`, `{"Outcome":"failed","Reason":"the role may not list","Error":{"Kind":"forbidden"}}`,
	} {
		synctest.Test(t, func(t *testing.T) {
			calls := 0
			task := func(payload []byte) ([]byte, error) {
				calls++
				if !strings.Contains(string(payload), `"MaxTargets":"20"`) || !strings.Contains(string(payload), `"Plan":true`) {
					t.Errorf("the function is asked %s, and cannot see what is wrong", payload)
				}
				return []byte(answer), nil
			}
			_, err := flow{task: task, sleep: time.Sleep}.run(t, "fleet.cloudflow.yaml", `{"MaxTargets":"20","Sweep":{}}`)
			var failure *flowError
			if !errors.As(err, &failure) || failure.code != "NoPlan" || calls != 1 {
				t.Errorf("after %d calls it ends %v, want NoPlan", calls, err)
			}
		})
	}
}

func TestFleetGoesOnOnlyAfterAFirstChangeThatIsTrue(t *testing.T) {
	for first, goesOn := range map[string]bool{
		"verified": true, "planned": true, "unchanged": true, "deferred": true, "in_progress": true, "refused": true,
		"failed/not_found": true, "failed/unsupported": true, "failed/locked": true, "failed/invalid": true,
		"accepted": false, "unknown": false, "failed/forbidden": false, "failed/internal": false, "!unknown": false, "!internal": false, "!throttled": false,
	} {
		t.Run(first, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := &fakeFleet{pages: due(12), outcomes: map[string][]string{"r-bp1fleet0000": {first}}}
				_, err := flow{task: f.task, sleep: time.Sleep}.run(t, "fleet.cloudflow.yaml", `{"MaxTargets":100,"Sweep":{}}`)
				var stop *flowError
				if n := len(f.instances()); goesOn && (err != nil || n != 12) || !goesOn && (n != 1 || !errors.As(err, &stop) || stop.code != "FirstNotVerified") {
					t.Errorf("%d instances are asked for, %v", n, err)
				}
			})
		})
	}
}

func TestFleetTriesAgainAndGoesOnAfterAFailure(t *testing.T) {
	for name, most := range map[string]int{"a whole page": 100, "one by one": 11} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := &fakeFleet{pages: due(12), outcomes: map[string][]string{
					"r-bp1fleet0000": {"!throttled", "verified", "unchanged"}, "r-bp1fleet0002": {"!throttled", "!unavailable", "accepted"},
					"r-bp1fleet0003": {"!internal"}, "r-bp1fleet0004": {"!unknown", "unchanged"},
				}}
				_, err := flow{task: f.task, sleep: time.Sleep}.run(t, "fleet.cloudflow.yaml", fmt.Sprintf(`{"MaxTargets":%d,"Sweep":{}}`, most))
				tries := func(id string) (n int) {
					for _, c := range f.changes {
						if c == id {
							n++
						}
					}
					return n
				}
				if err != nil || len(f.instances()) != min(12, most) || tries("r-bp1fleet0002") != 3 || tries("r-bp1fleet0003") != 1 || tries("r-bp1fleet0004") != 2 {
					t.Errorf("%v are asked for, %v", f.changes, err)
				}
			})
		})
	}
}

// The definition walked against the real function over the wire: what it hands
// over is understood, and what it is answered is what it reads.
func TestFleetOverTheRealFunction(t *testing.T) {
	e, err := tairtest.New(tairtest.Options{Lag: -1, ChangeTime: -1})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = e.Close() })
	for n := range 60 {
		days := 200
		if n%10 == 0 {
			days = 5
		}
		if err := e.Put(tairtest.Instance{InstanceID: fmt.Sprintf("r-walk%04d", n), SSLExpiredTime: handler.At(time.Now().AddDate(0, 0, days)).String()}); err != nil {
			t.Fatal(err)
		}
	}
	if err := e.Put(tairtest.Instance{InstanceID: "r-walk0000", InstanceStatus: "Migrating", SSLExpiredTime: handler.At(time.Now().AddDate(0, 0, 1)).String()}); err != nil {
		t.Fatal(err)
	}
	url, err := e.ListenHTTP("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	restarts := func() (n int) {
		for _, i := range e.Instances() {
			if n += i.Restarts; i.Restarts > 1 {
				t.Errorf("%s restarted %d times", i.InstanceID, i.Restarts)
			}
		}
		return n
	}
	over := func(secret string) flow {
		f := fc.New([]string{"TAIRSSL_ENDPOINT=" + url, "TAIRSSL_LEASE_PAUSE=20ms", "TAIRSSL_RATE=0", "TAIRSSL_WINDOW=any",
			"ALIBABA_CLOUD_ACCESS_KEY_ID=emulator", "ALIBABA_CLOUD_ACCESS_KEY_SECRET=" + secret}, io.Discard)
		return flow{task: func(payload []byte) ([]byte, error) { return f(context.Background(), payload) }, sleep: func(time.Duration) {}}
	}
	for _, step := range []struct {
		input    string
		restarts int
	}{
		{`{"MaxTargets":100,"Sweep":{"DryRun":true}}`, 0},
		{`{"MaxTargets":3,"Sweep":{}}`, 2}, // one of the three cannot be changed
		{`{"MaxTargets":100,"Sweep":{}}`, 5},
	} {
		if output, err := over("emulator-secret").run(t, "fleet.cloudflow.yaml", step.input); err != nil || restarts() != step.restarts {
			t.Errorf("%s ends %v, %v after %d restarts, want %d", step.input, output, err, restarts(), step.restarts)
		}
	}
	if output, err := over("another-secret").run(t, "fleet.cloudflow.yaml", `{"MaxTargets":100,"Sweep":{}}`); err == nil {
		t.Errorf("a key that may not list ends %v, as if nothing were due", output)
	}
}
