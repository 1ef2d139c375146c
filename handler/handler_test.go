package handler_test

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"
	"pgregory.net/rapid"

	"tairssl/handler"
)

var updateGolden = flag.Bool("update", false, "write the golden files anew")

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const id = "r-bp1zxszhcgatnx01"

func update() handler.Request { return handler.Request{InstanceID: id, SSLEnabled: handler.Update} }

func wait(d time.Duration) *handler.Duration { return (*handler.Duration)(&d) }

// on returns a handler of a cloud with one instance.
func on(o handler.Observation, options handler.Options) (*cloud, *handler.Handler) {
	c := newCloud(map[string]handler.Observation{id: o})
	options.Now, options.Sleep = c.Now, c.Sleep
	return c, handler.New(c, options)
}

func ask(t *testing.T, h *handler.Handler, r handler.Request) handler.Result {
	t.Helper()
	results := h.Handle(context.Background(), []handler.Request{r})
	if len(results) != 1 {
		t.Fatalf("one request was answered by %d results", len(results))
	}
	return results[0]
}

func TestHandleDecides(t *testing.T) {
	all := handler.Policy{Actions: []handler.Action{handler.Update, handler.Enable, handler.Disable}}
	off := handler.Observation{}
	with := func(o handler.Observation, change func(*handler.Observation)) handler.Observation {
		change(&o)
		return o
	}
	status := func(s string) handler.Observation {
		return with(expiring(5*day), func(o *handler.Observation) { o.Status = s })
	}
	wrongName := with(expiring(90*day), func(o *handler.Observation) {
		o.CommonName, o.ConnectionDomain = "old.example.com", "r-bp1.redis.rds.aliyuncs.com"
	})
	request := func(change func(*handler.Request)) handler.Request { r := update(); change(&r); return r }
	seen := func(d time.Duration) handler.Time { return handler.At(start.Add(d)) }

	for name, test := range map[string]struct {
		instance handler.Observation
		request  handler.Request
		policy   handler.Policy
		outcome  handler.Outcome
		reason   string
		restarts int
	}{
		"due":                        {expiring(12*day + time.Hour), update(), all, handler.Accepted, "certificate expires in 12d, within 30d", 1},
		"due to the second":          {expiring(720 * time.Hour), update(), all, handler.Accepted, "within 30d", 1},
		"not due":                    {expiring(200 * day), update(), all, handler.Unchanged, "expires in 200d, on 2027-06-12T12:00:00Z, not within 30d", 0},
		"expired":                    {expiring(-48 * time.Hour), update(), all, handler.Accepted, "expired 2d ago", 1},
		"RenewBefore of policy":      {expiring(12 * day), update(), handler.Policy{RenewBefore: 10 * day}, handler.Unchanged, "not within 10d", 0},
		"RenewBefore of request":     {expiring(200 * day), request(func(r *handler.Request) { r.RenewBefore = wait(4320 * time.Hour) }), all, handler.Unchanged, "not within 180d", 0},
		"RenewBefore of zero":        {expiring(time.Hour), request(func(r *handler.Request) { r.RenewBefore = wait(0) }), all, handler.Unchanged, "not within", 0},
		"weak, RenewBefore of more":  {expiring(40 * day), request(func(r *handler.Request) { r.Weak, r.RenewBefore = true, wait(4320*time.Hour) }), all, handler.Unchanged, "not within 30d", 0},
		"weak, due":                  {expiring(5 * day), request(func(r *handler.Request) { r.Weak = true }), all, handler.Accepted, "within 30d", 1},
		"weak, Disable":              {expiring(5 * day), request(func(r *handler.Request) { r.Weak, r.SSLEnabled = true, handler.Disable }), all, handler.Refused, "nothing but an Update", 0},
		"weak, forced":               {expiring(200 * day), request(func(r *handler.Request) { r.Weak, r.Force, r.SSLExpiredTime = true, true, seen(200*day) }), all, handler.Refused, "nothing but an Update", 0},
		"dry run":                    {expiring(5 * day), request(func(r *handler.Request) { r.DryRun = true }), all, handler.Planned, "would restart", 0},
		"the expiry it was made for": {expiring(5 * day), request(func(r *handler.Request) { r.SSLExpiredTime = seen(5 * day) }), all, handler.Accepted, "", 1},
		"another expiry":             {expiring(5 * day), request(func(r *handler.Request) { r.SSLExpiredTime = seen(4 * day) }), all, handler.Unchanged, "moved on", 0},
		"forced":                     {expiring(200 * day), request(func(r *handler.Request) { r.Force, r.SSLExpiredTime = true, seen(200*day) }), all, handler.Accepted, "forced", 1},
		"forced for another expiry":  {expiring(200 * day), request(func(r *handler.Request) { r.Force, r.SSLExpiredTime = true, seen(5*day) }), all, handler.Unchanged, "moved on", 0},
		"forced and automatic":       {expiring(200 * day), request(func(r *handler.Request) { r.Force, r.Automatic, r.SSLExpiredTime = true, true, seen(200*day) }), all, handler.Refused, "can not be forced", 0},
		"update while off":           {off, update(), all, handler.Unchanged, "Enable makes one", 0},
		"enable":                     {off, request(func(r *handler.Request) { r.SSLEnabled = handler.Enable }), all, handler.Accepted, "", 1},
		"enable while on":            {expiring(5 * day), request(func(r *handler.Request) { r.SSLEnabled = handler.Enable }), all, handler.Unchanged, "on already", 0},
		"disable":                    {expiring(5 * day), request(func(r *handler.Request) { r.SSLEnabled = handler.Disable }), all, handler.Accepted, "", 1},
		"disable while off":          {off, request(func(r *handler.Request) { r.SSLEnabled = handler.Disable }), all, handler.Unchanged, "off already", 0},
		"enable not granted":         {off, request(func(r *handler.Request) { r.SSLEnabled = handler.Enable }), handler.Policy{}, handler.Refused, "TAIRSSL_ACTIONS", 0},
		"disable not granted":        {expiring(5 * day), request(func(r *handler.Request) { r.SSLEnabled = handler.Disable }), handler.Policy{}, handler.Refused, "never be enabled again", 0},
		"enable and automatic":       {off, request(func(r *handler.Request) { r.SSLEnabled, r.Automatic = handler.Enable, true }), all, handler.Refused, "may only Update", 0},
		"paused":                     {expiring(5 * day), update(), handler.Policy{Pause: true}, handler.Refused, "TAIRSSL_PAUSE", 0},
		"paused and not due":         {expiring(200 * day), update(), handler.Policy{Pause: true}, handler.Unchanged, "", 0},
		"instance excluded":          {expiring(5 * day), update(), handler.Policy{Instances: []string{"*", "!r-bp1*"}}, handler.Refused, "TAIRSSL_INSTANCES", 0},
		"instance not included":      {expiring(5 * day), update(), handler.Policy{Instances: []string{"r-uf6*"}}, handler.Refused, "TAIRSSL_INSTANCES", 0},
		"only exclusions":            {expiring(5 * day), update(), handler.Policy{Instances: []string{"!r-uf6*"}}, handler.Accepted, "", 1},
		"tagged off, automatic":      {with(expiring(5*day), func(o *handler.Observation) { o.Tags = map[string]string{"tairssl": "off"} }), request(func(r *handler.Request) { r.Automatic = true }), all, handler.Refused, "tagged tairssl=off", 0},
		"tagged off, by a person":    {with(expiring(5*day), func(o *handler.Observation) { o.Tags = map[string]string{"tairssl": "off"} }), update(), all, handler.Accepted, "", 1},
		"SSLModifying":               {status("SSLModifying"), update(), all, handler.InProgress, "SSLModifying", 0},
		"busy otherwise":             {status("Changing"), update(), all, handler.InProgress, "is Changing", 0},
		"of a status to come":        {status("Teleporting"), update(), all, handler.InProgress, "is Teleporting", 0},
		"inactive":                   {status("Inactive"), update(), all, handler.Failed, "is Inactive", 0},
		"released":                   {status("Released"), update(), all, handler.Failed, "is Released", 0},
		"in error":                   {status("Error"), update(), all, handler.Failed, "is Error", 0},
		"on without an expiry":       {handler.Observation{SSL: handler.SSL{Enabled: true}}, update(), all, handler.Failed, "no expiry", 0},
		"wrong name":                 {wrongName, update(), all, handler.Unchanged, "its name old.example.com is not that of the endpoint", 0},
		"wrong name, asked for":      {wrongName, request(func(r *handler.Request) { r.SSLExpiredTime = seen(90 * day) }), all, handler.Accepted, "its name", 1},
		"wrong name, automatic":      {wrongName, request(func(r *handler.Request) { r.SSLExpiredTime, r.Automatic = seen(90*day), true }), all, handler.Unchanged, "its name", 0},
		"bad request":                {expiring(5 * day), request(func(r *handler.Request) { r.RegionID = "../x" }), all, handler.Failed, "RegionId", 0},
	} {
		t.Run(name, func(t *testing.T) {
			c, h := on(test.instance, handler.Options{Policy: test.policy})
			result := ask(t, h, test.request)
			if result.Outcome != test.outcome || !strings.Contains(result.Reason, test.reason) {
				t.Errorf("ended %s because %q, want %s because of %q", result.Outcome, result.Reason, test.outcome, test.reason)
			}
			if got := c.restarts(id); got != test.restarts {
				t.Errorf("the instance restarted %d times, want %d", got, test.restarts)
			}
			if (result.Outcome == handler.Failed) != (result.Error != nil) {
				t.Errorf("outcome %s comes with error %v", result.Outcome, result.Error)
			}
			if test.outcome == handler.Refused && !strings.Contains(test.reason, "tagged") && test.reason != "TAIRSSL_PAUSE" && len(c.calls) > 0 {
				t.Errorf("what policy forbids cost the calls %v", c.calls)
			}
		})
	}
}

func TestHandleVerifiesWithinWait(t *testing.T) {
	c, h := on(expiring(5*day), handler.Options{})
	r := update()
	r.Wait = wait(5 * time.Minute)
	result := ask(t, h, r)
	if result.Outcome != handler.Verified || result.After == nil || !result.After.SSLExpiredTime.After(start.AddDate(2, 0, 0)) {
		t.Fatalf("ended %s (%s) with %+v, want verified with the new expiry", result.Outcome, result.Reason, result.After)
	}
	if result.RequestID != "AD7E16AA" || result.TaskID != "32184" || result.Before.SSLExpiredTime != handler.At(start.Add(5*day)) {
		t.Errorf("the result lacks what the API said: %+v", result)
	}
	if c.restarts(id) != 1 {
		t.Errorf("the instance restarted %d times", c.restarts(id))
	}
}

func TestHandleStopsWatchingAfterWait(t *testing.T) {
	c, h := on(expiring(5*day), handler.Options{Wait: 30 * time.Second})
	result := ask(t, h, update())
	if result.Outcome != handler.Accepted || !strings.Contains(result.Reason, "not verified within 30s") {
		t.Errorf("ended %s (%s), want accepted and not verified", result.Outcome, result.Reason)
	}
	if waited := c.Now().Sub(start); waited > 33*time.Second {
		t.Errorf("watched for %s, beyond Wait and the lease's pause", waited)
	}
}

func TestSecondDeliveryInTheGapChangesNothing(t *testing.T) {
	c, h := on(expiring(5*day), handler.Options{})
	other := handler.New(c, handler.Options{Now: c.Now, Sleep: c.Sleep})
	if first := ask(t, h, update()); first.Outcome != handler.Accepted {
		t.Fatalf("the first delivery ended %s: %s", first.Outcome, first.Reason)
	}
	for name, h := range map[string]*handler.Handler{"the same process": h, "another process": other} {
		again := ask(t, h, update())
		if _, redeliver := again.Redeliver(); again.Outcome != handler.InProgress || redeliver {
			t.Errorf("in %s the second delivery ended %s (%s), want in_progress and no re-delivery", name, again.Outcome, again.Reason)
		}
	}
	force := update()
	force.SSLEnabled = handler.Disable
	h.Policy.Actions = []handler.Action{handler.Disable}
	if result := ask(t, h, force); result.Outcome != handler.InProgress || !result.Busy {
		t.Errorf("another change in the gap ended %s (%s), want in_progress, to be delivered again", result.Outcome, result.Reason)
	}
	c.Advance(2 * time.Minute)
	if late := ask(t, other, update()); late.Outcome != handler.Unchanged {
		t.Errorf("after the change came true a delivery ended %s: %s", late.Outcome, late.Reason)
	}
	if c.restarts(id) != 1 {
		t.Errorf("the instance restarted %d times", c.restarts(id))
	}
}

func TestAmbiguousWrite(t *testing.T) {
	lost := handler.Errorf(handler.Unavailable, "connection cut")
	lost.Uncertain = true
	for name, test := range map[string]struct {
		applied bool
		wait    time.Duration
		outcome handler.Outcome
	}{
		"took effect, watched":            {true, 5 * time.Minute, handler.Verified},
		"took effect, not watched":        {true, 0, handler.Unknown},
		"took no effect, watched":         {false, 5 * time.Minute, handler.Unknown},
		"took no effect, and not watched": {false, 0, handler.Unknown},
	} {
		t.Run(name, func(t *testing.T) {
			c, h := on(expiring(5*day), handler.Options{Wait: test.wait})
			c.modify = func(_ context.Context, apply func()) error {
				if test.applied {
					apply()
				}
				return lost
			}
			result := ask(t, h, update())
			if result.Outcome != test.outcome {
				t.Fatalf("ended %s (%s), want %s", result.Outcome, result.Reason, test.outcome)
			}
			if test.outcome == handler.Unknown {
				if errorType, again := result.Redeliver(); !again || errorType != "unknown" {
					t.Errorf("an unknown outcome asks for a re-delivery as %q, %v", errorType, again)
				}
			}
			c.modify = nil
			// Whatever happened, the next deliveries heal it with no restart too many.
			for range 40 {
				ask(t, h, update())
				c.Advance(time.Minute)
			}
			if got := c.restarts(id); got != 1 {
				t.Errorf("the instance restarted %d times in the end, want 1", got)
			}
		})
	}
}

func TestRefusedWriteGivesTheLeaseBack(t *testing.T) {
	busy := handler.Errorf(handler.Unavailable, "state does not support this")
	busy.Err = handler.ErrBusy
	already := handler.Errorf(handler.Unsupported, "so already")
	already.Err = handler.ErrAlready
	for name, test := range map[string]struct {
		err       error
		outcome   handler.Outcome
		redeliver bool
	}{
		"throttled":    {handler.Errorf(handler.Throttled, "slow down"), handler.Failed, true},
		"locked":       {handler.Errorf(handler.Locked, "pay"), handler.Failed, false},
		"unsupported":  {handler.Errorf(handler.Unsupported, "old"), handler.Failed, false},
		"busy":         {busy, handler.InProgress, true},
		"so already":   {already, handler.Unchanged, false},
		"no such role": {handler.Errorf(handler.Forbidden, "no"), handler.Failed, false},
	} {
		t.Run(name, func(t *testing.T) {
			c, h := on(expiring(5*day), handler.Options{})
			c.modify = func(context.Context, func()) error { return test.err }
			result := ask(t, h, update())
			if _, redeliver := result.Redeliver(); result.Outcome != test.outcome || redeliver != test.redeliver {
				t.Errorf("ended %s (%s), re-delivery %v; want %s, %v", result.Outcome, result.Reason, redeliver, test.outcome, test.redeliver)
			}
			if left := c.tagOf(id, "tairssl-lease"); left != "" {
				t.Errorf("the lease %q is left on the instance", left)
			}
			c.modify = nil
			if again := ask(t, h, update()); again.Outcome != handler.Accepted {
				t.Errorf("the next delivery ended %s: %s", again.Outcome, again.Reason)
			}
		})
	}
}

func TestLease(t *testing.T) {
	stranger := func(age time.Duration, expires time.Time) string {
		return fmt.Sprintf("Update/%s/%s/SOMEBODY", handler.At(expires), handler.At(start.Add(-age)))
	}
	five := start.Add(5 * day)
	for name, test := range map[string]struct {
		tag     string
		outcome handler.Outcome
	}{
		"young":                         {stranger(time.Minute, five), handler.InProgress},
		"just under 15 minutes":         {stranger(15*time.Minute-time.Second, five), handler.InProgress},
		"15 minutes old":                {stranger(15*time.Minute, five), handler.Accepted},
		"of another certificate":        {stranger(time.Minute, start.Add(4*day)), handler.Accepted},
		"from a clock that runs ahead":  {stranger(-10*time.Minute, five), handler.InProgress},
		"from a clock gone wrong":       {stranger(-24*time.Hour, five), handler.Accepted},
		"that nobody can read":          {"yes", handler.Accepted},
		"with a date that nobody reads": {"Update/x/y/z", handler.Accepted},
	} {
		t.Run(name, func(t *testing.T) {
			o := expiring(5 * day)
			o.Tags = map[string]string{"tairssl-lease": test.tag}
			c, h := on(o, handler.Options{})
			if result := ask(t, h, update()); result.Outcome != test.outcome {
				t.Errorf("ended %s (%s), want %s", result.Outcome, result.Reason, test.outcome)
			}
			if test.outcome == handler.Accepted {
				if value := c.tagOf(id, "tairssl-lease"); len(value) > 128 || !strings.HasPrefix(value, "Update/"+handler.At(five).String()+"/") {
					t.Errorf("the lease reads %q", value)
				}
			}
		})
	}
}

func TestLeaseOfAnotherTakenInThePause(t *testing.T) {
	c, h := on(expiring(5*day), handler.Options{})
	h.Sleep = func(ctx context.Context, d time.Duration) error {
		c.mu.Lock()
		c.instances[id].Tags["tairssl-lease"] = fmt.Sprintf("Update/%s/%s/SOMEBODY", handler.At(start.Add(5*day)), handler.At(c.now))
		c.mu.Unlock()
		return nil
	}
	result := ask(t, h, update())
	if result.Outcome != handler.InProgress || result.Busy || c.restarts(id) != 0 {
		t.Errorf("ended %s (%s) with %d restarts, want in_progress and none", result.Outcome, result.Reason, c.restarts(id))
	}
}

func TestCertificateChangedInThePause(t *testing.T) {
	c, h := on(expiring(5*day), handler.Options{})
	h.Sleep = func(context.Context, time.Duration) error {
		c.mu.Lock()
		c.instances[id].Expires = start.AddDate(1, 0, 0)
		c.mu.Unlock()
		return nil
	}
	result := ask(t, h, update())
	if result.Outcome != handler.Unchanged || c.restarts(id) != 0 {
		t.Errorf("ended %s (%s) with %d restarts, want unchanged and none", result.Outcome, result.Reason, c.restarts(id))
	}
	if left := c.tagOf(id, "tairssl-lease"); left != "" {
		t.Errorf("the lease %q is left on the instance", left)
	}
}

func TestNoRightToTag(t *testing.T) {
	c, h := on(expiring(5*day), handler.Options{})
	c.tag = func(string, string) error { return handler.Errorf(handler.Forbidden, "no permission") }
	result := ask(t, h, update())
	if result.Outcome != handler.Refused || !strings.Contains(result.Reason, "kvstore:TagResources") || !strings.Contains(result.Reason, "TAIRSSL_LEASE=none") {
		t.Errorf("ended %s (%s), want refused with the fix", result.Outcome, result.Reason)
	}
	if c.restarts(id) != 0 {
		t.Error("the instance restarted without a lease")
	}
	c, h = on(expiring(5*day), handler.Options{LeaseNone: true})
	c.tag = func(string, string) error { return errors.New("a tag was set") }
	for range 3 {
		result = ask(t, h, update())
	}
	if c.restarts(id) != 1 || result.Outcome != handler.InProgress {
		t.Errorf("without a lease three deliveries restarted the instance %d times; the last ended %s (%s)", c.restarts(id), result.Outcome, result.Reason)
	}
}

func TestNoWriteNearTheEndOfTheInvocation(t *testing.T) {
	c, h := on(expiring(5*day), handler.Options{})
	ctx, cancel := context.WithTimeout(context.Background(), 6*time.Second)
	defer cancel()
	result := h.Handle(ctx, []handler.Request{update()})[0]
	if _, again := result.Redeliver(); result.Outcome != handler.Failed || !again || !strings.Contains(result.Reason, "nothing was changed") {
		t.Errorf("ended %s (%s), want a failure that a re-delivery can help", result.Outcome, result.Reason)
	}
	if c.restarts(id) != 0 || c.tagOf(id, "tairssl-lease") != "" {
		t.Errorf("%d restarts and lease %q, want none", c.restarts(id), c.tagOf(id, "tairssl-lease"))
	}
}

func TestCancelledInvocation(t *testing.T) {
	c, h := on(expiring(5*day), handler.Options{})
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	result := h.Handle(ctx, []handler.Request{update()})[0]
	if result.Outcome != handler.Failed || result.Error.Kind != handler.Unavailable || c.restarts(id) != 0 {
		t.Errorf("ended %s (%s) with %d restarts", result.Outcome, result.Reason, c.restarts(id))
	}
}

func TestPanicOfTheAPIHarmsNoOtherRequest(t *testing.T) {
	const other = "r-bp1zxszhcgatnx02"
	c := newCloud(map[string]handler.Observation{id: expiring(5 * day), other: expiring(5 * day)})
	h := handler.New(panicking{c}, handler.Options{Now: c.Now, Sleep: c.Sleep})
	second := update()
	second.InstanceID = other
	results := h.Handle(context.Background(), []handler.Request{update(), second})
	if r := results[0]; r.Outcome != handler.Unknown || r.Error == nil || r.Error.Kind != handler.Internal {
		t.Errorf("a panic in the write ended %s (%v)", r.Outcome, r.Error)
	}
	if r := results[1]; r.Outcome != handler.Accepted {
		t.Errorf("the other request ended %s: %s", r.Outcome, r.Reason)
	}
}

type panicking struct{ *cloud }

func (p panicking) Modify(ctx context.Context, ref handler.Ref, a handler.Action) (handler.Receipt, error) {
	if ref.InstanceID == id {
		panic("boom")
	}
	return p.cloud.Modify(ctx, ref, a)
}

func TestBatchKeepsItsOrderAndItsGoodParts(t *testing.T) {
	const other = "r-bp1zxszhcgatnx02"
	c := newCloud(map[string]handler.Observation{id: expiring(5 * day), other: expiring(200 * day)})
	h := handler.New(c, handler.Options{Now: c.Now, Sleep: c.Sleep})
	requests, batch, err := handler.Decode([]byte(`[
		{"InstanceId":"r-bp1zxszhcgatnx01","SSLEnabled":"Update"}, {"InstanceId":"r-bp1/x","SSLEnabled":"Update"},
		7, {"InstanceId":"r-bp1zxszhcgatnx02","SSLEnabled":"Update"},
		{"InstanceId":"r-bp1zxszhcgatnx01","SSLEnabled":"Update"}, {"InstanceId":"r-gone","SSLEnabled":"Update"}]`))
	if err != nil || !batch {
		t.Fatal(batch, err)
	}
	var got []string
	for _, r := range h.Handle(context.Background(), requests) {
		s := string(r.Outcome)
		if r.Error != nil {
			s += " " + string(r.Error.Kind)
		}
		got = append(got, s)
	}
	want := []string{"accepted", "failed invalid", "failed invalid", "unchanged", "in_progress", "failed not_found"}
	if fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("the batch ended\n%v, want\n%v", got, want)
	}
	if c.restarts(id) != 1 {
		t.Errorf("the instance restarted %d times", c.restarts(id))
	}
}

// The promise, over any interleaving: however often, whenever and by however
// many processes a need is delivered, and whatever the API does to the writes,
// the instance restarts at most once, and once it is due and the API well, it
// does.
func TestAnyDeliveriesRestartOnce(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		left := time.Duration(rapid.IntRange(-100, 100).Draw(t, "days left")) * day
		c := newCloud(map[string]handler.Observation{id: expiring(left)})
		c.lag = time.Duration(rapid.IntRange(0, 10).Draw(t, "minutes of lag")) * time.Minute
		var processes []*handler.Handler
		for range rapid.IntRange(1, 3).Draw(t, "processes") {
			processes = append(processes, handler.New(c, handler.Options{Now: c.Now, Sleep: c.Sleep}))
		}
		c.modify = func(_ context.Context, apply func()) error {
			lost := handler.Errorf(handler.Unavailable, "lost")
			lost.Uncertain = true
			switch rapid.IntRange(0, 4).Draw(t, "fault") {
			case 0:
				return handler.Errorf(handler.Throttled, "throttled")
			case 1:
				return lost
			case 2:
				apply()
				return lost
			}
			apply()
			return nil
		}
		for range rapid.IntRange(1, 12).Draw(t, "deliveries") {
			h := processes[rapid.IntRange(0, len(processes)-1).Draw(t, "by")]
			h.Handle(context.Background(), []handler.Request{update()})
			c.Advance(time.Duration(rapid.IntRange(0, 900).Draw(t, "seconds later")) * time.Second)
		}
		due := c.Now().Add(handler.DefaultRenewBefore).After(start.Add(left))
		c.modify = nil
		for range 3 { // the hourly sweep
			c.Advance(time.Hour)
			processes[0].Handle(context.Background(), []handler.Request{update()})
		}
		c.Advance(time.Hour)
		switch got := c.restarts(id); {
		case got > 1:
			t.Fatalf("the instance restarted %d times", got)
		case got == 0 && due:
			t.Fatal("the due certificate was lost")
		}
	})
}

func TestConcurrentDeliveriesInOneProcessRestartOnce(t *testing.T) {
	c, h := on(expiring(5*day), handler.Options{})
	var group sync.WaitGroup
	for range 32 {
		group.Go(func() { h.Handle(context.Background(), []handler.Request{update()}) })
	}
	group.Wait()
	if c.restarts(id) != 1 {
		t.Errorf("the instance restarted %d times", c.restarts(id))
	}
}

func TestResultIsTheContract(t *testing.T) {
	_, h := on(expiring(12*day), handler.Options{Wait: 3 * time.Minute})
	got, err := json.MarshalIndent(ask(t, h, update()), "", "  ")
	if err != nil {
		t.Fatal(err)
	}
	golden := filepath.Join("testdata", "verified.json")
	if *updateGolden {
		if err := os.WriteFile(golden, append(got, '\n'), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if string(got)+"\n" != string(want) {
		t.Errorf("the result reads\n%s\nwant\n%s", got, want)
	}
}

func TestEveryOutcomeAndKindHasItsAnswer(t *testing.T) {
	outcomes := map[handler.Outcome][2]int{
		handler.Verified: {200, 0}, handler.Accepted: {202, 0}, handler.Unchanged: {200, 0}, handler.Planned: {200, 0},
		handler.Deferred: {200, 0}, handler.InProgress: {409, 5}, handler.Refused: {403, 3}, handler.Unknown: {502, 6},
	}
	for outcome, want := range outcomes {
		r := handler.Result{Outcome: outcome}
		if got := [2]int{r.HTTPStatus(), r.ExitCode()}; got != want {
			t.Errorf("%s is answered by %v, want %v", outcome, got, want)
		}
	}
	kinds := map[handler.Kind][2]int{
		handler.Invalid: {400, 2}, handler.Unauthorized: {401, 3}, handler.Forbidden: {403, 3}, handler.NotFound: {404, 4},
		handler.Unsupported: {422, 1}, handler.Locked: {423, 1}, handler.Throttled: {429, 5}, handler.Unavailable: {503, 5}, handler.Internal: {500, 1},
	}
	for kind, want := range kinds {
		r := handler.Result{Outcome: handler.Failed, Error: handler.Errorf(kind, "x")}
		if got := [2]int{r.HTTPStatus(), r.ExitCode()}; got != want {
			t.Errorf("%s is answered by %v, want %v", kind, got, want)
		}
		if !errors.Is(r.Error, kind) {
			t.Errorf("errors.Is does not find %s", kind)
		}
	}
	if outcomesInCode, kindsInCode := handler.TableSizes(); outcomesInCode != len(outcomes) || kindsInCode != len(kinds) {
		t.Errorf("the table has %d outcomes and %d kinds, this test %d and %d", outcomesInCode, kindsInCode, len(outcomes), len(kinds))
	}
	if r := (handler.Result{Outcome: "surprise"}); r.HTTPStatus() != 500 || r.ExitCode() != 1 {
		t.Error("an outcome that is not in the table does not count as internal")
	}
}

func TestUnknownErrorsAreOpaque(t *testing.T) {
	e := handler.AsError(errors.New("https://host/?Signature=secret"))
	if e.Kind != handler.Internal || strings.Contains(e.Error(), "secret") {
		t.Errorf("callers would see %v", e)
	}
}
