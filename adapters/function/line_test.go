package function_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"time"

	"tairssl/adapters/chatops"
	"tairssl/adapters/event"
	"tairssl/adapters/function"
	"tairssl/adapters/tair/tairtest"
	"tairssl/adapters/webhook"
	"tairssl/handler"
)

// entry is a line of the log.
type entry map[string]any

// lines gives the lines of the log whose message is msg. The test fails if a line is not
// JSON, or has a field twice.
func (w world) lines(t *testing.T, msg string) (found []entry) {
	t.Helper()
	for text := range strings.Lines(w.log.String()) {
		fields := map[string]bool{}
		for name := range handler.Members([]byte(text)) {
			if fields[name] {
				t.Errorf("the line has the field %s twice: %s", name, text)
			}
			fields[name] = true
		}
		var e entry
		if err := json.Unmarshal([]byte(text), &e); err != nil {
			t.Fatalf("a line of the log is not JSON: %v\n%s", err, text)
		}
		if e["msg"] == msg {
			found = append(found, e)
		}
	}
	return found
}

// line gives the line of the only invocation.
func (w world) line(t *testing.T) entry {
	t.Helper()
	found := w.lines(t, "invocation")
	if len(found) != 1 {
		t.Fatalf("one invocation has %d lines in the log:\n%s", len(found), w.log)
	}
	return found[0]
}

func (e entry) want(t *testing.T, fields entry) {
	t.Helper()
	for name, value := range fields {
		if got, there := e[name]; fmt.Sprint(got) != fmt.Sprint(value) || there == (value == nil) {
			t.Errorf("%s is %v, want %v", name, got, value)
		}
	}
}

func (e entry) has(t *testing.T, fields ...string) {
	t.Helper()
	for _, name := range fields {
		if e[name] == nil {
			t.Errorf("the line lacks %s: %v", name, e)
		}
	}
}

const requestID = `^[0-9A-F]{8}(-[0-9A-F]{4}){3}-[0-9A-F]{12}$`

func TestTheLineOfASingleRequestHasItsResult(t *testing.T) {
	w := newWorld(t)
	ctx := function.WithID(context.Background(), "the-invocation")
	event := `{"specversion":"1.0","id":"ev-1","source":"probe","type":"com.aliyun.tair.certificate.expiring","subject":"` + id + `"}`
	began := time.Now()
	if _, err := w.Invoke(ctx, []byte(event)); err != nil {
		t.Fatal(err)
	}
	took := time.Since(began).Milliseconds()
	line := w.line(t)
	line.want(t, entry{
		"level": "INFO", "invocation_id": "the-invocation", "trigger": "cloudevent", "event_id": "probe ev-1", "bytes": len(event),
		"instance": id, "region": "cn-hangzhou", "action": "Update", "automatic": true, "dry_run": false,
		"wrote": true, "outcome": "accepted", "reason": "certificate expires in 12d, within 30d", "task_id": "32185",
		"requests": 1, "accepted": 1, "failed": nil, "throttled": 0, "cold_start": true, "error_type": nil, "expiry_after": nil, "_aws": nil,
	})
	calls := 0
	for _, action := range []string{"DescribeInstanceAttribute", "DescribeInstanceSSL", "DescribeActiveOperationTasks", "ModifyInstanceSSL", "TagResources", "UntagResources"} {
		calls += w.Calls(action)
	}
	if latencies, _ := line["api_latency_ms"].([]any); line["api_calls"] != float64(calls) || len(latencies) != calls || calls < 6 {
		t.Errorf("the API was called %d times, but the line counts %v calls and has the latencies %v", calls, line["api_calls"], line["api_latency_ms"])
	}
	if ms := line["duration_ms"].(float64); ms < 50 || ms > float64(took) { // the pause of the lease is 50 ms
		t.Errorf("the duration is %v ms, but the invocation took %d ms", ms, took)
	}
	if !regexp.MustCompile(requestID).MatchString(fmt.Sprint(line["request_id"])) {
		t.Errorf("the API's request id is %v", line["request_id"])
	}
	if _, err := time.Parse(time.RFC3339Nano, fmt.Sprint(line["timestamp"])); err != nil {
		t.Errorf("the timestamp is %v, but Lambda needs RFC 3339", line["timestamp"])
	}
	line.has(t, "api_ms", "expiry_before")
	if n := strings.Count(w.log.String(), "\n"); n != 1 {
		t.Errorf("the invocation writes %d lines, want 1:\n%s", n, w.log)
	}

	w.log.Reset()
	if _, err := w.Invoke(ctx, []byte(`{"InstanceId":"`+id+`","SSLEnabled":"Update","Wait":"20s"}`)); err != nil {
		t.Fatal(err)
	}
	w.line(t).want(t, entry{"cold_start": false, "wrote": false, "event_id": nil})
}

func TestTheLineOfAVerifiedChangeHasTheNewExpiry(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	if _, err := w.Invoke(context.Background(), []byte(`{"InstanceId":"`+id+`","SSLEnabled":"Update","Wait":"20s"}`)); err != nil {
		t.Fatal(err)
	}
	line := w.line(t)
	now, _ := w.Instance(id)
	line.want(t, entry{"outcome": "verified", "verified": 1, "expiry_after": now.SSLExpiredTime})
	if days, _ := line["days_to_expiry"].(float64); days < 1000 {
		t.Errorf("after a renewal for three years, the line says that the certificate expires in %v days", line["days_to_expiry"])
	}
}

func TestABatchHasALineForEachRequestThatActsOrFails(t *testing.T) {
	w := newWorld(t)
	batch := `[{"InstanceId":"` + id + `","SSLEnabled":"Update"},{"InstanceId":"r-bp1zxszhcgatnx02","SSLEnabled":"Update"},{"InstanceId":"r-none0000","SSLEnabled":"Update"}]`
	ctx := function.WithID(context.Background(), "the-invocation")
	if _, err := w.Deliver(ctx, event.Message{Carrier: "sqs", ID: "m1", Content: []byte(batch)}, event.Message{Carrier: "sqs", ID: "m2", Content: []byte(`"poison"`)}); err != nil {
		t.Fatal(err)
	}
	w.line(t).want(t, entry{"level": "ERROR", "trigger": "sqs/direct", "event_id": "m1,m2", "requests": 4, "accepted": 1, "unchanged": 1, "failed": 2,
		"instance": nil, "outcome": nil, "reason": nil})
	outcomes := map[string]string{}
	for _, d := range w.lines(t, "outcome") {
		d.want(t, entry{"invocation_id": "the-invocation"})
		outcomes[fmt.Sprint(d["event_id"], " ", d["instance"])] = fmt.Sprint(d["outcome"], " ", d["kind"])
	}
	want := map[string]string{"m1 " + id: "accepted <nil>", "m1 r-none0000": "failed not_found", "m2 <nil>": "failed invalid"}
	if fmt.Sprint(outcomes) != fmt.Sprint(want) {
		t.Errorf("the lines of the requests are %v, want %v", outcomes, want)
	}
}

// A throttled call is counted, even if the next attempt succeeds.
func TestThrottledCallsAreCounted(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	if err := w.Fault(tairtest.Fault{Action: "DescribeInstanceSSL", Kind: "throttle", Times: 2}); err != nil {
		t.Fatal(err)
	}
	if _, err := w.Invoke(context.Background(), []byte(`{"InstanceId":"r-bp1zxszhcgatnx02","SSLEnabled":"Update"}`)); err != nil {
		t.Fatal(err)
	}
	w.line(t).want(t, entry{"outcome": "unchanged", "throttled": 2, "api_calls": 4})
}

func TestTheLineOfAChatMessageSaysWhoAskedForWhat(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "TAIRSSL_SLACK_SIGNING_SECRETS=slack-secret", "TAIRSSL_CHAT_ALLOW=slack:T1/U1 * *", "TAIRSSL_CONFIRM_KEY=0123456789abcdef")
	say := func(user, text string) (line entry, answer string) {
		w.log.Reset()
		body := url.Values{"team_id": {"T1"}, "user_id": {user}, "channel_id": {"C1"}, "command": {"/tair"}, "text": {text}, "response_url": {"https://hooks.slack.com/commands/secret"}}.Encode()
		header := chatops.SignSlack("slack-secret", time.Now(), []byte(body))
		header.Set("Content-Type", "application/x-www-form-urlencoded")
		status, _, b, err := w.Serve(context.Background(), webhook.Forwarded{Method: http.MethodPost, Path: "/slack", Header: header, Body: body, SourceIP: "192.0.2.1"})
		if status != http.StatusOK || err != nil {
			t.Fatalf("%s is answered %d %s, %v", text, status, b, err)
		}
		line = w.line(t)
		if n := strings.Count(w.log.String(), "\n"); n != 1 {
			t.Errorf("%s writes %d lines, want 1:\n%s", text, n, w.log)
		}
		line.want(t, entry{"trigger": "slack", "scheme": "slack", "route": "/slack", "status": 200, "source_ip": "192.0.2.1", "actor": "slack:T1/" + user, "channel": "C1"})
		return line, string(b)
	}
	line, _ := say("U2", "update "+id)
	line.want(t, entry{"verb": "update", "instance": id, "outcome": "refused", "reason": "no rule allows it", "level": "WARN", "requests": 0, "refused": nil})
	line, answer := say("U1", "update "+id)
	line.want(t, entry{"verb": "update", "instance": id, "outcome": "planned"})
	code := regexp.MustCompile(`confirm (\S+?)["\\]`).FindStringSubmatch(answer)
	if code == nil {
		t.Fatalf("the answer has no code: %s", answer)
	}
	line, _ = say("U1", "confirm "+code[1])
	line.want(t, entry{"verb": "confirm update", "instance": id, "outcome": "answered", "handed": true, "requests": 0, "wrote": nil, "level": "INFO"})

	w.log.Reset()
	if _, err := w.InvokeHanded(function.WithID(context.Background(), "another-invocation"), []byte((*w.handed)[0])); err != nil {
		t.Fatal(err)
	}
	line = w.line(t)
	line.want(t, entry{"invocation_id": "another-invocation", "trigger": "handed/slack", "bytes": len((*w.handed)[0]), "actor": "slack:T1/U1", "channel": "C1", "verb": "confirm update",
		"instance": id, "action": "Update", "outcome": "verified", "wrote": true, "requests": 1, "verified": 1, "task_id": "32185", "reply": "sent", "handed": nil, "error_type": nil})
	line.has(t, "request_id", "expiry_before", "expiry_after", "reason")
	if n := strings.Count(w.log.String(), "\n"); n != 1 {
		t.Errorf("the handed work writes %d lines, want 1:\n%s", n, w.log)
	}
}

func TestTheLineOfAForgedRequestHasTheReason(t *testing.T) {
	w := newWorld(t, "TAIRSSL_ALERT_TOKENS=the-right-token")
	h, err := w.Handler(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	r := httptest.NewRequest(http.MethodPost, "/alertmanager", strings.NewReader("{}"))
	r.Header.Set("Authorization", "Bearer wrong")
	answer := httptest.NewRecorder()
	h.ServeHTTP(answer, r)
	if answer.Code != http.StatusUnauthorized {
		t.Errorf("the forged request is answered %d, want 401", answer.Code)
	}
	line := w.line(t)
	line.want(t, entry{"level": "WARN", "status": 401, "route": "/alertmanager", "bytes": 2, "outcome": nil, "requests": 0})
	line.has(t, "denied")
}

func TestTheLineNamesAllFaultsOfTheSettings(t *testing.T) {
	w := newWorld(t, "TAIRSSL_RATE=fast", "TAIRSSL_LEASE=maybe")
	if _, err := w.Invoke(context.Background(), []byte(`{"InstanceId":"`+id+`","SSLEnabled":"Update"}`)); err == nil {
		t.Fatal("the invocation ends without an error")
	}
	line := w.line(t)
	line.want(t, entry{"level": "ERROR", "error_type": "internal", "requests": 0})
	if faults, _ := line["faults"].([]any); len(faults) != 2 {
		t.Errorf("the line has the faults %v, want two", line["faults"])
	}
}

// The line of an invocation is written at every level. The level decides about the lines
// of requests.
func TestTheLevelDecidesAboutTheLinesOfRequests(t *testing.T) {
	t.Parallel()
	const batch = `[{"InstanceId":"r-bp1zxszhcgatnx02","SSLEnabled":"Update"},{"InstanceId":"` + id + `","SSLEnabled":"Update","DryRun":true},{"InstanceId":"r-none0000","SSLEnabled":"Update"},{"InstanceId":"r-bp1zxszhcgatnx04","SSLEnabled":"Update"}]`
	for name, test := range map[string]struct {
		settings  []string
		decisions int
	}{
		"by default":                   {nil, 2},
		"all":                          {[]string{"TAIRSSL_LOG_LEVEL=debug"}, 4},
		"errors":                       {[]string{"TAIRSSL_LOG_LEVEL=error"}, 1},
		"Lambda's level":               {[]string{"AWS_LAMBDA_LOG_LEVEL=DEBUG"}, 4},
		"Lambda's fatal":               {[]string{"AWS_LAMBDA_LOG_LEVEL=FATAL"}, 1},
		"a setting and Lambda's level": {[]string{"AWS_LAMBDA_LOG_LEVEL=DEBUG", "TAIRSSL_LOG_LEVEL=warn"}, 1},
	} {
		w := newWorld(t, test.settings...)
		if _, err := w.Invoke(context.Background(), []byte(batch)); err != nil {
			t.Fatal(err)
		}
		w.line(t).want(t, entry{"requests": 4})
		if n := len(w.lines(t, "outcome")); n != test.decisions {
			t.Errorf("%s: %d requests have a line, want %d:\n%s", name, n, test.decisions, w.log)
		}
	}
}

// get sends a GET request to h.
func get(h http.Handler, path string) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequest(http.MethodGet, path, nil))
	return w
}

func BenchmarkInvoke(b *testing.B) {
	payload := []byte(`{"InstanceId":"x","SSLEnabled":"Update"}`) // this needs no call of the API
	for name, metrics := range map[string]bool{"plain": false, "metrics": true} {
		b.Run(name, func(b *testing.B) {
			f := function.New(function.Options{Log: &bytes.Buffer{}, Metrics: metrics, Environ: []string{"ALIBABA_CLOUD_ACCESS_KEY_ID=x", "ALIBABA_CLOUD_ACCESS_KEY_SECRET=y"}})
			b.ReportAllocs()
			for b.Loop() {
				if _, err := f.Invoke(context.Background(), payload); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
