package function_test

import (
	"context"
	"encoding/json"
	"testing"

	"tairssl/adapters/tair/tairtest"
	"tairssl/handler/fleet"
)

func TestSweepIsCountedInItsLine(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "TAIRSSL_REGION=cn-hangzhou,cn-shanghai", "TAIRSSL_RATE=0", "TAIRSSL_MAX_TARGETS=1")
	if err := w.Fault(tairtest.Fault{Action: "DescribeInstanceSSL", Kind: "server_error", Times: 4}); err != nil {
		t.Fatal(err)
	}
	answer, err := w.Invoke(context.Background(), []byte(`{"Sweep":{}}`))
	var swept fleet.Result
	if err != nil || json.Unmarshal(answer, &swept) != nil {
		t.Fatalf("answered %s, %v", answer, err)
	}
	line := w.line(t)
	line.want(t, entry{"trigger": "sweep", "seen": 11, "requests": 11, "sweep_succeeded": 1, "due": swept.Summary.Due})
	for outcome, n := range swept.Summary.Outcomes {
		line.want(t, entry{string(outcome): n})
	}
	for _, d := range w.lines(t, "outcome") {
		if d["outcome"] == "unchanged" || d["instance"] == nil {
			t.Errorf("nothing happened, but a line tells %v", d)
		}
	}
	if n := len(w.lines(t, "sweep")); n != 0 {
		t.Errorf("the sweep is told in %d lines more", n)
	}
}

// blindTo is a policy that allows all but to list one region, and to read the
// encryption of one instance elsewhere.
func blindTo(region string) string {
	return `{"Version":"1","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"},
		{"Effect":"Deny","Action":"kvstore:DescribeInstances","Resource":"acs:kvstore:` + region + `:*:instance/*"},
		{"Effect":"Deny","Action":"kvstore:DescribeInstanceSSL","Resource":"acs:kvstore:*:*:instance/r-bp1zxszhcgatnx02"}]}`
}

// That fewer instances were read than are listed shows in the line and in a
// metric, whatever the reason is; so do regions that are empty or were not read.
func TestSweepSaysHowMuchItRead(t *testing.T) {
	t.Parallel()
	const sweep = `{"Sweep":{}}`
	w := onLambda(t, "TAIRSSL_REGION=cn-hangzhou,cn-shanghai,cn-beijing", "TAIRSSL_RATE=0")
	if _, err := w.Invoke(context.Background(), []byte(sweep)); err != nil {
		t.Fatal(err)
	}
	whole := w.line(t)
	whole.want(t, entry{"listed": 11, "read": 11, "unread": 0, "no_tls": 2, "empty_regions": "cn-beijing", "unread_regions": nil})
	if m := published(t, whole); len(m["unread"]) != 1 || m["unread"][0] != 0 {
		t.Errorf("of a sweep that read all, unread is published as %v", m["unread"])
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
		t.Errorf("of a sweep that did not read one, unread is published as %v", m["unread"])
	}
	w.log.Reset()
	if _, err := w.Invoke(context.Background(), []byte(`{"InstanceId":"`+id+`","SSLEnabled":"Update"}`)); err != nil {
		t.Fatal(err)
	}
	w.line(t).want(t, entry{"listed": nil, "unread": nil, "empty_regions": nil})
}

func TestSweepThatListsNothingSaysSo(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	if err := w.Fault(tairtest.Fault{Action: "DescribeInstances", Kind: "throttle", Times: 4}); err != nil {
		t.Fatal(err)
	}
	if _, err := w.Invoke(context.Background(), []byte(`{"Sweep":{}}`)); err == nil {
		t.Fatal("it is no error")
	}
	line := w.line(t)
	line.want(t, entry{"level": "ERROR", "outcome": "failed", "kind": "throttled", "error_type": "throttled", "sweep_succeeded": 0, "throttled": 4, "api_calls": 4})
	line.has(t, "reason", "code", "error")
}
