package cli_test

import (
	"strings"
	"testing"

	"tairssl/adapters/cli/localruntime/runtimetest"
)

// handover is the package of a test function that hands over work as its payload says.
const handover = "tairssl/adapters/cli/localruntime/testdata/handover"

func TestInvokeWaitsForHandedOverWork(t *testing.T) {
	t.Parallel()
	function := runtimetest.Binary(t, handover)
	for _, test := range []struct {
		payload  string
		timeout  string
		code     int
		on       []string
		says     string // on standard error, once for each event
		handings int
	}{
		{`{"Name":"x"}`, "30s", 0, []string{"lambda", "fc"}, "handed over", 0},
		{`{"Hand":{"Name":"x"}}`, "30s", 0, []string{"lambda", "fc"}, " ended ok\n", 1},
		{`{"Hand":{"Hand":{"Name":"x"}}}`, "30s", 0, []string{"lambda", "fc"}, " ended ok\n", 2},
		{`{"Hand":{"FailUp":2}}`, "30s", 0, []string{"lambda", "fc"}, " ended ok after 2 attempts\n", 1},
		{`{"Hand":{"Fail":true}}`, "30s", 1, []string{"lambda"}, " ended asked: this was asked for after 3 attempts\n", 1},
		{`{"Hand":{"Hang":true}}`, "1s", 5, []string{"lambda"}, "handed over: not ended within --timeout 1s", 1},
	} {
		for _, cloud := range test.on {
			s := newShell(t)
			code, out, errs := s.run(test.payload, "invoke", "-", "--on", cloud, "--binary", function, "--timeout", test.timeout)
			if code != test.code || strings.Count(errs, test.says) != test.handings || !strings.Contains(out, `"ID"`) {
				t.Errorf("%s on %s exits with %d, want %d and %d times %q:\n%s%s", test.payload, cloud, code, test.code, test.handings, test.says, out, errs)
			}
		}
	}
}

func TestEmulationNeverCallsARealCloud(t *testing.T) {
	t.Parallel()
	s := newShell(t)
	s.environ = append(s.environ, "TAIRSSL_INVOKE_ENDPOINT=https://lambda.example.com", "AWS_ENDPOINT_URL_LAMBDA=https://lambda.example.com",
		"AWS_ACCESS_KEY_ID=a-real-id", "AWS_SECRET_ACCESS_KEY=a-real-secret", "AWS_SESSION_TOKEN=a-real-token")
	if code, _, errs := s.run(`{"Hand":{"Name":"x"}}`, "invoke", "-", "--emulate", "--binary", runtimetest.Binary(t, handover)); code != 0 || !strings.Contains(errs, "ended ok") {
		t.Errorf("work that is handed over leaves the emulated cloud: %d, %s", code, errs)
	}
}
