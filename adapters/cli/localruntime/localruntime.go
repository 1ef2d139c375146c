// Package localruntime runs a built bootstrap binary under a local copy of its
// cloud, so that what runs on this machine is what is deployed. The copy is:
//
//   - the runtime API, from which the function takes its invocations;
//   - the API by which functions are invoked, at [Process.Endpoint]: with it a
//     function hands work over to an asynchronous invocation of itself. Requests
//     are checked as the clouds check them, signature included;
//   - the queue of the asynchronous invocations, with the cloud's rules for
//     retries. [Process.Async] gives what became of them;
//   - with [Options.Freeze], the stop between two invocations, during which no
//     goroutine of the function runs.
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

// Process is a running function. It is safe for concurrent use: Function
// Compute's invocations overlap, Lambda's wait for one another. If it ends
// after it was ready, the next invocation starts it anew, as the clouds do.
type Process struct {
	cloud        Cloud
	options      Options
	binary       string
	surroundings surroundings
	server       *http.Server // of the API by which functions are invoked
	endpoint     string
	one          chan struct{} // holds Lambda's invocation
	stop         context.CancelFunc
	helpers      sync.WaitGroup // the server, and the delivery of events

	mu      sync.Mutex
	current *sandbox
	closed  bool
	running int // invocations in progress
	events  events
	changed chan struct{} // closed and made anew when running or events change
}

// Start execs a binary. Its error says what to do if there is none. The caller
// must call Close, even if the process ended.
func Start(ctx context.Context, cloud Cloud, binary string, o Options) (*Process, error) {
	if cloud != Lambda && cloud != FC {
		return nil, fmt.Errorf("no runtime API of %q; there are lambda and fc", cloud)
	}
	if _, err := os.Stat(binary); err != nil {
		return nil, fmt.Errorf("no function to run: %w; build it with 'make build' and run this in the project's folder", err)
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

// Endpoint is the URL of the API by which the function is invoked. The process
// knows it as TAIRSSL_INVOKE_ENDPOINT.
func (p *Process) Endpoint() string { return p.endpoint }

// WaitReady returns when the function polls for its first invocation.
func (p *Process) WaitReady(ctx context.Context) error { return p.sandbox().waitReady(ctx) }

// WaitEnd returns when the process has ended.
func (p *Process) WaitEnd(ctx context.Context) error {
	select {
	case <-p.sandbox().done:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// Ready is the time from exec to the first poll; 0 before it.
func (p *Process) Ready() time.Duration {
	s := p.sandbox()
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.start
}

// sandbox is the process that runs, or the last that did.
func (p *Process) sandbox() *sandbox {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.current
}

// Invoke sends one payload and waits for its answer, at most for the timeout:
// then the process is killed, as the cloud would.
func (p *Process) Invoke(ctx context.Context, payload []byte) (Answer, error) {
	return p.inTurn(ctx, newInvocation(payload))
}

// inTurn invokes the function when no other invocation is in progress; on
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

// invoke has a process that runs answer an invocation. One that ends before it
// takes the invocation is replaced, once.
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

// live is the process that runs. One that ended after it was ready is started
// anew; one that never was ready is left, since it would end again.
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

// count notes that invocations began or ended.
func (p *Process) count(n int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.running += n
	p.changedLocked()
}

// changedLocked wakes everybody who waits for a change.
func (p *Process) changedLocked() {
	close(p.changed)
	p.changed = make(chan struct{})
}

// Kill ends the process at once, as the end of its machine does: what it was
// about to do stays undone, and the invocations that it has taken fail. The next
// one starts it anew. It reports false, and does nothing, if no process has
// polled for an invocation yet, or none runs.
func (p *Process) Kill() bool {
	s := p.sandbox()
	return s.wasReady() && s.command.Process.Kill() == nil
}

// Close ends the process, by force if it does not go within two seconds, and
// waits for it. Asynchronous events that were not delivered are lost.
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
