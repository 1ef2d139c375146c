package cli_test

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"tairssl/adapters/cli/localruntime"
	"tairssl/adapters/cli/localruntime/runtimetest"
)

// secrets are the secrets with which the samples over HTTP are signed.
var secrets = []string{"TAIRSSL_WINDOW=any", "TAIRSSL_RATE=0", "TAIRSSL_GITHUB_SECRETS=It's a Secret to Everybody", "TAIRSSL_ALERT_TOKENS=sample-token", "TAIRSSL_ALERT_BASIC=alertmanager:sample-password"}

// Each sample is delivered four times to the built functions, by two processes. An instance
// that is due restarts at the first delivery, and never again.
func TestEverySampleOnTheBuiltFunctions(t *testing.T) {
	t.Parallel()
	files, err := filepath.Glob("../../events/*.json")
	if err != nil || len(files) < 40 {
		t.Fatalf("there are %d samples, %v", len(files), err)
	}
	for _, cloud := range []localruntime.Cloud{localruntime.Lambda, localruntime.FC} {
		function := runtimetest.Function(t, cloud)
		for _, file := range files {
			payload, err := os.ReadFile(file)
			if err != nil {
				t.Fatal(err)
			}
			name := filepath.Base(file)
			ofFC := bytes.Contains(payload, []byte(`"queryParameters"`))
			if isHTTP := bytes.Contains(payload, []byte(`"isBase64Encoded"`)); isHTTP && ofFC != (cloud == "fc") {
				continue // only the other cloud has this gateway
			}
			t.Run(name+" on "+string(cloud), func(t *testing.T) {
				t.Parallel()
				s := newShell(t)
				s.environ = append(s.environ, secrets...)
				for range 2 {
					if code, out, errs := s.run("", "invoke", file, file, "--on", string(cloud), "--binary", function); code == 6 || code == 1 || code == 130 {
						t.Errorf("the exit code is %d:\n%s%s", code, out, errs)
					}
				}
				restarted := 0
				for _, i := range s.Instances() {
					if restarted += i.Restarts; i.Restarts > 1 {
						t.Errorf("delivered four times, it restarted %s %d times", i.InstanceID, i.Restarts)
					}
				}
				// By default neither Enable nor Disable is allowed.
				if never := name == "direct-enable.json" || name == "direct-disable.json"; never != (restarted == 0) {
					t.Errorf("it restarted %d instances", restarted)
				}
			})
		}
	}
}

// An event that the function cannot read gives the exit code 2.
func TestInvokeExitsWith2IfNothingCanBeRead(t *testing.T) {
	t.Parallel()
	for _, cloud := range []localruntime.Cloud{localruntime.Lambda, localruntime.FC} {
		function := runtimetest.Function(t, cloud)
		s := newShell(t)
		for name, payload := range map[string]string{
			"text":              `hello`,
			"nothing":           ``,
			"an S3 event":       `{"Records":[{"eventSource":"aws:s3","s3":{}}]}`,
			"poison of a queue": `{"Records":[{"eventSource":"aws:sqs","messageId":"m1","body":"hello"}]}`,
			"poison of Kinesis": `{"Records":[{"eventSource":"aws:kinesis","kinesis":{"sequenceNumber":"1","data":"aGVsbG8="}}]}`,
			"poison of Kafka":   `{"eventSource":"aws:kafka","records":{"t-0":[{"topic":"t","partition":0,"offset":1,"value":"aGVsbG8="}]}}`,
			"poison of a pipe":  `[{"eventSource":"aws:sqs","messageId":"m1","body":"hello"}]`,
			"an empty timer":    `{"triggerTime":"t","triggerName":"n","payload":""}`,
			"a wrong request":   `{"InstanceId":"../x","SSLEnabled":"Update"}`,
			"an alert of a web": `{"status":"firing","alerts":[{"status":"firing","labels":{"instance":"web:80"}}]}`,
		} {
			code, out, errs := s.run(payload, "invoke", "-", "--on", string(cloud), "--binary", function)
			if code != 2 {
				t.Errorf("%s on %s exits with %d, want 2:\n%s%s", name, cloud, code, out, errs)
			}
			if !strings.Contains(errs, `"kind":"invalid"`) {
				t.Errorf("%s on %s is not in the log:\n%s", name, cloud, errs)
			}
		}
		code, out, errs := s.run(`{"Records":[{"eventSource":"aws:sqs","messageId":"m1","body":"hello"},{"eventSource":"aws:sqs","messageId":"m2","body":{"InstanceId":"`+id+`","SSLEnabled":"Update"}}]}`, "invoke", "-", "--on", "lambda", "--binary", runtimetest.Function(t, "lambda"))
		if code != 0 {
			t.Errorf("an unreadable record next to a good one exits with %d:\n%s%s", code, out, errs)
		}
	}
}
