package localruntime_test

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"tairssl/adapters/cli/localruntime"
)

func TestHandedWorkIsDoneAfterTheAnswer(t *testing.T) {
	t.Parallel()
	for _, cloud := range clouds {
		t.Run(string(cloud), func(t *testing.T) {
			p := handover(t, cloud, nil)
			first := ask(t, p, `{"Name":"first","Hand":{"Name":"second","Hand":{"Name":"third"}}}`)
			if first.Status != 202 || first.HandID == "" || first.HandID == first.ID {
				t.Fatalf("the answer to the hand-over is %d with request id %q: %s", first.Status, first.HandID, first.Said)
			}
			all := settled(t, p)
			if len(all) != 2 {
				t.Fatalf("%d asynchronous invocations ended, want 2: %+v", len(all), all)
			}
			id := first.HandID
			for n, name := range []string{"second", "third"} {
				var s said
				if err := json.Unmarshal(all[n].Answer.Payload, &s); err != nil || s.Name != name || s.ID != id || all[n].Answer.RequestID != id || all[n].Attempts != 1 || all[n].Failure() != "" {
					t.Errorf("asynchronous invocation %d is %+v, with the answer %+v; want %s with id %s", n+1, all[n], s, name, id)
				}
				id = s.HandID
			}
			if again := settled(t, p); len(again) != 0 {
				t.Errorf("a second call of Async returns %d more", len(again))
			}
		})
	}
}

func TestWrongRequestsAreRefused(t *testing.T) {
	t.Parallel()
	for _, cloud := range clouds {
		t.Run(string(cloud), func(t *testing.T) {
			p := handover(t, cloud, nil)
			for _, test := range []struct {
				order      string
				lambda, fc int
			}{
				{`"Spoil":"name"`, 404, 404},
				{`"Spoil":"size"`, 202, 413}, // more than 128 KiB
				{`"Spoil":"more"`, 413, 413}, // more than 1 MiB
				{`"Spoil":"json"`, 400, 202},
				{`"Spoil":"time"`, 403, 403},
				{`"Spoil":"body"`, 403, 403},
				{`"Spoil":"signature"`, 403, 403},
				{`"Spoil":"unsigned"`, 403, 403},
				{`"Spoil":"token"`, 403, 403},
				{`"Spoil":"id"`, 403, 403},
				{`"Spoil":"secret"`, 403, 403},
				{`"Spoil":"region"`, 403, 202}, // Alibaba Cloud's signature has no region
				{`"Type":"DryRun"`, 400, 400},
				{`"Type":"event"`, 400, 400},
			} {
				want := test.lambda
				if cloud == localruntime.FC {
					want = test.fc
				}
				if want == 202 {
					continue // another test covers accepted requests
				}
				if got := ask(t, p, `{"Hand":{"Name":"x"},`+test.order+`}`); got.Status != want || got.HandID == "" || got.Said == "" {
					t.Errorf("the answer to %s is %d %s, with request id %q; want %d", test.order, got.Status, got.Said, got.HandID, want)
				}
			}
			if all := settled(t, p); len(all) != 0 {
				t.Errorf("refused work was done: %+v", all)
			}
		})
	}
}

// A function without a key cannot sign. Only Lambda gets a made-up key.
func TestFunctionComputeWithoutCredentialsHandsNothingOver(t *testing.T) {
	t.Parallel()
	p := handover(t, localruntime.FC, func(o *localruntime.Options) { o.Env = environment() })
	if got := ask(t, p, `{"Hand":{}}`); got.Status != 403 {
		t.Errorf("the answer to the hand-over is %d %s, want 403", got.Status, got.Said)
	}
}

// One function invokes another and waits for its answer.
func TestSynchronousInvocations(t *testing.T) {
	t.Parallel()
	for cloud, kind := range map[localruntime.Cloud]string{localruntime.Lambda: "RequestResponse", localruntime.FC: "Sync"} {
		t.Run(string(cloud), func(t *testing.T) {
			invoked := handover(t, cloud, nil)
			p := handover(t, cloud, func(o *localruntime.Options) { o.Env = append(o.Env, "TAIRSSL_INVOKE_ENDPOINT="+invoked.Endpoint()) })
			got := ask(t, p, `{"Type":"`+kind+`","Hand":{"Name":"other"}}`)
			var s said
			if err := json.Unmarshal([]byte(got.Said), &s); err != nil || got.Status != 200 || s.Name != "other" || s.Process == got.Process {
				t.Errorf("the answer is %d %s", got.Status, got.Said)
			}
			if got := ask(t, p, `{"Type":"`+kind+`","Hand":{"Fail":true}}`); got.Status != 200 || !strings.Contains(got.Said, "asked") {
				t.Errorf("the answer of a failed function is %d %s", got.Status, got.Said)
			}
			if len(settled(t, p)) != 0 || len(settled(t, invoked)) != 0 {
				t.Error("a synchronous invocation was also done asynchronously")
			}
		})
	}
	p := handover(t, localruntime.Lambda, nil)
	if got := ask(t, p, `{"Type":"RequestResponse","Hand":{}}`); got.Status != 429 {
		t.Errorf("the answer to a busy function that invokes itself is %d, want 429", got.Status)
	}
}

func TestAsynchronousInvocationsAreTriedAgain(t *testing.T) {
	t.Parallel()
	for cloud, most := range map[localruntime.Cloud]int{localruntime.Lambda: 3, localruntime.FC: 4} {
		t.Run(string(cloud), func(t *testing.T) {
			p := handover(t, cloud, nil)
			first := ask(t, p, `{"Hand":{"Fail":true}}`)
			if all := settled(t, p); len(all) != 1 || all[0].Attempts != most || all[0].Failure() != "asked: this was asked for" || all[0].Answer.RequestID != first.HandID {
				t.Errorf("an order that always fails ended as %+v, want %d attempts", all, most)
			}
			ask(t, p, `{"Hand":{"FailUp":2,"Name":"at last"}}`)
			var s said
			all := settled(t, p)
			if len(all) != 1 || all[0].Attempts != 2 || all[0].Failure() != "" || json.Unmarshal(all[0].Answer.Payload, &s) != nil || s.Name != "at last" {
				t.Errorf("an order that fails once ended as %+v", all)
			}
			if cloud == localruntime.FC && s.Retry != "1" {
				t.Errorf("the second attempt sees %s repetitions, want 1", s.Retry)
			}
			ask(t, p, `{"Hand":{"Crash":true}}`)
			if all := settled(t, p); len(all) != 1 || all[0].Attempts != most || !strings.Contains(all[0].Failure(), "exit status 7") {
				t.Errorf("an order that crashes ended as %+v, want %d attempts", all, most)
			}
			if again := ask(t, p, `{}`); again.Process == first.Process {
				t.Error("the process that crashed answers")
			}
		})
	}
}

func TestAsynchronousInvocationsThatTakeTooLong(t *testing.T) {
	t.Parallel()
	for _, cloud := range clouds {
		t.Run(string(cloud), func(t *testing.T) {
			t.Parallel()
			p := handover(t, cloud, func(o *localruntime.Options) { o.Timeout, o.Retries = time.Second, -1 })
			first := ask(t, p, `{"Hand":{"Hang":true}}`)
			if all := settled(t, p); len(all) != 1 || all[0].Attempts != 1 || !strings.Contains(all[0].Failure(), "no answer within 1s") {
				t.Errorf("the event ended as %+v, want one attempt without an answer", all)
			}
			if again := ask(t, p, `{}`); again.Process == first.Process {
				t.Error("the process that hung answers")
			}
		})
	}
}

func TestEventsAreDeliveredTwiceOnRequest(t *testing.T) {
	t.Parallel()
	p := handover(t, localruntime.Lambda, func(o *localruntime.Options) { o.DuplicateEvents = true })
	first := ask(t, p, `{"Hand":{"Name":"twice"}}`)
	all := settled(t, p)
	if len(all) != 2 {
		t.Fatalf("there were %d deliveries, want 2", len(all))
	}
	for _, d := range all {
		if d.Answer.RequestID != first.HandID || !strings.Contains(string(d.Answer.Payload), "twice") {
			t.Errorf("a delivery ended as %+v", d)
		}
	}
}

func TestEventsThatAreTooOldAreLost(t *testing.T) {
	t.Parallel()
	p := handover(t, localruntime.FC, func(o *localruntime.Options) { o.MaxEventAge = time.Nanosecond })
	ask(t, p, `{"Hand":{}}`)
	if all := settled(t, p); len(all) != 1 || all[0].Attempts != 0 || !strings.Contains(all[0].Failure(), "too old") {
		t.Errorf("the event ended as %+v, want no attempt", all)
	}
}

func TestUnfinishedEventsAreReported(t *testing.T) {
	t.Parallel()
	p := handover(t, localruntime.Lambda, nil)
	ask(t, p, `{"Hand":{"Hang":true}}`)
	ctx, cancel := context.WithTimeout(context.Background(), 50*time.Millisecond)
	defer cancel()
	if all, err := p.Async(ctx); len(all) != 0 || err == nil || !strings.HasPrefix(err.Error(), "1 asynchronous") {
		t.Errorf("after its deadline Async returns %+v, %v; want the number of open events", all, err)
	}
	_ = p.Close()
	if _, err := p.Async(context.Background()); err == nil {
		t.Error("Async reports no open event after Close")
	}
	if _, err := p.Invoke(context.Background(), []byte(`{}`)); err == nil {
		t.Error("a closed function answers an invocation")
	}
}

// Beyond the limit of 1000 waiting events new ones are refused, so memory is bounded.
func TestTooManyEventsAreRefused(t *testing.T) {
	t.Parallel()
	log := newOutput()
	p := handover(t, localruntime.FC, func(o *localruntime.Options) { o.Stderr = log })
	hang(t, p, log) // so that no event is delivered
	var group sync.WaitGroup
	statuses := make(chan int, 1100)
	for range 11 {
		group.Go(func() {
			for range 100 {
				answer, err := p.Invoke(context.Background(), []byte(`{"Hand":{}}`))
				var s said
				if err != nil || json.Unmarshal(answer.Payload, &s) != nil {
					t.Errorf("the answer is %s, %v", answer.Payload, err)
				}
				statuses <- s.Status
			}
		})
	}
	group.Wait()
	close(statuses)
	counts := map[int]int{}
	for status := range statuses {
		counts[status]++
	}
	if fmt.Sprint(counts) != "map[202:1000 429:100]" {
		t.Errorf("the statuses of the hand-overs are %v, want 1000 times 202 and 100 times 429", counts)
	}
}
