package tair_test

import (
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"tairssl/adapters/tair"
	"tairssl/handler"
)

// Four tries are made, and each pause is about 2.5 times as long as the one before it.
func TestThePausesBetweenTriesGrow(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var tries []time.Time
		err := tair.Again(t.Context(), func() error {
			tries = append(tries, time.Now())
			return handler.Errorf(handler.Unavailable, "down")
		})
		if !errors.Is(err, handler.Unavailable) || len(tries) != 4 {
			t.Fatalf("%d tries ended with %v, want 4 tries and unavailable", len(tries), err)
		}
		mean := tair.RetryPause
		for n := 1; n < len(tries); n++ {
			if pause := tries[n].Sub(tries[n-1]); pause < mean/2 || pause > mean*3/2 {
				t.Errorf("pause %d is %s, want %s to %s", n, pause, mean/2, mean*3/2)
			}
			mean = mean * 5 / 2
		}
	})
}
