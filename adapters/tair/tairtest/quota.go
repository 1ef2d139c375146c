package tairtest

import (
	"fmt"
	"net/http"
	"time"
)

// published are the quotas that Alibaba publishes for each region and account. Alibaba
// publishes none for the SSL actions.
var published = map[string]quota{
	"DescribeInstanceAttribute":    {Calls: 1000, Window: time.Second},
	"ListTagResources":             {Calls: 100, Window: time.Second},
	"TagResources":                 {Calls: 200, Window: time.Minute},
	"DescribeActiveOperationTasks": {Calls: 200, Window: time.Minute},
	"ModifyActiveOperationTasks":   {Calls: 200, Window: time.Minute},
	"CancelActiveOperationTasks":   {Calls: 200, Window: time.Minute},
}

// quota is the number of calls of an action in any period of length Window.
type quota struct {
	Calls  int
	Window time.Duration
}

var throttled = &refusal{http.StatusBadRequest, "Throttling.User", "Request was denied due to user flow control."}

// Quota sets how many calls of an action pass in any period of length window, in each
// region. Further calls get 400 Throttling.User and have no effect. 0 calls lift the
// quota. The action "*" means all actions. Periods follow the machine's clock, which
// Advance does not move.
func (e *Emulator) Quota(action string, calls int, window time.Duration) error {
	if err := known(action); err != nil {
		return err
	}
	switch {
	case calls < 0 || calls > 1<<20:
		return fmt.Errorf("the field Calls is %d; it takes 0, to lift the quota, to %d", calls, 1<<20)
	case calls > 0 && window <= 0:
		return fmt.Errorf("the field Window is %s; it takes a duration such as 1m", window)
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	for name := range actions {
		if action != "*" && action != name {
			continue
		}
		delete(e.quotas, name)
		if calls > 0 {
			e.quotas[name] = quota{calls, window}
		}
		delete(e.passed, name)
	}
	return nil
}

// passes is a ring with the times of the last calls of an action in a region that passed
// the quota.
type passes struct {
	at     []time.Time
	oldest int
}

// exceeds reports whether a call exceeds the quota of its action. Otherwise it counts the
// call. The caller holds e.mu.
func (e *Emulator) exceeds(action, region string) bool {
	q, ok := e.quotas[action]
	if !ok {
		return false
	}
	if e.passed[action] == nil {
		e.passed[action] = map[string]*passes{}
	}
	p := e.passed[action][region]
	if p == nil {
		p = &passes{}
		e.passed[action][region] = p
	}
	now := e.options.Now()
	switch {
	case len(p.at) < q.Calls:
		p.at = append(p.at, now)
	case now.Sub(p.at[p.oldest]) < q.Window:
		e.throttled[action]++
		return true
	default:
		p.at[p.oldest] = now
		p.oldest = (p.oldest + 1) % q.Calls
	}
	return false
}

// Throttled counts the calls of an action that its quota refused.
func (e *Emulator) Throttled(action string) int {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.throttled[action]
}
