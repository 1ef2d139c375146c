package handler_test

import (
	"fmt"
	"strings"
	"testing"

	"tairssl/handler"
)

// The limits of a request, a batch and an answer are exact.
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

// A text that is not JSON is no request at all. A wrong request in JSON is answered with
// its id.
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

// Each fault is named once, and at most ten faults are named.
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

func TestTextsOfJSONStrings(t *testing.T) {
	for value, want := range map[string]string{
		`"a"`: "a", `""`: "", `"\u0041b"`: "Ab", `"a\n"`: "a\n", `"\\"`: `\`, `null`: "", `12`: "", `[""]`: "", `"`: "", ``: "", `7`: "",
	} {
		if got := handler.Unquote([]byte(value)); got != want {
			t.Errorf("%s is the text %q, want %q", value, got, want)
		}
	}
}

// A Slack link needs both of its brackets.
func TestHalfALinkNamesNoInstance(t *testing.T) {
	for text, want := range map[string]bool{"<" + id + ">": true, "<" + id: false, id + ">": false, id + "|x": false} {
		if n, ok := handler.ParseInstance(text); ok != want {
			t.Errorf("%q names %+v, %v", text, n, ok)
		}
	}
}

// A delivery whose answer is known when it is read makes no call.
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
