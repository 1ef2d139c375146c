package localruntime_test

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"tairssl/adapters/cli/localruntime"
	"tairssl/adapters/tair/tairtest"
	"tairssl/handler"
	"tairssl/handler/fleet"
)

// BenchmarkSweep lets the real function sweep whole fleets. The emulator is a separate
// process. The time is compared with the shortest possible time: calls × latency ÷
// concurrency, or calls ÷ rate.
func BenchmarkSweep(b *testing.B) {
	const concurrency, latency, limit = 64, 20 * time.Millisecond, 200
	b.Run("10000 instances, no rate limit", func(b *testing.B) {
		for b.Loop() {
			s := sweepOnce(b, 10_000, latency, concurrency, 0)
			report(b, s, time.Duration(s.calls)*latency/concurrency)
		}
	})
	b.Run("10000 instances, 200 calls a second", func(b *testing.B) {
		for b.Loop() {
			s := sweepOnce(b, 10_000, latency, concurrency, limit)
			report(b, s, time.Duration(s.calls)*time.Second/limit)
		}
	})
}

// BenchmarkSweepMemory compares the peak memory of the function's process for a small
// and for a large fleet.
func BenchmarkSweepMemory(b *testing.B) {
	for b.Loop() {
		small, large := sweepOnce(b, 1_000, 0, 64, 0), sweepOnce(b, 100_000, 0, 64, 0)
		b.ReportMetric(mebibytes(small.peak), "MiB/1000-instances")
		b.ReportMetric(mebibytes(large.peak), "MiB/100000-instances")
		b.ReportMetric(float64(large.peak)/float64(small.peak), "large/small")
		b.ReportMetric(0, "ns/op")
	}
}

func mebibytes(n int) float64 { return float64(n) / (1 << 20) }

func report(b *testing.B, s swept, least time.Duration) {
	b.ReportMetric(s.took.Seconds(), "s")
	b.ReportMetric(float64(s.calls), "calls")
	b.ReportMetric(s.took.Seconds()/least.Seconds(), "taken/least")
	b.ReportMetric(mebibytes(s.peak), "MiB")
	b.ReportMetric(0, "ns/op")
}

// swept is the cost of one sweep.
type swept struct {
	took  time.Duration
	calls int
	peak  int // peak memory of the function's process, in bytes
}

// sweepOnce starts an emulator and the function on Lambda, sweeps the fleet, and ends
// both.
func sweepOnce(b *testing.B, size int, latency time.Duration, concurrency, rate int) swept {
	b.Helper()
	url := emulateFleet(b, size, latency)
	p, err := localruntime.Start(context.Background(), localruntime.Lambda, filepath.Join(root, "dist/lambda/bootstrap"), localruntime.Options{
		Env: []string{
			"TAIRSSL_ENDPOINT=" + url, fmt.Sprintf("TAIRSSL_CONCURRENCY=%d", concurrency), fmt.Sprintf("TAIRSSL_RATE=%d", rate), "TAIRSSL_WINDOW=any",
			"ALIBABA_CLOUD_ACCESS_KEY_ID=emulator", "ALIBABA_CLOUD_ACCESS_KEY_SECRET=emulator-secret",
		},
		Timeout: 15 * time.Minute,
	})
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _ = p.Close() }()
	if err := p.WaitReady(context.Background()); err != nil {
		b.Fatal(err)
	}
	answer, err := p.Invoke(context.Background(), []byte(`{"Sweep":{}}`))
	var result fleet.Result
	if err != nil || answer.Failed || json.Unmarshal(answer.Payload, &result) != nil || result.Summary.Seen != size || result.Summary.Outcomes[handler.Unchanged] != size {
		b.Fatalf("the answer to the sweep of %d instances is %.500s, %v", size, answer.Payload, err)
	}
	return swept{answer.Duration, callsOf(b, url), peakMemory(b, p.PID())}
}

// emulateFleet runs an emulator with a fleet without due instances.
func emulateFleet(b *testing.B, size int, latency time.Duration) (url string) {
	b.Helper()
	fleet := make([]tairtest.Instance, size)
	expires := time.Now().AddDate(1, 0, 0).UTC().Format("2006-01-02T15:04:05Z")
	for n := range fleet {
		fleet[n] = tairtest.Instance{
			InstanceID: fmt.Sprintf("r-fleet%08d", n), RegionID: "cn-hangzhou", InstanceStatus: "Normal", SSLEnabled: "Enable", SSLExpiredTime: expires,
			MaintainStartTime: "18:00Z", MaintainEndTime: "22:00Z", Tags: map[string]string{"env": "prod", "team": "payments"},
		}
	}
	data, err := json.Marshal(fleet)
	if err != nil {
		b.Fatal(err)
	}
	file := filepath.Join(b.TempDir(), "fleet.json")
	if err := os.WriteFile(file, data, 0o600); err != nil {
		b.Fatal(err)
	}
	command := exec.Command(filepath.Join(root, "dist/tairssl"), "emulate", "--instances", file, "--latency", latency.String())
	command.Stderr = os.Stderr
	out, err := command.StdoutPipe()
	if err != nil {
		b.Fatal(err)
	}
	if err := command.Start(); err != nil {
		b.Fatalf("%v (run make bench)", err)
	}
	b.Cleanup(func() {
		_ = command.Process.Signal(syscall.SIGTERM)
		_ = command.Wait() // its error is the signal
	})
	url, err = bufio.NewReader(out).ReadString('\n')
	if err != nil {
		b.Fatalf("the emulator does not start: %v", err)
	}
	return strings.TrimSpace(url)
}

// callsOf returns the number of calls that an emulator answered.
func callsOf(b *testing.B, url string) (n int) {
	b.Helper()
	resp, err := http.Get(url + "/emulator/calls")
	if err != nil {
		b.Fatal(err)
	}
	defer resp.Body.Close()
	var calls map[string]int
	if err := json.NewDecoder(resp.Body).Decode(&calls); err != nil {
		b.Fatal(err)
	}
	for _, c := range calls {
		n += c
	}
	return n
}

// peakMemory returns the peak resident memory of a process in bytes. It needs Linux.
func peakMemory(b *testing.B, pid int) int {
	b.Helper()
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		b.Skip(err)
	}
	_, rest, _ := strings.Cut(string(status), "VmHWM:")
	var kibibytes int
	if _, err := fmt.Sscanf(rest, "%d kB", &kibibytes); err != nil {
		b.Fatalf("/proc/PID/status has no VmHWM: %s", status)
	}
	return kibibytes << 10
}
