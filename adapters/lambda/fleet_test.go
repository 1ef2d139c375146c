package lambda_test

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/aws/aws-lambda-go/lambda/messages"

	"tairssl/adapters/function/flowtest"
	"tairssl/adapters/lambda"
)

// fleetMachine is fleet.asl.json as template.yaml deploys it, with a task in place of the
// function.
func fleetMachine(task func([]byte) ([]byte, error), via string) stateMachine {
	return stateMachine{task: task, sleep: time.Sleep, substitutions: map[string]string{
		"Partition": "aws", "Function": "arn:aws:lambda:us-east-1:123456789012:function:tairssl",
		"QueueUrl": "https://sqs.us-east-1.amazonaws.com/123456789012/requests", "Via": via, "Concurrency": "5", "MaxTargets": "100",
	}}
}

// summary is the output of an execution.
type summary struct {
	Changed, Tried int
	Failures       []struct{ InstanceId, Outcome, Reason string }
}

func runFleet(t *testing.T, m stateMachine, input string) (s summary, err error) {
	t.Helper()
	output, err := m.run(t, "fleet.asl.json", input)
	if err != nil {
		return s, err
	}
	encoded, _ := json.Marshal(output)
	if err := json.Unmarshal(encoded, &s); err != nil {
		t.Fatalf("the execution ends with %s, which is not a summary: %v", encoded, err)
	}
	return s, nil
}

// due returns the ids of n instances on three pages. The second page is empty.
func due(n int) (pages [][]string) {
	pages = [][]string{{}, {}, {}}
	for i := range n {
		page := 2 * min(1, i*2/n)
		pages[page] = append(pages[page], flowtest.ID(i))
	}
	return pages
}

func TestFleetChangesMaxTargetsInTotal(t *testing.T) {
	for name, test := range map[string]struct {
		due     int
		input   string
		changes int
	}{
		"all":                                {30, `{}`, 30},
		"the template's limit":               {250, `{}`, 100},
		"the order's limit":                  {250, `{"Sweep":{"MaxTargets":70}}`, 70},
		"the order asks for more":            {250, `{"Sweep":{"MaxTargets":500}}`, 100},
		"one":                                {30, `{"Sweep":{"MaxTargets":1}}`, 1},
		"only one is due":                    {1, `{}`, 1},
		"the limit is the end of the page":   {30, `{"Sweep":{"MaxTargets":15}}`, 15},
		"the limit is just after that":       {30, `{"Sweep":{"MaxTargets":16}}`, 16},
		"an empty fleet":                     {0, `{}`, 0},
		"an empty fleet, started by the bus": {0, `{"Sweep":{}}`, 0},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := &flowtest.Fleet{Pages: due(test.due)}
				s, err := runFleet(t, fleetMachine(f.Invoke, "map"), test.input)
				if err != nil || len(f.Changed) != test.changes || s.Changed != test.changes || len(s.Failures) != 0 {
					t.Errorf("%d instances are changed, the summary is %+v, %v; want %d", len(f.Changed), s, err, test.changes)
				}
				if once := slices.Compact(slices.Sorted(slices.Values(f.Changed))); len(once) != len(f.Changed) {
					t.Errorf("only %d of %d changes are of different instances", len(once), len(f.Changed))
				}
				if f.Most > 5 || test.changes > 6 && f.Most != 5 {
					t.Errorf("%d instances were changed at once, want 5", f.Most)
				}
				if test.changes > 1 && !f.FirstAlone {
					t.Error("the second change began before the first was over")
				}
			})
		})
	}
}

// A bad order ends the execution before the function is invoked.
func TestFleetRefusesABadOrder(t *testing.T) {
	for input, want := range map[string]string{
		`{"Sweep":null}`: `It is {"Sweep":null}`, `{"Sweep":[]}`: "must be an object", `{"Sweep":"x"}`: "must be an object", `[]`: "must be an object", `null`: "must be an object", `"x"`: "It is x",
		`{"sweep":{"DryRun":true}}`: `It is {"sweep":{"DryRun":true}}`, `{"Sweep":{},"DryRun":true}`: "the one field Sweep", `[{"Sweep":{}}]`: "must be an object",
		`{"Sweep":{"MaxTargets":"5"}}`: `without quotes. It is {"MaxTargets":"5"}`, `{"Sweep":{"MaxTargets":null}}`: "whole number", `{"Sweep":{"MaxTargets":0}}`: "at least 1", `{"Sweep":{"MaxTargets":-1}}`: "at least 1",
		`{"Sweep":{"MaxTargets":1.5}}`: "whole number", `{"Sweep":{"MaxTargets":[5]}}`: "whole number", `{"Sweep":{"MaxTargets":{}}}`: "whole number", `{"Sweep":{"MaxTargets":true}}`: "whole number",
	} {
		if (strings.Contains(input, "null") || strings.Contains(input, "[]")) && os.Getenv("TAIRSSL_NODE_MODULES") == "" {
			continue // the Go library treats null and an empty array as missing; the reference implementation does not
		}
		synctest.Test(t, func(t *testing.T) {
			f := &flowtest.Fleet{Pages: due(4)}
			_, err := runFleet(t, fleetMachine(f.Invoke, "map"), input)
			var failure *flowtest.Failure
			if !errors.As(err, &failure) || failure.Name != "BadOrder" || !strings.Contains(failure.Cause, want) || !strings.HasPrefix(failure.Cause, "Nothing was changed.") {
				t.Errorf("%s ends %v, want BadOrder with %q", input, err, want)
			}
			if len(f.Orders)+len(f.Changed) != 0 {
				t.Errorf("%s orders the plans %v, and changes %v", input, f.Orders, f.Changed)
			}
		})
	}
}

func TestFleetHandsTheOrderOn(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &flowtest.Fleet{Pages: due(4)}
		if _, err := runFleet(t, fleetMachine(f.Invoke, "map"), `{"Sweep":{"Tags":{"env":"prod"},"Regions":["cn-hangzhou"],"MaxTargets":9}}`); err != nil {
			t.Fatal(err)
		}
		want := []string{
			`{"Sweep":{"Plan":true,"Regions":["cn-hangzhou"],"Tags":{"env":"prod"}}}`,
			`{"Sweep":{"Page":"1","Plan":true,"Regions":["cn-hangzhou"],"Tags":{"env":"prod"}}}`,
			`{"Sweep":{"Page":"2","Plan":true,"Regions":["cn-hangzhou"],"Tags":{"env":"prod"}}}`,
		}
		if !slices.Equal(f.Orders, want) {
			t.Errorf("the orders of the pages are\n%s\nwant\n%s", strings.Join(f.Orders, "\n"), strings.Join(want, "\n"))
		}
	})
}

func TestFleetGoesOnOnlyAfterAVerifiedFirstChange(t *testing.T) {
	for first, wantAll := range map[string]bool{
		"verified": true, "planned": true,
		// The request surely changed nothing, so the next instance becomes the canary.
		"unchanged": true, "deferred": true, "in_progress": true, "refused": true, "!in_progress": true,
		"failed/not_found": true, "failed/unsupported": true, "failed/locked": true, "failed/invalid": true,
		// The change may have damaged the instance, or may fail on every instance.
		"accepted": false, "unknown": false, "!unknown": false, "!internal": false, "!unavailable": false, "!throttled": false,
		"failed/forbidden": false, "failed/unauthorized": false, "failed/internal": false, "!Sandbox.Timedout": false, "": false,
	} {
		t.Run(first, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := &flowtest.Fleet{Pages: due(12), Outcomes: map[string][]string{"r-bp1fleet0000": {first}}}
				_, err := runFleet(t, fleetMachine(f.Invoke, "map"), `{}`)
				others := slices.DeleteFunc(slices.Clone(f.Changed), func(id string) bool { return id == "r-bp1fleet0000" })
				var stop *flowtest.Failure
				switch {
				case wantAll && (err != nil || len(others) != 11):
					t.Errorf("%d others are changed, %v; want 11", len(others), err)
				case !wantAll && (!errors.As(err, &stop) || stop.Name != "FirstNotVerified" || !strings.Contains(stop.Cause, "r-bp1fleet0000") || len(others) > 0):
					t.Errorf("%d others are changed, and it ends with %v; want none, and the reason", len(others), err)
				}
			})
		})
	}
}

func TestFleetTriesThrottledAgain(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &flowtest.Fleet{Pages: due(12), Outcomes: map[string][]string{
			"r-bp1fleet0000": {"!throttled", "!Lambda.TooManyRequestsException", "verified"},
			"r-bp1fleet0003": {"!throttled", "!throttled", "!unavailable", "accepted"},
			"r-bp1fleet0004": {"!unknown", "unchanged"},
		}}
		began := time.Now()
		s, err := runFleet(t, fleetMachine(f.Invoke, "map"), `{}`)
		if err != nil || s.Changed != 11 || s.Tried != 12 || len(s.Failures) != 0 || len(f.Changed) != 12+2+3+1 {
			t.Errorf("ends with %+v, %v after %d invocations", s, err, len(f.Changed))
		}
		if waited := time.Since(began); waited < 5*time.Minute {
			t.Errorf("an unknown change is looked at after %s, before its effect can show", waited)
		}
	})
}

func TestFleetGoesOnAfterAFailure(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &flowtest.Fleet{Pages: due(30), Outcomes: map[string][]string{
			"r-bp1fleet0003": {"failed/not_found"}, "r-bp1fleet0004": {"!internal"}, "r-bp1fleet0005": {"!unknown"},
			"r-bp1fleet0006": {"!throttled"}, "r-bp1fleet0007": {"deferred"},
		}}
		s, err := runFleet(t, fleetMachine(f.Invoke, "map"), `{"Sweep":{"MaxTargets":20}}`)
		once := slices.Compact(slices.Sorted(slices.Values(f.Changed)))
		// 0003, 0006 and 0007 certainly did not change, so three more instances can be tried.
		if err != nil || s.Changed != 20 || s.Tried != 23 || len(once) != 23 {
			t.Errorf("ends with %+v, %v after trying %d instances", s, err, len(once))
		}
		var failed []string
		for _, f := range s.Failures {
			failed = append(failed, f.InstanceId[10:]+" "+f.Outcome)
		}
		if slices.Sort(failed); !slices.Equal(failed, []string{"0003 failed", "0004 internal", "0005 unknown", "0006 throttled"}) {
			t.Errorf("the failures are %v", failed)
		}
	})
}

func TestFleetCountsWhatMayHaveChanged(t *testing.T) {
	for others, tried := range map[string]int{"planned": 8, "verified": 8, "unknown": 8, "!unknown": 8, "!Sandbox.Timedout": 8, "unchanged": 30, "deferred": 30, "!in_progress": 30} {
		t.Run(others, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f := &flowtest.Fleet{Pages: due(30), Others: others, Outcomes: map[string][]string{"r-bp1fleet0000": {"verified"}}}
				s, err := runFleet(t, fleetMachine(f.Invoke, "map"), `{"Sweep":{"MaxTargets":8}}`)
				if err != nil || s.Tried != tried {
					t.Errorf("ends with %+v, %v; want %d tried", s, err, tried)
				}
			})
		})
	}
}

func TestFleetTriesAPlanAgainAndFailsWithoutOne(t *testing.T) {
	for name, test := range map[string]struct {
		failures int
		want     string
	}{
		"throttled for a while": {4, ""},
		"throttled for ever":    {1000, "throttled"},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				f, failures := &flowtest.Fleet{Pages: due(3)}, test.failures
				_, err := runFleet(t, fleetMachine(func(payload []byte) ([]byte, error) {
					if failures--; failures >= 0 {
						return nil, &flowtest.Failure{Name: "throttled", Cause: "wait"}
					}
					return f.Invoke(payload)
				}, "map"), `{}`)
				var failure *flowtest.Failure
				if errors.As(err, &failure); test.want == "" && (err != nil || len(f.Changed) != 3) || test.want != "" && (failure == nil || failure.Name != test.want) {
					t.Errorf("ends with %v after %d changes", err, len(f.Changed))
				}
			})
		})
	}
}

func TestFleetByTheQueue(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := &flowtest.Fleet{Pages: due(60)}
		m := fleetMachine(f.Invoke, "queue")
		var mu sync.Mutex
		var sent []string
		m.queue = func(message []byte) error {
			mu.Lock()
			defer mu.Unlock()
			var c struct {
				InstanceId, SSLEnabled string
				Automatic              bool
			}
			if err := json.Unmarshal(message, &c); err != nil || c.SSLEnabled != "Update" || !c.Automatic {
				t.Errorf("the message %s is not a planned request: %v", message, err)
			}
			if len(sent) == 3 && c.InstanceId != "" {
				sent = append(sent, "")
				return errors.New("the queue is busy")
			}
			sent = append(sent, c.InstanceId)
			return nil
		}
		s, err := runFleet(t, m, `{"Sweep":{"MaxTargets":40}}`)
		sent = slices.Compact(slices.Sorted(slices.Values(sent)))[1:] // without the failed try
		if err != nil || len(f.Changed) != 1 || len(sent) != 39 || s.Changed != 1 || s.Tried != 40 {
			t.Errorf("%d instances are changed, %d others are sent to the queue, ends with %+v, %v", len(f.Changed), len(sent), s, err)
		}
	})
}

// The definition is walked with the real function over the wire. The function understands
// its payloads, and the definition understands the function's answers.
func TestFleetOverTheRealFunction(t *testing.T) {
	e, environ := flowtest.Emulate(t)
	over := func(secret string) stateMachine {
		f := lambda.New(environ(secret), io.Discard)
		m := fleetMachine(func(payload []byte) ([]byte, error) {
			answer, err := f.Invoke(context.Background(), payload)
			var failure messages.InvokeResponse_Error
			if errors.As(err, &failure) {
				err = &flowtest.Failure{Name: failure.Type, Cause: failure.Message}
			}
			return answer, err
		}, "direct")
		m.sleep = func(time.Duration) {}
		return m
	}
	m := over("emulator-secret")
	got, err := runFleet(t, m, `{"Sweep":{"DryRun":true}}`)
	if err != nil || got.Changed != 6 || len(got.Failures) != 0 {
		t.Fatalf("a dry run ends %+v, %v", got, err)
	}
	for _, i := range e.Instances() {
		if i.Restarts != 0 {
			t.Errorf("a dry run restarted %s", i.InstanceID)
		}
	}
	got, err = runFleet(t, m, `{"Sweep":{"MaxTargets":4}}`)
	if err != nil || got.Changed != 4 || len(got.Failures) != 0 {
		t.Fatalf("the first execution ends %+v, %v", got, err)
	}
	if got, err = runFleet(t, m, `{}`); err != nil || got.Changed != 2 {
		t.Fatalf("the second execution ends %+v, %v", got, err)
	}
	// A plan that fails for good must not look like an empty plan.
	var stop *flowtest.Failure
	if got, err = runFleet(t, m, `{"Sweep":{"RenewBefore":"soon"}}`); !errors.As(err, &stop) || stop.Name != "NoPlan" || !strings.Contains(stop.Cause, "duration") {
		t.Errorf("an order that cannot be read ends %+v, %v", got, err)
	}
	if got, err = runFleet(t, over("another-secret"), `{}`); !errors.As(err, &stop) || stop.Name != "NoPlan" || !strings.Contains(stop.Cause, "DescribeInstances") {
		t.Errorf("a key that may not list ends %+v, %v", got, err)
	}
	for n, i := range e.Instances() {
		if want := map[bool]int{true: 1}[n%10 == 0]; i.Restarts != want {
			t.Errorf("%s restarted %d times, want %d", i.InstanceID, i.Restarts, want)
		}
	}
}
