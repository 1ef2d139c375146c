package storm_test

import (
	"strings"
	"sync"
	"testing"
	"time"

	"tairssl/adapters/tair/tairtest"
)

// rage delivers all needs in waves, with faults.
func (s *storm) rage(t *testing.T) {
	for kind, percent := range faults {
		if err := s.cloud.Fault(tairtest.Fault{Kind: kind, Share: percent / 100}); err != nil {
			t.Fatal(err)
		}
	}
	var due, others []need
	for _, i := range s.put {
		if n := (need{i.InstanceID, i.RegionID, i.SSLExpiredTime}); s.due[n.id] {
			due = append(due, n)
		} else {
			others = append(others, n)
		}
	}
	waves := deliveries(s.chance, due, others, max(2, *instances/50))
	var late queue // deliveries that a wave leaves to the next one
	for n, wave := range waves {
		s.cloud.StaleReads([]time.Duration{0, 3 * time.Second, 10 * time.Minute}[(n+s.chance.IntN(2))%3])
		late = s.wave(t, append(late, wave...), n%3 == 0)
		s.pass([]time.Duration{3 * time.Minute, 8 * time.Minute, 20 * time.Minute, 50 * time.Minute, 2 * time.Hour}[s.chance.IntN(5)])
	}
	s.givenUp += len(late)
	if err := s.cloud.Fault(tairtest.Fault{}); err != nil {
		t.Fatal(err)
	}
	s.cloud.StaleReads(0)
}

// wave delivers a queue with all processes at the same time. It returns the deliveries
// that are repeated in a later wave. When it returns, no attempt is in progress.
func (s *storm) wave(t *testing.T, q queue, mayHang bool) (late queue) {
	s.mu.Lock()
	s.raging, s.mayHang, s.drift = true, mayHang, 0
	s.mu.Unlock()
	var workers sync.WaitGroup
	for n, f := range s.functions {
		for range processes[n].atOnce {
			workers.Go(func() { s.work(t, f, processes[n].sweeps, &q, &late) })
		}
	}
	workers.Wait()
	s.mu.Lock()
	s.raging = false
	s.mu.Unlock()
	s.helpers.Wait()
	return late
}

// work lets one process answer the deliveries for it until the queue has no more. A
// delivery that has to be repeated goes to the end of the queue or to a later wave.
func (s *storm) work(t *testing.T, f *function, sweeps bool, q, late *queue) {
	for {
		s.mu.Lock()
		d := q.next(f.cloud, sweeps)
		s.mu.Unlock()
		if d == nil {
			return
		}
		if !s.deliver(t, f, d) {
			continue
		}
		s.mu.Lock()
		switch {
		case d.tries >= tries:
			s.givenUp++
		case s.chance.IntN(2) == 0:
			*q = append(*q, d)
		default:
			*late = append(*late, d)
		}
		s.mu.Unlock()
	}
}

// deliver sends a delivery to a process, and reports whether it has to be repeated.
func (s *storm) deliver(t *testing.T, f *function, d *delivery) (again bool) {
	s.mu.Lock()
	payload := d.payload(s.chance)
	s.invocations++
	if d.tries++; d.tries > 1 {
		s.again++
	}
	s.mu.Unlock()
	a, err := f.Invoke(s.ctx, payload)
	if err != nil && strings.Contains(err.Error(), "no answer within") {
		s.count(&s.timedOut)
	}
	if err == nil && misunderstood(a) {
		t.Errorf("%s calls the payload %s wrong: %s %s", f.name, payload, a.Payload, a.ErrorMessage)
	}
	if d.trigger == nil {
		return err != nil || a.Failed
	}
	d.needs = left(d.needs, a, err)
	return len(d.needs) > 0
}
