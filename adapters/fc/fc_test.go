package fc_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"os"
	"strings"
	"testing"
	"time"

	"github.com/aliyun/fc-runtime-go-sdk/fc/messages"

	"tairssl/adapters/fc"
	"tairssl/adapters/tair/tairtest"
	"tairssl/handler/handlertest"
)

const id = "r-bp1zxszhcgatnx01"

func newFunction(t *testing.T) (*tairtest.Emulator, func(context.Context, []byte) (json.RawMessage, error)) {
	t.Helper()
	e, url := tairtest.Start(t, tairtest.Options{Lag: -1, ChangeTime: -1}, tairtest.SampleFleet(time.Now())...)
	return e, fc.New([]string{"TAIRSSL_ENDPOINT=" + url, "TAIRSSL_LEASE_PAUSE=1ms", "TAIRSSL_RATE=0", "TAIRSSL_WINDOW=any",
		"TAIRSSL_GITHUB_SECRETS=It's a Secret to Everybody", "TAIRSSL_ALERT_TOKENS=sample-token",
		"ALIBABA_CLOUD_ACCESS_KEY_ID=emulator", "ALIBABA_CLOUD_ACCESS_KEY_SECRET=emulator-secret"}, &bytes.Buffer{})
}

// Every sample of Function Compute restarts the due instances at the first delivery, and
// nothing at the second.
func TestSamples(t *testing.T) {
	for sample, want := range map[string]map[string]int{
		"fc-http.json":                        {id: 1},
		"fc-http-cloudevents.json":            {id: 1, "r-bp1zxszhcgatnx04": 1},
		"timer.json":                          {id: 1},
		"cloudevent-expiring.json":            {id: 1},
		"cloudevent-scheduled-operation.json": {id: 1},
		"cloudevent-slb-certificate.json":     {id: 1},
		"cloudevent-mns-queue.json":           {id: 1},
		"mns-topic.json":                      {id: 1},
		"stream-objects.json":                 {id: 1, "r-bp1zxszhcgatnx02": 0},
		"stream-strings.json":                 {id: 1, "r-bp1zxszhcgatnx02": 0},
		"cloudmonitor.json":                   {id: 1},
		"mns-topic-stream.json":               {id: 1},
		"destination-fc.json":                 {id: 1},
		"cloudevent-base64.json":              {id: 1},
		"alertmanager-arms.json":              {id: 1},
		"alertmanager-exporter.json":          {id: 1, "r-bp1zxszhcgatnx04": 1},
		"grafana-template.json":               {id: 1, "r-bp1zxszhcgatnx04": 0},
		"direct-update.json":                  {id: 1},
	} {
		payload, err := os.ReadFile("../../events/" + sample)
		if err != nil {
			t.Fatal(err)
		}
		e, f := newFunction(t)
		for range 2 {
			answer, err := f(context.Background(), payload)
			if err != nil || !json.Valid(answer) || strings.Contains(string(answer), `"failed"`) {
				t.Errorf("%s is answered %s, %v", sample, answer, err)
			}
		}
		for id, restarts := range want {
			if i, _ := e.Instance(id); i.Restarts != restarts {
				t.Errorf("%s restarted %s %d times, want %d", sample, id, i.Restarts, restarts)
			}
		}
	}
}

// In the STREAM format, an MNS topic sends a message without attributes unchanged: as
// JSON, or as base64 of it.
func TestMessagesOfAnMNSTopicInSTREAMFormat(t *testing.T) {
	request := `{"InstanceId":"` + id + `","SSLEnabled":"Update"}`
	text, _ := json.Marshal(request)
	encoded := base64.StdEncoding.EncodeToString([]byte(request))
	for name, payload := range map[string]string{
		"plain": request, "base64": encoded, "base64 of the URL alphabet": base64.RawURLEncoding.EncodeToString([]byte(request)), "quoted": string(text), "quoted base64": `"` + encoded + `"`,
		"with attributes": `{"body":` + string(text) + `,"attrs":{"k":"v"}}`, "base64 with attributes": `{"body":"` + encoded + `","attrs":{}}`,
	} {
		e, f := newFunction(t)
		for range 2 {
			if answer, err := f(context.Background(), []byte(payload)); err != nil {
				t.Errorf("%s is answered %s, %v", name, answer, err)
			}
		}
		if i, _ := e.Instance(id); i.Restarts != 1 {
			t.Errorf("%s, delivered twice, restarted the instance %d times, want 1", name, i.Restarts)
		}
	}
}

func TestHTTPTrigger(t *testing.T) {
	payload, err := os.ReadFile("../../events/fc-http.json")
	if err != nil {
		t.Fatal(err)
	}
	const wish = `"InstanceId":"` + id + `","SSLEnabled":"Update"`
	for name, test := range map[string]struct {
		payload string
		status  int
	}{
		"the sample":         {string(payload), 202},
		"a wrong signature":  {strings.Replace(string(payload), "sha256=", "sha256=0", 1), 401},
		"another body":       {strings.Replace(string(payload), "Update", "update", 1), 401},
		"not base64":         {strings.Replace(string(payload), `"isBase64Encoded": false`, `"isBase64Encoded": true`, 1), 400},
		"no headers":         {`{"version":"v1","rawPath":"/ssl","requestContext":{"http":{"method":"POST"}},` + wish + `}`, 401},
		"headers of a text":  {`{"version":"v1","rawPath":"/ssl","headers":"x","requestContext":{"http":{"method":"POST"}},` + wish + `}`, 400},
		"a path that is not": {`{"version":"v1","rawPath":"%","requestContext":{"http":{"method":"POST"}},` + wish + `}`, 404},
		"its health":         {`{"version":"v1","rawPath":"/healthz","requestContext":{"http":{"method":"GET"}}}`, 200},
	} {
		e, f := newFunction(t)
		answer, err := f(context.Background(), []byte(test.payload))
		var response struct {
			StatusCode int
			Headers    map[string]string
			Body       string
		}
		if err != nil || json.Unmarshal(answer, &response) != nil || response.StatusCode != test.status || response.Headers["Content-Type"] == "" {
			t.Errorf("%s is answered %s, %v; want %d", name, answer, err, test.status)
		}
		if i, _ := e.Instance(id); (i.Restarts == 1) != (test.status == 202) {
			t.Errorf("%s restarted the instance %d times", name, i.Restarts)
		}
	}
}

func TestFailureTypeBecomesErrorType(t *testing.T) {
	e, f := newFunction(t)
	if err := e.Fault(tairtest.Fault{Action: "ModifyInstanceSSL", Kind: "throttle", Times: 1}); err != nil {
		t.Fatal(err)
	}
	_, err := f(context.Background(), []byte(`{"InstanceId":"`+id+`","SSLEnabled":"Update"}`))
	var failure messages.InvokeResponse_Error
	if !errors.As(err, &failure) || failure.Type != "throttled" {
		t.Errorf("ended with %v, want an error of type throttled", err)
	}
}

func FuzzInvoke(f *testing.F) {
	fn := fc.New(nil, &bytes.Buffer{}) // without credentials nothing can be changed
	for _, payload := range handlertest.Samples(f, "../../events") {
		f.Add(payload)
	}
	f.Fuzz(func(t *testing.T, payload []byte) {
		answer, err := fn(context.Background(), payload)
		var failure messages.InvokeResponse_Error
		if errors.As(err, &failure) && failure.Type == "invalid" {
			return // the payload is unreadable
		}
		if err != nil || !json.Valid(answer) {
			t.Fatalf("%q ends with %s, %v", payload, answer, err)
		}
	})
}
