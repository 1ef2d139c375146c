package function_test

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"tairssl/adapters/function"
	"tairssl/adapters/tair/tairtest"
	"tairssl/handler"
)

// onLambda is a world whose platform reads metrics out of the log.
func onLambda(t *testing.T, settings ...string) world {
	t.Helper()
	w := newWorld(t, settings...)
	url, err := w.ListenHTTP("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	w.Function = function.New(function.Options{Log: w.log, Metrics: true, Transport: w.posts, Environ: append([]string{"TAIRSSL_ENDPOINT=" + url, "TAIRSSL_LEASE_PAUSE=50ms",
		"TAIRSSL_WINDOW=any", "TAIRSSL_RATE=0", "TAIRSSL_WAIT=5s", "ALIBABA_CLOUD_ACCESS_KEY_ID=emulator", "ALIBABA_CLOUD_ACCESS_KEY_SECRET=emulator-secret"}, settings...)})
	return w
}

// unitsOfCloudWatch are those of the specification that are of use here.
var unitsOfCloudWatch = []string{"Seconds", "Microseconds", "Milliseconds", "Bytes", "Percent", "Count", "Count/Second", "None"}

// published reads what CloudWatch Logs would publish out of a line, and fails
// where the line is not as the specification of the embedded metric format has
// it (CloudWatch User Guide, "Specification: Embedded metric format").
func published(t *testing.T, line entry) map[string][]float64 {
	t.Helper()
	values := map[string][]float64{}
	raw, there := line["_aws"]
	if !there {
		return values
	}
	fault := func(format string, args ...any) { t.Helper(); t.Errorf("the metrics are not valid: "+format, args...) }
	text, _ := json.Marshal(raw)
	var meta struct {
		Timestamp         float64
		CloudWatchMetrics []struct {
			Namespace  string
			Dimensions [][]string
			Metrics    []struct {
				Name, Unit string
			}
		}
	}
	d := json.NewDecoder(strings.NewReader(string(text)))
	d.DisallowUnknownFields()
	if err := d.Decode(&meta); err != nil {
		t.Fatalf("the metrics are not valid: %v in %s", err, text)
	}
	if now := float64(time.Now().UnixMilli()); meta.Timestamp != math.Trunc(meta.Timestamp) || math.Abs(now-meta.Timestamp) > 60_000 {
		fault("the timestamp %v is not that of now in ms, %v", meta.Timestamp, now)
	}
	if whole, _ := json.Marshal(line); len(whole) > 256<<10 {
		fault("the line has %d bytes, more than 256 KiB", len(whole))
	}
	if len(meta.CloudWatchMetrics) != 1 {
		fault("there are %d directives", len(meta.CloudWatchMetrics))
	}
	for _, directive := range meta.CloudWatchMetrics {
		if directive.Namespace != "tairssl" && directive.Namespace != "tairssl-prod" {
			fault("the namespace is %q", directive.Namespace)
		}
		if string(handler.JSON(directive.Dimensions)) != `[[]]` {
			fault("the dimensions are %v, want the one set of none, which the alarms watch", directive.Dimensions)
		}
		if len(directive.Metrics) == 0 || len(directive.Metrics) > 100 {
			fault("it has %d metrics, not 1 to 100", len(directive.Metrics))
		}
		for _, m := range directive.Metrics {
			if !regexp.MustCompile(`^[a-z][a-z_]{0,254}$`).MatchString(m.Name) || values[m.Name] != nil {
				fault("the name %q is none, or there twice", m.Name)
			}
			if !slices.Contains(unitsOfCloudWatch, m.Unit) {
				fault("%s has the unit %q", m.Name, m.Unit)
			}
			list, isList := line[m.Name].([]any)
			if !isList {
				list = []any{line[m.Name]}
			}
			if len(list) == 0 || len(list) > 100 {
				fault("%s has %d values, not 1 to 100", m.Name, len(list))
			}
			for _, v := range list {
				n, ok := v.(float64)
				if !ok {
					fault("%s has the value %v, which is no number", m.Name, v)
				}
				values[m.Name] = append(values[m.Name], n)
			}
		}
	}
	return values
}

func TestMetricsOfARequest(t *testing.T) {
	w := onLambda(t)
	if err := w.Fault(tairtest.Fault{Action: "DescribeInstanceSSL", Kind: "throttle", Times: 1}); err != nil {
		t.Fatal(err)
	}
	if _, err := w.Invoke(context.Background(), []byte(`{"InstanceId":"r-bp1zxszhcgatnx02","SSLEnabled":"Update"}`)); err != nil {
		t.Fatal(err)
	}
	m := published(t, w.line(t))
	if days := m["days_to_expiry"]; len(days) != 1 || days[0] < 199 || days[0] > 201 {
		t.Errorf("the certificate expires in 200 days, published is %v", days)
	}
	if len(m["api_latency_ms"]) != 3 || fmt.Sprint(m["unchanged"], m["throttled"]) != "[1] [1]" || len(m) != 4 {
		t.Errorf("published are %v", m)
	}
}

// A sweep over a large fleet makes more calls than one metric takes values.
func TestMetricsStayWithinTheirBounds(t *testing.T) {
	w := onLambda(t)
	var fleet []tairtest.Instance
	for n := range 300 {
		fleet = append(fleet, tairtest.Instance{InstanceID: fmt.Sprintf("r-fleet%04d", n)})
	}
	if err := w.Put(fleet...); err != nil {
		t.Fatal(err)
	}
	if _, err := w.Invoke(context.Background(), []byte(`{"Sweep":{"DryRun":true}}`)); err != nil {
		t.Fatal(err)
	}
	line := w.line(t)
	m := published(t, line)
	if calls := line["api_calls"].(float64); calls < 300 || len(m["api_latency_ms"]) != 100 {
		t.Errorf("of %v calls %d latencies are published, want 100", calls, len(m["api_latency_ms"]))
	}
	if m["sweep_succeeded"] != nil {
		t.Error("a sweep that changes nothing passes for one that succeeded")
	}
}

func TestMetricsAreThereOnlyWhereTheyAreOfUse(t *testing.T) {
	t.Parallel()
	elsewhere, off, probed := newWorld(t), onLambda(t, "TAIRSSL_METRICS=none"), onLambda(t)
	for _, w := range []world{elsewhere, off} {
		if _, err := w.Invoke(context.Background(), []byte(`{"Sweep":{}}`)); err != nil {
			t.Fatal(err)
		}
		line := w.line(t)
		line.want(t, entry{"_aws": nil})
		line.has(t, "days_to_expiry", "sweep_succeeded", "api_latency_ms") // for those who query the log
	}
	h, err := probed.Handler(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	get(h, "/healthz")
	probed.line(t).want(t, entry{"_aws": nil, "status": 200})
}

// Two deployments in one region have two namespaces.
func TestNamespaceOfTheMetrics(t *testing.T) {
	w := onLambda(t, "TAIRSSL_METRICS=emf:tairssl-prod")
	if _, err := w.Invoke(context.Background(), []byte(`{"Sweep":{"DryRun":true}}`)); err != nil {
		t.Fatal(err)
	}
	line := w.line(t)
	if text := fmt.Sprint(line["_aws"]); published(t, line)["days_to_expiry"] == nil || !strings.Contains(text, "Namespace:tairssl-prod") {
		t.Errorf("the metrics are %s", text)
	}
	for _, bad := range []string{"emf:", "emf:AWS/Lambda", "emf:a b", "none:x", "statsd", "emf:" + strings.Repeat("x", 256)} {
		if _, _, err := function.ParseSettings([]string{"TAIRSSL_METRICS=" + bad}); err == nil || !strings.Contains(err.Error(), "TAIRSSL_METRICS: ") {
			t.Errorf("the setting %q ends %v", bad, err)
		}
	}
}

// A chat has seconds: what becomes of its change later is counted then.
func TestDecisionAfterTheEndIsCounted(t *testing.T) {
	w := onLambda(t)
	if err := w.Fault(tairtest.Fault{Action: "ModifyInstanceSSL", Kind: "cut_before", Times: 1}); err != nil {
		t.Fatal(err)
	}
	ctx, done := w.Together(function.WithID(context.Background(), "the-chat"))
	w.Open(ctx, "/ssl") // reads the settings
	done(nil)
	_, _ = w.Invoke(ctx, []byte(`{"InstanceId":"`+id+`","SSLEnabled":"Update","Wait":"0s"}`))
	w.line(t).want(t, entry{"unknown": nil, "requests": 0})
	late := w.lines(t, "outcome")
	if len(late) != 1 || fmt.Sprint(published(t, late[0])) != "map[unknown:[1]]" {
		t.Fatalf("an unknown outcome after the end leaves %v", late)
	}
	late[0].want(t, entry{"invocation_id": "the-chat", "outcome": "unknown"})
}
