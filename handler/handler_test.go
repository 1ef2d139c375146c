package handler_test

import (
	"context"
	"flag"
	"fmt"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"tairssl/handler"
	"tairssl/handler/handlertest"
)

var updateGolden = flag.Bool("update", false, "write the golden files anew")

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const id = "r-bp1zxszhcgatnx01"

func update() handler.Delivery {
	return handler.Delivery{Request: handler.Request{InstanceID: id, SSLEnabled: handler.Update}, Trust: handler.Trusted}
}

func wait(d time.Duration) *handler.Duration { return (*handler.Duration)(&d) }

// on returns a cloud with one instance, and a handler of it.
func on(o handler.Observation, options handler.Options) (*handlertest.Cloud, *handler.Handler) {
	c := handlertest.NewCloud(map[string]handler.Observation{id: o})
	options.Now, options.Sleep = c.Now, c.Sleep
	return c, handler.New(c, options)
}

func ask(t *testing.T, h *handler.Handler, r handler.Delivery) handler.Result {
	t.Helper()
	results := h.Handle(context.Background(), []handler.Delivery{r})
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
	always, err := handler.ParseWindow("any")
	if err != nil {
		t.Fatal(err)
	}
	request := func(change func(*handler.Delivery)) handler.Delivery { r := update(); change(&r); return r }
	seen := func(d time.Duration) handler.Time { return handler.At(start.Add(d)) }

	for name, test := range map[string]struct {
		instance handler.Observation
		request  handler.Delivery
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
		"RenewBefore of request":     {expiring(200 * day), request(func(r *handler.Delivery) { r.RenewBefore = wait(4320 * time.Hour) }), all, handler.Unchanged, "not within 180d", 0},
		"RenewBefore of zero":        {expiring(time.Hour), request(func(r *handler.Delivery) { r.RenewBefore = wait(0) }), all, handler.Unchanged, "not within", 0},
		"weak, RenewBefore of more":  {expiring(40 * day), request(func(r *handler.Delivery) { r.Trust, r.RenewBefore = handler.Weak, wait(4320*time.Hour) }), all, handler.Unchanged, "not within 30d", 0},
		"weak, due":                  {expiring(5 * day), request(func(r *handler.Delivery) { r.Trust = handler.Weak }), all, handler.Deferred, "within 30d, but deferred to the maintenance window", 0},
		"weak, due, window open":     {expiring(5 * day), request(func(r *handler.Delivery) { r.Trust = handler.Weak }), handler.Policy{Window: always}, handler.Accepted, "within 30d", 1},
		"weak, due, confirmed":       {expiring(5 * day), request(func(r *handler.Delivery) { r.Trust, r.Confirmed = handler.Weak, true }), all, handler.Accepted, "within 30d", 1},
		"weak, Disable":              {expiring(5 * day), request(func(r *handler.Delivery) { r.Trust, r.SSLEnabled = handler.Weak, handler.Disable }), all, handler.Refused, "only ask for an Update", 0},
		"weak, forced":               {expiring(200 * day), request(func(r *handler.Delivery) { r.Trust, r.Force, r.SSLExpiredTime = handler.Weak, true, seen(200*day) }), all, handler.Refused, "only ask for an Update", 0},
		"dry run":                    {expiring(5 * day), request(func(r *handler.Delivery) { r.DryRun = true }), all, handler.Planned, "would restart", 0},
		"the expiry it was made for": {expiring(5 * day), request(func(r *handler.Delivery) { r.SSLExpiredTime = seen(5 * day) }), all, handler.Accepted, "", 1},
		"another expiry":             {expiring(5 * day), request(func(r *handler.Delivery) { r.SSLExpiredTime = seen(4 * day) }), all, handler.Unchanged, "has changed: it expires", 0},
		"forced":                     {expiring(200 * day), request(func(r *handler.Delivery) { r.Force, r.SSLExpiredTime = true, seen(200*day) }), all, handler.Accepted, "forced", 1},
		"forced for another expiry":  {expiring(200 * day), request(func(r *handler.Delivery) { r.Force, r.SSLExpiredTime = true, seen(5*day) }), all, handler.Unchanged, "has changed: it expires", 0},
		"forced and automatic":       {expiring(200 * day), request(func(r *handler.Delivery) { r.Force, r.Automatic, r.SSLExpiredTime = true, true, seen(200*day) }), all, handler.Refused, "cannot be forced", 0},
		"update while off":           {off, update(), all, handler.Unchanged, "Enable makes one", 0},
		"enable":                     {off, request(func(r *handler.Delivery) { r.SSLEnabled = handler.Enable }), all, handler.Accepted, "", 1},
		"enable while on":            {expiring(5 * day), request(func(r *handler.Delivery) { r.SSLEnabled = handler.Enable }), all, handler.Unchanged, "on already", 0},
		"disable":                    {expiring(5 * day), request(func(r *handler.Delivery) { r.SSLEnabled = handler.Disable }), all, handler.Accepted, "", 1},
		"disable while off":          {off, request(func(r *handler.Delivery) { r.SSLEnabled = handler.Disable }), all, handler.Unchanged, "off already", 0},
		"enable not granted":         {off, request(func(r *handler.Delivery) { r.SSLEnabled = handler.Enable }), handler.Policy{}, handler.Refused, "TAIRSSL_ACTIONS", 0},
		"disable not granted":        {expiring(5 * day), request(func(r *handler.Delivery) { r.SSLEnabled = handler.Disable }), handler.Policy{}, handler.Refused, "never be enabled again", 0},
		"enable and automatic":       {off, request(func(r *handler.Delivery) { r.SSLEnabled, r.Automatic = handler.Enable, true }), all, handler.Refused, "may only Update", 0},
		"paused":                     {expiring(5 * day), update(), handler.Policy{Pause: true}, handler.Refused, "TAIRSSL_PAUSE", 0},
		"paused and not due":         {expiring(200 * day), update(), handler.Policy{Pause: true}, handler.Unchanged, "", 0},
		"instance excluded":          {expiring(5 * day), update(), handler.Policy{Instances: []string{"*", "!r-bp1*"}}, handler.Refused, "TAIRSSL_INSTANCES", 0},
		"instance not included":      {expiring(5 * day), update(), handler.Policy{Instances: []string{"r-uf6*"}}, handler.Refused, "TAIRSSL_INSTANCES", 0},
		"only exclusions":            {expiring(5 * day), update(), handler.Policy{Instances: []string{"!r-uf6*"}}, handler.Accepted, "", 1},
		"tagged off, automatic":      {with(expiring(5*day), func(o *handler.Observation) { o.Tags = map[string]string{"tairssl": "off"} }), request(func(r *handler.Delivery) { r.Automatic = true }), all, handler.Refused, "tagged tairssl=off", 0},
		"tagged off, by a person":    {with(expiring(5*day), func(o *handler.Observation) { o.Tags = map[string]string{"tairssl": "off"} }), update(), all, handler.Accepted, "", 1},
		"SSLModifying":               {status("SSLModifying"), update(), all, handler.InProgress, "SSLModifying", 0},
		"busy otherwise":             {status("Changing"), update(), all, handler.InProgress, "is Changing", 0},
		"of a status to come":        {status("Teleporting"), update(), all, handler.InProgress, "is Teleporting", 0},
		"inactive":                   {status("Inactive"), update(), all, handler.Failed, "is Inactive", 0},
		"released":                   {status("Released"), update(), all, handler.Failed, "is Released", 0},
		"in error":                   {status("Error"), update(), all, handler.Failed, "is Error", 0},
		"on without an expiry":       {handler.Observation{SSL: handler.SSL{Enabled: true}}, update(), all, handler.Failed, "no expiry", 0},
		"wrong name":                 {wrongName, update(), all, handler.Unchanged, "its name old.example.com is not that of the endpoint", 0},
		"wrong name, asked for":      {wrongName, request(func(r *handler.Delivery) { r.SSLExpiredTime = seen(90 * day) }), all, handler.Accepted, "its name", 1},
		"wrong name, automatic":      {wrongName, request(func(r *handler.Delivery) { r.SSLExpiredTime, r.Automatic = seen(90*day), true }), all, handler.Unchanged, "its name", 0},
		"tagged off, weak":           {with(expiring(5*day), func(o *handler.Observation) { o.Tags = map[string]string{"tairssl": "off"} }), request(func(r *handler.Delivery) { r.Trust = handler.Weak }), handler.Policy{Window: always}, handler.Refused, "tagged tairssl=off", 0},
		"tagged off, confirmed":      {with(expiring(5*day), func(o *handler.Observation) { o.Tags = map[string]string{"tairssl": "off"} }), request(func(r *handler.Delivery) { r.Trust, r.Confirmed = handler.Weak, true }), all, handler.Accepted, "", 1},
		"wrong name, weak":           {wrongName, request(func(r *handler.Delivery) { r.SSLExpiredTime, r.Trust = seen(90*day), handler.Weak }), handler.Policy{Window: always}, handler.Unchanged, "its name", 0},
		"enable while SSLModifying":  {with(status("SSLModifying"), func(o *handler.Observation) {}), request(func(r *handler.Delivery) { r.SSLEnabled = handler.Enable }), all, handler.InProgress, "SSLModifying", 0},
		"disable while SSLModifying": {with(off, func(o *handler.Observation) { o.Status = "SSLModifying" }), request(func(r *handler.Delivery) { r.SSLEnabled = handler.Disable }), all, handler.InProgress, "SSLModifying", 0},
		"disable over HTTP":          {expiring(5 * day), request(func(r *handler.Delivery) { r.SSLEnabled, r.Trust = handler.Disable, handler.Signed }), all, handler.Failed, "SSLExpiredTime is required with Disable", 0},
		"disable over HTTP, pinned": {expiring(5 * day), request(func(r *handler.Delivery) {
			r.SSLEnabled, r.Trust, r.SSLExpiredTime = handler.Disable, handler.Signed, seen(5*day)
		}), all, handler.Accepted, "", 1},
		"type without TLS":          {handler.Observation{SSL: handler.SSL{NoTLS: true}}, update(), all, handler.Unchanged, "has no TLS", 0},
		"disable without TLS":       {handler.Observation{SSL: handler.SSL{NoTLS: true}}, request(func(r *handler.Delivery) { r.SSLEnabled = handler.Disable }), all, handler.Unchanged, "has no TLS", 0},
		"enable without TLS":        {handler.Observation{SSL: handler.SSL{NoTLS: true}}, request(func(r *handler.Delivery) { r.SSLEnabled = handler.Enable }), all, handler.Failed, "has no TLS", 0},
		"Memcache":                  {handler.Observation{Instance: handler.Instance{Type: "Memcache"}}, update(), all, handler.Unchanged, "(Memcache) has no TLS", 0},
		"expiring this very second": {expiring(0), update(), all, handler.Accepted, "expired 0s ago", 1},
		"bad exclusion glob":        {expiring(5 * day), update(), handler.Policy{Instances: []string{"!["}}, handler.Refused, "TAIRSSL_INSTANCES", 0},
		"another region":            {expiring(5 * day), request(func(r *handler.Delivery) { r.RegionID = "cn-shanghai" }), all, handler.Failed, "cn-shanghai is not one of the regions of TAIRSSL_REGION", 0},
		"in another region":         {with(expiring(5*day), func(o *handler.Observation) { o.Region = "cn-shanghai" }), update(), all, handler.Failed, "TAIRSSL_REGION", 0},
		"bad request":               {expiring(5 * day), request(func(r *handler.Delivery) { r.RegionID = "../x" }), all, handler.Failed, "RegionId", 0},
	} {
		t.Run(name, func(t *testing.T) {
			c, h := on(test.instance, handler.Options{Policy: test.policy})
			result := ask(t, h, test.request)
			if result.Outcome != test.outcome || !strings.Contains(result.Reason, test.reason) {
				t.Errorf("ended %s because %q, want %s because of %q", result.Outcome, result.Reason, test.outcome, test.reason)
			}
			if got := c.Restarts(id); got != test.restarts {
				t.Errorf("the instance restarted %d times, want %d", got, test.restarts)
			}
			if (result.Outcome == handler.Failed) != (result.Error != nil) {
				t.Errorf("outcome %s comes with error %v", result.Outcome, result.Error)
			}
			if test.outcome == handler.Refused && !strings.Contains(test.reason, "tagged") && test.reason != "TAIRSSL_PAUSE" && len(c.Calls) > 0 {
				t.Errorf("what policy forbids cost the calls %v", c.Calls)
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
	if c.Restarts(id) != 1 {
		t.Errorf("the instance restarted %d times", c.Restarts(id))
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

func TestNoWriteNearTheEndOfTheInvocation(t *testing.T) {
	c, h := on(expiring(5*day), handler.Options{})
	ctx, cancel := context.WithTimeout(context.Background(), 6*time.Second)
	defer cancel()
	result := h.Handle(ctx, []handler.Delivery{update()})[0]
	if _, again := result.Redeliver(); result.Outcome != handler.Failed || !again || !strings.Contains(result.Reason, "nothing was changed") {
		t.Errorf("ended %s (%s), want a failure that a re-delivery can help", result.Outcome, result.Reason)
	}
	if c.Restarts(id) != 0 || flagsOn(c) != nil {
		t.Errorf("%d restarts and the flags %v, want none", c.Restarts(id), flagsOn(c))
	}
}

func TestCancelledInvocation(t *testing.T) {
	c, h := on(expiring(5*day), handler.Options{})
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	result := h.Handle(ctx, []handler.Delivery{update()})[0]
	if result.Outcome != handler.Failed || result.Error.Kind != handler.Unavailable || c.Restarts(id) != 0 {
		t.Errorf("ended %s (%s) with %d restarts", result.Outcome, result.Reason, c.Restarts(id))
	}
}

func TestPanicOfTheAPIHarmsNoOtherRequest(t *testing.T) {
	const other = "r-bp1zxszhcgatnx02"
	c := handlertest.NewCloud(map[string]handler.Observation{id: expiring(5 * day), other: expiring(5 * day)})
	h := handler.New(panicking{c}, handler.Options{Now: c.Now, Sleep: c.Sleep})
	second := update()
	second.InstanceID = other
	results := h.Handle(context.Background(), []handler.Delivery{update(), second})
	if r := results[0]; r.Outcome != handler.Unknown || r.Error == nil || r.Error.Kind != handler.Internal {
		t.Errorf("a panic in the write ended %s (%v)", r.Outcome, r.Error)
	}
	if r := results[1]; r.Outcome != handler.Accepted {
		t.Errorf("the other request ended %s: %s", r.Outcome, r.Reason)
	}
}

type panicking struct{ *handlertest.Cloud }

func (p panicking) Modify(ctx context.Context, ref handler.Ref, a handler.Action, signBy time.Time) (handler.Receipt, error) {
	if ref.InstanceID == id {
		panic("boom")
	}
	return p.Cloud.Modify(ctx, ref, a, signBy)
}

func TestBatchKeepsItsOrderAndItsGoodParts(t *testing.T) {
	const other = "r-bp1zxszhcgatnx02"
	c := handlertest.NewCloud(map[string]handler.Observation{id: expiring(5 * day), other: expiring(200 * day)})
	h := handler.New(c, handler.Options{Now: c.Now, Sleep: c.Sleep})
	requests, batch, err := handler.Decode([]byte(`[
		{"InstanceId":"r-bp1zxszhcgatnx01","SSLEnabled":"Update"}, {"InstanceId":"r-bp1/x","SSLEnabled":"Update"},
		7, {"InstanceId":"r-bp1zxszhcgatnx02","SSLEnabled":"Update"},
		{"InstanceId":"r-bp1zxszhcgatnx01","SSLEnabled":"Update"}, {"InstanceId":"r-gone","SSLEnabled":"Update"}]`))
	if err != nil || !batch {
		t.Fatal(batch, err)
	}
	for i := range requests {
		requests[i].Trust = handler.Trusted
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
	if c.Restarts(id) != 1 {
		t.Errorf("the instance restarted %d times", c.Restarts(id))
	}
}
