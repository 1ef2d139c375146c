package localruntime_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"sync"
	"testing"
	"time"

	"tairssl/adapters/cli/localruntime"
	"tairssl/adapters/cli/localruntime/runtimetest"
)

// within calls wait with the deadline of the tests, and fails if wait does.
func within(t *testing.T, what string, wait func(context.Context) error) {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), deadline)
	defer cancel()
	if err := wait(ctx); err != nil {
		t.Fatalf("%s: %v", what, err)
	}
}

// output collects the output of a process. Tests may read it at any time.
type output struct {
	mu   sync.Mutex
	text bytes.Buffer
	more chan struct{} // closed and replaced by each write
}

func newOutput() *output { return &output{more: make(chan struct{})} }

func (o *output) Write(b []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	close(o.more)
	o.more = make(chan struct{})
	return o.text.Write(b)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.String()
}

// wait waits until the output contains text.
func (o *output) wait(ctx context.Context, text string) error {
	for {
		o.mu.Lock()
		found, more := strings.Contains(o.text.String(), text), o.more
		o.mu.Unlock()
		if found {
			return nil
		}
		select {
		case <-more:
		case <-ctx.Done():
			return fmt.Errorf("the output does not contain %q", text)
		}
	}
}

// said is an answer of the function testdata/handover.
type said struct {
	Name, Retry, ID string
	Process, Status int
	HandID, Said    string
}

// handover starts the function testdata/handover, frozen between invocations.
func handover(t *testing.T, cloud localruntime.Cloud, change func(*localruntime.Options)) *localruntime.Process {
	t.Helper()
	o := localruntime.Options{
		Env:    environment("ALIBABA_CLOUD_ACCESS_KEY_ID=id", "ALIBABA_CLOUD_ACCESS_KEY_SECRET=secret", "ALIBABA_CLOUD_SECURITY_TOKEN=token"),
		Stderr: newOutput(), Timeout: deadline, Freeze: true, RetryAfter: time.Millisecond,
	}
	if change != nil {
		change(&o)
	}
	p, err := localruntime.Start(context.Background(), cloud, runtimetest.Binary(t, "./testdata/handover"), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = p.Close() })
	return p
}

// hang starts an invocation that hangs until release or the end of the test.
func hang(t *testing.T, p *localruntime.Process, log *output) (release func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() { defer close(ended); _, _ = p.Invoke(ctx, []byte(`{"Hang":true}`)) }()
	release = func() { cancel(); <-ended }
	t.Cleanup(release)
	within(t, "an invocation that hangs", func(ctx context.Context) error { return log.wait(ctx, "it hangs") })
	return release
}

// ask invokes the function testdata/handover.
func ask(t *testing.T, p *localruntime.Process, order string) (s said) {
	t.Helper()
	answer, err := p.Invoke(context.Background(), []byte(order))
	if err != nil || answer.Failed || json.Unmarshal(answer.Payload, &s) != nil || s.ID != answer.RequestID {
		t.Fatalf("%.200s is answered %s, %v", order, answer.Payload, err)
	}
	return s
}

// settled returns the asynchronous invocations since its last call.
func settled(t *testing.T, p *localruntime.Process) []localruntime.Delivery {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), deadline)
	defer cancel()
	all, err := p.Async(ctx)
	if err != nil {
		t.Fatal(err)
	}
	return all
}
