//go:build clouds

package lambda_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"tairssl/adapters/tair/tairtest"
)

// dist is the folder into which make templates puts tools.
const dist = "../../dist"

func TestToolASLValidator(t *testing.T) {
	validator := filepath.Join(dist, "npm", "node_modules", ".bin", "asl-validator")
	if _, err := os.Stat(validator); err != nil {
		t.Skip("NOT CHECKED: asl-validator could not be installed, which needs npm")
	}
	for _, via := range []string{"map", "queue"} {
		definition, err := os.ReadFile("fleet.asl.json")
		if err != nil {
			t.Fatal(err)
		}
		text := string(definition)
		for name, value := range fleetMachine(nil, via).substitutions {
			text = strings.ReplaceAll(text, "${"+name+"}", value)
		}
		file := filepath.Join(t.TempDir(), "fleet.json")
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if out, err := exec.Command(validator, "--json-path", file).CombinedOutput(); err != nil {
			t.Errorf("by %s: %v\n%s", via, err, out)
		}
	}
}

// AWS's own emulator of the runtime sends every sample to both packed binaries, as Lambda
// would. Each sample is answered, and the process goes on.
func TestToolRuntimeInterfaceEmulator(t *testing.T) {
	emulator := filepath.Join(dist, "tools", "aws-lambda-rie")
	if _, err := os.Stat(emulator); err != nil {
		t.Skip("NOT CHECKED: the runtime interface emulator could not be installed")
	}
	samples, err := filepath.Glob("../../events/*.json")
	if err != nil || len(samples) < 40 {
		t.Fatalf("there are %d samples, %v", len(samples), err)
	}
	for _, arch := range []struct{ name, goarch, by string }{{"x86_64", "amd64", "qemu-x86_64-static"}, {"arm64", "arm64", "qemu-aarch64-static"}} {
		t.Run(arch.name, func(t *testing.T) {
			command := []string{filepath.Join(dist, "lambda-"+arch.name, "bootstrap")}
			if runtime.GOARCH != arch.goarch {
				if _, err := exec.LookPath(arch.by); err != nil {
					t.Skipf("NOT CHECKED: %s is not on this machine, which runs the binary for %s (Debian's package qemu-user-static)", arch.by, arch.name)
				}
				command = append([]string{arch.by}, command...)
			}
			invoke := underEmulator(t, emulator, command)
			for _, sample := range samples {
				payload, err := os.ReadFile(sample)
				if err != nil {
					t.Fatal(err)
				}
				answer := invoke(t, payload)
				var failure struct{ ErrorType, ErrorMessage string }
				if !json.Valid(answer) {
					t.Errorf("%s is answered %s", sample, answer)
				}
				_ = json.Unmarshal(answer, &failure) // an array is also an answer
				if regexp.MustCompile(`^(Runtime|Sandbox|Extension|Function)\.`).MatchString(failure.ErrorType) {
					t.Errorf("%s ends the process: %s", sample, answer)
				}
			}
			if answer := invoke(t, []byte(`{"InstanceId":"r-bp1zxszhcgatnx02","SSLEnabled":"Update"}`)); !bytes.Contains(answer, []byte(`"Outcome":"unchanged"`)) {
				t.Errorf("after all the samples a request is answered %s", answer)
			}
		})
	}
}

// underEmulator starts a command under the emulator, over an emulated cloud.
func underEmulator(t *testing.T, emulator string, command []string) func(*testing.T, []byte) []byte {
	t.Helper()
	_, url := tairtest.Start(t, tairtest.Options{Lag: -1, ChangeTime: -1}, tairtest.SampleFleet(time.Now())...)
	front, back := freeAddress(t), freeAddress(t)
	args := append([]string{"--log-level", "error", "--runtime-interface-emulator-address", front, "--runtime-api-address", back}, command...)
	process := exec.Command(emulator, args...)
	log := &shared{}
	process.Stdout, process.Stderr, process.WaitDelay = log, log, 5*time.Second
	process.Env = append(os.Environ(), "TAIRSSL_ENDPOINT="+url, "TAIRSSL_REGION=cn-hangzhou,cn-shanghai,cn-beijing", "TAIRSSL_LEASE_PAUSE=10ms", "TAIRSSL_WINDOW=any",
		"ALIBABA_CLOUD_ACCESS_KEY_ID=emulator", "ALIBABA_CLOUD_ACCESS_KEY_SECRET=emulator-secret", "AWS_LAMBDA_FUNCTION_TIMEOUT=60")
	if err := process.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = process.Process.Kill()
		_ = process.Wait()
		if text := log.String(); t.Failed() {
			t.Logf("%s", text[max(0, len(text)-4000):])
		}
	})
	return func(t *testing.T, payload []byte) []byte {
		t.Helper()
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		for {
			req, _ := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+front+"/2015-03-31/functions/function/invocations", bytes.NewReader(payload))
			resp, err := http.DefaultClient.Do(req)
			if err == nil {
				body, err := io.ReadAll(resp.Body)
				_ = resp.Body.Close()
				if err != nil {
					t.Fatal(err)
				}
				return body
			}
			if ctx.Err() != nil {
				t.Fatalf("the emulator does not answer: %v\n%s", err, log)
			}
			if conn, err := net.DialTimeout("tcp", front, time.Second); err == nil { // it listens shortly after its start
				_ = conn.Close()
			}
		}
	}
}

// freeAddress is an address on which nobody listens.
func freeAddress(t *testing.T) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = listener.Close() }()
	return fmt.Sprint(listener.Addr())
}

// shared is a buffer that a process writes while the test reads.
type shared struct {
	mu sync.Mutex
	bytes.Buffer
}

func (s *shared) Write(p []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.Buffer.Write(p)
}

func (s *shared) String() string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.Buffer.String()
}
