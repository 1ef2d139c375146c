package tair

import (
	"context"
	"errors"
	"time"

	"github.com/cenkalti/backoff/v5"

	"tairssl/handler"
)

// retryPause is the mean of the first pause between two tries.
const retryPause = 100 * time.Millisecond

// firstRetryPause is retryPause, except in tests that need not wait.
var firstRetryPause = retryPause

// again makes a call that may be repeated. It tries the call at most four times. The
// pauses between the tries are random and grow from about 100 ms.
func again[T any](ctx context.Context, op func() (T, error)) (v T, err error) {
	err = repeat(ctx, func() (err error) { v, err = op(); return err })
	return v, err
}

// repeat is [again] for a call without a value. The compiler makes one copy of it for all
// types.
func repeat(ctx context.Context, op func() error) error {
	return repeatAfter(ctx, firstRetryPause, op)
}

// repeatAfter is [repeat] with a first pause.
func repeatAfter(ctx context.Context, first time.Duration, op func() error) error {
	pauses := backoff.NewExponentialBackOff()
	pauses.InitialInterval = first
	pauses.Multiplier = 2.5
	pauses.MaxInterval = 2 * time.Second
	var last error
	_, err := backoff.Retry(ctx, func() (none struct{}, err error) {
		err = op()
		if last == nil || !errors.Is(err, handler.ErrNoTime) { // otherwise keep the last answer of the API, which says more than a lack of time
			last = err
		}
		if err != nil && (ctx.Err() != nil || !helps(err)) {
			return none, backoff.Permanent(err)
		}
		return none, err
	}, backoff.WithBackOff(pauses), backoff.WithMaxTries(4))
	if err != nil && last != nil {
		err = last
	}
	return err
}

// helps reports whether another try within seconds can succeed.
func helps(err error) bool {
	return handler.AsError(err).Retryable && !errors.Is(err, handler.ErrNoTime) && !errors.Is(err, errNoDate)
}
