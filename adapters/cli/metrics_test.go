package cli_test

import (
	"bytes"
	"context"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"tairssl/adapters/cli"
	"tairssl/adapters/tair/tairtest"
)

// serving runs serve while ask uses its sites. ask gets their URLs.
func (s *shell) serving(ask func(urls []string, log *bytes.Buffer), args ...string) (code int, stderr string) {
	s.t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	lines := 2
	for _, arg := range args {
		if arg == "--metrics-addr" {
			lines = 4
		}
	}
	listening := make(chan struct{})
	out, log := &until{want: lines, reached: func() { close(listening) }}, &bytes.Buffer{}
	ended := make(chan int, 1)
	go func() {
		ended <- cli.Run(ctx, cli.Environment{Args: append([]string{"serve", "--addr", "127.0.0.1:0"}, args...), Environ: s.environ, Stdout: out, Stderr: log, Version: "v1"})
	}()
	select {
	case <-listening:
		var urls []string
		for line := range strings.Lines(out.String()) {
			if strings.HasPrefix(line, "http://") {
				urls = append(urls, strings.TrimSpace(line))
			}
		}
		ask(urls, &out.Buffer)
		cancel()
		code = <-ended
	case code = <-ended:
	}
	return code, log.String()
}

// get repeats a request until the answer contains a text, for at most half a minute.
func get(t *testing.T, url, until string) (status int, text string) {
	t.Helper()
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	for {
		req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
		if err != nil {
			t.Fatal(err)
		}
		resp, err := client.Do(req)
		if err != nil {
			t.Fatalf("%v; it answered last\n%s", err, text)
		}
		body, err := io.ReadAll(resp.Body)
		_ = resp.Body.Close()
		if status, text = resp.StatusCode, string(body); err != nil || strings.Contains(text, until) {
			return status, text
		}
	}
}

func TestServeShowsTheFleetToPrometheus(t *testing.T) {
	t.Parallel()
	s := newShell(t)
	s.environ = append(s.environ, "TAIRSSL_REGION=cn-hangzhou,cn-shanghai", "TAIRSSL_WINDOW=Mon 02:00-03:00")
	soon := s.Now().Add(50 * time.Hour).UTC().Format("2006-01-02T15:04:05Z")
	if err := s.Put(tairtest.Instance{InstanceID: "r-bp1zxszhcgatnx20", InstanceName: `odd "name"`, SSLExpiredTime: soon}); err != nil {
		t.Fatal(err)
	}
	code, log := s.serving(func(urls []string, out *bytes.Buffer) {
		if !strings.Contains(out.String(), " /metrics]") {
			t.Errorf("it does not say that /metrics is open: %s", out)
		}
		status, text := get(t, urls[0]+"/metrics", "tairssl_looks_total 1")
		if status != http.StatusOK {
			t.Errorf("it is answered %d", status)
		}
		for _, want := range []string{
			`tairssl_certificate_expiry_timestamp_seconds{instance_id="r-bp1zxszhcgatnx01",instance_name="orders-cache",region_id="cn-hangzhou"} 1.`,
			`tairssl_update_due{instance_id="r-bp1zxszhcgatnx01",instance_name="orders-cache",region_id="cn-hangzhou"} 1`,
			`tairssl_update_due{instance_id="r-bp1zxszhcgatnx02",instance_name="sessions",region_id="cn-hangzhou"} 0`,
			`tairssl_update_due{instance_id="r-uf6zxszhcgatnx07",instance_name="carts-shanghai",region_id="cn-shanghai"} 1`,
			`tairssl_tls_state{instance_id="r-bp1zxszhcgatnx03",instance_name="thumbnails",region_id="cn-hangzhou",state="off"} 1`,
			`tairssl_tls_state{instance_id="r-bp1zxszhcgatnx08",instance_name="job-queue",region_id="cn-hangzhou",state="none"} 1`,
			`tairssl_instance_running{instance_id="r-bp1zxszhcgatnx11",instance_name="reports",region_id="cn-hangzhou"} 0`,
			`tairssl_update_due{instance_id="r-bp1zxszhcgatnx20",instance_name="odd \"name\"",region_id="cn-hangzhou"} 1`,
			`tairssl_region_instances{region_id="cn-hangzhou"} 11`,
			`tairssl_build_info{version="v1"} 1`,
		} {
			if !strings.Contains(text, "\n"+want) {
				t.Errorf("there is no %s", want)
			}
		}
		// The window is on Monday from 2 to 3; at any other time the update is deferred.
		if now := s.Now().UTC(); now.Weekday() != time.Monday || now.Hour() < 2 || now.Hour() > 3 {
			if !strings.Contains(text, `tairssl_update_deferred_until_timestamp_seconds{instance_id="r-bp1zxszhcgatnx01"`) {
				t.Error("it does not say until when an update is deferred")
			}
		}
		if status, _ := get(t, urls[0]+"/healthz", ""); status != http.StatusOK {
			t.Errorf("next to /metrics, /healthz is answered %d", status)
		}
	})
	if code != 0 {
		t.Errorf("the exit code is %d:\n%s", code, log)
	}
	if s.Calls("ModifyInstanceSSL")+s.Calls("TagResources")+s.Calls("UntagResources") != 0 {
		t.Error("a reading for /metrics made a change")
	}
	if n := s.Calls("DescribeActiveOperationTasks"); n > 5 {
		t.Errorf("Alibaba's schedule was read %d times, for 5 instances that are due", n)
	}
}

func TestMetricsCountUnreadInstances(t *testing.T) {
	t.Parallel()
	s := newShell(t)
	s.environ = append(s.environ, "TAIRSSL_REGION=cn-hangzhou,cn-shanghai")
	if err := s.Policy([]byte(`{"Version":"1","Statement":[{"Effect":"Allow","Action":"kvstore:Describe*","Resource":"*"},{"Effect":"Deny","Action":"kvstore:DescribeInstances","Resource":"acs:kvstore:cn-shanghai:*:*"}]}`)); err != nil {
		t.Fatal(err)
	}
	_, log := s.serving(func(urls []string, _ *bytes.Buffer) {
		_, text := get(t, urls[0]+"/metrics", "tairssl_looks_total 1")
		for _, want := range []string{
			`tairssl_region_last_look_success{region_id="cn-hangzhou"} 1`,
			`tairssl_region_last_look_success{region_id="cn-shanghai"} 0`,
			`tairssl_look_errors_total{kind="forbidden",region_id="cn-shanghai"} 1`,
		} {
			if !strings.Contains(text, want) {
				t.Errorf("there is no %s in\n%s", want, text)
			}
		}
	})
	if !strings.Contains(log, `"region":"cn-shanghai","kind":"forbidden"`) {
		t.Errorf("the log does not name the region:\n%s", log)
	}
}

func TestMetricsMayHaveASeparateAddress(t *testing.T) {
	t.Parallel()
	s := newShell(t)
	code, log := s.serving(func(urls []string, out *bytes.Buffer) {
		if len(urls) != 2 || !strings.HasSuffix(out.String(), "open: [/metrics]\n") {
			t.Fatalf("it says\n%s", out)
		}
		for path, want := range map[string]int{urls[0] + "/metrics": 404, urls[0] + "/healthz": 200, urls[1] + "/metrics": 200, urls[1] + "/healthz": 404, urls[1] + "/ssl": 404} {
			if status, _ := get(t, path, ""); status != want {
				t.Errorf("%s is answered %d, want %d", path, status, want)
			}
		}
	}, "--metrics-addr", "127.0.0.1:0")
	if code != 0 {
		t.Errorf("the exit code is %d:\n%s", code, log)
	}
}

func TestWithoutAnIntervalThereAreNoMetrics(t *testing.T) {
	t.Parallel()
	s := newShell(t)
	code, log := s.serving(func(urls []string, _ *bytes.Buffer) {
		if status, _ := get(t, urls[0]+"/metrics", ""); status != http.StatusNotFound {
			t.Errorf("/metrics is answered %d", status)
		}
	}, "--metrics-interval", "0s")
	if n := s.Calls("DescribeInstances"); code != 0 || n != 0 {
		t.Errorf("the exit code is %d after %d listings:\n%s", code, n, log)
	}
}

func TestServeWithWrongFlags(t *testing.T) {
	t.Parallel()
	for _, args := range [][]string{
		{"--metrics-interval", "1s"}, {"--metrics-interval", "-5m"}, {"--metrics-interval", "often"},
		{"--metrics-addr", "nowhere"}, {"--addr", "127.0.0.1:99999"}, {"--metrics-addr", "127.0.0.1:99999"},
	} {
		code, log := newShell(t).serving(func(urls []string, _ *bytes.Buffer) { t.Errorf("%v: it listens at %v", args, urls) }, args...)
		if code != 2 || !strings.HasPrefix(log, "tairssl: ") {
			t.Errorf("%v exits with %d: %s", args, code, log)
		}
	}
}
