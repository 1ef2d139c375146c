package tairtest

import (
	"crypto/tls"
	"encoding/pem"
	"errors"
	"fmt"
	"log"
	"maps"
	"net"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/alicebob/miniredis/v2/server"
)

// Options of an [Emulator]; the zero value works.
type Options struct {
	// Keys are the secrets by AccessKey id; default emulator: emulator-secret.
	Keys map[string]string
	// Lag is how long an accepted change does not show; default 2s, negative none.
	Lag time.Duration
	// ChangeTime is how long an instance is then SSLModifying; default 5s, negative none.
	ChangeTime time.Duration
	// TagLag is how long a tag that was set or removed does not show; default none.
	TagLag time.Duration
	// ExistenceFirst looks for the instance before it asks the policy; otherwise a
	// call that is not allowed is denied whether or not the instance is there.
	// Which of them the real gateway does is documented nowhere.
	ExistenceFirst bool
	// Latency is added to every answer of the API, for benchmarks.
	Latency time.Duration
	// Now is the machine's clock; default time.Now.
	Now func() time.Time
	// Logf, if set, gets a line for each API call.
	Logf func(format string, args ...any)
}

// maxDataPlanes bounds the listeners: instances beyond it have no data plane.
const maxDataPlanes = 1000

// Emulator is the emulated cloud. It is safe for concurrent use.
type Emulator struct {
	options Options
	ca      *authority
	redis   *miniredis.Miniredis
	server  *server.Server // of redis
	mux     *http.ServeMux
	closed  chan struct{}
	running sync.WaitGroup // servers, the requests they serve, and data planes

	mu        sync.Mutex
	offset    time.Duration // of the emulated clock
	instances map[string]*instance
	sorted    []*instance // by id: a listing of 100,000 neither sorts nor looks up
	planes    int
	faults    []Fault
	policy    *ram // nil: everything is allowed
	nonces    map[string]time.Time
	swept     time.Time
	calls     map[string]int
	servers   []*http.Server
}

// New returns an emulator without instances; it listens nowhere yet.
func New(o Options) (*Emulator, error) {
	if o.Keys = maps.Clone(o.Keys); len(o.Keys) == 0 {
		o.Keys = map[string]string{"emulator": "emulator-secret"}
	}
	o.Lag, o.ChangeTime = withDefault(o.Lag, 2*time.Second), withDefault(o.ChangeTime, 5*time.Second)
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Logf == nil {
		o.Logf = func(string, ...any) {}
	}
	ca, err := newAuthority(o.Now())
	if err != nil {
		return nil, err
	}
	redis := miniredis.NewMiniRedis()
	// Dial, unlike Start, opens no port that would speak Redis beside the planes.
	first, err := redis.Dial()
	if err != nil {
		return nil, err
	}
	_ = first.Close()
	e := &Emulator{
		options: o, ca: ca, redis: redis, server: redis.Server(), closed: make(chan struct{}),
		instances: map[string]*instance{}, nonces: map[string]time.Time{}, calls: map[string]int{},
	}
	e.mux = e.routes()
	return e, nil
}

func withDefault(d, otherwise time.Duration) time.Duration {
	switch {
	case d < 0:
		return 0
	case d == 0:
		return otherwise
	}
	return d
}

// ServeHTTP answers the OpenAPI and the controls.
func (e *Emulator) ServeHTTP(w http.ResponseWriter, r *http.Request) { e.mux.ServeHTTP(w, r) }

// errClosed is what an emulator answers once it is closed.
var errClosed = errors.New("the emulator is closed")

// ListenHTTP serves on an address, such as 127.0.0.1:0, and returns the URL.
func (e *Emulator) ListenHTTP(addr string) (url string, err error) {
	return e.listen("http", addr, nil)
}

// ListenHTTPS serves on an address with a certificate of [Emulator.CAPEM] and
// returns the URL.
func (e *Emulator) ListenHTTPS(addr string) (url string, err error) {
	certificate, err := e.ca.issue("localhost", e.options.Now().AddDate(1, 0, 0), net.IPv4(127, 0, 0, 1), net.IPv6loopback)
	if err != nil {
		return "", err
	}
	return e.listen("https", addr, &tls.Config{Certificates: []tls.Certificate{*certificate}, MinVersion: tls.VersionTLS12})
}

func (e *Emulator) listen(scheme, addr string, config *tls.Config) (string, error) {
	listener, err := net.Listen("tcp", addr)
	if err != nil {
		return "", err
	}
	url := scheme + "://" + listener.Addr().String()
	if config != nil {
		listener = tls.NewListener(listener, config)
	}
	web := &http.Server{
		Handler:           http.HandlerFunc(e.serveCounted),
		ReadHeaderTimeout: 10 * time.Second, ReadTimeout: time.Minute, IdleTimeout: 2 * time.Minute,
		ErrorLog: log.New(logWriter(e.options.Logf), "", 0),
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.isClosed() {
		_ = listener.Close()
		return "", errClosed
	}
	e.servers = append(e.servers, web)
	e.running.Go(func() { _ = web.Serve(listener) }) // ends by Close
	return url, nil
}

// serveCounted lets Close wait for the request.
func (e *Emulator) serveCounted(w http.ResponseWriter, r *http.Request) {
	e.mu.Lock()
	if e.isClosed() {
		e.mu.Unlock()
		cut(w, r)
		return
	}
	e.running.Add(1)
	e.mu.Unlock()
	defer e.running.Done()
	e.ServeHTTP(w, r)
}

type logWriter func(format string, args ...any)

func (f logWriter) Write(b []byte) (int, error) { f("%s", b); return len(b), nil }

// CAPEM is the authority that a client of the emulator has to trust.
func (e *Emulator) CAPEM() []byte {
	return pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: e.ca.certificate.Raw})
}

// Close ends all that listens and waits for it.
func (e *Emulator) Close() error {
	e.mu.Lock()
	if e.isClosed() {
		e.mu.Unlock()
		e.running.Wait()
		return nil
	}
	close(e.closed)
	var errs []error
	for _, s := range e.servers {
		errs = append(errs, s.Close())
	}
	for _, i := range e.instances {
		i.plane.close()
	}
	e.mu.Unlock()
	e.redis.CtxCancel() // ends BLPOP and the like, which see no closed connection
	e.running.Wait()
	e.redis.Close()
	return errors.Join(errs...)
}

func (e *Emulator) isClosed() bool {
	select {
	case <-e.closed:
		return true
	default:
		return false
	}
}

// Now is the emulated time.
func (e *Emulator) Now() time.Time {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.now()
}

func (e *Emulator) now() time.Time { return e.options.Now().Add(e.offset) }

// Advance moves the emulated clock; it does not age the timestamps of requests.
func (e *Emulator) Advance(d time.Duration) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.offset += d
}

// Put adds instances or replaces those of the same id, whose restarts and
// pending changes are forgotten and whose connections drop. Restarts and
// DataPlane are not read. If one of them is wrong, the error names its index
// and fields, and none is put.
func (e *Emulator) Put(instances ...Instance) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.isClosed() {
		return errClosed
	}
	complete := make([]Instance, len(instances))
	for n, i := range instances {
		var err error
		if complete[n], err = i.withDefaults(e.now()); err != nil {
			return fmt.Errorf("instance %d: %w", n, err)
		}
	}
	planes, err := e.newPlanes(complete)
	if err != nil {
		return err
	}
	grown := false
	for _, i := range complete {
		held := &instance{Instance: i, plane: planes[i.InstanceID], shown: maps.Clone(i.Tags)}
		if old := e.instances[i.InstanceID]; old != nil {
			held.plane = old.plane
			held.plane.drop()
			*old = *held
			continue
		}
		e.instances[i.InstanceID] = held
		e.sorted = append(e.sorted, held)
		grown = true
	}
	if grown {
		slices.SortFunc(e.sorted, func(a, b *instance) int { return strings.Compare(a.InstanceID, b.InstanceID) })
	}
	return nil
}

// newPlanes opens those of the instances that are new, as far as they go round;
// e.mu is held.
func (e *Emulator) newPlanes(instances []Instance) (map[string]*plane, error) {
	planes := map[string]*plane{}
	for _, i := range instances {
		if e.instances[i.InstanceID] != nil || planes[i.InstanceID] != nil || e.planes+len(planes) == maxDataPlanes {
			continue
		}
		p, err := e.newPlane(i.InstanceID)
		if err != nil {
			for _, p := range planes {
				p.close()
			}
			return nil, err
		}
		planes[i.InstanceID] = p
	}
	e.planes += len(planes)
	return planes, nil
}

// Instance is an instance as it is now.
func (e *Emulator) Instance(id string) (Instance, bool) {
	e.mu.Lock()
	defer e.mu.Unlock()
	i := e.find(id)
	if i == nil {
		return Instance{}, false
	}
	return i.snapshot(), true
}

// Instances are all instances as they are now, by id.
func (e *Emulator) Instances() []Instance {
	e.mu.Lock()
	defer e.mu.Unlock()
	now, all := e.now(), make([]Instance, 0, len(e.sorted))
	for _, i := range e.sorted {
		i.settle(now)
		all = append(all, i.snapshot())
	}
	return all
}

// Calls counts the calls of an action that passed authentication, those that a
// [Fault] then struck included.
func (e *Emulator) Calls(action string) int {
	e.mu.Lock()
	defer e.mu.Unlock()
	return e.calls[action]
}

func (e *Emulator) allCalls() map[string]int {
	e.mu.Lock()
	defer e.mu.Unlock()
	return maps.Clone(e.calls)
}

// find gives an instance, settled to the present; e.mu is held.
func (e *Emulator) find(id string) *instance {
	i := e.instances[id]
	if i != nil {
		i.settle(e.now())
	}
	return i
}
