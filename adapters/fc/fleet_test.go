package fc_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aliyun/fc-runtime-go-sdk/fc/messages"

	"tairssl/adapters/fc"
	"tairssl/adapters/function/flowtest"
	"tairssl/adapters/tair/tairtest"
	"tairssl/handler"
)

// due returns the ids of n instances, an empty page first and then pages of 20.
func due(n int) [][]string {
	pages := [][]string{{}}
	for i := range n {
		if i%20 == 0 {
			pages = append(pages, nil)
		}
		pages[len(pages)-1] = append(pages[len(pages)-1], flowtest.ID(i))
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
				f := &flowtest.Fleet{Pages: due(test.due)}
				output, err := flow{task: f.Invoke, sleep: time.Sleep}.run(t, "fleet.cloudflow.yaml", fmt.Sprintf(`{"MaxTargets":%d,"Sweep":{"Tags":{"env":"prod"}}}`, test.most))
				if err != nil || len(f.Instances()) != test.want || output.(map[string]any)["Taken"] != float64(test.want) {
					t.Errorf("%d instances are requested, it ends with %v, %v; want %d", len(f.Instances()), output, err, test.want)
				}
				if f.Most > 5 || test.want >= 20 && f.Most != 5 {
					t.Errorf("%d instances are changed at once, want 5", f.Most)
				}
				if test.want > 1 && !f.FirstAlone {
					t.Error("the second change began before the first was over")
				}
			})
		})
	}
}

// The function refuses a bad order with the first page of the plan. Without a plan the
// flow ends, and nothing is changed.
func TestFleetWithoutAPlanChangesNothing(t *testing.T) {
	for _, answer := range []string{
		`{"Outcome":"failed","Reason":"the sweep cannot be read: MaxTargets","Error":{"Kind":"invalid"}}`, `{"Outcome":"failed","Reason":"the role may not list","Error":{"Kind":"forbidden"}}`,
	} {
		synctest.Test(t, func(t *testing.T) {
			calls := 0
			task := func(payload []byte) ([]byte, error) {
				calls++
				if !strings.Contains(string(payload), `"MaxTargets":"20"`) || !strings.Contains(string(payload), `"Plan":true`) {
					t.Errorf("the function gets %s, which hides the wrong field", payload)
				}
				return []byte(answer), nil
			}
			_, err := flow{task: task, sleep: time.Sleep}.run(t, "fleet.cloudflow.yaml", `{"MaxTargets":"20","Sweep":{}}`)
			var failure *flowtest.Failure
			if !errors.As(err, &failure) || failure.Name != "NoPlan" || calls != 1 {
				t.Errorf("after %d calls it ends %v, want NoPlan", calls, err)
			}
		})
	}
}

func TestFleetGoesOnOnlyAfterAVerifiedFirstChange(t *testing.T) {
	for first, goesOn := range map[string]bool{
		"verified": true, "planned": true, "unchanged": true, "deferred": true, "in_progress": true, "refused": true,
		"failed/not_found": true, "failed/unsupported": true, "failed/locked": true, "failed/invalid": true,
		"accepted": false, "unknown": false, "failed/forbidden": false, "failed/internal": false, "!unknown": false, "!internal": false, "!throttled": false,
	} {
		t.Run(first, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := &flowtest.Fleet{Pages: due(12), Outcomes: map[string][]string{"r-bp1fleet0000": {first}}}
				_, err := flow{task: f.Invoke, sleep: time.Sleep}.run(t, "fleet.cloudflow.yaml", `{"MaxTargets":100,"Sweep":{}}`)
				var stop *flowtest.Failure
				if n := len(f.Instances()); goesOn && (err != nil || n != 12) || !goesOn && (n != 1 || !errors.As(err, &stop) || stop.Name != "FirstNotVerified") {
					t.Errorf("%d instances are requested, %v", n, err)
				}
			})
		})
	}
}

func TestFleetTriesAgainAndGoesOnAfterAFailure(t *testing.T) {
	for name, most := range map[string]int{"a whole page": 100, "one by one": 11} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := &flowtest.Fleet{Pages: due(12), Outcomes: map[string][]string{
					"r-bp1fleet0000": {"!throttled", "verified", "unchanged"}, "r-bp1fleet0002": {"!throttled", "!unavailable", "accepted"},
					"r-bp1fleet0003": {"!internal"}, "r-bp1fleet0004": {"!unknown", "unchanged"},
				}}
				_, err := flow{task: f.Invoke, sleep: time.Sleep}.run(t, "fleet.cloudflow.yaml", fmt.Sprintf(`{"MaxTargets":%d,"Sweep":{}}`, most))
				if err != nil || len(f.Instances()) != min(12, most) || f.Tries("r-bp1fleet0002") != 3 || f.Tries("r-bp1fleet0003") != 1 || f.Tries("r-bp1fleet0004") != 2 {
					t.Errorf("%v are requested, %v", f.Changed, err)
				}
			})
		})
	}
}

// The definition is walked with the real function over the wire. The function understands
// its payloads, and the definition understands the function's answers.
func TestFleetOverTheRealFunction(t *testing.T) {
	e, environ := flowtest.Emulate(t)
	if err := e.Put(tairtest.Instance{InstanceID: "r-walk0000", InstanceStatus: "Migrating", SSLExpiredTime: handler.At(time.Now().AddDate(0, 0, 1)).String()}); err != nil {
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
		f := fc.New(environ(secret), io.Discard)
		task := func(payload []byte) ([]byte, error) {
			answer, err := f(context.Background(), payload)
			var failure messages.InvokeResponse_Error
			if errors.As(err, &failure) {
				err = &flowtest.Failure{Name: failure.Type, Cause: failure.Message}
			}
			return answer, err
		}
		return flow{task: task, sleep: func(time.Duration) {}}
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
		t.Errorf("a key that may not list ends %v, as if nothing was due", output)
	}
}
