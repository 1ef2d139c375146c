// Package localruntime runs a built bootstrap binary under a local copy of its cloud,
// so that this machine runs exactly the binary that is deployed. The copy has:
//
//   - the runtime API, from which the function takes its invocations;
//   - the API for invoking functions, at [Process.Endpoint]. The function uses it to
//     hand work over to an asynchronous invocation of itself. Requests are checked
//     as in the clouds, including their signature;
//   - the queue of asynchronous invocations, with the cloud's rules for retries.
//     [Process.Async] returns their results;
//   - with [Options.Freeze], the stop between two invocations, in which no goroutine
//     of the function runs.
//
// Sources: the custom runtime API of AWS Lambda, version 2018-06-01, and that
// of Function Compute, version 2020-11-11, as fc-runtime-go-sdk speaks it; the
// actions Invoke of AWS Lambda, version 2015-03-31, and InvokeFunction of
// Function Compute, version 2023-03-30.
package localruntime

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"sync"
	"time"
)

// Process is a running function. It is safe for concurrent use: on Function Compute
// invocations overlap, on Lambda they wait for one another. If the operating system's
// process ends after it was ready, the next invocation starts a new one, as the clouds
// do.
type Process struct {
	cloud        Cloud
	options      Options
	binary       string
	surroundings surroundings
	server       *http.Server // of the API for invoking functions
	endpoint     string
	one          chan struct{} // full while Lambda's invocation is in progress
	stop         context.CancelFunc
	helpers      sync.WaitGroup // the server, and the delivery of events

	mu      sync.Mutex
	current *sandbox
	closed  bool
	running int // invocations in progress
	events  events
	changed chan struct{} // closed and replaced when running or events change
}

// Start executes a binary. The caller must call Close, even after the process has
// ended.
func Start(ctx context.Context, cloud Cloud, binary string, o Options) (*Process, error) {
	if cloud != Lambda && cloud != FC {
		return nil, fmt.Errorf("there is no runtime API for %q; use lambda or fc", cloud)
	}
	if _, err := os.Stat(binary); err != nil {
		return nil, fmt.Errorf("the function is not built: %w; run 'make build', and run this command in the project's folder", err)
	}
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	o = o.complete(cloud)
	p := &Process{
		cloud: cloud, options: o, binary: binary, endpoint: "http://" + listener.Addr().String(),
		one: make(chan struct{}, 1), changed: make(chan struct{}),
	}
	p.surroundings = surroundingsOf(cloud, o, p.endpoint)
	if p.current, err = startSandbox(ctx, p); err != nil {
		_ = listener.Close()
		return nil, err
	}
	p.server = &http.Server{Handler: p.invokeAPI(), ReadHeaderTimeout: 10 * time.Second}
	p.helpers.Go(func() { _ = p.server.Serve(listener) })
	delivery, stop := context.WithCancel(context.WithoutCancel(ctx))
	p.stop = stop
	p.helpers.Go(func() { p.deliver(delivery) })
	return p, nil
}

// Endpoint is the URL of the API for invoking the function. The process has it as
// TAIRSSL_INVOKE_ENDPOINT.
func (p *Process) Endpoint() string { return p.endpoint }

// WaitReady waits until the function polls for its first invocation.
func (p *Process) WaitReady(ctx context.Context) error { return p.sandbox().waitReady(ctx) }

// WaitEnd waits until the process has ended.
func (p *Process) WaitEnd(ctx context.Context) error {
	select {
	case <-p.sandbox().done:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// Ready is the time from the start of the process to its first poll, or 0 before that.
func (p *Process) Ready() time.Duration {
	s := p.sandbox()
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.start
}

// sandbox returns the running process, or the last one that ran.
func (p *Process) sandbox() *sandbox {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.current
}

// Invoke sends a payload and waits for its answer. After Options.Timeout it kills the
// process, as the cloud does, and returns an error.
func (p *Process) Invoke(ctx context.Context, payload []byte) (Answer, error) {
	return p.inTurn(ctx, newInvocation(payload))
}

// inTurn invokes the function: on Lambda when no other invocation is in progress, on
// Function Compute at once.
func (p *Process) inTurn(ctx context.Context, i *invocation) (Answer, error) {
	if p.cloud == Lambda {
		select {
		case p.one <- struct{}{}:
			defer func() { <-p.one }()
		case <-ctx.Done():
			return Answer{}, context.Cause(ctx)
		}
	}
	return p.invoke(ctx, i)
}

// invoke lets a running process answer an invocation. If the process ends before it
// takes the invocation, a new process gets it, once.
func (p *Process) invoke(ctx context.Context, i *invocation) (Answer, error) {
	p.count(1)
	defer p.count(-1)
	for again := false; ; again = true {
		s, err := p.live(ctx)
		if err != nil {
			return Answer{}, err
		}
		a, err := s.invoke(ctx, i)
		if !errors.Is(err, errNotTaken) || again {
			return a, err
		}
	}
}

// live returns a running process. It replaces a process that ended after it was ready.
// It does not replace a process that never was ready, because a new one would end, too.
func (p *Process) live(ctx context.Context) (*sandbox, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return nil, errClosed
	}
	if p.current.ended() && p.current.wasReady() {
		s, err := startSandbox(ctx, p)
		if err != nil {
			return nil, err
		}
		p.current = s
	}
	return p.current, nil
}

var errClosed = errors.New("the function was closed")

// count adds n to the number of invocations in progress.
func (p *Process) count(n int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.running += n
	p.changedLocked()
}

// changedLocked wakes all goroutines that wait for a change. The caller holds mu.
func (p *Process) changedLocked() {
	close(p.changed)
	p.changed = make(chan struct{})
}

// Kill ends the process at once, as if its machine failed. The invocations that it has
// taken fail; the next invocation starts a new process. Kill returns false if the
// process has not polled for an invocation yet, or has ended.
func (p *Process) Kill() bool {
	s := p.sandbox()
	return s.wasReady() && s.command.Process.Kill() == nil
}

// Close ends the process and waits for its end. A process that does not end within two
// seconds is killed. Asynchronous events that were not delivered are lost.
func (p *Process) Close() error {
	p.mu.Lock()
	p.closed = true
	p.changedLocked()
	s := p.current
	p.mu.Unlock()
	p.stop()
	s.end()
	_ = p.server.Close()
	p.helpers.Wait()
	return nil
}
