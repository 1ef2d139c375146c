// Package tagprobe measures how soon a tag that was set shows to a reader. The
// lease takes that to be within TAIRSSL_LEASE_PAUSE.
package tagprobe

import (
	"context"
	"crypto/rand"
	"time"

	"tairssl/handler"
)

const (
	// poll is how often is looked.
	poll = 20 * time.Millisecond
	// Patience is for how long.
	Patience = 20 * time.Second
	// shows is in how many readings after each other a tag has to be: one server
	// may know it before the next.
	shows = 3
)

// API is what the measurement needs of the instances' API.
type API interface {
	Instance(ctx context.Context, ref handler.Ref) (handler.Instance, error)
	Tag(ctx context.Context, ref handler.Ref, key, value string) error
}

// Measure sets a tag to a new value and reads until it shows. It gives the time
// from the answer to the beginning of the first reading that shows the tag. The
// error is one of the setting if the time is zero; then the tag may be set all the
// same.
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
	return time.Since(set), handler.Errorf(handler.Unavailable, "a tag that was set did not show within %s", Patience)
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

// LeasePause is the pause to set where the slowest tag took so long to show.
func LeasePause(slowest time.Duration) time.Duration {
	return min(max(2*slowest.Round(500*time.Millisecond)+500*time.Millisecond, 2*time.Second), time.Minute)
}
