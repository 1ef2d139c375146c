package flowtest

import (
	"encoding/json"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"tairssl/adapters/tair/tairtest"
	"tairssl/handler"
)

// ID is the id of an instance of a fleet.
func ID(n int) string { return fmt.Sprintf("r-bp1fleet%04d", n) }

// Fleet answers invocations like the function: plans page by page, and changes.
type Fleet struct {
	Pages [][]string // the ids of due instances
	// Outcomes has the outcomes of an instance, one for each invocation. The last one
	// repeats. "failed/KIND" is an outcome with a kind of error, "!NAME" a failure.
	Outcomes map[string][]string
	// Others is the outcome of all other instances. If it is empty, a change is verified
	// if the request waits for it and accepted if not; a second request is unchanged.
	Others string

	mu             sync.Mutex
	Orders         []string // the orders of plans
	Changed        []string // the instance of each change, in the order of their starts
	Most           int      // how many changes ran at once
	FirstAlone     bool     // whether the first change ended before the second one started
	running, ended int
}

// request is a request of one change, or the order of a plan.
type request struct {
	InstanceId, SSLEnabled, Wait string
	Sweep                        *struct {
		Plan bool
		Page string
	}
}

// Invoke answers one invocation. A change takes a second, so that changes overlap.
func (f *Fleet) Invoke(payload []byte) ([]byte, error) {
	var r request
	if err := json.Unmarshal(payload, &r); err != nil {
		return nil, err
	}
	if r.Sweep != nil {
		return f.plan(payload, r)
	}
	outcome := f.start(r)
	time.Sleep(time.Second) // of the fake clock
	f.mu.Lock()
	f.running--
	f.ended++
	f.mu.Unlock()
	if name, failed := strings.CutPrefix(outcome, "!"); failed {
		return nil, &Failure{name, r.InstanceId + ": " + name}
	}
	answer := map[string]any{"InstanceId": r.InstanceId, "SSLEnabled": r.SSLEnabled, "Outcome": outcome, "Reason": "", "Error": nil}
	if outcome, kind, failed := strings.Cut(outcome, "/"); failed {
		answer["Outcome"], answer["Reason"], answer["Error"] = outcome, kind, map[string]string{"Kind": kind}
	}
	return json.Marshal(answer)
}

// start records the start of a change and returns its outcome.
func (f *Fleet) start(r request) (outcome string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	switch list := f.Outcomes[r.InstanceId]; {
	case len(list) > 0:
		outcome, f.Outcomes[r.InstanceId] = list[0], list[min(1, len(list)-1):]
	case f.Others != "":
		outcome = f.Others
	case slices.Contains(f.Changed, r.InstanceId):
		outcome = "unchanged"
	case r.Wait != "":
		outcome = "verified"
	default:
		outcome = "accepted"
	}
	if len(f.Changed) == 1 {
		f.FirstAlone = f.ended == 1
	}
	f.Changed = append(f.Changed, r.InstanceId)
	f.running++
	f.Most = max(f.Most, f.running)
	return outcome
}

// plan answers the order of one page of a plan.
func (f *Fleet) plan(payload []byte, r request) ([]byte, error) {
	f.Orders = append(f.Orders, string(payload))
	page, _ := strconv.Atoi(r.Sweep.Page) // "" is the first page
	if !r.Sweep.Plan || page >= len(f.Pages) {
		return nil, &Failure{"invalid", string(payload)}
	}
	requests := []any{}
	for _, id := range f.Pages[page] {
		requests = append(requests, map[string]any{"InstanceId": id, "SSLEnabled": "Update", "Automatic": true})
	}
	answer := map[string]any{"Requests": requests}
	if page+1 < len(f.Pages) {
		answer["NextPage"] = strconv.Itoa(page + 1)
	}
	return json.Marshal(answer)
}

// Instances are the ids of the instances that were changed, sorted, each once.
func (f *Fleet) Instances() []string {
	return slices.Compact(slices.Sorted(slices.Values(f.Changed)))
}

// Tries counts the changes of an instance.
func (f *Fleet) Tries(id string) (n int) {
	for _, changed := range f.Changed {
		if changed == id {
			n++
		}
	}
	return n
}

// Emulate puts 60 instances into an emulator. Every tenth of them is due. It returns the
// emulator and the environment of a function over it.
func Emulate(t *testing.T) (e *tairtest.Emulator, environ func(accessKeySecret string) []string) {
	t.Helper()
	var instances []tairtest.Instance
	for n := range 60 {
		days := 200
		if n%10 == 0 {
			days = 5
		}
		instances = append(instances, tairtest.Instance{InstanceID: fmt.Sprintf("r-walk%04d", n), SSLExpiredTime: handler.At(time.Now().AddDate(0, 0, days)).String()})
	}
	e, url := tairtest.Start(t, tairtest.Options{Lag: -1, ChangeTime: -1}, instances...)
	return e, func(secret string) []string {
		return []string{"TAIRSSL_ENDPOINT=" + url, "TAIRSSL_LEASE_PAUSE=20ms", "TAIRSSL_RATE=0", "TAIRSSL_WINDOW=any",
			"ALIBABA_CLOUD_ACCESS_KEY_ID=emulator", "ALIBABA_CLOUD_ACCESS_KEY_SECRET=" + secret}
	}
}
