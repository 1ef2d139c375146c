// Package localruntime runs a built bootstrap binary under a local copy of its
// cloud's runtime API, so that what runs on this machine is what is deployed.
//
// Sources: the custom runtime API of AWS Lambda, version 2018-06-01, and that
// of Function Compute, version 2020-11-11, as fc-runtime-go-sdk speaks it.
package localruntime

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"
)

// Cloud names a runtime API.
type Cloud string

// The clouds.
const (
	Lambda Cloud = "lambda"
	FC     Cloud = "fc"
)

// Options of a process.
type Options struct {
	// Env is the process's whole environment. On Function Compute the variables
	// ALIBABA_CLOUD_ACCESS_KEY_ID, _ACCESS_KEY_SECRET and _SECURITY_TOKEN are
	// taken out of it and become the role's credentials, as in that cloud.
	Env     []string
	Stderr  io.Writer     // the process's output; default none
	Timeout time.Duration // of each invocation, told to the function; default 60s
	Region  string        // told to a function on Function Compute
}

// Answer is how an invocation ended.
type Answer struct {
	Payload                 []byte
	Failed                  bool
	ErrorType, ErrorMessage string // of a failed one
	RequestID               string
	Duration                time.Duration
}

// Process is a running function. It is safe for concurrent use: Function
// Compute's invocations overlap, Lambda's wait for one another.
type Process struct {
	cloud       Cloud
	options     Options
	credentials map[string]string
	command     *exec.Cmd
	server      *http.Server
	queue       chan *invocation
	done        chan struct{} // closed when the process has ended
	tail        tail
	began       time.Time

	mu    sync.Mutex
	out   map[string]*invocation
	ready chan struct{}
	start time.Duration
	init  string // what the function said of a failed start
	one   chan struct{}
}

type invocation struct {
	id       string
	payload  []byte
	deadline time.Time
	answer   chan Answer
}

// Start execs a binary. Its error says what to do if there is none.
func Start(ctx context.Context, cloud Cloud, binary string, o Options) (*Process, error) {
	if cloud != Lambda && cloud != FC {
		return nil, fmt.Errorf("no runtime API of %q; there are lambda and fc", cloud)
	}
	if _, err := os.Stat(binary); err != nil {
		return nil, fmt.Errorf("no function to run: %w; build it with 'make build' and run this in the project's folder", err)
	}
	if o.Timeout <= 0 {
		o.Timeout = time.Minute
	}
	if o.Stderr == nil {
		o.Stderr = io.Discard
	}
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	p := &Process{
		cloud: cloud, options: o, credentials: map[string]string{}, queue: make(chan *invocation), done: make(chan struct{}),
		out: map[string]*invocation{}, ready: make(chan struct{}), one: make(chan struct{}, 1),
	}
	p.tail.to = o.Stderr
	p.server = &http.Server{Handler: p.routes(), ReadHeaderTimeout: 10 * time.Second}

	p.command = exec.Command(binary)
	p.command.Env = p.environment(listener.Addr().String())
	p.command.Stdout, p.command.Stderr = &p.tail, &p.tail
	// A grandchild that holds the output open must not hold up the end.
	p.command.WaitDelay = 2 * time.Second
	served := make(chan struct{})
	p.began = time.Now() // before anybody can ask
	go func() { defer close(served); _ = p.server.Serve(listener) }()
	if err := p.command.Start(); err != nil {
		_ = p.server.Close()
		<-served
		return nil, fmt.Errorf("the function does not start: %w", err)
	}
	go func() {
		_ = p.command.Wait() // how it ended is in ProcessState
		_ = p.server.Close()
		<-served
		close(p.done)
	}()
	return p, nil
}

// environment is what the cloud would give the process.
func (p *Process) environment(api string) (env []string) {
	for _, entry := range p.options.Env {
		key, value, _ := strings.Cut(entry, "=")
		switch {
		case p.cloud == FC && (key == "ALIBABA_CLOUD_ACCESS_KEY_ID" || key == "ALIBABA_CLOUD_ACCESS_KEY_SECRET" || key == "ALIBABA_CLOUD_SECURITY_TOKEN"):
			p.credentials[key] = value
		default:
			env = append(env, entry)
		}
	}
	if p.cloud == FC {
		return append(env, "FC_RUNTIME_API="+api, "FC_FUNCTION_NAME=tairssl", "FC_REGION="+p.options.Region)
	}
	return append(env, "AWS_LAMBDA_RUNTIME_API="+api, "AWS_LAMBDA_FUNCTION_NAME=tairssl", "AWS_LAMBDA_FUNCTION_VERSION=$LATEST", "_HANDLER=bootstrap")
}

func (p *Process) routes() http.Handler {
	mux := http.NewServeMux()
	base, accepted := "/2018-06-01/runtime/", http.StatusAccepted
	if p.cloud == FC {
		base, accepted = "/2020-11-11/runtime/", http.StatusOK
	}
	mux.HandleFunc("GET "+base+"invocation/next", p.next)
	mux.HandleFunc("POST "+base+"invocation/{id}/{how}", func(w http.ResponseWriter, r *http.Request) {
		body, err := io.ReadAll(r.Body)
		p.mu.Lock()
		i := p.out[r.PathValue("id")]
		delete(p.out, r.PathValue("id"))
		p.mu.Unlock()
		if i == nil || err != nil {
			http.Error(w, "no such invocation", http.StatusBadRequest)
			return
		}
		a := Answer{Payload: body, RequestID: i.id, Failed: r.PathValue("how") != "response"}
		if a.Failed {
			var e struct{ ErrorType, ErrorMessage string }
			_ = json.Unmarshal(body, &e) // what is no JSON has no type
			a.ErrorType, a.ErrorMessage = e.ErrorType, e.ErrorMessage
		}
		i.answer <- a
		w.WriteHeader(accepted)
	})
	mux.HandleFunc("POST "+base+"init/error", func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(io.LimitReader(r.Body, 64<<10))
		p.mu.Lock()
		p.init = string(body)
		p.mu.Unlock()
		w.WriteHeader(accepted)
	})
	return mux
}

// next hands out an invocation, when there is one.
func (p *Process) next(w http.ResponseWriter, r *http.Request) {
	p.mu.Lock()
	if p.start == 0 {
		p.start = time.Since(p.began)
		close(p.ready)
	}
	p.mu.Unlock()
	select {
	case <-r.Context().Done():
	case i := <-p.queue:
		p.mu.Lock()
		p.out[i.id] = i
		p.mu.Unlock()
		h := w.Header()
		deadline := strconv.FormatInt(i.deadline.UnixMilli(), 10)
		if p.cloud == FC {
			for key, value := range map[string]string{
				"x-fc-request-id": i.id, "x-fc-function-deadline": deadline, "x-fc-function-type": "0",
				"x-fc-function-timeout": strconv.Itoa(int(p.options.Timeout / time.Second)), "x-fc-function-name": "tairssl",
				"x-fc-function-handler": "bootstrap", "x-fc-region": p.options.Region, "x-fc-account-id": "1234567890123456",
				"x-fc-access-key-id":     p.credentials["ALIBABA_CLOUD_ACCESS_KEY_ID"],
				"x-fc-access-key-secret": p.credentials["ALIBABA_CLOUD_ACCESS_KEY_SECRET"],
				"x-fc-security-token":    p.credentials["ALIBABA_CLOUD_SECURITY_TOKEN"],
			} {
				h.Set(key, value)
			}
		} else {
			h.Set("Lambda-Runtime-Aws-Request-Id", i.id)
			h.Set("Lambda-Runtime-Deadline-Ms", deadline)
			h.Set("Lambda-Runtime-Invoked-Function-Arn", "arn:aws:lambda:us-east-1:123456789012:function:tairssl")
			h.Set("Lambda-Runtime-Trace-Id", "Root=1-5bef4de7-ad49b0e87f6ef6c87fc2e700;Parent=9a9197af755a6419;Sampled=0")
		}
		h.Set("Content-Type", "application/json")
		_, _ = w.Write(i.payload) // a function that went away is seen by its end
	}
}

// WaitReady returns when the function polls for its first invocation.
func (p *Process) WaitReady(ctx context.Context) error {
	select {
	case <-p.ready:
		return nil
	case <-p.done:
		return p.ended()
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// Ready is the time from exec to the first poll; 0 before it.
func (p *Process) Ready() time.Duration {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.start
}

// Invoke sends one payload and waits for its answer, at most for the timeout:
// then the process is killed, as the cloud would.
func (p *Process) Invoke(ctx context.Context, payload []byte) (Answer, error) {
	if p.cloud == Lambda {
		select {
		case p.one <- struct{}{}:
			defer func() { <-p.one }()
		case <-ctx.Done():
			return Answer{}, context.Cause(ctx)
		}
	}
	if err := p.WaitReady(ctx); err != nil {
		return Answer{}, err
	}
	began := time.Now()
	i := &invocation{id: newID(), payload: payload, deadline: began.Add(p.options.Timeout), answer: make(chan Answer, 1)}
	expired := time.NewTimer(p.options.Timeout)
	defer expired.Stop()
	queue := p.queue
	for {
		select {
		case queue <- i:
			queue = nil
		case a := <-i.answer:
			a.Duration = time.Since(began)
			return a, nil
		case <-p.done:
			return Answer{}, p.ended()
		case <-ctx.Done():
			return Answer{}, context.Cause(ctx)
		case <-expired.C:
			_ = p.command.Process.Kill()
			<-p.done
			return Answer{}, fmt.Errorf("the function gave no answer within %s", p.options.Timeout)
		}
	}
}

// newID makes a request id in the form of a UUID, version 4.
func newID() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // never fails
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	return fmt.Sprintf("%x-%x-%x-%x-%x", b[:4], b[4:6], b[6:8], b[8:10], b[10:])
}

// ended says how the process did.
func (p *Process) ended() error {
	p.mu.Lock()
	defer p.mu.Unlock()
	text := fmt.Sprintf("the function ended: %s", p.command.ProcessState)
	if p.init != "" {
		text += "; it said: " + p.init
	}
	if last := p.tail.String(); last != "" {
		text += "\n" + last
	}
	return errors.New(text)
}

// Close ends the process, by force if it does not go within two seconds, and
// waits for it.
func (p *Process) Close() error {
	_ = p.command.Process.Signal(syscall.SIGTERM) // it may have gone already
	grace := time.NewTimer(2 * time.Second)
	defer grace.Stop()
	select {
	case <-p.done:
	case <-grace.C:
		_ = p.command.Process.Kill()
		<-p.done
	}
	return nil
}

// tail passes output on and keeps its end.
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
