package localruntime_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"tairssl/adapters/cli/localruntime"
	"tairssl/adapters/cli/localruntime/runtimetest"
	"tairssl/adapters/tair/tairtest"
	"tairssl/handler"
)

func TestMain(m *testing.M) { runtimetest.Main(m, 8) }

var clouds = []localruntime.Cloud{localruntime.Lambda, localruntime.FC}

// start runs the function of a cloud against a new emulator with the sample fleet.
func start(t *testing.T, cloud localruntime.Cloud, settings ...string) (*tairtest.Emulator, *localruntime.Process, *bytes.Buffer) {
	t.Helper()
	e := tairtest.Emulate(t, tairtest.Options{Lag: 100 * time.Millisecond, ChangeTime: 100 * time.Millisecond}, tairtest.SampleFleet(time.Now())...)
	log := &bytes.Buffer{}
	return e, startOn(t, e, cloud, log, settings...), log
}

// settingsFor returns the settings of a function that calls an emulator over HTTPS. The
// function also trusts the authorities in ca, as PEM.
func settingsFor(t *testing.T, e *tairtest.Emulator, ca []byte) []string {
	t.Helper()
	url, err := e.ListenHTTPS("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(file, append(e.CAPEM(), ca...), 0o600); err != nil {
		t.Fatal(err)
	}
	return []string{"TAIRSSL_ENDPOINT=" + url, "TAIRSSL_CA_FILE=" + file, "TAIRSSL_LEASE_PAUSE=100ms",
		"ALIBABA_CLOUD_ACCESS_KEY_ID=emulator", "ALIBABA_CLOUD_ACCESS_KEY_SECRET=emulator-secret", "ALIBABA_CLOUD_SECURITY_TOKEN=a-security-token"}
}

// startOn runs the function of a cloud against an emulator, over HTTPS.
func startOn(t *testing.T, e *tairtest.Emulator, cloud localruntime.Cloud, log io.Writer, settings ...string) *localruntime.Process {
	t.Helper()
	env := environment(append(settingsFor(t, e, nil), settings...)...)
	p, err := localruntime.Start(context.Background(), cloud, runtimetest.Function(t, cloud), localruntime.Options{Env: env, Stderr: log, Timeout: deadline, Freeze: true})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = p.Close() })
	return p
}

// An event to a real binary changes the certificate that a TLS client gets. A second
// delivery changes nothing.
func TestRealFunctionsChangeTheServedCertificate(t *testing.T) {
	t.Parallel()
	const id = "r-bp1zxszhcgatnx01"
	for _, cloud := range clouds {
		t.Run(string(cloud), func(t *testing.T) {
			t.Parallel()
			e, p, log := start(t, cloud)
			i, _ := e.Instance(id)
			before, err := tairtest.ServedCertificate(context.Background(), i.DataPlane)
			if err != nil {
				t.Fatal(err)
			}
			event := []byte(`{"InstanceId":"` + id + `","SSLEnabled":"Update","Wait":"20s"}`)
			for n, want := range []handler.Outcome{handler.Verified, handler.Unchanged} {
				answer, err := p.Invoke(context.Background(), event)
				var r handler.Result
				if err != nil || answer.Failed || json.Unmarshal(answer.Payload, &r) != nil || r.Outcome != want {
					t.Fatalf("delivery %d is answered %s, %v; want %s", n+1, answer.Payload, err, want)
				}
			}
			after, err := tairtest.ServedCertificate(context.Background(), i.DataPlane)
			if err != nil || !after.NotAfter.After(before.NotAfter) {
				t.Errorf("the served certificate expires %s, want later than %s (%v)", after.NotAfter, before.NotAfter, err)
			}
			if i, _ := e.Instance(id); i.Restarts != 1 {
				t.Errorf("the instance restarted %d times, want once", i.Restarts)
			}
			_ = p.Close()
			for _, secret := range []string{"emulator-secret", "a-security-token"} {
				if strings.Contains(log.String(), secret) {
					t.Errorf("the log shows %s", secret)
				}
			}
		})
	}
}

func TestRealFunctionsAnswerEveryPayload(t *testing.T) {
	t.Parallel()
	for _, cloud := range clouds {
		t.Run(string(cloud), func(t *testing.T) {
			e, p, _ := start(t, cloud)
			batch, err := p.Invoke(context.Background(), []byte(`[{"InstanceId":"r-bp1zxszhcgatnx02","SSLEnabled":"Update"},{"InstanceId":"r/x","SSLEnabled":"Update"}]`))
			if err != nil || batch.Failed || batch.Payload[0] != '[' {
				t.Errorf("the answer to a batch is %s, %v", batch.Payload, err)
			}
			for _, payload := range []string{``, `x`, `{}`, strings.Repeat(" ", 7<<20)} {
				answer, err := p.Invoke(context.Background(), []byte(payload))
				if err != nil || !answer.Failed || answer.ErrorType != string(handler.Invalid) || !strings.Contains(string(answer.Payload), `"errorMessage"`) {
					t.Errorf("%.20q is answered %.300s (%s), %v; want a failure that is invalid", payload, answer.Payload, answer.ErrorType, err)
				}
			}
			if err := e.Fault(tairtest.Fault{Action: "ModifyInstanceSSL", Kind: "throttle", Times: 1}); err != nil {
				t.Fatal(err)
			}
			answer, err := p.Invoke(context.Background(), []byte(`{"InstanceId":"r-bp1zxszhcgatnx01","SSLEnabled":"Update"}`))
			if err != nil || !answer.Failed || answer.ErrorType != "throttled" {
				t.Errorf("the function answers a throttled request with %+v, %v; want an error of type throttled", answer, err)
			}
		})
	}
}

func TestFunctionComputeOverlapsInvocations(t *testing.T) {
	t.Parallel()
	e, p, _ := start(t, localruntime.FC)
	var group sync.WaitGroup
	for range 8 {
		group.Go(func() {
			if answer, err := p.Invoke(context.Background(), []byte(`{"InstanceId":"r-bp1zxszhcgatnx01","SSLEnabled":"Update"}`)); err != nil || answer.Failed {
				t.Errorf("the answer is %+v, %v", answer, err)
			}
		})
	}
	group.Wait()
	if i, _ := e.Instance("r-bp1zxszhcgatnx01"); i.Restarts != 1 {
		t.Errorf("eight overlapping deliveries restarted the instance %d times", i.Restarts)
	}
}

func TestBadSettingsDoNotCrash(t *testing.T) {
	t.Parallel()
	for _, cloud := range clouds {
		_, p, _ := start(t, cloud, "TAIRSSL_ACTIONS=Delete", "TAIRSSL_RATE=fast")
		for range 2 {
			answer, err := p.Invoke(context.Background(), []byte(`{}`))
			if err != nil || !answer.Failed || !strings.Contains(answer.ErrorMessage, "TAIRSSL_ACTIONS") || !strings.Contains(answer.ErrorMessage, "TAIRSSL_RATE") {
				t.Errorf("%s with bad settings answers %+v, %v; want both settings named", cloud, answer, err)
			}
		}
	}
}

// Every cold start pays for package-level variables. A table of names is cheap enough;
// a regular expression or a client is not.
func TestPackagesAllocateLittleAtTheStart(t *testing.T) {
	t.Parallel()
	for _, cloud := range clouds {
		_, p, log := start(t, cloud, "GODEBUG=inittrace=1")
		if err := p.WaitReady(context.Background()); err != nil {
			t.Fatal(err)
		}
		_ = p.Close()
		seen := 0
		for line := range strings.Lines(log.String()) {
			var name string
			var at, took float64
			var bytes int
			if _, err := fmt.Sscanf(line, "init %s @%f ms, %f ms clock, %d bytes", &name, &at, &took, &bytes); err != nil || !strings.HasPrefix(name, "tairssl/") {
				continue
			}
			if seen++; bytes > 8<<10 {
				t.Errorf("%s: %s allocates %d bytes at the start: make its values on first use", cloud, name, bytes)
			}
		}
		if seen < 5 {
			t.Errorf("%s: the trace has only %d packages of this module:\n%s", cloud, seen, log)
		}
	}
}

func TestProcessesThatGoWrong(t *testing.T) {
	t.Parallel()
	if _, err := localruntime.Start(context.Background(), localruntime.Lambda, "no/such/file", localruntime.Options{}); err == nil || !strings.Contains(err.Error(), "make build") {
		t.Errorf("without a binary the error is %v", err)
	}
	script := func(text string) string {
		path := filepath.Join(t.TempDir(), "bootstrap")
		if err := os.WriteFile(path, []byte("#!/bin/sh\n"+text+"\n"), 0o755); err != nil {
			t.Fatal(err)
		}
		return path
	}
	p, err := localruntime.Start(context.Background(), localruntime.FC, script("echo broken; exit 3"), localruntime.Options{})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := p.Invoke(context.Background(), nil); err == nil || !strings.Contains(err.Error(), "exit status 3") || !strings.Contains(err.Error(), "broken") {
		t.Errorf("with a process that ends at once the error is %v", err)
	}
	_ = p.Close()

	e, p, _ := start(t, localruntime.Lambda)
	_ = e.Fault(tairtest.Fault{Kind: "slow", Times: 100})
	ctx, cancel := context.WithTimeout(context.Background(), 300*time.Millisecond)
	defer cancel()
	if _, err := p.Invoke(ctx, []byte(`{"InstanceId":"r-bp1zxszhcgatnx01","SSLEnabled":"Update"}`)); err == nil {
		t.Error("an invocation goes on after its context has ended")
	}
}
