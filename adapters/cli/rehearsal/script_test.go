package rehearsal_test

import (
	"context"
	"errors"
	"maps"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"tairssl/adapters/cli/rehearsal"
	"tairssl/handler"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const id = "r-bp1zxszhcgatnx01"

var ref = handler.Ref{RegionID: handler.DefaultRegion, InstanceID: id}

// script is an API with one instance. Both follow a plan by the clock of a synctest
// bubble. Times count from the moment when the change is accepted.
type script struct {
	tagLag time.Duration // until a new tag is visible
	call   time.Duration // the duration of each call
	// SSLModifying begins at from and ends at until; the expiry changes at moves.
	from, until, moves time.Duration
	// Until stale, half of all answers show the old state.
	stale time.Duration
	// Connections fail between down and up. After serves they get the new certificate.
	down, up, serves time.Duration
	hangs            bool // connections hang in an outage; otherwise they are refused
	unreachable      bool
	never            bool // the change is accepted but has no effect
	modify           func(ctx context.Context) error
	onTag            func(key string) error
	onUntag          func(keys ...string) error

	mu       sync.Mutex
	began    time.Time
	accepted time.Time
	writes   int
	reads    int
	tags     map[string]string
	shows    map[string]time.Time
}

// expires is the expiry before the change. The clock of a bubble starts in January
// 2000.
func expires() time.Time { return time.Date(2000, 2, 1, 0, 0, 0, 0, time.UTC) }

// since is the time since the change was accepted, or -1.
func (s *script) since() time.Duration {
	if s.accepted.IsZero() || s.never {
		return -1
	}
	return time.Since(s.accepted)
}

// past reports whether a moment of the plan has come.
func past(since, moment time.Duration) bool { return since >= 0 && since >= moment }

func (s *script) observe() (i handler.Instance, ssl handler.SSL) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.reads++
	since := s.since()
	if s.reads%4 < 2 && since < s.stale {
		since = -1
	}
	i = handler.Instance{Region: ref.RegionID, Name: "orders-test", Status: "Normal", ConnectionDomain: id + ".redis.rds.aliyuncs.com", Port: 6379, At: time.Now(), Tags: map[string]string{}}
	if past(since, s.from) && !past(since, s.until) {
		i.Status = "SSLModifying"
	}
	for key, value := range s.tags {
		if !time.Now().Before(s.shows[key]) {
			i.Tags[key] = value
		}
	}
	ssl = handler.SSL{Enabled: true, Expires: expires(), At: time.Now()}
	if past(since, s.moves) {
		ssl.Expires = expires().AddDate(3, 0, 0)
	}
	return i, ssl
}

func (s *script) pause(ctx context.Context) error {
	select {
	case <-ctx.Done():
		return handler.AsError(ctx.Err())
	case <-time.After(s.call):
		return nil
	}
}

func (s *script) Instance(ctx context.Context, _ handler.Ref) (handler.Instance, error) {
	err := s.pause(ctx)
	i, _ := s.observe()
	return i, err
}

func (s *script) SSL(ctx context.Context, _ handler.Ref) (handler.SSL, error) {
	err := s.pause(ctx)
	_, ssl := s.observe()
	return ssl, err
}

func (s *script) List(context.Context, string, handler.Filter, int) (handler.Listing, error) {
	return handler.Listing{}, errors.New("nothing is listed")
}

func (s *script) Schedule(context.Context, handler.Ref) ([]handler.Renewal, error) { return nil, nil }

func (s *script) Move(context.Context, handler.Renewal, time.Time, time.Time) error {
	return errors.New("nothing is moved")
}

func (s *script) Modify(ctx context.Context, _ handler.Ref, _ handler.Action, _ time.Time) (handler.Receipt, error) {
	s.mu.Lock()
	s.writes++
	s.mu.Unlock()
	if err := s.pause(ctx); err != nil {
		e := *handler.AsError(err)
		e.Uncertain = true
		return handler.Receipt{}, &e
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.accepted = time.Now()
	if s.modify != nil {
		return handler.Receipt{}, s.modify(ctx)
	}
	return handler.Receipt{RequestID: "AD7E16AA", TaskID: "32184"}, nil
}

func (s *script) Tag(ctx context.Context, _ handler.Ref, key, value string) error {
	if err := s.pause(ctx); err != nil {
		return err
	}
	if s.onTag != nil {
		if err := s.onTag(key); err != nil {
			return err
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.tags[key], s.shows[key] = value, time.Now().Add(s.tagLag)
	return nil
}

func (s *script) Untag(ctx context.Context, _ handler.Ref, keys ...string) error {
	if err := s.pause(ctx); err != nil {
		return err
	}
	if s.onUntag != nil {
		if err := s.onUntag(keys...); err != nil {
			return err
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, key := range keys {
		delete(s.tags, key)
	}
	return nil
}

// left returns the keys of the remaining tags: the lease's flags, and others.
func (s *script) left() (flags, others []string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for key := range maps.Keys(s.tags) {
		if strings.HasPrefix(key, "tairssl-lease-") {
			flags = append(flags, key)
		} else {
			others = append(others, key)
		}
	}
	return flags, others
}

func (s *script) Ping(ctx context.Context) (rehearsal.Certificate, error) {
	s.mu.Lock()
	since := s.since()
	s.mu.Unlock()
	switch {
	case s.unreachable:
		return rehearsal.Certificate{}, handler.Errorf(handler.Unavailable, "the name cannot be resolved here")
	case past(since, s.down) && !past(since, s.up) && s.hangs:
		select {
		case <-ctx.Done():
			return rehearsal.Certificate{}, handler.Errorf(handler.Unavailable, "no answer")
		case <-time.After(s.up - since):
		}
	case past(since, s.down) && !past(since, s.up):
		return rehearsal.Certificate{}, handler.Errorf(handler.Unavailable, "refused")
	}
	if past(since, s.serves) {
		return rehearsal.Certificate{Fingerprint: "new", Expires: expires().AddDate(3, 0, 0)}, nil
	}
	return rehearsal.Certificate{Fingerprint: "old", Expires: expires()}, nil
}

func (s *script) Hold(ctx context.Context, every time.Duration) (bool, error) {
	for held := false; ; held = true {
		s.mu.Lock()
		since := s.since()
		s.mu.Unlock()
		if s.up > s.down && past(since, s.down) && !past(since, s.up) {
			return held, handler.Errorf(handler.Unavailable, "EOF")
		}
		select {
		case <-ctx.Done():
			return held, ctx.Err()
		case <-time.After(every):
		}
	}
}

// options returns the options of a rehearsal with the script.
func (s *script) options() rehearsal.Options {
	s.tags, s.shows, s.began = map[string]string{}, map[string]time.Time{}, time.Now()
	at := handler.At(expires())
	return rehearsal.Options{
		API: s, Settings: handler.Options{LeasePause: 2 * time.Second}, Ref: ref,
		Before: handler.Observation{Instance: handler.Instance{Name: "orders-test", Status: "Normal"}, SSL: handler.SSL{Enabled: true, Expires: expires()}},
		Change: handler.Delivery{Trust: handler.Trusted, Request: handler.Request{InstanceID: id, RegionID: ref.RegionID, SSLEnabled: handler.Update, Force: true, SSLExpiredTime: at}},
		Prober: s,
	}
}
