package chatops_test

import (
	"cmp"
	"context"
	"errors"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"tairssl/adapters/chatops"
	"tairssl/handler"
	"tairssl/handler/fleet"
)

const id = "r-bp1zxszhcgatnx01"

// cloud is an API of instances whose certificates are due.
type cloud struct {
	mu       sync.Mutex
	ssl      map[string]handler.SSL
	tags     map[string]map[string]string
	restarts int
	now      time.Time
	pause    time.Duration // the lease's pause; default: 20 ms
	// For a fleet: the regions of instances outside the default region, the errors of
	// instances and regions, the time of a look, and the instances that were looked at.
	domains   map[string]string
	names     map[string]string
	elsewhere map[string]string
	faults    map[string]error
	takes     time.Duration
	looked    []string
	deaf      chan struct{} // if set, a look ends only when this is closed, and ignores its context
	asked     chan struct{} // receives a value when such a look begins
}

func newCloud(ids ...string) *cloud {
	c := &cloud{ssl: map[string]handler.SSL{}, tags: map[string]map[string]string{}, now: time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)}
	for _, id := range ids {
		c.ssl[id], c.tags[id] = handler.SSL{Enabled: true, Expires: c.now.AddDate(0, 0, 12)}, map[string]string{}
	}
	return c
}

func (c *cloud) Now() time.Time { c.mu.Lock(); defer c.mu.Unlock(); return c.now }

func (c *cloud) Instance(_ context.Context, ref handler.Ref) (handler.Instance, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if _, ok := c.ssl[ref.InstanceID]; !ok {
		return handler.Instance{}, handler.Errorf(handler.NotFound, "no instance %s", ref.InstanceID)
	}
	return handler.Instance{Status: "Normal", Name: c.names[ref.InstanceID], ConnectionDomain: c.domains[ref.InstanceID], Tags: maps.Clone(c.tags[ref.InstanceID]), At: c.now}, nil
}

func (c *cloud) SSL(ctx context.Context, ref handler.Ref) (handler.SSL, error) {
	if c.deaf != nil {
		c.asked <- struct{}{}
		<-c.deaf
	}
	if c.takes > 0 {
		select {
		case <-ctx.Done():
			return handler.SSL{}, handler.AsError(ctx.Err())
		case <-time.After(c.takes):
		}
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	c.looked = append(c.looked, ref.InstanceID)
	if fault := c.faults[ref.InstanceID]; fault != nil {
		return handler.SSL{}, fault
	}
	ssl := c.ssl[ref.InstanceID]
	ssl.At = c.now
	return ssl, nil
}

func (c *cloud) List(ctx context.Context, region string, filter handler.Filter, page int) (handler.Listing, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if ctx.Err() != nil {
		return handler.Listing{}, handler.AsError(ctx.Err())
	}
	if fault := c.faults[region]; fault != nil {
		return handler.Listing{}, fault
	}
	var list []handler.Listed
	for _, id := range slices.Sorted(maps.Keys(c.ssl)) {
		if cmp.Or(c.elsewhere[id], handler.DefaultRegion) == region && (filter.IDs == nil || slices.Contains(filter.IDs, id)) {
			if filter.Search != "" && !strings.Contains(id, filter.Search) && !strings.Contains(c.names[id], filter.Search) {
				continue
			}
			list = append(list, handler.Listed{Ref: handler.Ref{RegionID: region, InstanceID: id}, Instance: handler.Instance{Status: "Normal", Name: c.names[id], ConnectionDomain: c.domains[id]}})
		}
	}
	from := min((page-1)*handler.PageSize, len(list))
	return handler.Listing{Instances: list[from:min(from+handler.PageSize, len(list))], Total: len(list), At: c.now}, nil
}

func (c *cloud) Schedule(context.Context, handler.Ref) ([]handler.Renewal, error) { return nil, nil }

func (c *cloud) Move(context.Context, handler.Renewal, time.Time, time.Time) error {
	return errors.New("there is nothing to move")
}

// Modify does not change the visible state. The real API also takes minutes to show a
// change.
func (c *cloud) Modify(context.Context, handler.Ref, handler.Action, time.Time) (handler.Receipt, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.restarts++
	return handler.Receipt{RequestID: "AD7E16AA"}, nil
}

func (c *cloud) Tag(_ context.Context, ref handler.Ref, key, value string) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.tags[ref.InstanceID][key] = value
	return nil
}

func (c *cloud) Untag(_ context.Context, ref handler.Ref, keys ...string) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, key := range keys {
		delete(c.tags[ref.InstanceID], key)
	}
	return nil
}

func (c *cloud) bot(rules string, change ...func(*chatops.Options)) *chatops.Bot {
	o := chatops.Options{Key: []byte("a key of confirmation codes"), Region: handler.DefaultRegion, Now: c.Now, Hand: take}
	if rules != "" {
		if err := o.Allow.UnmarshalText([]byte(rules)); err != nil {
			panic(err)
		}
	}
	for _, f := range change {
		f(&o)
	}
	h := handler.New(c, handler.Options{Now: c.Now, Regions: []string{handler.DefaultRegion, "cn-shanghai"}, LeasePause: cmp.Or(c.pause, 20*time.Millisecond), Policy: handler.Policy{Actions: []handler.Action{handler.Update, handler.Disable}}})
	return chatops.New(fleet.New(h, c, 0), o)
}

func (c *cloud) advance(d time.Duration) { c.mu.Lock(); defer c.mu.Unlock(); c.now = c.now.Add(d) }

type handedKey struct{}

// take stores handed work in the variable that the context names.
func take(ctx context.Context, payload []byte) error {
	if to, ok := ctx.Value(handedKey{}).(*[]byte); ok {
		*to = payload
	}
	return nil
}

// shortly gives an invocation that is too short to watch a change.
func shortly(t context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(t, 14*time.Second)
}

// say sends a text to a bot and returns the last answer. If the bot hands the work over,
// say also does the work.
func say(b *chatops.Bot, m chatops.Message, text string) (answer, code string) {
	m.Text = text
	var payload []byte
	r := b.Say(context.WithValue(context.Background(), handedKey{}, &payload), m)
	if payload != nil {
		handed, err := b.Open(payload)
		if err != nil {
			panic(err)
		}
		ctx, cancel := shortly(context.Background())
		defer cancel()
		r = b.Finish(ctx, handed)
	}
	return strings.Join(r.Lines, "\n"), r.Code
}

var anna = chatops.Message{Platform: "slack", Tenant: "T1", User: "U1", Channel: "C1", Trust: handler.Signed}
