package handler_test

import (
	"testing"
	"testing/synctest"
	"time"

	"tairssl/handler"
)

// A writer whose tag arrives late may have replaced the lease of one that has
// written since: it must give way although its own tag stands.
func TestSlowTaggerGivesWay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		c, h := on(expiring(5*day), handler.Options{})
		c.tag = func(string, string) error { time.Sleep(3 * time.Second); return nil }
		result := ask(t, h, update())
		if result.Outcome != handler.InProgress || c.restarts(id) != 0 {
			t.Errorf("ended %s (%s) with %d restarts, want in_progress and none", result.Outcome, result.Reason, c.restarts(id))
		}
		c.tag = nil
		c.Advance(16 * time.Minute)
		if again := ask(t, h, update()); again.Outcome != handler.Accepted {
			t.Errorf("after the lease the next delivery ended %s: %s", again.Outcome, again.Reason)
		}
	})
}
