package storm_test

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"
	"sync/atomic"
	"time"

	"tairssl/adapters/cli/localruntime"
)

// gate stands between a process and the API. It records every call in the history of
// its instance, and kills or stops the process during some calls.
type gate struct {
	*storm
	name    string
	hangs   bool // the process has a short timeout, and may be stopped until then
	process atomic.Pointer[localruntime.Process]
}

// mishap is what happens to a process during a call.
type mishap int

const (
	none        mishap = iota
	killBefore         // killed before the API gets the call
	killAfter          // killed after the call has taken effect, before the answer
	stopBefore         // stopped for a while before the API gets the call
	stopAfter          // stopped for a while before the process gets the answer
	stopForGood        // stopped until its timeout
)

// fuse blows after a random number of calls: mean on average, and at most twice that.
type fuse struct{ mean, left int }

// blows counts one call and reports whether the fuse blows.
func (s *storm) blows(f *fuse) bool {
	if f.left == 0 {
		f.left = 1 + s.chance.IntN(2*f.mean)
	}
	f.left--
	return f.left == 0
}

// writes are the calls in which the end of a process is most dangerous.
var writes = map[string]bool{"TagResources": true, "ModifyInstanceSSL": true, "UntagResources": true}

// next draws what happens to the process during a call.
func (g *gate) next(action string) mishap {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.calls[action]++
	g.passed++
	g.wakeLocked()
	if !g.raging {
		return none
	}
	if g.blows(&g.fuses.clock) && g.drift < mostDrift {
		by := time.Duration(1+g.chance.IntN(10)) * time.Second
		g.drift += by
		g.cloud.Advance(by)
	}
	half := g.chance.IntN(2)
	switch {
	case writes[action] && g.blows(&g.fuses.write), g.blows(&g.fuses.any):
		return killBefore + mishap(half)
	case g.blows(&g.fuses.stop):
		if g.hangs && g.mayHang {
			g.mayHang = false
			return stopForGood
		}
		return stopBefore + mishap(half)
	}
	return none
}

func (g *gate) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	g.calling.RLock()
	defer g.calling.RUnlock()
	q := r.URL.Query()
	action, at, note := q.Get("Action"), g.cloud.Now(), ""
	p := g.process.Load()
	var m mishap
	if p != nil {
		m = g.next(action)
	}
	switch m {
	case killBefore:
		if p.Kill() {
			g.count(&g.killed)
			g.write(q, at, g.name, "killed; the API never gets the call")
			panic(http.ErrAbortHandler)
		}
	case stopBefore, stopForGood:
		g.stop(p, m)
		note = ", stopped before"
	}
	seen := &recorder{ResponseWriter: w, status: http.StatusOK}
	g.cloud.ServeHTTP(seen, r)
	switch m {
	case killAfter:
		if p.Kill() {
			g.count(&g.killed)
			note = ", killed before the answer"
		}
	case stopAfter:
		g.stop(p, m)
		note = ", stopped after"
	}
	g.write(q, at, g.name, seen.String()+note)
}

// stop stops a process until other processes have made some calls, or for two seconds.
// With stopForGood the process stays stopped.
func (g *gate) stop(p *localruntime.Process, m mishap) {
	ctx, cancel := context.WithTimeout(g.ctx, 2*time.Second)
	if p.Stop(ctx) != nil {
		cancel()
		return
	}
	g.count(&g.stopped)
	if m == stopForGood {
		cancel()
		return
	}
	g.mu.Lock()
	defer g.mu.Unlock()
	if !g.raging { // the last call of a killed process
		cancel()
		p.Continue()
		return
	}
	until := g.waitLocked(1 + g.chance.IntN(300))
	g.helpers.Go(func() {
		defer cancel()
		select {
		case <-until:
		case <-ctx.Done():
		}
		p.Continue()
	})
}

// waiter waits until the number of calls reaches at.
type waiter struct {
	at   int
	done chan struct{}
}

// pass advances the emulated clock between two calls. No attempt is in progress then,
// but a killed process may still have a call.
func (s *storm) pass(d time.Duration) {
	s.calling.Lock()
	defer s.calling.Unlock()
	s.cloud.Advance(d)
}

// waitLocked returns a channel that is closed after calls more calls. The caller holds
// mu.
func (s *storm) waitLocked(calls int) <-chan struct{} {
	w := waiter{s.passed + calls, make(chan struct{})}
	s.waiters = append(s.waiters, w)
	return w.done
}

// wakeLocked closes the channels whose number of calls is reached. The caller holds mu.
func (s *storm) wakeLocked() {
	left := s.waiters[:0]
	for _, w := range s.waiters {
		if s.passed >= w.at {
			close(w.done)
		} else {
			left = append(left, w)
		}
	}
	s.waiters = left
}

// write adds a call to the history of its instance.
func (s *storm) write(q url.Values, at time.Time, who, how string) {
	id, what := q.Get("InstanceId"), q.Get("SSLEnabled")
	if resource := q.Get("ResourceId.1"); resource != "" {
		id = resource
		for n := 1; n <= 3; n++ {
			for _, name := range []string{"Tag.%d.Key", "Tag.%d.Value", "TagKey.%d"} {
				what = strings.TrimSpace(what + " " + q.Get(fmt.Sprintf(name, n)))
			}
		}
	}
	if id == "" {
		return
	}
	line := fmt.Sprintf("%s %-8s %s %s: %s", at.UTC().Format("02 15:04:05.000"), who, q.Get("Action"), what, how)
	s.mu.Lock()
	defer s.mu.Unlock()
	s.history[id] = append(s.history[id], line)
}

// recorder records the answer to a call.
type recorder struct {
	http.ResponseWriter
	status int
	cut    bool
	body   []byte // only of a refusal
}

func (r *recorder) WriteHeader(status int) {
	r.status = status
	r.ResponseWriter.WriteHeader(status)
}

func (r *recorder) Write(b []byte) (int, error) {
	if r.status != http.StatusOK {
		r.body = append(r.body, b...)
	}
	return r.ResponseWriter.Write(b)
}

// Hijack is called by the emulator to cut a connection.
func (r *recorder) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	r.cut = true
	return http.NewResponseController(r.ResponseWriter).Hijack()
}

func (r *recorder) String() string {
	if r.cut {
		return "cut"
	}
	_, code, _ := bytes.Cut(r.body, []byte(`"Code":"`))
	code, _, _ = bytes.Cut(code, []byte(`"`))
	return strings.TrimSpace(fmt.Sprintf("%d %s", r.status, code))
}
