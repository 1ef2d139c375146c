package handler_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"tairssl/handler"
)

// DESIGN.md gives these limits for the outside world. Nothing within them may make an
// instance restart twice.
const (
	worldPause    = 2 * time.Second  // tags become visible sooner than this
	worldStale    = 10 * time.Minute // greatest age of a read of status and certificate
	worldLag      = 10 * time.Minute // the effect of a write shows within this time
	worldLatency  = time.Minute      // greatest duration of a call
	worldAccepted = 15 * time.Minute // how long the API accepts a signed request
	worldLife     = 45 * time.Minute // after this time, every writer may remove the flag
)

// choices makes all decisions of a scenario. The map fixed gives decisions by their name.
// Every other decision uses the next byte. When the bytes are used up, the choice is
// always 0, the ordinary case.
type choices struct {
	fixed map[string]int

	mu sync.Mutex
	// The two halves of a look are read at the same time. Each half has its own bytes, so
	// that the same bytes always play the same scenario.
	left, ofSSL []byte
}

func fixed(values map[string]int) *choices { return &choices{fixed: values} }

func drawn(bytes []byte) *choices {
	third := len(bytes) / 3
	return &choices{left: bytes[third:], ofSSL: bytes[:third]}
}

// of chooses a number from 0 to n-1.
func (c *choices) of(name string, n int) int {
	if v, ok := c.fixed[name]; ok {
		return v
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	left := &c.left
	if name == "stale" || strings.HasSuffix(name, "SSL") {
		left = &c.ofSSL
	}
	if len(*left) == 0 {
		return 0
	}
	v := int((*left)[0]) % n
	*left = (*left)[1:]
	return v
}

// most is the choice in upTo that gives the longest time.
const most = 5

// upTo chooses a time: zero, a part of the longest time, or the longest time.
func (c *choices) upTo(name string, longest time.Duration) time.Duration {
	return []time.Duration{0, 0, longest / 8, longest / 2, longest * 15 / 16, longest}[c.of(name, 6)]
}

// world is one instance with its tags, and the API with its delays and stale answers.
type world struct {
	calm     bool // short calls, no faults, right clocks: one writer has to get through
	dueAgain bool // the renewed certificate is due as well

	mu     sync.Mutex
	begun  time.Time
	tags   []tagging
	writes []write
	wrong  []string // the faults that were found
}

// tagging is the value of a tag from the moment when it becomes visible; "" removes the
// tag.
type tagging struct {
	key, value string
	by         int
	set, shows time.Time
}

// write is an accepted change.
type write struct {
	by       int
	need     time.Time // expiry of the certificate that it renewed
	accepted time.Time
	shows    time.Time
	expires  time.Time // expiry of the new certificate
}

// faultf records a fault. The caller holds w.mu.
func (w *world) faultf(format string, args ...any) {
	w.wrong = append(w.wrong, fmt.Sprintf(format, args...))
}

// certificate is the expiry at a time. The caller holds w.mu.
func (w *world) certificate(at time.Time) time.Time {
	expires := w.begun.Add(5 * day)
	for _, change := range w.writes {
		if !at.Before(change.shows) {
			expires = change.expires
		}
	}
	return expires
}

// shown lists the tags that a read at a time sees. The caller holds w.mu.
func (w *world) shown(at time.Time) map[string]string {
	tags := map[string]string{}
	for _, t := range w.tags {
		switch {
		case at.Before(t.shows):
		case t.value == "":
			delete(tags, t.key)
		default:
			tags[t.key] = t.value
		}
	}
	return tags
}

// writer is one process, with its connection to the API and its clock.
type writer struct {
	*world
	name  int
	calls int
	dies  int // number of the call at which it dies; 0 for never
	dead  bool
	ahead time.Duration // how far its clock is ahead
	*choices
}

var (
	errDead = errors.New("the process is dead")
	errLost = &handler.Error{Kind: handler.Unavailable, Message: "lost", Retryable: true, Uncertain: true}
)

// call makes one call. The request or the answer may be lost, and the process may freeze
// or die before or after the effect.
func (p *writer) call(name string, effect func() error) error {
	before, after := p.upTo("before "+name, worldLatency/2), p.upTo("after "+name, worldLatency/2)
	lost, freeze := p.of("lost "+name, 16), p.of("freeze "+name, 12)
	if p.calm {
		before, after, lost, freeze = before/120, after/120, 0, 0
	}
	time.Sleep(frozen(freeze))
	p.world.mu.Lock()
	p.calls++
	dies := p.calls == p.dies
	p.world.mu.Unlock()
	time.Sleep(before)
	p.world.mu.Lock()
	if p.dead || dies && lost%2 == 0 || lost == 1 {
		p.dead = p.dead || dies
		p.world.mu.Unlock()
		return p.gone()
	}
	err := effect()
	p.dead = p.dead || dies
	p.world.mu.Unlock()
	time.Sleep(after)
	if gone := p.gone(); gone == errDead || lost == 2 {
		return gone
	}
	return err
}

// frozen is how long the process is stopped. Mostly it is not.
func frozen(choice int) time.Duration {
	switch choice {
	case 1:
		return 20 * time.Minute
	case 2:
		return 28 * time.Minute
	}
	return 0
}

func (p *writer) gone() error {
	p.world.mu.Lock()
	defer p.world.mu.Unlock()
	if p.dead {
		return errDead
	}
	return errLost
}

func (p *writer) Instance(context.Context, handler.Ref) (i handler.Instance, err error) {
	err = p.call("Instance", func() error {
		// The status is always Normal, because that is the worst case: a stale read shows
		// it.
		i = handler.Instance{Status: "Normal", Tags: p.shown(time.Now()), At: time.Now()}
		return nil
	})
	return i, err
}

func (p *writer) SSL(context.Context, handler.Ref) (s handler.SSL, err error) {
	stale := p.upTo("stale", worldStale)
	err = p.call("SSL", func() error {
		s = handler.SSL{Enabled: true, Expires: p.certificate(time.Now().Add(-stale)), At: time.Now()}
		return nil
	})
	return s, err
}

func (p *writer) Tag(_ context.Context, _ handler.Ref, key, value string) error {
	shows := p.upTo("tag shows", worldPause-time.Nanosecond)
	return p.call("Tag", func() error {
		p.tags = append(p.tags, tagging{key, value, p.name, time.Now(), time.Now().Add(shows)})
		return nil
	})
}

func (p *writer) Untag(_ context.Context, _ handler.Ref, keys ...string) error {
	shows := p.upTo("untag shows", worldPause-time.Nanosecond)
	return p.call("Untag", func() error {
		for _, key := range keys {
			if n := slices.IndexFunc(p.tags, func(t tagging) bool { return t.key == key && t.value != "" }); n >= 0 {
				t := p.tags[n]
				raised, _ := handler.ParseTime(strings.Split(t.value, "/")[2])
				if t.by != p.name && time.Since(raised.Time) < worldLife {
					p.faultf("writer %d removed the flag of writer %d that was %s old", p.name, t.by, time.Since(raised.Time))
				}
			}
			p.tags = append(p.tags, tagging{key, "", p.name, time.Now(), time.Now().Add(shows)})
		}
		return nil
	})
}

func (p *writer) Modify(_ context.Context, _ handler.Ref, _ handler.Action, signBy time.Time) (handler.Receipt, error) {
	lag, transit, freeze := p.upTo("lag", worldLag), p.of("transit", 8), p.of("freeze before signing", 8)
	if !p.calm {
		time.Sleep(frozen(freeze))
	}
	signed := time.Now().Add(p.ahead)
	if signed.After(signBy) {
		late := handler.Errorf(handler.Unavailable, "signed late")
		late.Err = handler.ErrLate
		return handler.Receipt{}, late
	}
	if transit == 1 && !p.calm {
		time.Sleep(worldAccepted - worldLatency)
	}
	err := p.call("Modify", func() error {
		now := time.Now()
		if now.Sub(signed).Abs() > worldAccepted {
			return handler.Errorf(handler.Unavailable, "InvalidTimeStamp.Expired")
		}
		life := 1000 * day
		if p.dueAgain {
			life = 20 * day
		}
		new := write{p.name, p.certificate(now), now, now.Add(lag), now.Add(life)}
		for _, old := range p.writes {
			if old.need.Equal(new.need) {
				p.faultf("writer %d restarted the instance at %s and writer %d at %s, both for the certificate that expires %s",
					old.by, old.accepted.Sub(p.begun), new.by, new.accepted.Sub(p.begun), new.need.Sub(p.begun))
			}
		}
		p.writes = append(p.writes, new)
		return nil
	})
	return handler.Receipt{RequestID: "x"}, err
}

func (p *writer) List(context.Context, string, handler.Filter, int) (handler.Listing, error) {
	return handler.Listing{}, errDead
}

func (p *writer) Schedule(context.Context, handler.Ref) ([]handler.Renewal, error) { return nil, nil }

func (p *writer) Move(context.Context, handler.Renewal, time.Time, time.Time) error {
	return errors.New("there is nothing to move")
}

// scenario is what the writers do.
type scenario struct {
	calm, dueAgain bool
	late           bool // all writers except the first begin when its flag is about to end
	writers        []*choices
}

// run plays a scenario and returns the faults.
func (s scenario) run(t *testing.T) (wrong string) {
	synctest.Test(t, func(*testing.T) {
		w := &world{calm: s.calm, dueAgain: s.dueAgain, begun: time.Now()}
		var writers sync.WaitGroup
		alive := true
		for n, c := range s.writers {
			p := &writer{world: w, name: n, choices: c}
			if !s.calm {
				p.dies = []int{0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8}[p.of("dies", 11)]
				p.ahead = []time.Duration{0, 0, 0, -8 * time.Minute, 8 * time.Minute, 4 * time.Minute}[p.of("clock", 6)]
			}
			alive = alive && p.dies == 0
			h := handler.New(p, handler.Options{LeasePause: worldPause, Concurrency: 4})
			writers.Go(func() {
				if s.late && n > 0 {
					time.Sleep([]time.Duration{40, 43, 44, 45, 46, 47, 50, 54}[p.of("begins late", 8)] * time.Minute)
				}
				p.work(h)
			})
		}
		writers.Wait()
		if s.calm && alive && len(w.writes) == 0 {
			w.faultf("nobody wrote, though nobody died")
		}
		wrong = strings.Join(w.wrong, "\n")
		for _, t := range w.tags {
			wrong = strings.TrimSpace(wrong) // the history is useful only with a fault
			if wrong != "" {
				wrong += fmt.Sprintf("\n  %s %s=%q by %d, shows %s", t.set.Sub(w.begun), t.key, t.value, t.by, t.shows.Sub(w.begun))
			}
		}
	})
	return wrong
}

// work delivers the need up to three times, at any time. In a calm scenario it delivers
// the need once, almost at the same time as the other writers.
func (p *writer) work(h *handler.Handler) {
	d := handler.Delivery{Request: handler.Request{InstanceID: id, SSLEnabled: handler.Update}, Trust: handler.Trusted}
	times, after := 1+p.of("deliveries", 3), []time.Duration{0, worldPause / 2, worldPause, 3 * worldPause, time.Minute, 10 * time.Minute, 32 * time.Minute, 46 * time.Minute}
	if p.calm {
		times, after = 1, []time.Duration{0, worldPause / 8, worldPause / 4, worldPause / 2, worldPause}
	}
	for range times {
		time.Sleep(after[p.of("begins", len(after))])
		h.Handle(context.Background(), []handler.Delivery{d})
	}
}
