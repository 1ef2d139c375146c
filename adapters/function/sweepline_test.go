package function_test

import (
	"context"
	"encoding/json"
	"testing"

	"tairssl/adapters/tair/tairtest"
	"tairssl/handler/fleet"
)

func TestTheLineOfASweepHasItsCounts(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "TAIRSSL_REGION=cn-hangzhou,cn-shanghai", "TAIRSSL_RATE=0", "TAIRSSL_MAX_TARGETS=1")
	if err := w.Fault(tairtest.Fault{Action: "DescribeInstanceSSL", Kind: "server_error", Times: 4}); err != nil {
		t.Fatal(err)
	}
	answer, err := w.Invoke(context.Background(), []byte(`{"Sweep":{}}`))
	var swept fleet.Result
	if err != nil || json.Unmarshal(answer, &swept) != nil {
		t.Fatalf("the sweep is answered %s, %v", answer, err)
	}
	line := w.line(t)
	line.want(t, entry{"trigger": "sweep", "seen": 11, "requests": 11, "sweep_succeeded": 1, "due": swept.Summary.Due})
	for outcome, n := range swept.Summary.Outcomes {
		line.want(t, entry{string(outcome): n})
	}
	for _, d := range w.lines(t, "outcome") {
		if d["outcome"] == "unchanged" || d["instance"] == nil {
			t.Errorf("nothing happened to the instance, but it has the line %v", d)
		}
	}
	if n := len(w.lines(t, "sweep")); n != 0 {
		t.Errorf("the sweep writes %d more lines, want none", n)
	}
}

// blindTo is a policy that allows everything except two reads: to list the instances of
// one region, and to read the encryption of one instance in another region.
func blindTo(region string) string {
	return `{"Version":"1","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"},
		{"Effect":"Deny","Action":"kvstore:DescribeInstances","Resource":"acs:kvstore:` + region + `:*:instance/*"},
		{"Effect":"Deny","Action":"kvstore:DescribeInstanceSSL","Resource":"acs:kvstore:*:*:instance/r-bp1zxszhcgatnx02"}]}`
}

// The line and a metric show how many listed instances were not read. The line also names
// regions that are empty or were not read.
func TestTheLineOfASweepSaysHowMuchItRead(t *testing.T) {
	t.Parallel()
	const sweep = `{"Sweep":{}}`
	w := onLambda(t, "TAIRSSL_REGION=cn-hangzhou,cn-shanghai,cn-beijing", "TAIRSSL_RATE=0")
	if _, err := w.Invoke(context.Background(), []byte(sweep)); err != nil {
		t.Fatal(err)
	}
	whole := w.line(t)
	whole.want(t, entry{"listed": 11, "read": 11, "unread": 0, "no_tls": 2, "empty_regions": "cn-beijing", "unread_regions": nil})
	if m := published(t, whole); len(m["unread"]) != 1 || m["unread"][0] != 0 {
		t.Errorf("a sweep that read everything publishes unread as %v, want 0", m["unread"])
	}
	if err := w.Policy([]byte(blindTo("cn-shanghai"))); err != nil {
		t.Fatal(err)
	}
	w.log.Reset()
	if _, err := w.Invoke(context.Background(), []byte(sweep)); err != nil {
		t.Fatal(err)
	}
	part := w.line(t)
	part.want(t, entry{"listed": 10, "read": 9, "unread": 1, "no_tls": 2, "empty_regions": "cn-beijing", "unread_regions": "cn-hangzhou,cn-shanghai", "sweep_succeeded": 0})
	if m := published(t, part); len(m["unread"]) != 1 || m["unread"][0] != 1 {
		t.Errorf("a sweep that could not read one instance publishes unread as %v, want 1", m["unread"])
	}
	w.log.Reset()
	if _, err := w.Invoke(context.Background(), []byte(`{"InstanceId":"`+id+`","SSLEnabled":"Update"}`)); err != nil {
		t.Fatal(err)
	}
	w.line(t).want(t, entry{"listed": nil, "unread": nil, "empty_regions": nil})
}

func TestTheLineOfASweepThatListsNothingHasTheError(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	if err := w.Fault(tairtest.Fault{Action: "DescribeInstances", Kind: "throttle", Times: 4}); err != nil {
		t.Fatal(err)
	}
	if _, err := w.Invoke(context.Background(), []byte(`{"Sweep":{}}`)); err == nil {
		t.Fatal("the sweep ends without an error")
	}
	line := w.line(t)
	line.want(t, entry{"level": "ERROR", "outcome": "failed", "kind": "throttled", "error_type": "throttled", "sweep_succeeded": 0, "throttled": 4, "api_calls": 4})
	line.has(t, "reason", "code", "error")
}
