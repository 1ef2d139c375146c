package localruntime

import (
	"bytes"
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"sync"
	"syscall"
	"time"
)

// sandbox is one operating system's process of the function, from its start to its end,
// with the runtime API that it polls.
type sandbox struct {
	function *Process
	command  *exec.Cmd
	server   *http.Server
	queue    chan *invocation
	done     chan struct{} // closed when the process has ended
	tail     tail
	began    time.Time

	mu     sync.Mutex
	out    map[string]*invocation // invocations without an answer, by id
	ready  chan struct{}          // closed by the first poll
	start  time.Duration          // from the start of the process to the first poll
	init   string                 // the function's report of a failed start
	polls  int                    // requests that wait for an invocation
	frozen bool
	awake  bool // never freeze the process again
}

// invocation is one call of the function.
type invocation struct {
	id       string
	payload  []byte
	retry    int // earlier attempts
	deadline time.Time
	answer   chan Answer
}

func newInvocation(payload []byte) *invocation {
	return &invocation{id: newID(), payload: payload, answer: make(chan Answer, 1)}
}

// newID makes a request id in the form of a UUID, version 4.
func newID() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}

// startSandbox starts the process and its runtime API.
func startSandbox(ctx context.Context, p *Process) (*sandbox, error) {
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	s := &sandbox{
		function: p, queue: make(chan *invocation), done: make(chan struct{}),
		out: map[string]*invocation{}, ready: make(chan struct{}),
	}
	s.tail.to = p.options.Stderr
	s.server = &http.Server{Handler: s.runtimeAPI(), ReadHeaderTimeout: 10 * time.Second}
	s.command = exec.Command(p.binary)
	s.command.Env = p.surroundings.environment(listener.Addr().String())
	s.command.Stdout, s.command.Stderr = &s.tail, &s.tail
	// A grandchild may keep the output open. WaitDelay limits how long Wait waits for it.
	s.command.WaitDelay = 2 * time.Second
	endWithParent(s.command)
	served, started := make(chan struct{}), make(chan error)
	s.began = time.Now()
	// The lock delays the first poll until the command has started, because a poll may
	// stop the process.
	s.mu.Lock()
	defer s.mu.Unlock()
	go func() { defer close(served); _ = s.server.Serve(listener) }()
	go func() {
		runtime.LockOSThread() // for endWithParent
		defer runtime.UnlockOSThread()
		err := s.command.Start()
		if started <- err; err == nil {
			_ = s.command.Wait() // ProcessState has the result
		}
		_ = s.server.Close()
		<-served
		close(s.done)
	}()
	if err := <-started; err != nil {
		<-s.done
		return nil, fmt.Errorf("the function cannot be started: %w", err)
	}
	return s, nil
}

// waitReady waits until the function polls for its first invocation.
func (s *sandbox) waitReady(ctx context.Context) error {
	if s.wasReady() {
		return nil
	}
	select {
	case <-s.ready:
		return nil
	case <-s.done:
		return s.failure()
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

func (s *sandbox) wasReady() bool { return isClosed(s.ready) }

func (s *sandbox) ended() bool { return isClosed(s.done) }

func isClosed(c <-chan struct{}) bool {
	select {
	case <-c:
		return true
	default:
		return false
	}
}

// errNotTaken is the error of an invocation that no process has taken.
var errNotTaken = errors.New("the invocation was not taken")

// invoke waits for the answer to an invocation. It returns errNotTaken if the process
// ended before it took the invocation.
func (s *sandbox) invoke(ctx context.Context, i *invocation) (Answer, error) {
	if err := s.waitReady(ctx); err != nil {
		return Answer{}, err
	}
	timeout := s.function.options.Timeout
	began := time.Now()
	i.deadline = began.Add(timeout)
	expired := time.NewTimer(timeout)
	defer expired.Stop()
	queue := s.queue
	for {
		select {
		case queue <- i:
			queue = nil
		case a := <-i.answer:
			a.Duration = time.Since(began)
			return a, nil
		case <-s.done:
			if queue != nil {
				return Answer{}, fmt.Errorf("%w: %w", errNotTaken, s.failure())
			}
			select {
			case a := <-i.answer: // the process answered before it ended
				a.Duration = time.Since(began)
				return a, nil
			default:
				return Answer{}, s.failure()
			}
		case <-ctx.Done():
			return Answer{}, context.Cause(ctx)
		case <-expired.C:
			_ = s.command.Process.Kill()
			<-s.done
			return Answer{}, fmt.Errorf("the function gave no answer within %s", timeout)
		}
	}
}

// failure describes the end of the process.
func (s *sandbox) failure() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	text := fmt.Sprintf("the function ended: %s", s.command.ProcessState)
	if s.init != "" {
		text += "; it reported: " + s.init
	}
	if last := s.tail.String(); last != "" {
		text += "\n" + last
	}
	return errors.New(text)
}

// end ends the process. After two seconds it kills the process.
func (s *sandbox) end() {
	s.keepAwake() // a stopped process does not receive the signal
	_ = s.command.Process.Signal(syscall.SIGTERM)
	grace := time.NewTimer(2 * time.Second)
	defer grace.Stop()
	select {
	case <-s.done:
	case <-grace.C:
		_ = s.command.Process.Signal(os.Kill)
		<-s.done
	}
}

// tail passes output on and keeps the last 2 KiB of it.
type tail struct {
	mu   sync.Mutex
	to   io.Writer
	last []byte
}

const tailBytes = 2 << 10

func (t *tail) Write(b []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.last = append(t.last, b...)
	if len(t.last) > tailBytes {
		t.last = bytes.Clone(t.last[len(t.last)-tailBytes:])
	}
	return t.to.Write(b)
}

func (t *tail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return strings.TrimSpace(string(t.last))
}
