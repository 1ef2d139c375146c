package handler_test

import (
	"context"
	"maps"
	"slices"
	"sync"
	"time"

	"tairssl/handler"
)

// start is the time at which every scenario begins.
var start = time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)

// cloud is an API in memory whose changes take effect after a lag, at once and
// whole; the clock moves only when somebody sleeps.
type cloud struct {
	mu        sync.Mutex
	now       time.Time
	lag       time.Duration
	instances map[string]*state
	calls     []string
	modify    func(ctx context.Context, apply func()) error // nil applies and succeeds
	tag       func(key, value string) error
	read      func(call int) error
	renewals  map[string]time.Time
	list      func(region string, page int) error
	reads     int
}

type state struct {
	handler.Observation
	restarts int
	pending  func(*handler.Observation)
	at       time.Time
}

func newCloud(instances map[string]handler.Observation) *cloud {
	c := &cloud{now: start, instances: map[string]*state{}, lag: time.Minute}
	for id, o := range instances {
		if o.Status == "" {
			o.Status = "Normal"
		}
		if o.Tags == nil {
			o.Tags = map[string]string{}
		}
		c.instances[id] = &state{Observation: o}
	}
	return c
}

func (c *cloud) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.now
}

func (c *cloud) Advance(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.now = c.now.Add(d)
}

func (c *cloud) Sleep(ctx context.Context, d time.Duration) error {
	c.Advance(d)
	return ctx.Err()
}

func (c *cloud) find(ctx context.Context, call string, ref handler.Ref) (*state, error) {
	c.calls = append(c.calls, call)
	if err := ctx.Err(); err != nil {
		return nil, handler.AsError(err)
	}
	s := c.instances[ref.InstanceID]
	if s == nil {
		return nil, handler.Errorf(handler.NotFound, "no instance %s", ref.InstanceID)
	}
	if s.pending != nil && !c.now.Before(s.at) {
		s.pending(&s.Observation)
		s.pending = nil
	}
	return s, nil
}

func (c *cloud) Instance(ctx context.Context, ref handler.Ref) (handler.Instance, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.reads++
	if c.read != nil {
		if err := c.read(c.reads); err != nil {
			return handler.Instance{}, err
		}
	}
	s, err := c.find(ctx, "Instance", ref)
	if err != nil {
		return handler.Instance{}, err
	}
	i := s.Instance
	i.Tags = maps.Clone(i.Tags)
	return i, nil
}

func (c *cloud) List(ctx context.Context, region string, tags map[string]string, page int) ([]handler.Listed, int, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.list != nil {
		if err := c.list(region, page); err != nil {
			return nil, 0, err
		}
	}
	var all []handler.Listed
	for _, id := range slices.Sorted(maps.Keys(c.instances)) {
		s := c.instances[id]
		matches := region == handler.DefaultRegion
		for key, value := range tags {
			matches = matches && s.Tags[key] == value
		}
		if matches {
			i := s.Instance
			i.Tags = maps.Clone(i.Tags)
			all = append(all, handler.Listed{Ref: handler.Ref{RegionID: region, InstanceID: id}, Instance: i})
		}
	}
	from := min((page-1)*handler.PageSize, len(all))
	return all[from:min(from+handler.PageSize, len(all))], len(all), nil
}

func (c *cloud) Renewal(_ context.Context, ref handler.Ref) (time.Time, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.renewals[ref.InstanceID], nil
}

func (c *cloud) SSL(ctx context.Context, ref handler.Ref) (handler.SSL, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	s, err := c.find(ctx, "SSL", ref)
	if err != nil {
		return handler.SSL{}, err
	}
	return s.SSL, nil
}

func (c *cloud) Modify(ctx context.Context, ref handler.Ref, action handler.Action) (handler.Receipt, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	s, err := c.find(ctx, "Modify", ref)
	if err != nil {
		return handler.Receipt{}, err
	}
	apply := func() {
		s.restarts++
		s.at = c.now.Add(c.lag)
		done := s.at
		s.pending = func(o *handler.Observation) {
			switch o.Enabled = action != handler.Disable; {
			case o.Enabled:
				o.Expires = done.AddDate(3, 0, 0)
			default:
				o.Expires = time.Time{}
			}
		}
	}
	if c.modify != nil {
		if err := c.modify(ctx, apply); err != nil {
			return handler.Receipt{}, err
		}
	} else {
		apply()
	}
	return handler.Receipt{RequestID: "AD7E16AA", TaskID: "32184"}, nil
}

func (c *cloud) Tag(ctx context.Context, ref handler.Ref, key, value string) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	s, err := c.find(ctx, "Tag", ref)
	if err != nil {
		return err
	}
	if c.tag != nil {
		if err := c.tag(key, value); err != nil {
			return err
		}
	}
	s.Tags[key] = value
	return nil
}

func (c *cloud) Untag(ctx context.Context, ref handler.Ref, key string) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	s, err := c.find(ctx, "Untag", ref)
	if err != nil {
		return err
	}
	delete(s.Tags, key)
	return nil
}

func (c *cloud) restarts(id string) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.instances[id].restarts
}

func (c *cloud) tagOf(id, key string) string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.instances[id].Tags[key]
}

// expiring is an encrypted instance whose certificate ends in d.
func expiring(d time.Duration) handler.Observation {
	return handler.Observation{SSL: handler.SSL{Enabled: true, Expires: start.Add(d)}}
}

const day = 24 * time.Hour
