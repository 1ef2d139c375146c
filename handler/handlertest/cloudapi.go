package handlertest

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"strings"
	"time"

	"tairssl/handler"
)

// Instance implements handler.API.
func (c *Cloud) Instance(ctx context.Context, ref handler.Ref) (handler.Instance, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.reads++
	if c.OnRead != nil {
		if err := c.OnRead(c.reads); err != nil {
			return handler.Instance{}, err
		}
	}
	s, err := c.find(ctx, "Instance", ref)
	if err != nil {
		return handler.Instance{}, err
	}
	return c.shown(s), nil
}

func (c *Cloud) shown(s *State) handler.Instance {
	i := s.Instance
	i.Tags, i.At = maps.Clone(i.Tags), c.now
	return i
}

// List implements handler.API.
func (c *Cloud) List(_ context.Context, region string, filter handler.Filter, page int) (handler.Listing, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.OnList != nil {
		if err := c.OnList(region, page); err != nil {
			return handler.Listing{}, err
		}
	}
	var all []handler.Listed
	for _, id := range slices.Sorted(maps.Keys(c.Instances)) {
		s := c.Instances[id]
		matches := region == cmp.Or(s.Region, handler.DefaultRegion) && (filter.IDs == nil || slices.Contains(filter.IDs, id)) && (strings.Contains(id, filter.Search) || strings.Contains(s.Name, filter.Search))
		matches = matches && (!filter.Members || s.GlobalID != "")
		if _, tagged := s.Tags[filter.Key]; filter.Key != "" {
			matches = matches && tagged
		}
		for key, value := range filter.Tags {
			matches = matches && s.Tags[key] == value
		}
		if matches {
			all = append(all, handler.Listed{Ref: handler.Ref{RegionID: region, InstanceID: id}, Instance: c.shown(s)})
		}
	}
	from := min((page-1)*handler.PageSize, len(all))
	return handler.Listing{Instances: all[from:min(from+handler.PageSize, len(all))], Total: len(all), At: c.now}, nil
}

// Schedule implements handler.API.
func (c *Cloud) Schedule(_ context.Context, ref handler.Ref) (all []handler.Renewal, err error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	for id, at := range c.Renewals {
		if !at.IsZero() && (ref.InstanceID == "" || ref.InstanceID == id) {
			all = append(all, handler.Renewal{Ref: handler.Ref{RegionID: ref.RegionID, InstanceID: id}, ID: "1", Status: handler.RenewalPending, At: at, Fixed: true})
		}
	}
	for _, r := range c.Tasks {
		if r.RegionID == ref.RegionID && (ref.InstanceID == r.InstanceID || ref.InstanceID == "" && r.Coming()) {
			all = append(all, r)
		}
	}
	return all, nil
}

// Move implements handler.API. It accepts every time.
func (c *Cloud) Move(ctx context.Context, r handler.Renewal, to, signBy time.Time) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.Calls = append(c.Calls, "Move")
	if err := ctx.Err(); err != nil {
		return handler.AsError(err)
	}
	if c.now.After(signBy) {
		return late(c.now, signBy)
	}
	apply := func() {
		for n := range c.Tasks {
			if c.Tasks[n].ID == r.ID {
				c.Tasks[n].At = to
			}
		}
	}
	if c.OnMove != nil {
		return c.OnMove(ctx, apply)
	}
	apply()
	return nil
}

// SSL implements handler.API.
func (c *Cloud) SSL(ctx context.Context, ref handler.Ref) (handler.SSL, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.OnSSL != nil {
		if err := c.OnSSL(ref); err != nil {
			return handler.SSL{}, err
		}
	}
	s, err := c.find(ctx, "SSL", ref)
	if err != nil {
		return handler.SSL{}, err
	}
	ssl := s.SSL
	ssl.At = c.now
	return ssl, nil
}

// Modify implements handler.API.
func (c *Cloud) Modify(ctx context.Context, ref handler.Ref, action handler.Action, signBy time.Time) (handler.Receipt, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	s, err := c.find(ctx, "Modify", ref)
	if err != nil {
		return handler.Receipt{}, err
	}
	if c.now.After(signBy) {
		return handler.Receipt{}, late(c.now, signBy)
	}
	apply := func() {
		s.restarts++
		s.at = c.now.Add(c.Lag)
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
	if c.OnModify != nil {
		if err := c.OnModify(ctx, apply); err != nil {
			return handler.Receipt{}, err
		}
	} else {
		apply()
	}
	return handler.Receipt{RequestID: "AD7E16AA", TaskID: "32184"}, nil
}

// late is the refusal of a call that would be signed too late.
func late(now, signBy time.Time) error {
	e := handler.Errorf(handler.Unavailable, "signed at %s, later than %s", now, signBy)
	e.Err = handler.ErrLate
	return e
}

// Tag implements handler.API.
func (c *Cloud) Tag(ctx context.Context, ref handler.Ref, key, value string) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	s, err := c.find(ctx, "Tag", ref)
	if err != nil {
		return err
	}
	if c.OnTag != nil {
		if err := c.OnTag(key, value); err != nil {
			return err
		}
	}
	s.Tags[key] = value
	return nil
}

// Untag implements handler.API.
func (c *Cloud) Untag(ctx context.Context, ref handler.Ref, keys ...string) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	s, err := c.find(ctx, "Untag", ref)
	if err != nil {
		return err
	}
	if c.OnUntag != nil {
		if err := c.OnUntag(keys...); err != nil {
			return err
		}
	}
	for _, key := range keys {
		delete(s.Tags, key)
	}
	return nil
}
