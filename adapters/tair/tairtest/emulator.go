package tairtest

import (
	"crypto/tls"
	"errors"
	"log"
	"maps"
	"math/rand/v2"
	"net"
	"net/http"
	"sync"
	"time"

	"github.com/alicebob/miniredis/v2"
	"github.com/alicebob/miniredis/v2/server"
)

// maxDataPlanes bounds the number of listeners. Further instances have no data plane.
const maxDataPlanes = 1000

// Emulator is the emulated cloud. It may be used concurrently.
type Emulator struct {
	options Options
	ca      *authority // signs the certificate of the https address
	redis   *miniredis.Miniredis
	server  *server.Server // of redis
	mux     *http.ServeMux
	closed  chan struct{}
	running sync.WaitGroup // servers, their requests, and data planes

	mu     sync.Mutex
	chance *rand.Rand
	offset time.Duration // emulated clock minus machine's clock
	skew   time.Duration // header Date minus emulated clock
	stale  time.Duration // the greatest age of the state that a read shows
	// staleServing is the age of the certificate that the data planes show.
	staleServing time.Duration
	signing      *authority // signs the certificates of all changes from now on
	rotations    int        // how often signing was replaced
	instances    map[string]*instance
	sorted       []*instance // by id, so that a listing of 100,000 instances needs no sorting
	planes       int
	lastTask     int // the highest number of a task so far
	faults       []Fault
	policy       *ram     // nil allows everything
	tagPolicy    []string // patterns of keys that TagResources refuses
	quotas       map[string]quota
	passed       map[string]map[string]*passes // by action and region
	throttled    map[string]int
	nonces       map[string]time.Time
	swept        time.Time
	calls        map[string]int
	servers      []*http.Server
}

// New returns an emulator without instances. It does not listen on an address yet.
func New(o Options) (*Emulator, error) {
	o, err := o.withDefaults()
	if err != nil {
		return nil, err
	}
	ca, err := newAuthority("tairssl emulator CA", o.Now())
	if err != nil {
		return nil, err
	}
	redis := miniredis.NewMiniRedis()
	// Dial opens no port. Start would open a port that speaks Redis in addition to the
	// data planes.
	first, err := redis.Dial()
	if err != nil {
		return nil, err
	}
	_ = first.Close()
	e := &Emulator{
		options: o, ca: ca, signing: ca, redis: redis, server: redis.Server(), closed: make(chan struct{}),
		chance: rand.New(rand.NewPCG(o.Seed, 0)), skew: o.DateSkew, stale: o.StaleReads,
		instances: map[string]*instance{}, nonces: map[string]time.Time{}, calls: map[string]int{},
		quotas: maps.Clone(published), passed: map[string]map[string]*passes{}, throttled: map[string]int{},
	}
	if o.NoQuotas {
		clear(e.quotas)
	}
	e.mux = e.routes()
	return e, nil
}

// ServeHTTP answers the OpenAPI and the controls.
func (e *Emulator) ServeHTTP(w http.ResponseWriter, r *http.Request) { e.mux.ServeHTTP(w, r) }

// errClosed is the error of an emulator that is closed.
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

// serveCounted counts the request, so that Close waits for it.
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

// CAPEM is the CA certificate that a client of the https address has to trust. Until
// [Emulator.RotateCA] it is also the CA of the instances.
func (e *Emulator) CAPEM() []byte {
	return asPEM(e.ca.certificate.Raw)
}

// Close closes all listeners and connections and waits for them.
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
	e.redis.CtxCancel() // ends BLPOP and other waiting commands, which do not notice a closed connection
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
