package storm_test

import (
	"strings"
	"sync"
	"testing"
	"time"

	"tairssl/adapters/tair/tairtest"
)

// rage has all needs delivered, in waves.
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
	var late queue // what a wave leaves to the next
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

// wave delivers what is in a queue by all processes at once. It gives what is to
// be delivered again later, when no attempt is under way any more.
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

// work delivers by one process what is in the queue for it, until that is empty.
// What has to be delivered again goes to the end of the queue, or to a later wave.
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

// deliver has a process answer a delivery, and reports whether it is to be
// delivered again.
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
		t.Errorf("%s answers %s with %s %s", f.name, payload, a.Payload, a.ErrorMessage)
	}
	if d.trigger == nil {
		return err != nil || a.Failed
	}
	d.needs = left(d.needs, a, err)
	return len(d.needs) > 0
}
