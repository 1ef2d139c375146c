package storm_test

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"tairssl/adapters/cli/localruntime"
	"tairssl/adapters/tair/tairtest"
	"tairssl/handler"
)

// dueFleet makes a fleet in which every instance is due.
func dueFleet(size int) (fleet []tairtest.Instance) {
	for n := range size {
		fleet = append(fleet, tairtest.Instance{InstanceID: instanceID(n), SSLExpiredTime: expiry(10)})
	}
	return fleet
}

// idsOf returns the ids of a fleet.
func idsOf(fleet []tairtest.Instance) (ids []string) {
	for _, i := range fleet {
		ids = append(ids, i.InstanceID)
	}
	return ids
}

// several starts count processes against one emulator, alternating between both
// clouds.
func several(t *testing.T, e *tairtest.Emulator, count int, timeout time.Duration, settings ...string) (all []*function) {
	t.Helper()
	for n := range count {
		cloud := both[n%2]
		all = append(all, start(t, cloud, fmt.Sprintf("%s-%d", cloud, n+1), e, timeout, settings...))
	}
	for _, f := range all { // so that all start their work at the same time
		if err := f.WaitReady(context.Background()); err != nil {
			t.Fatal(err)
		}
	}
	return all
}

// update asks a function to renew instances: one with a direct request, several with a
// batch. It returns the results by instance, even if the invocation failed because
// another delivery can help.
func update(t *testing.T, f *function, ids ...string) map[string]handler.Result {
	t.Helper()
	batch := []any{}
	for _, id := range ids {
		batch = append(batch, object{"InstanceId": id, "SSLEnabled": "Update"})
	}
	payload := text(batch)
	if len(ids) == 1 {
		payload = text(batch[0])
	}
	a, err := f.Invoke(context.Background(), []byte(payload))
	if err != nil {
		t.Errorf("%s does not answer: %v", f.name, err)
		return nil
	}
	return resultsOf(t, a, len(ids))
}

// resultsOf reads the results of an answer. In a failed invocation they are after the
// first line of its message.
func resultsOf(t *testing.T, a localruntime.Answer, count int) map[string]handler.Result {
	t.Helper()
	body := string(a.Payload)
	if a.Failed {
		_, body, _ = strings.Cut(a.ErrorMessage, "\n")
	}
	if !strings.HasPrefix(body, "[") {
		body = "[" + body + "]"
	}
	var results []handler.Result
	if err := json.Unmarshal([]byte(body), &results); err != nil || len(results) != count {
		t.Errorf("the answer is %.2000s %.2000s, want %d results (%v)", a.Payload, a.ErrorMessage, count, err)
	}
	byID := map[string]handler.Result{}
	for _, r := range results {
		byID[r.InstanceID] = r
	}
	return byID
}

// atOnce calls do for all functions at the same time.
func atOnce(functions []*function, do func(n int, f *function)) {
	var group sync.WaitGroup
	for n, f := range functions {
		group.Go(func() { do(n, f) })
	}
	group.Wait()
}

// renewed counts the instances that restarted. It fails if an instance restarted twice.
func renewed(t *testing.T, e *tairtest.Emulator) (n int) {
	t.Helper()
	for _, i := range e.Instances() {
		if i.Restarts > 1 {
			t.Errorf("%s restarted %d times: %v", i.InstanceID, i.Restarts, i.Changes)
		}
		n += min(i.Restarts, 1)
	}
	return n
}
