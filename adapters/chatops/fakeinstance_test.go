package chatops_test

import (
	"context"
	"errors"
	"maps"
	"sync"
	"time"

	"tairssl/handler"
)

// instance is an API with one instance whose certificate is due. It shows a change at
// once.
type instance struct {
	mu       sync.Mutex
	ssl      handler.SSL
	tags     map[string]string
	restarts int
	slow     time.Duration // time of a write
	looks    time.Duration // time of a read
	fault    error         // error of every read
}

func newInstance() *instance {
	return &instance{ssl: handler.SSL{Enabled: true, Expires: now.Add(12*24*time.Hour + time.Hour)}, tags: map[string]string{}}
}

func (i *instance) Instance(context.Context, handler.Ref) (handler.Instance, error) {
	i.mu.Lock()
	defer i.mu.Unlock()
	return handler.Instance{Status: "Normal", ConnectionDomain: id + ".redis.rds.aliyuncs.com", Tags: maps.Clone(i.tags), At: now}, nil
}

func (i *instance) SSL(ctx context.Context, _ handler.Ref) (handler.SSL, error) {
	if i.looks > 0 {
		select {
		case <-ctx.Done():
			return handler.SSL{}, handler.AsError(ctx.Err())
		case <-time.After(i.looks):
		}
	}
	i.mu.Lock()
	defer i.mu.Unlock()
	ssl := i.ssl
	ssl.At = now
	return ssl, i.fault
}

func (i *instance) List(context.Context, string, handler.Filter, int) (handler.Listing, error) {
	return handler.Listing{Instances: []handler.Listed{{Ref: handler.Ref{InstanceID: id, RegionID: handler.DefaultRegion}}}, Total: 1, At: now}, nil
}

func (i *instance) Schedule(context.Context, handler.Ref) ([]handler.Renewal, error) { return nil, nil }

func (i *instance) Move(context.Context, handler.Renewal, time.Time, time.Time) error {
	return errors.New("there is nothing to move")
}

func (i *instance) Modify(ctx context.Context, _ handler.Ref, a handler.Action, _ time.Time) (handler.Receipt, error) {
	if i.slow > 0 {
		select {
		case <-ctx.Done():
		case <-time.After(i.slow):
		}
		if ctx.Err() != nil {
			return handler.Receipt{}, &handler.Error{Kind: handler.Unavailable, Message: "no answer in time", Retryable: true, Uncertain: true}
		}
	}
	i.mu.Lock()
	defer i.mu.Unlock()
	i.restarts++
	i.ssl = handler.SSL{Enabled: a != handler.Disable}
	if i.ssl.Enabled {
		i.ssl.Expires = now.AddDate(3, 0, 0)
	}
	return handler.Receipt{RequestID: "AD7E16AA", TaskID: "1"}, nil
}

func (i *instance) Tag(_ context.Context, _ handler.Ref, key, value string) error {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.tags[key] = value
	return nil
}

func (i *instance) Untag(_ context.Context, _ handler.Ref, keys ...string) error {
	i.mu.Lock()
	defer i.mu.Unlock()
	for _, key := range keys {
		delete(i.tags, key)
	}
	return nil
}
