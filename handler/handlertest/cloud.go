package handlertest

import (
	"context"
	"maps"
	"sync"
	"time"

	"tairssl/handler"
)

// Start is the time at which every scenario begins.
var Start = time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)

// Cloud is a handler.API in memory. A change takes effect as a whole after Lag. The clock
// moves only when a caller sleeps.
type Cloud struct {
	Lag       time.Duration
	Instances map[string]*State
	Renewals  map[string]time.Time // by instance: when Alibaba itself renews
	Tasks     []handler.Renewal    // Alibaba's own renewals with all their fields
	Calls     []string
	// The hooks, if set, are called before a call takes effect.
	OnModify func(ctx context.Context, apply func()) error // it applies the change itself
	OnTag    func(key, value string) error
	OnUntag  func(keys ...string) error
	OnRead   func(call int) error
	OnSSL    func(ref handler.Ref) error
	OnList   func(region string, page int) error
	OnMove   func(ctx context.Context, apply func()) error // it applies the move itself

	mu    sync.Mutex
	now   time.Time
	reads int
}

// State is the cloud's record of an instance.
type State struct {
	handler.Observation
	restarts int
	pending  func(*handler.Observation)
	at       time.Time
}

// NewCloud returns a cloud of instances in the default region. The keys are their ids.
func NewCloud(instances map[string]handler.Observation) *Cloud {
	c := &Cloud{now: Start, Instances: map[string]*State{}, Lag: time.Minute}
	for id, o := range instances {
		if o.Status == "" {
			o.Status = "Normal"
		}
		if o.Tags == nil {
			o.Tags = map[string]string{}
		}
		c.Instances[id] = &State{Observation: o}
	}
	return c
}

// Now is the cloud's clock.
func (c *Cloud) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

// Advance moves the clock.
func (c *Cloud) Advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

// Sleep moves the clock.
func (c *Cloud) Sleep(ctx context.Context, d time.Duration) error {
	c.Advance(d)
	return ctx.Err()
}

func (c *Cloud) find(ctx context.Context, call string, ref handler.Ref) (*State, error) {
	c.Calls = append(c.Calls, call)
	if err := ctx.Err(); err != nil {
		return nil, handler.AsError(err)
	}
	s := c.Instances[ref.InstanceID]
	if s == nil {
		return nil, handler.Errorf(handler.NotFound, "no instance %s", ref.InstanceID)
	}
	if s.pending != nil && !c.now.Before(s.at) {
		s.pending(&s.Observation)
		s.pending = nil
	}
	return s, nil
}

// Restarts counts the accepted changes of an instance.
func (c *Cloud) Restarts(id string) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.Instances[id].restarts
}

// AllRestarts counts the accepted changes of all instances.
func (c *Cloud) AllRestarts() (n int) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, s := range c.Instances {
		n += s.restarts
	}
	return n
}

// TagsOf gives an instance's tags.
func (c *Cloud) TagsOf(id string) map[string]string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return maps.Clone(c.Instances[id].Tags)
}

// Expiring is an encrypted instance whose certificate expires after d.
func Expiring(d time.Duration) handler.Observation {
	return handler.Observation{SSL: handler.SSL{Enabled: true, Expires: Start.Add(d)}}
}

// Change changes an instance from outside, as another person or program may do at any
// time.
func (c *Cloud) Change(id string, change func(*handler.Observation)) {
	c.mu.Lock()
	defer c.mu.Unlock()
	change(&c.Instances[id].Observation)
}
