package handler_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"tairssl/handler"
)

// A change is done when the new state shows and the instance is Normal again.
func TestAChangeIsVerifiedByItsNewState(t *testing.T) {
	all := handler.Policy{Actions: []handler.Action{handler.Update, handler.Enable, handler.Disable}}
	renewed := start.AddDate(1, 0, 0)
	for name, test := range map[string]struct {
		action  handler.Action
		before  handler.Observation
		after   handler.Observation
		status  string
		outcome handler.Outcome
		says    string
	}{
		"renewed":                     {handler.Update, expiring(5 * day), handler.Observation{SSL: handler.SSL{Enabled: true, Expires: renewed}}, "Normal", handler.Verified, "done: certificate expires 2027-11-24T12:00:00Z"},
		"renewed, still modifying":    {handler.Update, expiring(5 * day), handler.Observation{SSL: handler.SSL{Enabled: true, Expires: renewed}}, "SSLModifying", handler.Accepted, "last seen SSLModifying, certificate expires 2027-11-24T12:00:00Z"},
		"renewed, busy":               {handler.Update, expiring(5 * day), handler.Observation{SSL: handler.SSL{Enabled: true, Expires: renewed}}, "Changing", handler.Accepted, "last seen Changing"},
		"not yet renewed":             {handler.Update, expiring(5 * day), expiring(5 * day), "Normal", handler.Accepted, "not verified within 1m0s: last seen Normal, certificate expires 2026-11-29"},
		"an older one":                {handler.Update, expiring(5 * day), expiring(4 * day), "Normal", handler.Accepted, "not verified"},
		"switched off instead":        {handler.Update, expiring(5 * day), handler.Observation{}, "Normal", handler.Accepted, "last seen Normal, encryption is off"},
		"enabled":                     {handler.Enable, handler.Observation{}, handler.Observation{SSL: handler.SSL{Enabled: true, Expires: renewed}}, "Normal", handler.Verified, "done: certificate expires"},
		"enabled, no certificate yet": {handler.Enable, handler.Observation{}, handler.Observation{SSL: handler.SSL{Enabled: true}}, "Normal", handler.Accepted, "not verified"},
		"not yet enabled":             {handler.Enable, handler.Observation{}, handler.Observation{}, "Normal", handler.Accepted, "last seen Normal, encryption is off"},
		"disabled":                    {handler.Disable, expiring(5 * day), handler.Observation{}, "Normal", handler.Verified, "done: encryption is off"},
		"disabled, still modifying":   {handler.Disable, expiring(5 * day), handler.Observation{}, "SSLModifying", handler.Accepted, "last seen SSLModifying, encryption is off"},
		"not yet disabled":            {handler.Disable, expiring(5 * day), expiring(5 * day), "Normal", handler.Accepted, "not verified"},
	} {
		t.Run(name, func(t *testing.T) {
			c, h := on(test.before, handler.Options{Policy: all, Wait: time.Minute})
			c.OnModify = func(context.Context, func()) error {
				c.Instances[id].SSL, c.Instances[id].Status = test.after.SSL, test.status
				c.Instances[id].CertDownloadURL = "https://chain.example/new"
				return nil
			}
			d := update()
			d.SSLEnabled = test.action
			result := ask(t, h, d)
			if result.Outcome != test.outcome || !strings.Contains(result.Reason, test.says) {
				t.Errorf("ended %s (%s), want %s and %q", result.Outcome, result.Reason, test.outcome, test.says)
			}
			switch verified := result.Outcome == handler.Verified; {
			case (result.After != nil) != verified:
				t.Errorf("the new state is %+v", result.After)
			case verified && (!result.After.SSLExpiredTime.Equal(test.after.Expires) || result.CertDownloadURL != "https://chain.example/new"):
				t.Errorf("the new state is %+v, with its chain at %s", result.After, result.CertDownloadURL)
			}
		})
	}
}

// If the answer to the write was lost, the instance itself shows the change.
func TestALostAnswerIsMadeUpForByALook(t *testing.T) {
	lost := handler.Errorf(handler.Unavailable, "connection cut")
	lost.Uncertain, lost.RequestID = true, "LOST"
	for name, test := range map[string]struct {
		wait    time.Duration
		status  string
		expires time.Time
		outcome handler.Outcome
		says    string
	}{
		"nothing shows":                {0, "Normal", start.Add(5 * day), handler.Unknown, "look again later"},
		"nothing shows, watched":       {time.Minute, "Normal", start.Add(5 * day), handler.Unknown, "look again later"},
		"it has begun":                 {0, "SSLModifying", start.Add(5 * day), handler.Accepted, "the change has begun"},
		"it has begun, watched":        {time.Minute, "SSLModifying", start.Add(5 * day), handler.Accepted, "not verified within 1m0s"},
		"it is renewed, but not ended": {0, "Changing", start.AddDate(1, 0, 0), handler.Accepted, "the change has begun"},
		"it has come true":             {0, "Normal", start.AddDate(1, 0, 0), handler.Verified, "done"},
	} {
		c, h := on(expiring(5*day), handler.Options{Wait: test.wait})
		c.OnModify = func(context.Context, func()) error {
			c.Instances[id].Status, c.Instances[id].Expires = test.status, test.expires
			return lost
		}
		result := ask(t, h, update())
		if result.Outcome != test.outcome || !strings.Contains(result.Reason, test.says) || result.RequestID != "LOST" {
			t.Errorf("%s: ended %s (%s) of the call %q, want %s and %q", name, result.Outcome, result.Reason, result.RequestID, test.outcome, test.says)
		}
		if (result.Error != nil) != (test.outcome == handler.Unknown) {
			t.Errorf("%s: the error is %v", name, result.Error)
		}
		if len(flagsOn(c)) != 1 {
			t.Errorf("%s: the flags are %v, want that of the write", name, flagsOn(c))
		}
	}
}

// A refused write is not watched.
func TestAWriteThatWasRefusedIsNotWatched(t *testing.T) {
	c, h := on(expiring(5*day), handler.Options{Wait: time.Minute})
	c.OnModify = func(context.Context, func()) error { return handler.Errorf(handler.Throttled, "slow down") }
	if result := ask(t, h, update()); kindOf(result) != handler.Throttled || result.Reason != "slow down" || c.Now().Sub(start) != 2*time.Second {
		t.Errorf("ended %s (%s) after %s, want the two seconds of the pause", result.Outcome, result.Reason, c.Now().Sub(start))
	}
}

// A change is watched at short intervals first and at longer intervals later. The last
// look is at the end of the wait. The request or the setting limits the wait.
func TestAChangeIsWatchedEverMoreSeldom(t *testing.T) {
	for name, test := range map[string]struct {
		setting, request *handler.Duration
		want             []float64 // seconds after the write
	}{
		"not at all":           {nil, nil, nil},
		"a request says so":    {wait(time.Hour), wait(0), nil},
		"for three seconds":    {wait(3 * time.Second), nil, []float64{0, 0.5, 1.25, 2.375, 3}},
		"as the request says":  {nil, wait(time.Second), []float64{0, 0.5, 1}},
		"for a minute":         {nil, wait(time.Minute), []float64{0, 0.5, 1.25, 2.375, 4.0625, 6.59375, 10.390625, 16.0859375, 24.62890625, 37.443359375, 52.443359375, 60}},
		"half a second, whole": {wait(500 * time.Millisecond), nil, []float64{0, 0.5}},
	} {
		inBubble(t, name, func(t *testing.T) {
			c := newTimed(expiring(5*day), nil)
			c.Lag = time.Hour
			o := handler.Options{LeaseNone: true}
			if test.setting != nil {
				o.Wait = time.Duration(*test.setting)
			}
			var looks []float64
			c.OnRead = func(call int) error {
				if call > 1 { // the first look is before the write
					looks = append(looks, time.Since(c.Begun).Seconds())
				}
				return nil
			}
			d := update()
			d.Wait = test.request
			if result := ask(t, handler.New(c, o), d); result.Outcome != handler.Accepted || !slices.Equal(looks, test.want) {
				t.Errorf("ended %s (%s) and was looked at after %v seconds, want %v", result.Outcome, result.Reason, looks, test.want)
			}
		})
	}
}

// Watching ends with the invocation. A look that fails decides nothing.
func TestWatchingGoesOnPastLooksThatFail(t *testing.T) {
	c, h := on(expiring(5*day), handler.Options{LeaseNone: true, Wait: 5 * time.Minute})
	c.OnRead = func(call int) error {
		if call > 1 && call < 5 {
			return handler.Errorf(handler.Throttled, "slow down")
		}
		return nil
	}
	if result := ask(t, h, update()); result.Outcome != handler.Verified {
		t.Errorf("ended %s (%s)", result.Outcome, result.Reason)
	}
	c, h = on(expiring(5*day), handler.Options{LeaseNone: true, Wait: time.Minute})
	c.OnRead = func(call int) error {
		if call > 1 {
			return handler.Errorf(handler.Throttled, "slow down")
		}
		return nil
	}
	if result := ask(t, h, update()); result.Outcome != handler.Accepted || !strings.Contains(result.Reason, "the last look failed: slow down") {
		t.Errorf("ended %s (%s)", result.Outcome, result.Reason)
	}
	c, h = on(expiring(5*day), handler.Options{LeaseNone: true, Wait: time.Minute, Sleep: nil})
	h.Sleep = func(context.Context, time.Duration) error { return errors.New("the invocation is over") }
	if result := ask(t, h, update()); result.Outcome != handler.Accepted || c.Restarts(id) != 1 {
		t.Errorf("ended %s (%s)", result.Outcome, result.Reason)
	}
	// A look that hangs ends ten seconds after the wait.
	inBubble(t, "a look that hangs", func(t *testing.T) {
		c := newTimed(expiring(5*day), func(call string, nth int) time.Duration {
			if call == "SSL" && nth > 1 {
				return time.Hour
			}
			return 0
		})
		h := handler.New(c, handler.Options{LeaseNone: true, Wait: 30 * time.Second})
		if result := ask(t, h, update()); result.Outcome != handler.Accepted || time.Since(c.Begun) != 40*time.Second {
			t.Errorf("ended %s (%s) after %s, want 40s", result.Outcome, result.Reason, time.Since(c.Begun))
		}
	})
}
