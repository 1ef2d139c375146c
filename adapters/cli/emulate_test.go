package cli_test

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"tairssl/adapters/cli"
)

// emulating runs the command emulate while a test sends requests to its address.
func emulating(t *testing.T, ask func(url string), args ...string) (code int, stderr string) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	addresses, printed := make(chan string, 1), &until{want: 2}
	printed.reached = func() { url, _, _ := strings.Cut(printed.String(), "\n"); addresses <- url }
	ended := make(chan int, 1)
	var complaint bytes.Buffer
	go func() {
		ended <- cli.Run(ctx, cli.Environment{Args: append([]string{"emulate"}, args...), Stdout: printed, Stderr: &complaint})
	}()
	select {
	case url := <-addresses:
		ask(url)
		cancel()
		code = <-ended
	case code = <-ended:
	}
	return code, complaint.String()
}

func TestEmulateObeysItsFlags(t *testing.T) {
	shown := func(url, path string) string {
		resp, err := http.Get(url + "/emulator/" + path)
		if err != nil {
			t.Fatal(err)
		}
		defer http.DefaultClient.CloseIdleConnections()
		defer resp.Body.Close()
		text, err := io.ReadAll(resp.Body)
		if err != nil {
			t.Fatal(err)
		}
		return strings.TrimSpace(string(text))
	}
	code, stderr := emulating(t, func(url string) {
		if got := shown(url, "quotas"); got != "{}" {
			t.Errorf("with --no-quotas the quotas are %s", got)
		}
		if got := shown(url, "stale-reads"); got != `{"StaleReads":"10m0s"}` {
			t.Errorf("with --stale 10m they are %s", got)
		}
		var clock struct{ Now, Skew string }
		if err := json.Unmarshal([]byte(shown(url, "clock")), &clock); err != nil || clock.Skew != "-8m0s" {
			t.Errorf("with --date-skew -8m the clock is %+v, %v", clock, err)
		}
		if now, err := time.Parse(time.RFC3339, clock.Now); err != nil || time.Since(now).Abs() > time.Minute {
			t.Errorf("the clock itself is %s", clock.Now)
		}
	}, "--no-quotas", "--stale", "10m", "--date-skew", "-8m", "--central", "--seed", "7", "--lag-min", "0s", "--tag-lag", "2s", "--tag-lag-min", "100ms", "-v")
	if code != 0 || strings.Contains(stderr, "seed") {
		t.Errorf("the exit code is %d and prints the seed that was given: %s", code, stderr)
	}
	if code, stderr := emulating(t, func(string) {}, "-v"); code != 0 || !strings.Contains(stderr, "the seed is ") {
		t.Errorf("without --seed the exit code is %d: %s", code, stderr)
	}
	if code, stderr := emulating(t, func(string) {}, "--lag", "1s", "--lag-min", "2s"); code != 2 || !strings.Contains(stderr, "LagMin is 2s") {
		t.Errorf("a lag that cannot be drawn exits with %d: %s", code, stderr)
	}
}
