package function_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"os"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"tairssl/adapters/event"
	"tairssl/adapters/function"
	"tairssl/adapters/tair"
	"tairssl/adapters/tair/tairtest"
	"tairssl/handler"
	"tairssl/handler/fleet"
)

func TestAChatWithoutAReplyHostIsReportedInTheLog(t *testing.T) {
	w := newWorld(t, "TAIRSSL_MATTERMOST_TOKENS=m-s3cret")
	if !w.Open(context.Background(), "/mattermost") || !strings.Contains(w.log.String(), "TAIRSSL_CHAT_REPLY_HOSTS") || strings.Contains(w.log.String(), "s3cret") {
		t.Errorf("the log has %s, want a warning that names TAIRSSL_CHAT_REPLY_HOSTS", w.log)
	}
	w = newWorld(t, "TAIRSSL_MATTERMOST_TOKENS=m-s3cret", "TAIRSSL_CHAT_REPLY_HOSTS=chat.example.com")
	if w.Open(context.Background(), "/mattermost"); w.log.Len() > 0 {
		t.Errorf("with a reply host the log has %s, want nothing", w.log)
	}
}

func TestADirectRequestRenewsWithoutASecretInTheLog(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	answer, err := w.Invoke(context.Background(), []byte(`{"InstanceId":"`+id+`","SSLEnabled":"Update","Wait":"20s"}`))
	var r handler.Result
	if err != nil || json.Unmarshal(answer, &r) != nil || r.Outcome != handler.Verified || w.restarts(id) != 1 {
		t.Fatalf("the request is answered %s, %v after %d restarts", answer, err, w.restarts(id))
	}
	for _, secret := range []string{"emulator-secret", "a-security-token", "Signature"} {
		if strings.Contains(w.log.String(), secret) {
			t.Errorf("the log shows %s:\n%s", secret, w.log)
		}
	}
	if n := strings.Count(w.log.String(), `"msg":"invocation"`); n != 1 {
		t.Errorf("the invocation has %d lines in the log, want 1", n)
	}
}

func TestABadRequestIsAnsweredWithoutAnError(t *testing.T) {
	w := newWorld(t)
	for _, payload := range []string{`{"InstanceId":"r-bp1/x","SSLEnabled":"Update"}`, `{"InstanceId":"` + id + `","SSLEnabled":"Update","Colour":"red"}`, `{"Sweep":{"RenewBefore":"soon"}}`} {
		answer, err := w.Invoke(context.Background(), []byte(payload))
		var r handler.Result
		if err != nil || json.Unmarshal(answer, &r) != nil || r.Outcome != handler.Failed || r.Error == nil || r.Error.Kind != handler.Invalid {
			t.Errorf("%s is answered %s, %v; want an invalid result and no error", payload, answer, err)
		}
	}
	if w.Calls("DescribeInstanceSSL") != 0 {
		t.Error("a bad request reached the API")
	}
}

// The sender of an unreadable event gets an error.
func TestAnUnreadableEventIsAnError(t *testing.T) {
	w := newWorld(t)
	for _, payload := range []string{``, `x`, `[]`, `7`, `{}`, `{"hello":"world"}`, strings.Repeat("x", 7<<20), `{"Records":[{"eventSource":"aws:s3"}]}`,
		`{"triggerTime":"t","triggerName":"n","payload":"hello"}`, `["hello"]`} {
		answer, err := w.Invoke(context.Background(), []byte(payload))
		var failure *function.Failure
		if !errors.As(err, &failure) || failure.Type != "invalid" || len(failure.Message) < 20 || len(failure.Message) > 2000 {
			t.Errorf("%.40q is answered %s, %v; want an error of type invalid", payload, answer, err)
		}
	}
	if w.Calls("DescribeInstanceSSL") != 0 {
		t.Error("a bad payload reached the API")
	}
}

// A queue would deliver an unreadable message again and again. So it gets no error, and a
// notice reports the message.
func TestAnUnreadableMessageOfAQueueIsNoError(t *testing.T) {
	w := newWorld(t, "TAIRSSL_NOTIFY_URLS=slack://hooks.slack.com/services/T/B/secret")
	for _, payload := range []string{
		`{"Records":[{"eventSource":"aws:sqs","messageId":"m1","body":"hello"}]}`,
		`{"eventSource":"aws:mq","messages":[{"messageID":"m1","data":"aGVsbG8="}]}`,
		`{"eventSource":"aws:kafka","records":{"t-0":[{"topic":"t","partition":0,"offset":1,"value":"aGVsbG8="}]}}`,
	} {
		answer, err := w.Invoke(context.Background(), []byte(payload))
		if err != nil || !strings.Contains(string(answer), `"invalid"`) {
			t.Errorf("%s is answered %s, %v", payload, answer, err)
		}
	}
	if n := len(w.posts.bodies); n != 2 || !strings.Contains(w.posts.bodies[0], "not JSON") { // the same notice is sent once an hour
		t.Errorf("the notices are %v, want 2", w.posts.bodies)
	}
}

func TestAResultThatAnotherDeliveryCanHelpIsAnError(t *testing.T) {
	for name, test := range map[string]struct{ kind, payload, errorType string }{
		"throttled":   {"throttle", `{"InstanceId":"` + id + `","SSLEnabled":"Update"}`, "throttled"},
		"lost answer": {"cut_before", `{"InstanceId":"` + id + `","SSLEnabled":"Update"}`, "unknown"},
		"in a batch":  {"throttle", `[{"InstanceId":"r-bp1zxszhcgatnx02","SSLEnabled":"Update"},{"InstanceId":"` + id + `","SSLEnabled":"Update"}]`, "throttled"},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t)
			if err := w.Fault(tairtest.Fault{Action: "ModifyInstanceSSL", Kind: test.kind, Times: 1}); err != nil {
				t.Fatal(err)
			}
			_, err := w.Invoke(context.Background(), []byte(test.payload))
			var failure *function.Failure
			if !errors.As(err, &failure) || failure.Type != test.errorType || !strings.Contains(failure.Message, id) {
				t.Fatalf("the invocation ends with %v, want an error of type %s", err, test.errorType)
			}
		})
	}
}

func TestBadSettingsFailEveryInvocation(t *testing.T) {
	w := newWorld(t, "TAIRSSL_ACTIONS=Delete", "TAIRSSL_RATE=fast")
	for range 2 {
		_, err := w.Invoke(context.Background(), []byte(`{"InstanceId":"`+id+`","SSLEnabled":"Update"}`))
		if err == nil || !strings.Contains(err.Error(), "TAIRSSL_ACTIONS") || !strings.Contains(err.Error(), "TAIRSSL_RATE") {
			t.Errorf("the invocation ends with %v, want both faults", err)
		}
	}
}

func TestAPanicIsAnOpaqueError(t *testing.T) {
	w := newWorld(t)
	f := function.New(function.Options{Log: &bytes.Buffer{}, Credentials: func(context.Context) (tair.Credential, error) { panic("boom") }})
	_, err := f.Invoke(context.Background(), []byte(`{"InstanceId":"`+id+`","SSLEnabled":"Update"}`))
	var failure *function.Failure
	if !errors.As(err, &failure) || failure.Type != "internal" || strings.Contains(failure.Message, "boom") {
		t.Errorf("a panic ends with %v, want an opaque internal error", err)
	}
	if _, err := w.Invoke(context.Background(), []byte(`{"InstanceId":"`+id+`","SSLEnabled":"Update"}`)); err != nil {
		t.Errorf("the next invocation ends with %v", err)
	}
}

func TestEverySampleEventIsCarriedOut(t *testing.T) {
	t.Parallel()
	entries, err := os.ReadDir("../../events")
	if err != nil || len(entries) == 0 {
		t.Fatalf("there are no sample events: %v", err)
	}
	w := newWorld(t, "TAIRSSL_ACTIONS=Update,Enable,Disable")
	// Only the packages lambda and fc open these, or they contain an unreadable record.
	enveloped := map[string]bool{"sqs.json": true, "kinesis.json": true, "pipe-sqs.json": true, "apigateway-rest.json": true, "apigateway-http.json": true,
		"function-url.json": true, "alb.json": true, "fc-http.json": true, "fc-http-cloudevents.json": true}
	for _, entry := range entries {
		if enveloped[entry.Name()] {
			continue
		}
		payload, err := os.ReadFile("../../events/" + entry.Name())
		if err != nil {
			t.Fatal(err)
		}
		answer, err := w.Invoke(context.Background(), payload)
		if err != nil || strings.Contains(string(answer), `"failed"`) || !strings.Contains(entry.Name(), "sweep") && strings.Contains(string(answer), `"refused"`) { // a sweep refuses the instance that is tagged off
			t.Errorf("%s ends with %s, %v", entry.Name(), answer, err)
		}
	}
}

func TestASweepOrderRenewsWhatIsDue(t *testing.T) {
	t.Parallel()
	w := newWorld(t, "TAIRSSL_REGION=cn-hangzhou,cn-shanghai", "TAIRSSL_RATE=0")
	answer, err := w.Invoke(context.Background(), []byte(`{"Sweep":{}}`))
	var swept fleet.Result
	if err != nil || json.Unmarshal(answer, &swept) != nil || swept.Summary.Seen != 11 || swept.Summary.NoTLS != 2 || swept.Summary.Due != 4 || swept.Summary.Outcomes[handler.Refused] != 1 {
		t.Fatalf("the sweep is answered %s, %v", answer, err)
	}
	for id, want := range map[string]int{"r-bp1zxszhcgatnx04": 1, "r-bp1zxszhcgatnx01": 1, "r-uf6zxszhcgatnx07": 1, "r-bp1zxszhcgatnx02": 0, "tt-bp1zxszhcgatnx05": 0} {
		if w.restarts(id) != want {
			t.Errorf("%s restarted %d times, want %d", id, w.restarts(id), want)
		}
	}
	answer, err = w.Invoke(context.Background(), []byte(`{"Sweep":{"Plan":true,"RenewBefore":"4320h"}}`))
	var page fleet.Page
	if err != nil || json.Unmarshal(answer, &page) != nil || page.NextPage != "cn-shanghai/1" {
		t.Errorf("the plan is answered %s, %v", answer, err)
	}
	if err := w.Fault(tairtest.Fault{Action: "DescribeInstances", Kind: "throttle", Times: 100}); err != nil {
		t.Fatal(err)
	}
	var failure *function.Failure
	if _, err := w.Invoke(context.Background(), []byte(`{"Sweep":{}}`)); !errors.As(err, &failure) || failure.Type != "throttled" {
		t.Errorf("a sweep that can list nothing ends with %v, want a throttled error", err)
	}
}

func TestAnAutomaticRequestWaitsForTheWindow(t *testing.T) {
	w := newWorld(t, "TAIRSSL_WINDOW=00:00-00:01 "+map[bool]string{true: "Asia/Shanghai", false: "UTC"}[time.Now().UTC().Hour() < 12])
	answer, err := w.Invoke(context.Background(), []byte(`{"InstanceId":"`+id+`","SSLEnabled":"Update","Automatic":true}`))
	if err != nil || !strings.Contains(string(answer), `"deferred"`) || w.restarts(id) != 0 {
		t.Errorf("the request is answered %s, %v; want deferred", answer, err)
	}
}

func FuzzInvoke(f *testing.F) {
	var calls atomic.Int64 // the two reads of an instance run at the same time
	fn := function.New(function.Options{Log: &bytes.Buffer{}, Credentials: func(context.Context) (tair.Credential, error) {
		calls.Add(1)
		return tair.Credential{}, handler.Errorf(handler.Forbidden, "none here")
	}})
	f.Add([]byte(`{"InstanceId":"r-bp1zxszhcgatnx01","SSLEnabled":"Update"}`))
	f.Add([]byte(`[1,{"InstanceId":""}]`))
	f.Fuzz(func(t *testing.T, payload []byte) {
		before := calls.Load()
		answer, err := fn.Invoke(context.Background(), payload)
		var failure *function.Failure
		unread := errors.As(err, &failure) && failure.Type == "invalid"
		if !unread && (err != nil || !json.Valid(answer)) {
			t.Fatalf("%q ends with %s, %v", payload, answer, err)
		}
		valid := false
		for _, r := range (&event.Decoder{}).Decode(payload).Requests {
			valid = valid || r.Validate() == nil
		}
		if calls.Load() > before && !valid {
			t.Fatalf("%q reached the API", payload)
		}
	})
}
