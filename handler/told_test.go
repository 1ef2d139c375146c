package handler_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"tairssl/handler"
	"tairssl/handler/handlertest"
)

// Options.Decided is called once for each delivery, with its answer and whether the
// change was sent.
func TestEachDecisionIsToldOnce(t *testing.T) {
	failing := func(kind handler.Kind, cause error) error {
		e := handler.Errorf(kind, "x")
		e.Err = cause
		return e
	}
	for name, test := range map[string]struct {
		write   error
		change  func(*handler.Delivery)
		outcome handler.Outcome
		wrote   bool
	}{
		"accepted":              {nil, nil, handler.Accepted, true},
		"not due":               {nil, func(d *handler.Delivery) { d.RenewBefore = wait(time.Hour) }, handler.Unchanged, false},
		"forbidden":             {nil, func(d *handler.Delivery) { d.SSLEnabled = handler.Disable }, handler.Refused, false},
		"invalid":               {nil, func(d *handler.Delivery) { d.InstanceID = "x" }, handler.Failed, false},
		"throttled":             {failing(handler.Throttled, nil), nil, handler.Failed, true},
		"signed late":           {failing(handler.Unavailable, handler.ErrLate), nil, handler.Failed, false},
		"never begun":           {failing(handler.Unavailable, handler.ErrNoTime), nil, handler.Failed, false},
		"so already":            {failing(handler.Unsupported, handler.ErrAlready), nil, handler.Unchanged, true},
		"busy":                  {failing(handler.Unavailable, handler.ErrBusy), nil, handler.InProgress, true},
		"of an unknown error":   {errors.New("x"), nil, handler.Unknown, true},
		"a sweep's":             {nil, func(d *handler.Delivery) { d.Swept = true }, handler.Accepted, true},
		"a sweep's, throttled":  {failing(handler.Throttled, nil), func(d *handler.Delivery) { d.Swept = true }, handler.Failed, true},
		"looked at ahead":       {nil, func(d *handler.Delivery) { d.Ahead, d.RenewBefore = true, wait(time.Hour) }, handler.Unchanged, false},
		"never begun, no sweep": {failing(handler.Unavailable, handler.ErrNoTime), func(d *handler.Delivery) { d.Ahead = true }, handler.Failed, false},
		"planned, and no sweep": {nil, func(d *handler.Delivery) { d.DryRun, d.Swept = true, true }, handler.Planned, false},
	} {
		var told []handler.Decided
		c, h := on(expiring(5*day), handler.Options{Decided: func(_ context.Context, d handler.Decided) { told = append(told, d) }})
		if test.write != nil {
			c.OnModify = func(context.Context, func()) error { return test.write }
		}
		d := update()
		d.Event = "event-1"
		if test.change != nil {
			test.change(&d)
		}
		result := ask(t, h, d)
		if result.Outcome != test.outcome {
			t.Errorf("%s: ended %s (%s), want %s", name, result.Outcome, result.Reason, test.outcome)
		}
		if len(told) != 1 || told[0].Wrote != test.wrote || told[0].Result.Outcome != result.Outcome || told[0].Delivery.Event != "event-1" {
			t.Errorf("%s: told %+v, want one decision, with the change sent %v", name, told, test.wrote)
		}
	}
}

// A sweep's look ahead, and a change for which it has no time, are not reported.
func TestWhatASweepPutsOffIsNotTold(t *testing.T) {
	noTime := handler.Errorf(handler.Unavailable, "x")
	noTime.Err = handler.ErrNoTime
	for name, change := range map[string]func(*handlertest.Cloud, *handler.Delivery){
		"planned ahead": func(_ *handlertest.Cloud, d *handler.Delivery) { d.DryRun, d.Ahead = true, true },
		"lacking the time": func(c *handlertest.Cloud, d *handler.Delivery) {
			d.Swept = true
			c.OnModify = func(context.Context, func()) error { return noTime }
		},
	} {
		told := 0
		c, h := on(expiring(5*day), handler.Options{Decided: func(context.Context, handler.Decided) { told++ }})
		d := update()
		change(c, &d)
		if result := ask(t, h, d); told != 0 {
			t.Errorf("%s: ended %s (%s) and was told %d times", name, result.Outcome, result.Reason, told)
		}
	}
}

// A panic before the write is a failure, and a panic in the write is an unknown outcome.
// Both are reported.
func TestAPanicIsADecisionToo(t *testing.T) {
	for name, test := range map[string]struct {
		api     func(*handlertest.Cloud) handler.API
		outcome handler.Outcome
		wrote   bool
	}{
		"in the tagging": {func(c *handlertest.Cloud) handler.API { return panickingTag{c} }, handler.Failed, false},
		"in the write":   {func(c *handlertest.Cloud) handler.API { return panicking{c} }, handler.Unknown, true},
	} {
		c := handlertest.NewCloud(map[string]handler.Observation{id: expiring(5 * day)})
		var told []handler.Decided
		h := handler.New(test.api(c), handler.Options{Now: c.Now, Sleep: c.Sleep, Decided: func(_ context.Context, d handler.Decided) { told = append(told, d) }})
		result := ask(t, h, update())
		if result.Outcome != test.outcome || kindOf(result) != handler.Internal || !result.Error.Retryable {
			t.Errorf("a panic %s ended %s (%v)", name, result.Outcome, result.Error)
		}
		if result.Before == nil || len(told) != 1 || told[0].Wrote != test.wrote || told[0].Result.Outcome != test.outcome {
			t.Errorf("a panic %s, after a look at %+v, is told as %+v", name, result.Before, told)
		}
		if flags := len(flagsOn(c)); (flags == 1) != test.wrote {
			t.Errorf("a panic %s leaves the flags %v", name, flagsOn(c))
		}
	}
}

type panickingTag struct{ *handlertest.Cloud }

func (p panickingTag) Tag(ctx context.Context, ref handler.Ref, key, value string) error {
	_ = p.Cloud.Tag(ctx, ref, key, value)
	panic("boom")
}

// A panic in Options.Decided must not end the process and lose the answer.
func TestAPanicOfTheListenerIsNoneOfTheHandlers(t *testing.T) {
	c, h := on(expiring(5*day), handler.Options{})
	h.Decided = func(context.Context, handler.Decided) { panic("boom") }
	if result := ask(t, h, update()); result.Outcome != handler.Accepted || c.Restarts(id) != 1 {
		t.Errorf("ended %s (%s) after %d restarts", result.Outcome, result.Reason, c.Restarts(id))
	}
}
