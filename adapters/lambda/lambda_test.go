package lambda_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	awslambda "github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-lambda-go/lambda/messages"

	"tairssl/adapters/lambda"
	"tairssl/adapters/tair/tairtest"
	"tairssl/handler"
	"tairssl/handler/handlertest"
)

func newFunction(t *testing.T, instances ...tairtest.Instance) (*tairtest.Emulator, awslambda.Handler, *bytes.Buffer) {
	t.Helper()
	e, url := tairtest.Start(t, tairtest.Options{}, append(tairtest.SampleFleet(time.Now()), instances...)...)
	log := &bytes.Buffer{}
	return e, lambda.New([]string{"TAIRSSL_GITHUB_SECRETS=It's a Secret to Everybody", "TAIRSSL_ALERT_TOKENS=sample-token", "TAIRSSL_ALERT_BASIC=alertmanager:sample-password", "TAIRSSL_ENDPOINT=" + url, "TAIRSSL_LEASE_PAUSE=1ms", "TAIRSSL_RATE=0", "TAIRSSL_WINDOW=any",
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

// A queue delivers ten records. One record is unreadable, so it is logged. One record is
// throttled, so it is returned. The other eight records are carried out.
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
		t.Error("the unreadable record is not in the log")
	}
}

// In a queue that keeps an order, no record overtakes a record that has to come again.
func TestQueueKeepsTheOrderOfAGroup(t *testing.T) {
	e, f, _ := newFunction(t)
	if err := e.Fault(tairtest.Fault{Action: "ModifyInstanceSSL", Kind: "throttle", Times: 1}); err != nil {
		t.Fatal(err)
	}
	var records []map[string]any
	for n, body := range []string{`{"InstanceId":"r-bp1zxszhcgatnx02","SSLEnabled":"Update"}`, `{"InstanceId":"r-bp1zxszhcgatnx01","SSLEnabled":"Update"}`, `{"InstanceId":"r-bp1zxszhcgatnx04","SSLEnabled":"Update"}`} {
		records = append(records, map[string]any{"messageId": fmt.Sprint("m", n), "eventSource": "aws:sqs", "body": body, "attributes": map[string]string{"MessageGroupId": "g"}})
	}
	payload, _ := json.Marshal(map[string]any{"Records": records})
	answer, err := f.Invoke(context.Background(), payload)
	if want := `{"batchItemFailures":[{"itemIdentifier":"m1"},{"itemIdentifier":"m2"}]}`; err != nil || string(answer) != want {
		t.Errorf("the queue is answered %s, %v; want %s", answer, err, want)
	}
	if i, _ := e.Instance("r-bp1zxszhcgatnx04"); i.Restarts != 0 {
		t.Error("the record behind the throttled one was carried out")
	}
}

func TestQueueWithNothingToReturn(t *testing.T) {
	_, f, _ := newFunction(t)
	answer, err := f.Invoke(context.Background(), sqs(`{"InstanceId":"r-bp1zxszhcgatnx02","SSLEnabled":"Update"}`))
	if err != nil || string(answer) != `{"batchItemFailures":[]}` {
		t.Errorf("the queue is answered %s, %v", answer, err)
	}
}

// Every sample with records restarts the due instances at the first delivery, and nothing
// at the second.
func TestRecordSamples(t *testing.T) {
	const first, fourth = "r-bp1zxszhcgatnx01", "r-bp1zxszhcgatnx04"
	nothing := `{"batchItemFailures":[]}`
	for sample, test := range map[string]struct {
		ids     []string
		answer  string // "" for results
		trigger string
	}{
		"sqs.json":                   {[]string{first, fourth}, nothing, "sqs/direct,sqs/sns/direct"},
		"sqs-nested.json":            {[]string{first}, nothing, "sqs/sns/eventbridge/alertmanager"},
		"sqs-destination.json":       {[]string{first}, nothing, "sqs/destination/eventbridge/direct"},
		"sns.json":                   {[]string{first}, "", "sns/direct"},
		"kinesis.json":               {[]string{first, fourth}, nothing, "kinesis/direct,kinesis/cloudevent"},
		"kafka.json":                 {[]string{first, fourth}, nothing, "kafka/direct,kafka/cloudevent"},
		"activemq.json":              {[]string{first}, "", "activemq/direct"},
		"rabbitmq.json":              {[]string{first}, "", "rabbitmq/direct"},
		"pipe-sqs.json":              {[]string{first}, nothing, "pipe/sqs/direct"},
		"pipe-kinesis.json":          {[]string{first}, nothing, "pipe/kinesis/direct"},
		"pipe-kafka.json":            {[]string{first}, nothing, "pipe/kafka/direct"},
		"eventbridge-alerts.json":    {[]string{first}, "", "eventbridge/alertmanager"},
		"cloudevent-base64.json":     {[]string{first}, "", "cloudevent/direct"},
		"alertmanager-arms.json":     {[]string{first}, "", "alertmanager"},
		"alertmanager-exporter.json": {[]string{first, fourth}, "", "alertmanager"},
		"grafana-template.json":      {[]string{first}, "", "alertmanager"},
	} {
		payload, err := os.ReadFile("../../events/" + sample)
		if err != nil {
			t.Fatal(err)
		}
		e, f, log := newFunction(t)
		for range 2 {
			answer, err := f.Invoke(context.Background(), payload)
			if err != nil || test.answer != "" && string(answer) != test.answer {
				t.Errorf("%s is answered %s, %v", sample, answer, err)
			}
		}
		for _, id := range test.ids {
			if i, _ := e.Instance(id); i.Restarts != 1 {
				t.Errorf("%s, delivered twice, restarted %s %d times, want 1", sample, id, i.Restarts)
			}
		}
		if !strings.Contains(log.String(), `"trigger":"`+test.trigger+`"`) {
			t.Errorf("the log of %s names no %s:\n%s", sample, test.trigger, log)
		}
	}
}

// Each source has its own form for the records that have to come again.
func TestEachSourceHasItsOwnFormOfRedelivery(t *testing.T) {
	request := func(id string) string { return `{"InstanceId":"` + id + `","SSLEnabled":"Update"}` }
	data := func(id string) string { return base64.StdEncoding.EncodeToString([]byte(request(id))) }
	const first, fourth = "r-bp1zxszhcgatnx01", "r-bp1zxszhcgatnx04"
	kinesis := func(n, id string) string {
		return `{"eventSource":"aws:kinesis","eventID":"shard:` + n + `","kinesis":{"sequenceNumber":"` + n + `","partitionKey":"k` + n + `","data":"` + data(id) + `"}}`
	}
	piped := func(n, id string) string {
		return `{"eventSource":"aws:kinesis","eventID":"shard:` + n + `","sequenceNumber":"` + n + `","partitionKey":"k` + n + `","data":"` + data(id) + `"}`
	}
	queued := func(n, id string) string {
		body, _ := json.Marshal(request(id))
		return `{"eventSource":"aws:sqs","messageId":"m` + n + `","body":` + string(body) + `}`
	}
	for name, test := range map[string]struct{ payload, want string }{
		"SQS":            {`{"Records":[` + queued("1", first) + `,` + queued("2", fourth) + `]}`, `{"batchItemFailures":[{"itemIdentifier":"m1"},{"itemIdentifier":"m2"}]}`},
		"a pipe of SQS":  {`[` + queued("1", first) + `,` + queued("2", fourth) + `]`, `{"batchItemFailures":[{"itemIdentifier":"m1"},{"itemIdentifier":"m2"}]}`},
		"Kinesis":        {`{"Records":[` + kinesis("7", "r-bp1zxszhcgatnx02") + `,` + kinesis("8", first) + `,` + kinesis("9", fourth) + `]}`, `{"batchItemFailures":[{"itemIdentifier":"8"}]}`},
		"a Kinesis pipe": {`[` + piped("8", first) + `]`, `{"batchItemFailures":[{"itemIdentifier":"shard:8"}]}`},
		"Kafka":          {`{"eventSource":"SelfManagedKafka","records":{"t-0":[{"topic":"t","partition":0,"offset":3,"value":"` + data(first) + `"}]}}`, "throttled"},
		"RabbitMQ":       {`{"eventSource":"aws:rmq","rmqMessagesByQueue":{"q::/":[{"data":"` + data(first) + `"}]}}`, "throttled"},
	} {
		e, f, _ := newFunction(t)
		if err := e.Fault(tairtest.Fault{Action: "ModifyInstanceSSL", Kind: "throttle", Times: 2}); err != nil {
			t.Fatal(err)
		}
		answer, err := f.Invoke(context.Background(), []byte(test.payload))
		var failure messages.InvokeResponse_Error
		if errors.As(err, &failure) {
			answer = []byte(failure.Type)
		}
		if string(answer) != test.want {
			t.Errorf("%s is answered %s, %v; want %s", name, answer, err, test.want)
		}
	}
}

// The sample of each gateway restarts the due instance, and the answer has the gateway's
// own form.
func TestGatewaySamples(t *testing.T) {
	for sample, test := range map[string]struct {
		status int
		want   string // part of the answer
	}{
		"apigateway-rest.json": {202, `"headers":{`},
		"apigateway-http.json": {200, `"isBase64Encoded":false`},
		"function-url.json":    {202, `"headers":{`},
		"alb.json":             {200, `"multiValueHeaders":{`},
	} {
		payload, err := os.ReadFile("../../events/" + sample)
		if err != nil {
			t.Fatal(err)
		}
		e, f, _ := newFunction(t)
		answer, err := f.Invoke(context.Background(), payload)
		var response struct{ StatusCode int }
		if err != nil || json.Unmarshal(answer, &response) != nil || response.StatusCode != test.status || !strings.Contains(string(answer), test.want) {
			t.Errorf("%s is answered %s, %v; want status %d and %s", sample, answer, err, test.status, test.want)
		}
		if i, _ := e.Instance("r-bp1zxszhcgatnx01"); i.Restarts != 1 {
			t.Errorf("%s restarted the instance %d times", sample, i.Restarts)
		}
		if strings.Contains(string(answer), "null,\"body") || sample == "alb.json" && !strings.Contains(string(answer), `"statusDescription":"200 OK"`) {
			t.Errorf("%s is answered %s", sample, answer)
		}
		// Without the right credential a request is refused.
		for _, secret := range []string{"sha256=", "Bearer sample", "Basic YWx"} {
			forged := strings.Replace(string(payload), secret, secret+"0", -1)
			if forged == string(payload) {
				continue
			}
			answer, err := f.Invoke(context.Background(), []byte(forged))
			if err != nil || !strings.Contains(string(answer), `"statusCode":401`) {
				t.Errorf("%s without its credential is answered %s, %v", sample, answer, err)
			}
		}
	}
}

// Even a bad event of a gateway gets an HTTP response. No other decoder reads it.
func TestBadGatewayEventsNeverFallThrough(t *testing.T) {
	const wish = `"InstanceId":"r-bp1zxszhcgatnx01","SSLEnabled":"Update"`
	for name, test := range map[string]struct {
		payload string
		status  int
	}{
		"no headers":           {`{"requestContext":{"http":{"method":"POST"}},"rawPath":"/ssl","body":"{}",` + wish + `}`, 401},
		"null headers":         {`{"requestContext":{"elb":{}},"httpMethod":"POST","path":"/ssl","headers":null,"body":"{}",` + wish + `}`, 401},
		"headers of a number":  {`{"requestContext":{"elb":{}},"httpMethod":"POST","path":"/ssl","headers":7,` + wish + `}`, 400},
		"a body of a number":   {`{"requestContext":{"http":{"method":"POST"}},"rawPath":"/ssl","body":7,` + wish + `}`, 400},
		"no path":              {`{"requestContext":{"http":{"method":"POST"}},` + wish + `}`, 404},
		"no method":            {`{"requestContext":{"http":{}},"rawPath":"/ssl",` + wish + `}`, 405},
		"another stage":        {`{"requestContext":{"stage":"prod","http":{"method":"GET"}},"rawPath":"/prod/healthz"}`, 200},
		"the default stage":    {`{"requestContext":{"stage":"$default","http":{"method":"GET"}},"rawPath":"/healthz"}`, 200},
		"payload 1.0, a stage": {`{"version":"1.0","path":"/prod/healthz","httpMethod":"GET","requestContext":{"stage":"prod"}}`, 200},
		"a base path":          {`{"path":"/tair/healthz","httpMethod":"GET","pathParameters":{"proxy":"healthz"},"requestContext":{"stage":"prod"}}`, 200},
		"a header of nothing":  {`{"requestContext":{"elb":null},"httpMethod":"POST","path":"/cloudevents","multiValueHeaders":{"authorization":["Bearer sample-token"],"ce-specversion":["1.0"],"ce-id":null}}`, 400},
		"not base64":           {`{"requestContext":{"http":{"method":"POST"}},"rawPath":"/ssl","body":"%","isBase64Encoded":true}`, 400},
	} {
		e, f, _ := newFunction(t)
		answer, err := f.Invoke(context.Background(), []byte(test.payload))
		var response struct{ StatusCode int }
		if err != nil || json.Unmarshal(answer, &response) != nil || response.StatusCode != test.status {
			t.Errorf("%s is answered %s, %v; want %d", name, answer, err, test.status)
		}
		if e.Calls("DescribeInstanceSSL") > 0 {
			t.Errorf("%s reached the API", name)
		}
	}
}

func TestFailureTypeBecomesErrorType(t *testing.T) {
	e, f, _ := newFunction(t)
	_ = e.Fault(tairtest.Fault{Action: "ModifyInstanceSSL", Kind: "throttle", Times: 1})
	_, err := f.Invoke(context.Background(), []byte(`{"InstanceId":"r-bp1zxszhcgatnx01","SSLEnabled":"Update"}`))
	var failure messages.InvokeResponse_Error
	if !errors.As(err, &failure) || failure.Type != "throttled" {
		t.Errorf("ended with %v, want an error of type throttled", err)
	}
}

// None of the public samples of Lambda's events is meant for this function. None of them
// changes anything. Each ends with an error, with an HTTP status, or as a logged record of
// a queue.
func TestNoPublicSampleIsTakenForOurs(t *testing.T) {
	dir, err := exec.Command("go", "list", "-m", "-f", "{{.Dir}}", "github.com/aws/aws-lambda-go").Output()
	files, _ := filepath.Glob(filepath.Join(strings.TrimSpace(string(dir)), "events", "testdata", "*.json"))
	if err != nil || len(files) < 80 {
		t.Fatalf("there are %d samples, %v", len(files), err)
	}
	e, f, log := newFunction(t)
	for _, file := range files {
		payload, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		log.Reset()
		answer, err := f.Invoke(context.Background(), payload)
		var failure messages.InvokeResponse_Error
		var response struct {
			StatusCode        int
			BatchItemFailures []any
		}
		_ = json.Unmarshal(answer, &response) // a batch of results is an array without these fields
		switch {
		case errors.As(err, &failure) && failure.Type == "invalid":
		case err == nil && response.StatusCode >= 400:
		case err == nil && strings.Contains(log.String(), `"kind":"invalid"`) && len(response.BatchItemFailures) == 0:
		default:
			t.Errorf("%s is answered %s, %v; the log has %s", filepath.Base(file), answer, err, log)
		}
	}
	for _, i := range e.Instances() {
		if i.Restarts > 0 {
			t.Errorf("%s restarted", i.InstanceID)
		}
	}
	if n := e.Calls("ModifyInstanceSSL"); n > 0 {
		t.Errorf("%d changes were requested", n)
	}
}

func FuzzInvoke(f *testing.F) {
	fn := lambda.New(nil, &bytes.Buffer{}) // without credentials nothing can be changed
	f.Add(sqs("x", `{"InstanceId":"r-bp1zxszhcgatnx01","SSLEnabled":"Update"}`))
	f.Add([]byte(`{"Records":[{"EventSource":"aws:sns","Sns":{"Message":"{}"}}]}`))
	f.Add([]byte(`{"Records":{}}`))
	for _, payload := range handlertest.Samples(f, "../../events") {
		f.Add(payload)
	}
	f.Fuzz(func(t *testing.T, payload []byte) {
		answer, err := fn.Invoke(context.Background(), payload)
		var failure messages.InvokeResponse_Error
		if errors.As(err, &failure) && failure.Type == "invalid" {
			return // the payload is unreadable
		}
		if err != nil || !json.Valid(answer) {
			t.Fatalf("%q ends with %s, %v", payload, answer, err)
		}
	})
}

func BenchmarkRecognise(b *testing.B) {
	for name, payload := range handlertest.Samples(b, "../../events") {
		b.Run(name, func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				lambda.Recognise(payload)
			}
		})
	}
}
