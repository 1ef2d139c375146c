package tair

import (
	"context"
	"time"
)

// RetryPause is the first pause between two tries outside of tests.
const RetryPause = retryPause

// The tests count tries and do not wait for them.
func init() { firstRetryPause = time.Millisecond }

// Again makes a call that may be repeated, with the pauses of real use.
func Again(ctx context.Context, op func() error) error {
	return repeatAfter(ctx, retryPause, op)
}
