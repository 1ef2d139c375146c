// Package tagprobe measures how soon a new tag shows in the answers of the API. The lease
// relies on new tags that show within TAIRSSL_LEASE_PAUSE.
package tagprobe

import (
	"context"
	"crypto/rand"
	"time"

	"tairssl/handler"
)

const (
	// poll is the pause between two readings.
	poll = 20 * time.Millisecond
	// Patience is the longest time to wait for the tag.
	Patience = 20 * time.Second
	// shows is the number of consecutive readings that must show the tag. One server of
	// the API may know the tag before another server does.
	shows = 3
)

// API is the part of [handler.API] that the measurement needs.
type API interface {
	Instance(ctx context.Context, ref handler.Ref) (handler.Instance, error)
	Tag(ctx context.Context, ref handler.Ref, key, value string) error
}

// Measure sets a tag to a new value, and reads the instance until the tag shows. It
// returns the time from the answer of the API until the start of the first reading that
// shows the tag. After a failed call to set the tag, the time is zero, although the
// instance may have the tag. After a failed reading, the time is not zero.
func Measure(ctx context.Context, api API, ref handler.Ref, key string) (time.Duration, error) {
	value := rand.Text()
	if err := api.Tag(ctx, ref, key, value); err != nil {
		return 0, err
	}
	set, first, seen := time.Now(), time.Time{}, 0
	for time.Since(set) < Patience {
		began := time.Now()
		i, err := api.Instance(ctx, ref)
		switch {
		case err != nil:
			return max(time.Since(set), time.Nanosecond), err
		case i.Tags[key] != value:
			seen = 0
		case seen == 0:
			seen, first = 1, began
		default:
			seen++
		}
		if seen == shows {
			return max(first.Sub(set), time.Nanosecond), nil
		}
		if err := pause(ctx); err != nil {
			return max(time.Since(set), time.Nanosecond), err
		}
	}
	return time.Since(set), handler.Errorf(handler.Unavailable, "a new tag did not show within %s", Patience)
}

func pause(ctx context.Context) error {
	timer := time.NewTimer(poll)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-timer.C:
		return nil
	}
}

// LeasePause is the TAIRSSL_LEASE_PAUSE to recommend. slowest is the longest time that a
// tag took to show.
func LeasePause(slowest time.Duration) time.Duration {
	return min(max(2*slowest.Round(500*time.Millisecond)+500*time.Millisecond, 2*time.Second), time.Minute)
}
