package exporter_test

import (
	"bytes"
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/testutil"
	"go.yaml.in/yaml/v3"

	"tairssl/adapters/cli/exporter"
	"tairssl/handler"
)

// looked returns an exporter whose only look is l.
func looked(t *testing.T, l exporter.Look) *exporter.Exporter {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	e := exporter.New(exporter.Options{Every: time.Minute, Version: "v1", Look: func(context.Context) exporter.Look { return l }})
	synctest.Test(t, func(*testing.T) {
		go e.Run(ctx)
		synctest.Wait()
		cancel()
		synctest.Wait()
	})
	return e
}

func scrape(e *exporter.Exporter, method string) *httptest.ResponseRecorder {
	w := httptest.NewRecorder()
	e.Handler().ServeHTTP(w, httptest.NewRequest(method, "/metrics", nil))
	return w
}

func TestWhatAScrapeShows(t *testing.T) {
	l := first()
	l.Regions = append(l.Regions, exporter.Region{ID: "cn-beijing", Kind: handler.Forbidden})
	l.Instances[1].DeferredUntil, l.Instances[1].Alert = t0.Add(time.Hour), true
	l.Instances = append(l.Instances,
		exporter.Instance{Ref: ref("r-off"), TLS: exporter.Off, Seen: t0},
		exporter.Instance{Ref: ref("r-stopped"), Stopped: true, Seen: t0})
	l.Failures = []exporter.Failure{{Ref: ref("r-unread"), Name: "n", Kind: handler.Throttled}}
	w := scrape(looked(t, l), http.MethodGet)
	if w.Code != http.StatusOK || !strings.HasPrefix(w.Header().Get("Content-Type"), "text/plain") {
		t.Fatalf("a scrape is answered with %d, %s", w.Code, w.Header())
	}
	text := w.Body.String()
	of := func(name, id, more string) string {
		called := id + "-name"
		if id != "r-a" {
			called = map[string]string{"r-unread": "n"}[id]
		}
		return fmt.Sprintf(`tairssl_%s{instance_id=%q,instance_name=%q,region_id="cn-hangzhou"%s}`, name, id, called, more)
	}
	for _, line := range []string{
		of("certificate_expiry_timestamp_seconds", "r-a", "") + " 1.7965368e+09",
		of("tls_state", "r-a", `,state="on"`) + " 1",
		of("tls_state", "r-a", `,state="off"`) + " 0",
		of("tls_state", "r-off", `,state="off"`) + " 1",
		of("update_due", "r-a", "") + " 1",
		of("update_due", "r-off", "") + " 0",
		of("update_deferred_until_timestamp_seconds", "r-a", "") + " 1.7955036e+09",
		of("update_alert", "r-a", "") + " 1",
		of("instance_running", "r-a", "") + " 1",
		of("instance_running", "r-stopped", "") + " 0",
		of("instance_last_look_timestamp_seconds", "r-a", "") + " 1.7955e+09",
		of("instance_last_look_success", "r-a", "") + " 1",
		of("instance_last_look_success", "r-unread", "") + " 0",
		`tairssl_region_instances{region_id="cn-hangzhou"} 2`,
		`tairssl_region_last_look_success{region_id="cn-hangzhou"} 1`,
		`tairssl_region_last_look_success{region_id="cn-beijing"} 0`,
		`tairssl_region_last_look_timestamp_seconds{region_id="cn-hangzhou"} 1.7955e+09`,
		`tairssl_look_errors_total{kind="forbidden",region_id="cn-beijing"} 1`,
		`tairssl_look_errors_total{kind="throttled",region_id="cn-hangzhou"} 1`,
		`tairssl_look_errors_total{kind="unavailable",region_id="cn-hangzhou"} 0`,
		"tairssl_looks_total 1", "tairssl_look_interval_seconds 60",
		`tairssl_build_info{version="v1"} 1`,
		"go_goroutines ", "process_start_time_seconds ",
	} {
		if !strings.Contains(text, "\n"+line) {
			t.Errorf("%s is missing in\n%s", line, tairsslLines(text))
		}
	}
	for _, line := range []string{
		of("certificate_expiry_timestamp_seconds", "r-off", ""), of("tls_state", "r-stopped", `,state="on"`), of("tls_state", "r-unread", `,state="on"`),
		of("instance_last_look_timestamp_seconds", "r-unread", ""), `tairssl_region_last_look_timestamp_seconds{region_id="cn-beijing"}`,
	} {
		if strings.Contains(text, line) {
			t.Errorf("%s has a value, but was never read", line)
		}
	}
}

func tairsslLines(text string) string {
	return strings.Join(regexp.MustCompile(`(?m)^tairssl.*$`).FindAllString(text, -1), "\n")
}

func TestBeforeTheFirstLookThereAreNoMetricsOfTheFleet(t *testing.T) {
	text := scrape(exporter.New(exporter.Options{Every: time.Minute}), http.MethodGet).Body.String()
	if got := tairsslLines(text); got != "tairssl_build_info{version=\"\"} 1\ntairssl_look_interval_seconds 60\ntairssl_looks_total 0" {
		t.Errorf("before the first look a scrape shows\n%s", got)
	}
}

func TestMetricsRouteAcceptsOnlyReads(t *testing.T) {
	e := exporter.New(exporter.Options{Every: time.Minute})
	for _, method := range []string{http.MethodPost, http.MethodPut, http.MethodDelete} {
		if w := scrape(e, method); w.Code != http.StatusMethodNotAllowed || w.Header().Get("Allow") != "GET, HEAD" {
			t.Errorf("%s is answered with %d, %v", method, w.Code, w.Header())
		}
	}
}

// People choose the names of instances, so a name may contain any character.
func TestUnusualInstanceNames(t *testing.T) {
	l := first()
	names := []string{`say "hi"`, `a\b`, "two\nlines", "\xff\xfe", "} 1\ntairssl_update_due 7", strings.Repeat("订单", 200)}
	l.Instances = nil
	for n, name := range names {
		i := read(fmt.Sprintf("r-%d", n), t0)
		i.Name = name
		l.Instances = append(l.Instances, i)
	}
	e := looked(t, l)
	problems, err := testutil.GatherAndLint(registered(t, e))
	if err != nil || len(problems) > 0 {
		t.Errorf("promlint says %v, %v", problems, err)
	}
	if count := testutil.CollectAndCount(e, "tairssl_update_due"); count != len(names) {
		t.Errorf("%d instances are shown, want %d", count, len(names))
	}
	text := scrape(e, http.MethodGet).Body.String()
	for _, line := range strings.Split(strings.TrimSpace(text), "\n") {
		if !regexp.MustCompile(`^(# .*|[a-z_]+(\{.*\})? [0-9.e+-]+)$`).MatchString(line) {
			t.Errorf("the line %q is not valid", line)
		}
	}
}

func registered(t *testing.T, e *exporter.Exporter) *prometheus.Registry {
	t.Helper()
	r := prometheus.NewPedanticRegistry()
	if err := r.Register(e); err != nil {
		t.Fatal(err)
	}
	return r
}

// A slow look delays the next one, but the later looks are on schedule again.
func TestLooksKeepTheirInterval(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		start := time.Now()
		var began []time.Duration
		took := 10 * time.Second
		e := exporter.New(exporter.Options{Every: time.Minute, Look: func(context.Context) exporter.Look {
			began = append(began, time.Since(start))
			time.Sleep(took)
			if len(began) == 2 {
				took = 90 * time.Second
			}
			return first()
		}})
		done := make(chan struct{})
		go func() { e.Run(ctx); close(done) }()
		time.Sleep(5*time.Minute + time.Second)
		cancel()
		<-done
		if want := []time.Duration{0, time.Minute, 2 * time.Minute, 3*time.Minute + 30*time.Second, 5 * time.Minute}; !slices.Equal(began, want) {
			t.Errorf("looks began after %v, want %v", began, want)
		}
	})
}

func TestAnInterruptedLookChangesNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		e := exporter.New(exporter.Options{Every: time.Minute, Look: func(ctx context.Context) exporter.Look {
			<-ctx.Done()
			return exporter.Look{Regions: []exporter.Region{{ID: "cn-hangzhou", Kind: handler.Unavailable}}}
		}})
		done := make(chan struct{})
		go func() { e.Run(ctx); close(done) }()
		synctest.Wait()
		cancel()
		<-done
		if s := e.State(); s.Looks != 0 {
			t.Errorf("an interrupted look changes the state to %+v", s)
		}
	})
}

func TestALookThatPanicsIsLogged(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		var log bytes.Buffer
		n := 0
		e := exporter.New(exporter.Options{Every: time.Minute, Log: slog.New(slog.NewTextHandler(&log, nil)), Look: func(context.Context) exporter.Look {
			if n++; n == 1 {
				panic("broken")
			}
			return first()
		}})
		done := make(chan struct{})
		go func() { e.Run(ctx); close(done) }()
		time.Sleep(61 * time.Second)
		cancel()
		<-done
		if s := e.State(); s.Looks != 1 || len(s.Instances) != 2 || !strings.Contains(log.String(), "broken") {
			t.Errorf("after a panic and a good look the state is %+v, and the log is %s", s, log.String())
		}
	})
}

func TestFailedReadingsAreLogged(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		var log bytes.Buffer
		l := exporter.Look{
			Regions:  []exporter.Region{{ID: "cn-beijing", Kind: handler.Forbidden, Why: "allow kvstore:DescribeInstances"}},
			Failures: []exporter.Failure{{Ref: ref("r-a"), Kind: handler.Throttled, Why: "too fast"}, {Ref: ref("r-b"), Kind: handler.Throttled, Why: "too fast"}},
		}
		e := exporter.New(exporter.Options{Every: time.Minute, Log: slog.New(slog.NewTextHandler(&log, nil)), Look: func(context.Context) exporter.Look { return l }})
		done := make(chan struct{})
		go func() { e.Run(ctx); close(done) }()
		synctest.Wait()
		cancel()
		<-done
		for _, want := range []string{"region=cn-beijing kind=forbidden", "allow kvstore:DescribeInstances", "failed=2 instance=r-a"} {
			if !strings.Contains(log.String(), want) {
				t.Errorf("the log does not contain %q:\n%s", want, log.String())
			}
		}
	})
}

var metricName = regexp.MustCompile(`tairssl_[a-z_]+`)

// names returns the names of all metrics in a scrape.
func names(t *testing.T) []string {
	t.Helper()
	l := first()
	l.Instances[0].DeferredUntil = t0
	var found []string
	for _, name := range metricName.FindAllString(tairsslLines(scrape(looked(t, l), http.MethodGet).Body.String()), -1) {
		if !slices.Contains(found, name) {
			found = append(found, name)
		}
	}
	if len(found) < 10 {
		t.Fatalf("only the metrics %v are shown", found)
	}
	return found
}

func TestReadmeListsExactlyTheMetrics(t *testing.T) {
	readme, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	shown := names(t)
	for _, name := range shown {
		if !strings.Contains(string(readme), "| `"+name+"` |") {
			t.Errorf("README.md has no row for %s", name)
		}
	}
	for _, name := range metricName.FindAllString(string(readme), -1) {
		if !slices.Contains(shown, name) {
			t.Errorf("README.md lists the metric %s, which does not exist", name)
		}
	}
}

func TestExampleAlertsUseExistingMetrics(t *testing.T) {
	text, err := os.ReadFile("rules.yaml")
	if err != nil {
		t.Fatal(err)
	}
	var file struct {
		Groups []struct {
			Rules []struct{ Alert, Expr string }
		}
	}
	if err := yaml.Unmarshal(text, &file); err != nil {
		t.Fatal(err)
	}
	shown, rules := names(t), 0
	for _, group := range file.Groups {
		for _, rule := range group.Rules {
			rules++
			asked := metricName.FindAllString(rule.Expr, -1)
			if len(asked) == 0 && !strings.Contains(rule.Expr, "up{") {
				t.Errorf("the alert %s uses no metric of tairssl: %s", rule.Alert, rule.Expr)
			}
			for _, name := range asked {
				if !slices.Contains(shown, name) {
					t.Errorf("the alert %s uses %s, which does not exist", rule.Alert, name)
				}
			}
		}
	}
	if rules < 5 {
		t.Errorf("rules.yaml has only %d rules", rules)
	}
}
