package lambda_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	awslambda "github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-lambda-go/lambda/messages"

	"tairssl/adapters/lambda"
	"tairssl/adapters/tair/tairtest"
	"tairssl/handler"
)

func newFunction(t *testing.T, instances ...tairtest.Instance) (*tairtest.Emulator, awslambda.Handler, *bytes.Buffer) {
	t.Helper()
	e, err := tairtest.New(tairtest.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = e.Close() })
	if err := e.Put(append(tairtest.SampleFleet(e.Now()), instances...)...); err != nil {
		t.Fatal(err)
	}
	url, err := e.ListenHTTP("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	log := &bytes.Buffer{}
	return e, lambda.New([]string{"TAIRSSL_ENDPOINT=" + url, "TAIRSSL_LEASE_PAUSE=100ms", "TAIRSSL_RATE=0",
		"ALIBABA_CLOUD_ACCESS_KEY_ID=emulator", "ALIBABA_CLOUD_ACCESS_KEY_SECRET=emulator-secret"}, log), log
}

func sqs(bodies ...string) []byte {
	var records []map[string]any
	for n, body := range bodies {
		records = append(records, map[string]any{"messageId": fmt.Sprint("m", n), "eventSource": "aws:sqs", "body": body})
	}
	payload, _ := json.Marshal(map[string]any{"Records": records})
	return payload
}

// Ten records, one of them poison and one throttled: eight are done, one is
// logged, one is returned.
func TestQueueReturnsOnlyWhatAnotherDeliveryCanHelp(t *testing.T) {
	var instances []tairtest.Instance
	var bodies []string
	for n := range 9 {
		id := fmt.Sprintf("r-queue%04d", n)
		instances = append(instances, tairtest.Instance{InstanceID: id, SSLExpiredTime: handler.At(time.Now().AddDate(0, 0, 5)).String()})
		bodies = append(bodies, fmt.Sprintf(`{"InstanceId":%q,"SSLEnabled":"Update"}`, id))
	}
	bodies = append(bodies, "poison")
	e, f, log := newFunction(t, instances...)
	if err := e.Fault(tairtest.Fault{Action: "ModifyInstanceSSL", Kind: "throttle", Times: 1}); err != nil {
		t.Fatal(err)
	}
	answer, err := f.Invoke(context.Background(), sqs(bodies...))
	var response struct {
		BatchItemFailures []struct{ ItemIdentifier string }
	}
	if err != nil || json.Unmarshal(answer, &response) != nil || len(response.BatchItemFailures) != 1 || response.BatchItemFailures[0].ItemIdentifier == "m9" {
		t.Fatalf("the queue is answered %s, %v", answer, err)
	}
	done := 0
	for _, i := range instances {
		now, _ := e.Instance(i.InstanceID)
		done += now.Restarts
	}
	if done != 8 {
		t.Errorf("%d instances restarted, want 8", done)
	}
	if !strings.Contains(log.String(), "the request is not JSON") {
		t.Error("the poison is not in the log")
	}
}

func TestQueueWithNothingToReturn(t *testing.T) {
	_, f, _ := newFunction(t)
	answer, err := f.Invoke(context.Background(), sqs(`{"InstanceId":"r-bp1zxszhcgatnx02","SSLEnabled":"Update"}`))
	if err != nil || string(answer) != `{"batchItemFailures":[]}` {
		t.Errorf("the queue is answered %s, %v", answer, err)
	}
}

func TestRecordSamples(t *testing.T) {
	for sample, want := range map[string]map[string]int{
		"sqs.json": {"r-bp1zxszhcgatnx01": 1, "r-bp1zxszhcgatnx04": 1}, "sns.json": {"r-bp1zxszhcgatnx01": 1},
	} {
		payload, err := os.ReadFile("../../events/" + sample)
		if err != nil {
			t.Fatal(err)
		}
		e, f, _ := newFunction(t)
		if answer, err := f.Invoke(context.Background(), payload); err != nil {
			t.Errorf("%s is answered %s, %v", sample, answer, err)
		}
		for id, restarts := range want {
			if i, _ := e.Instance(id); i.Restarts != restarts {
				t.Errorf("%s restarted %s %d times, want %d", sample, id, i.Restarts, restarts)
			}
		}
	}
}

func TestFailureTypeIsLambdas(t *testing.T) {
	e, f, _ := newFunction(t)
	_ = e.Fault(tairtest.Fault{Action: "ModifyInstanceSSL", Kind: "throttle", Times: 1})
	_, err := f.Invoke(context.Background(), []byte(`{"InstanceId":"r-bp1zxszhcgatnx01","SSLEnabled":"Update"}`))
	var failure messages.InvokeResponse_Error
	if !errors.As(err, &failure) || failure.Type != "throttled" {
		t.Errorf("ended with %v, want an error of type throttled", err)
	}
}

func FuzzInvoke(f *testing.F) {
	fn := lambda.New(nil, &bytes.Buffer{}) // no credentials: nothing can be done
	f.Add(sqs("x", `{"InstanceId":"r-bp1zxszhcgatnx01","SSLEnabled":"Update"}`))
	f.Add([]byte(`{"Records":[{"EventSource":"aws:sns","Sns":{"Message":"{}"}}]}`))
	f.Add([]byte(`{"Records":{}}`))
	f.Fuzz(func(t *testing.T, payload []byte) {
		answer, err := fn.Invoke(context.Background(), payload)
		if err != nil || !json.Valid(answer) {
			t.Fatalf("%q ends with %s, %v", payload, answer, err)
		}
	})
}
