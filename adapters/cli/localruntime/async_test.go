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

func TestWorkThatIsHandedOverIsDoneAfterTheAnswer(t *testing.T) {
	t.Parallel()
	for _, cloud := range clouds {
		t.Run(string(cloud), func(t *testing.T) {
			p := handover(t, cloud, nil)
			first := ask(t, p, `{"Name":"first","Hand":{"Name":"second","Hand":{"Name":"third"}}}`)
			if first.Status != 202 || first.HandID == "" || first.HandID == first.ID {
				t.Fatalf("the hand-over was answered %d with request id %q: %s", first.Status, first.HandID, first.Said)
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
				t.Errorf("asked again, there are %d more", len(again))
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
				{`"Spoil":"region"`, 403, 202}, // no part of Alibaba Cloud's signature
				{`"Type":"DryRun"`, 400, 400},
				{`"Type":"event"`, 400, 400},
			} {
				want := test.lambda
				if cloud == localruntime.FC {
					want = test.fc
				}
				if want == 202 {
					continue // what is accepted is another test's
				}
				if got := ask(t, p, `{"Hand":{"Name":"x"},`+test.order+`}`); got.Status != want || got.HandID == "" || got.Said == "" {
					t.Errorf("%s is answered %d %s, with request id %q; want %d", test.order, got.Status, got.Said, got.HandID, want)
				}
			}
			if all := settled(t, p); len(all) != 0 {
				t.Errorf("what was refused was done: %+v", all)
			}
		})
	}
}

// A function without a key cannot sign; made-up keys are Lambda's alone.
func TestFunctionComputeWithoutCredentialsHandsNothingOver(t *testing.T) {
	t.Parallel()
	p := handover(t, localruntime.FC, func(o *localruntime.Options) { o.Env = environment() })
	if got := ask(t, p, `{"Hand":{}}`); got.Status != 403 {
		t.Errorf("the hand-over was answered %d %s", got.Status, got.Said)
	}
}

// One function invokes another, and waits.
func TestSynchronousInvocations(t *testing.T) {
	t.Parallel()
	for cloud, kind := range map[localruntime.Cloud]string{localruntime.Lambda: "RequestResponse", localruntime.FC: "Sync"} {
		t.Run(string(cloud), func(t *testing.T) {
			invoked := handover(t, cloud, nil)
			p := handover(t, cloud, func(o *localruntime.Options) { o.Env = append(o.Env, "TAIRSSL_INVOKE_ENDPOINT="+invoked.Endpoint()) })
			got := ask(t, p, `{"Type":"`+kind+`","Hand":{"Name":"other"}}`)
			var s said
			if err := json.Unmarshal([]byte(got.Said), &s); err != nil || got.Status != 200 || s.Name != "other" || s.Process == got.Process {
				t.Errorf("is answered %d %s", got.Status, got.Said)
			}
			if got := ask(t, p, `{"Type":"`+kind+`","Hand":{"Fail":true}}`); got.Status != 200 || !strings.Contains(got.Said, "asked") {
				t.Errorf("a function that fails is answered %d %s", got.Status, got.Said)
			}
			if len(settled(t, p)) != 0 || len(settled(t, invoked)) != 0 {
				t.Error("a synchronous invocation was done asynchronously as well")
			}
		})
	}
	p := handover(t, localruntime.Lambda, nil)
	if got := ask(t, p, `{"Type":"RequestResponse","Hand":{}}`); got.Status != 429 {
		t.Errorf("a busy function that waits for itself is answered %d, want 429", got.Status)
	}
}

func TestAsynchronousInvocationsAreTriedAgain(t *testing.T) {
	t.Parallel()
	for cloud, most := range map[localruntime.Cloud]int{localruntime.Lambda: 3, localruntime.FC: 4} {
		t.Run(string(cloud), func(t *testing.T) {
			p := handover(t, cloud, nil)
			first := ask(t, p, `{"Hand":{"Fail":true}}`)
			if all := settled(t, p); len(all) != 1 || all[0].Attempts != most || all[0].Failure() != "asked: this was asked for" || all[0].Answer.RequestID != first.HandID {
				t.Errorf("what always fails ended as %+v, want %d attempts", all, most)
			}
			ask(t, p, `{"Hand":{"FailUp":2,"Name":"at last"}}`)
			var s said
			all := settled(t, p)
			if len(all) != 1 || all[0].Attempts != 2 || all[0].Failure() != "" || json.Unmarshal(all[0].Answer.Payload, &s) != nil || s.Name != "at last" {
				t.Errorf("what fails once ended as %+v", all)
			}
			if cloud == localruntime.FC && s.Retry != "1" {
				t.Errorf("the second attempt is told of %s repetitions", s.Retry)
			}
			ask(t, p, `{"Hand":{"Crash":true}}`)
			if all := settled(t, p); len(all) != 1 || all[0].Attempts != most || !strings.Contains(all[0].Failure(), "exit status 7") {
				t.Errorf("what crashes ended as %+v, want %d attempts", all, most)
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
				t.Errorf("ended as %+v, want one attempt that was cut off", all)
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
		t.Fatalf("there were %d deliveries", len(all))
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
		t.Errorf("ended as %+v", all)
	}
}

func TestEventsThatDoNotEndAreToldOf(t *testing.T) {
	t.Parallel()
	p := handover(t, localruntime.Lambda, nil)
	ask(t, p, `{"Hand":{"Hang":true}}`)
	ctx, cancel := context.WithTimeout(context.Background(), 50*time.Millisecond)
	defer cancel()
	if all, err := p.Async(ctx); len(all) != 0 || err == nil || !strings.HasPrefix(err.Error(), "1 asynchronous") {
		t.Errorf("after the time was up there are %+v, %v", all, err)
	}
	_ = p.Close()
	if _, err := p.Async(context.Background()); err == nil {
		t.Error("a function that was closed has settled its events")
	}
	if _, err := p.Invoke(context.Background(), []byte(`{}`)); err == nil {
		t.Error("a function that was closed answers")
	}
}

// More events than are kept are refused, so memory does not grow.
func TestTooManyEventsAreRefused(t *testing.T) {
	t.Parallel()
	log := newOutput()
	p := handover(t, localruntime.FC, func(o *localruntime.Options) { o.Stderr = log })
	hang(t, p, log) // nothing is delivered meanwhile
	var group sync.WaitGroup
	statuses := make(chan int, 1100)
	for range 11 {
		group.Go(func() {
			for range 100 {
				answer, err := p.Invoke(context.Background(), []byte(`{"Hand":{}}`))
				var s said
				if err != nil || json.Unmarshal(answer.Payload, &s) != nil {
					t.Errorf("answered %s, %v", answer.Payload, err)
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
		t.Errorf("the hand-overs were answered so often: %v", counts)
	}
}
