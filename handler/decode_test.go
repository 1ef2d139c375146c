package handler_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"tairssl/handler"
)

// What a request, a batch and an answer may hold ends exactly where it says.
func TestTheLimitsOfADirectRequest(t *testing.T) {
	const ok = `{"InstanceId":"r-bp1zxszhcgatnx01","SSLEnabled":"Update"}`
	filled := func(n int) string { return ok + strings.Repeat(" ", n-len(ok)) }
	batch := func(n int) string { return "[" + strings.Repeat(ok+",", n-1) + ok + "]" }
	for name, test := range map[string]struct {
		payload  string
		requests int
		batch    bool
	}{
		"one":                {ok, 1, false},
		"one, as a batch":    {" [" + ok + "] ", 1, true},
		"all the bytes":      {filled(handler.MaxRequestBytes), 1, false},
		"a byte more":        {filled(handler.MaxRequestBytes + 1), 0, false},
		"a batch of 100":     {batch(100), 100, true},
		"a batch of 101":     {batch(101), 0, true},
		"a batch of nothing": {"[]", 0, true},
		"a broken batch":     {"[", 0, true},
	} {
		requests, isBatch, err := handler.Decode([]byte(test.payload))
		if len(requests) != test.requests || isBatch != test.batch || (err == nil) != (test.requests > 0) {
			t.Errorf("%s is read as %d requests, a batch %v, %v", name, len(requests), isBatch, err)
		}
	}
}

// A request that is no JSON is no request; one that is, and is wrong, is answered as
// one, so that whoever sent it sees its id again.
func TestARequestThatIsWrongKeepsItsPlace(t *testing.T) {
	if requests, _, err := handler.Decode([]byte(`{"InstanceId":"r-bp1zxszhcgatnx01","Colour":1}`)); err != nil || len(requests) != 1 || !requests[0].Settled() || requests[0].InstanceID != id {
		t.Errorf("a request with an unknown field is read as %+v, %v", requests, err)
	}
	if requests, _, err := handler.Decode([]byte(`{"InstanceId":`)); err == nil || requests != nil {
		t.Errorf("what is no JSON is read as %+v, %v", requests, err)
	}
	if requests, _, err := handler.Decode([]byte(`{"InstanceId":"r-bp1zxszhcgatnx01","SSLEnabled":"Update"}`)); err != nil || requests[0].Settled() {
		t.Errorf("a good request is read as %+v, %v", requests, err)
	}
}

// Each fault is named once, and no more than ten of them.
func TestFaultsAreNamedOnceAndNotWithoutEnd(t *testing.T) {
	message := func(payload string) string {
		requests, _, err := handler.Decode([]byte(payload))
		if err == nil {
			err = requests[0].Validate()
		}
		if err == nil {
			t.Fatalf("%s is taken for a good request", payload)
		}
		return err.Error()
	}
	unknown := func(n int) string {
		payload := `{"InstanceId":"r-bp1zxszhcgatnx01","SSLEnabled":"Update"`
		for i := range n {
			payload += fmt.Sprintf(`,"X%d":1`, i)
		}
		return payload + "}"
	}
	for n, more := range map[int]string{10: "", 11: "and 1 more faults", 30: "and 20 more faults"} {
		got := message(unknown(n))
		if named := strings.Count(got, "is not a field"); named != 10 || strings.Contains(got, "more faults") != (more != "") || !strings.Contains(got, more) {
			t.Errorf("of %d faults %d are named: %s", n, named, got)
		}
	}
	if got := message(`{"InstanceId":7,"SSLEnabled":"Update"}`); strings.Count(got, "InstanceId") != 1 {
		t.Errorf("a field of the wrong type is complained of twice: %s", got)
	}
	if got := message(`{"InstanceId":"r-bp1zxszhcgatnx01","SSLEnabled":"Update","DryRun":1,"Force":{}}`); !strings.Contains(got, "DryRun must be true or false, not 1") || !strings.Contains(got, "Force must be true or false, not {}") {
		t.Errorf("the faults are %s", got)
	}
	if got := message(`{"InstanceId":"r-bp1zxszhcgatnx01","SSLEnabled":"Update","Wait":"24h1s"}`); !strings.Contains(got, "Wait must be at most 24h") {
		t.Errorf("the faults are %s", got)
	}
	if got := message(`{"` + strings.Repeat("x", 100) + `":1}`); !strings.Contains(got, strings.Repeat("x", 60)+"… is not a field") {
		t.Errorf("a long name is quoted whole: %s", got)
	}
}

func TestFormsOfIDsAndRegions(t *testing.T) {
	a := func(n int) string { return strings.Repeat("a", n) }
	for id, want := range map[string]bool{
		"r-" + a(3): false, "r-" + a(4): true, "r-" + a(40): true, "r-" + a(41): false, "tt-" + a(3): false, "tt-" + a(4): true, "tt-" + a(41): false,
		a(15): false, a(16): true, a(40): true, a(41): false, "r-A" + a(4): false, "r-a-" + a(4): false, "r-09az": true, "r-09a{": false, "r-09a`": false, "r-0/9a": false, "r-0:9a": false, "": false, "rr-" + a(4): false,
	} {
		if got := handler.ValidID(id); got != want {
			t.Errorf("%q is an id: %v", id, got)
		}
	}
	for region, want := range map[string]bool{
		"cn-hangzhou": true, "ap-southeast-1": true, "me-central-1": true, "cn-shanghai-finance-1": true, "": false, "cn": false, "cn-": false, "-a": false,
		"c-hangzhou": false, "cn-h": true, a(8) + "-b": true, a(9) + "-b": false, "c1-b": false, "Cn-b": false, "cn-B": false, "cn-b_": false, "az-09az": true, "a{-b": false, "a`-b": false,
		"cn-" + a(16): true, "cn-" + a(17): false, "cn-a-b-c-d-e": true, "cn-a-b-c-d-e-f": false, "cn--a": false, "cn-a-": false, "cn-a/b": false,
	} {
		if got := handler.ValidRegion(region); got != want {
			t.Errorf("%q has the form of a region: %v", region, got)
		}
	}
}

// A delivery that was settled when it was read is answered so, without a call.
func TestDeliveriesThatAreSettledWhenTheyAreRead(t *testing.T) {
	long := strings.Repeat("x", 100)
	for name, test := range map[string]struct {
		delivery handler.Delivery
		outcome  handler.Outcome
		says     string
		valid    bool
	}{
		"invalid":      {handler.Invalidf("no %s, %d", long, 7), handler.Failed, "no " + long[:60] + "…, 7", false},
		"unreadable":   {handler.Unreadable(handler.Errorf(handler.Invalid, "no %s", long)), handler.Failed, "no " + long, false},
		"unchanged":    {handler.Unchangedf("over: %s", long), handler.Unchanged, "over: " + long[:60] + "…", true},
		"of a request": {update().Unchangedf("over"), handler.Unchanged, "over", true},
		"refused":      {handler.Refusedf("not %s", "you"), handler.Refused, "not you", true},
	} {
		c, h := on(expiring(5*day), handler.Options{})
		result := ask(t, h, test.delivery)
		if result.Outcome != test.outcome || result.Reason != test.says || len(c.Calls) != 0 || !test.delivery.Settled() {
			t.Errorf("%s: ended %s (%s) after the calls %v", name, result.Outcome, result.Reason, c.Calls)
		}
		if err := test.delivery.Validate(); (err == nil) != test.valid {
			t.Errorf("%s: the delivery is faulty: %v", name, err)
		}
	}
	if d := update(); d.Settled() || d.Validate() != nil {
		t.Error("an ordinary delivery is settled, or faulty")
	}
	if d := (handler.Delivery{}); d.Validate() == nil {
		t.Error("a delivery of nothing is no fault")
	}
}

func TestDeliveriesOfOneWayIn(t *testing.T) {
	for trust, unattended := range map[handler.Trust]bool{handler.Weak: true, handler.Signed: false, handler.Trusted: false} {
		deliveries := trust.Deliver(handler.Request{InstanceID: "a"}, handler.Request{InstanceID: "b", Automatic: true})
		if len(deliveries) != 2 || deliveries[0].InstanceID != "a" || deliveries[1].InstanceID != "b" || deliveries[1].Trust != trust {
			t.Errorf("the deliveries are %+v", deliveries)
		}
		if deliveries[0].Unattended() != unattended || !deliveries[1].Unattended() {
			t.Errorf("with the trust %d, nobody decides: %v, and on an automatic one: %v", trust, deliveries[0].Unattended(), deliveries[1].Unattended())
		}
		deliveries[0].Confirmed, deliveries[1].Confirmed = true, true
		if deliveries[0].Unattended() || !deliveries[1].Unattended() {
			t.Errorf("with the trust %d a person confirmed in vain, or an automatic one", trust)
		}
	}
	if got := handler.OrderOf("msg_1"); got != "116b88f173007be5" {
		t.Errorf("the order of a message is %q", got)
	}
}

// Rules of the policy where one more second or one more word counts.
func TestTheEdgesOfThePolicy(t *testing.T) {
	automatic := update()
	automatic.Automatic = true
	nightly, _ := handler.ParseWindow("22:00-23:00") // opens in ten hours
	tagged := func(value string) handler.Observation {
		o := expiring(5 * day)
		o.Tags = map[string]string{"tairssl": value}
		return o
	}
	weak := func(within time.Duration) handler.Delivery {
		d := update()
		d.Trust, d.Confirmed, d.RenewBefore = handler.Weak, true, wait(within)
		return d
	}
	for name, test := range map[string]struct {
		instance handler.Observation
		delivery handler.Delivery
		policy   handler.Policy
		outcome  handler.Outcome
		alert    bool
	}{
		"opens a day before the expiry":         {expiring(34 * time.Hour), automatic, handler.Policy{Window: nightly}, handler.Deferred, false},
		"opens less than a day before":          {expiring(34*time.Hour - time.Second), automatic, handler.Policy{Window: nightly}, handler.Deferred, true},
		"opens a day before, and may not miss":  {expiring(34 * time.Hour), automatic, handler.Policy{Window: nightly, MissedActs: true}, handler.Deferred, false},
		"opens too late, and may not miss":      {expiring(34*time.Hour - time.Second), automatic, handler.Policy{Window: nightly, MissedActs: true}, handler.Accepted, false},
		"tagged OFF":                            {tagged("OFF"), automatic, handler.Policy{}, handler.Refused, false},
		"tagged on":                             {tagged("on"), automatic, handler.Policy{Window: nightly}, handler.Deferred, false},
		"tagged off, missed, and may not":       {tagged("off"), automatic, handler.Policy{Window: nightly, MissedActs: true}, handler.Refused, false},
		"weak, within less than the setting":    {expiring(5 * day), weak(4 * day), handler.Policy{}, handler.Unchanged, false},
		"weak, within exactly the setting":      {expiring(30 * day), weak(30 * day), handler.Policy{}, handler.Accepted, false},
		"weak, within more than the setting":    {expiring(30*day + time.Second), weak(31 * day), handler.Policy{}, handler.Unchanged, false},
		"an action that is not granted":         {expiring(5 * day), update(), handler.Policy{Actions: []handler.Action{handler.Enable}}, handler.Refused, false},
		"a name that nobody included":           {expiring(5 * day), update(), handler.Policy{Instances: []string{"["}}, handler.Refused, false},
		"an exclusion beside a bad one":         {expiring(5 * day), update(), handler.Policy{Instances: []string{"!r-uf6*", "!["}}, handler.Refused, false},
		"included by the second of two":         {expiring(5 * day), update(), handler.Policy{Instances: []string{"r-uf6*", "r-bp1*"}}, handler.Accepted, false},
		"excluded first and included afterward": {expiring(5 * day), update(), handler.Policy{Instances: []string{"!r-bp1*", "*"}}, handler.Refused, false},
	} {
		c, h := on(test.instance, handler.Options{Policy: test.policy})
		if got := ask(t, h, test.delivery); got.Outcome != test.outcome || got.Alert != test.alert || (c.Restarts(id) == 1) != (test.outcome == handler.Accepted) {
			t.Errorf("%s: ended %s, alert %v (%s), want %s, %v", name, got.Outcome, got.Alert, got.Reason, test.outcome, test.alert)
		}
	}
}

// The words that people act on are whole.
func TestReasonsThatNameTheWayOut(t *testing.T) {
	automatic := update()
	automatic.Automatic = true
	nightly, _ := handler.ParseWindow("22:00-23:00")
	wrong := expiring(90 * day)
	wrong.CommonName, wrong.ConnectionDomain = "old.example.com", "new.example.com"
	disable := update()
	disable.SSLEnabled = handler.Disable
	enable := update()
	enable.SSLEnabled = handler.Enable
	for name, test := range map[string]struct {
		instance handler.Observation
		delivery handler.Delivery
		policy   handler.Policy
		says     []string
	}{
		"too late":         {expiring(30 * time.Hour), automatic, handler.Policy{Window: nightly}, []string{"expires in 30h, within 30d", "opens 2026-11-24T22:00:00Z", "too late for the expiry 2026-11-25T18:00:00Z", "widen TAIRSSL_WINDOW"}},
		"not granted":      {expiring(5 * day), disable, handler.Policy{}, []string{"Disable is not among the allowed actions: add it to TAIRSSL_ACTIONS", "never be enabled again"}},
		"a wrong name":     {wrong, automatic, handler.Policy{}, []string{"not within 30d", "old.example.com is not that of the endpoint new.example.com", "ask for one with SSLExpiredTime"}},
		"of unknown type":  {handler.Observation{SSL: handler.SSL{NoTLS: true}}, enable, everything, []string{"(unknown) has no TLS"}},
		"of a known type":  {handler.Observation{Instance: handler.Instance{Type: "Redis"}, SSL: handler.SSL{NoTLS: true}}, enable, everything, []string{"(Redis) has no TLS"}},
		"pinned, but off":  {handler.Observation{}, func() handler.Delivery { d := disable; d.SSLExpiredTime = handler.At(start); return d }(), everything, []string{"encryption is off now"}},
		"pinned, moved on": {expiring(5 * day), func() handler.Delivery { d := update(); d.SSLExpiredTime = handler.At(start); return d }(), everything, []string{"expires 2026-11-29T12:00:00Z, the request was made for 2026-11-24T12:00:00Z"}},
	} {
		_, h := on(test.instance, handler.Options{Policy: test.policy})
		result := h.Handle(context.Background(), []handler.Delivery{test.delivery})[0]
		for _, says := range test.says {
			if !strings.Contains(result.Reason, says) {
				t.Errorf("%s: the reason does not say %q: %s", name, says, result.Reason)
			}
		}
	}
}
