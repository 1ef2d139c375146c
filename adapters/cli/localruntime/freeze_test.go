package localruntime_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"tairssl/adapters/cli/localruntime"
)

func TestProcessesAreStoppedBetweenInvocations(t *testing.T) {
	t.Parallel()
	for _, cloud := range clouds {
		t.Run(string(cloud), func(t *testing.T) {
			p := handover(t, cloud, nil)
			within(t, "before the first invocation", p.WaitFrozen)
			first := ask(t, p, `{}`)
			within(t, "after an invocation", p.WaitFrozen)
			if second := ask(t, p, `{}`); second.Process != first.Process {
				t.Error("the second invocation ran in another process")
			}
			within(t, "after the second", p.WaitFrozen)
			_ = p.Close()
			if how := p.HowItEnded(); !strings.Contains(how, "signal: terminated") {
				t.Errorf("a stopped process did not end by SIGTERM: %s", how)
			}
		})
	}
}

// A goroutine that runs after the answer stops with the process. It continues with the
// next invocation.
func TestGoroutinesStopWithTheProcess(t *testing.T) {
	for _, cloud := range clouds {
		t.Run(string(cloud), func(t *testing.T) {
			log := newOutput()
			p := handover(t, cloud, func(o *localruntime.Options) { o.Stderr = log })
			ask(t, p, `{"Later":"step"}`)
			within(t, "after the invocation", p.WaitFrozen)
			pass := func() string { // long enough for many steps of the goroutine
				ctx, cancel := context.WithTimeout(context.Background(), 50*time.Millisecond)
				defer cancel()
				_ = log.wait(ctx, "not to be said")
				return log.String()
			}
			before := pass() // earlier output takes a moment to arrive
			if after := pass(); after != before {
				t.Errorf("a goroutine ran while the process was stopped:\n%s", strings.TrimPrefix(after, before))
			}
			p.Continue()
			next := fmt.Sprintf("step %d\n", strings.Count(before, "step")+10)
			within(t, "continuing", func(ctx context.Context) error { return log.wait(ctx, next) })
		})
	}
}

func TestOverlappingInvocationsStopOnlyTogether(t *testing.T) {
	t.Parallel()
	log := newOutput()
	p := handover(t, localruntime.FC, func(o *localruntime.Options) { o.Stderr = log })
	release := hang(t, p, log)
	ask(t, p, `{}`)
	ctx, cancel := context.WithTimeout(context.Background(), 50*time.Millisecond)
	defer cancel()
	if p.WaitFrozen(ctx) == nil {
		t.Error("the process is stopped while an invocation is in progress")
	}
	release()
	ask(t, p, `{}`) // the function still answers, although the caller of the first invocation is gone
}

func TestProcessesAreStoppedByHand(t *testing.T) {
	t.Parallel()
	for _, cloud := range clouds {
		t.Run(string(cloud), func(t *testing.T) {
			p := handover(t, cloud, func(o *localruntime.Options) { o.Freeze = false })
			within(t, "the start", p.WaitReady)
			for range 2 {
				within(t, "stopping", p.Stop)
				within(t, "seeing that it is stopped", p.WaitFrozen)
				p.Continue()
			}
			within(t, "stopping", p.Stop)
			ask(t, p, `{}`) // wakes it
			within(t, "stopping", p.Stop)
			_ = p.Close()
			if how := p.HowItEnded(); !strings.Contains(how, "signal: terminated") {
				t.Errorf("a stopped process did not end by SIGTERM: %s", how)
			}
		})
	}
}

// A process that is stopped during an invocation is killed after the timeout, like a
// process that hangs.
func TestStoppedProcessesTimeOut(t *testing.T) {
	t.Parallel()
	log := newOutput()
	p := handover(t, localruntime.Lambda, func(o *localruntime.Options) { o.Timeout, o.Stderr = 500*time.Millisecond, log })
	ended := make(chan error)
	go func() { _, err := p.Invoke(context.Background(), []byte(`{"Hang":true}`)); ended <- err }()
	within(t, "an invocation that hangs", func(ctx context.Context) error { return log.wait(ctx, "it hangs") })
	within(t, "stopping", p.Stop)
	if err := <-ended; err == nil || !strings.Contains(err.Error(), "no answer within") {
		t.Errorf("the invocation ended with %v", err)
	}
}

// After a process is killed, the next invocation starts a new one.
func TestKilledProcessesAreReplaced(t *testing.T) {
	t.Parallel()
	for _, cloud := range clouds {
		t.Run(string(cloud), func(t *testing.T) {
			log := newOutput()
			p := handover(t, cloud, func(o *localruntime.Options) { o.Stderr = log })
			first := ask(t, p, `{}`)
			ended := make(chan error)
			go func() { _, err := p.Invoke(context.Background(), []byte(`{"Hang":true}`)); ended <- err }()
			within(t, "an invocation that hangs", func(ctx context.Context) error { return log.wait(ctx, "it hangs") })
			if !p.Kill() {
				t.Fatal("a running process was not killed")
			}
			if err := <-ended; err == nil || !strings.Contains(err.Error(), "signal: killed") {
				t.Errorf("the invocation ended with %v", err)
			}
			if p.Kill() {
				t.Error("a process that has ended was killed again")
			}
			if second := ask(t, p, `{}`); second.Process == first.Process {
				t.Error("the next invocation ran in the killed process")
			}
		})
	}
}

// endsWithout closes the runtime API and returns the time until the process ends. It
// fails after 5 seconds.
func endsWithout(t *testing.T, p *localruntime.Process) time.Duration {
	t.Helper()
	const most = 5 * time.Second
	ctx, cancel := context.WithTimeout(context.Background(), most)
	defer cancel()
	began := time.Now()
	p.CloseAPI()
	if err := p.WaitEnd(ctx); err != nil {
		t.Fatalf("the process still runs %s after its runtime API was closed", most)
	}
	return time.Since(began)
}

func TestRealFunctionsEndWithoutTheirRuntimeAPI(t *testing.T) {
	t.Parallel()
	for _, cloud := range clouds {
		for _, invoked := range []bool{false, true} { // before the API is closed
			t.Run(fmt.Sprintf("%s, invoked: %v", cloud, invoked), func(t *testing.T) {
				t.Parallel()
				_, p, _ := start(t, cloud)
				within(t, "the start", p.WaitReady)
				if invoked {
					if _, err := p.Invoke(context.Background(), []byte(`{}`)); err != nil {
						t.Fatal(err)
					}
				}
				t.Logf("the process ended after %s", endsWithout(t, p))
				if how := p.HowItEnded(); !strings.Contains(how, "exit status 1") {
					t.Error(how)
				}
			})
		}
	}
}
