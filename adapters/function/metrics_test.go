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

// onLambda is a world on Lambda, which reads metrics from the log.
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

// unitsOfCloudWatch lists units of the specification.
var unitsOfCloudWatch = []string{"Seconds", "Microseconds", "Milliseconds", "Bytes", "Percent", "Count", "Count/Second", "None"}

// directives is the member _aws of a line.
type directives struct {
	Timestamp         float64
	CloudWatchMetrics []struct {
		Namespace  string
		Dimensions [][]string
		Metrics    []struct {
			Name, Unit string
		}
	}
}

// published gives the values of the metrics that CloudWatch Logs reads from a line. It
// fails if the line does not follow the specification of the embedded metric format
// (CloudWatch User Guide, "Specification: Embedded metric format").
func published(t *testing.T, line entry) map[string][]float64 {
	t.Helper()
	values := map[string][]float64{}
	raw, there := line["_aws"]
	if !there {
		return values
	}
	fault := func(format string, args ...any) {
		t.Helper()
		t.Errorf("the metrics are not valid: "+format, args...)
	}
	text, _ := json.Marshal(raw)
	var meta directives
	d := json.NewDecoder(strings.NewReader(string(text)))
	d.DisallowUnknownFields()
	if err := d.Decode(&meta); err != nil {
		t.Fatalf("the metrics are not valid: %v in %s", err, text)
	}
	if now := float64(time.Now().UnixMilli()); meta.Timestamp != math.Trunc(meta.Timestamp) || math.Abs(now-meta.Timestamp) > 60_000 {
		fault("the timestamp is %v, but now is %v ms", meta.Timestamp, now)
	}
	if whole, _ := json.Marshal(line); len(whole) > 256<<10 {
		fault("the line has %d bytes, more than 256 KiB", len(whole))
	}
	if len(meta.CloudWatchMetrics) != 1 {
		fault("there are %d directives, want 1", len(meta.CloudWatchMetrics))
	}
	for _, directive := range meta.CloudWatchMetrics {
		if directive.Namespace != "tairssl" && directive.Namespace != "tairssl-prod" {
			fault("the namespace is %q", directive.Namespace)
		}
		if string(handler.JSON(directive.Dimensions)) != `[[]]` {
			fault("the dimensions are %v, want one empty set, which the alarms watch", directive.Dimensions)
		}
		if len(directive.Metrics) == 0 || len(directive.Metrics) > 100 {
			fault("there are %d metrics, want 1 to 100", len(directive.Metrics))
		}
		for _, m := range directive.Metrics {
			if !regexp.MustCompile(`^[a-z][a-z_]{0,254}$`).MatchString(m.Name) || values[m.Name] != nil {
				fault("the name %q is not valid, or occurs twice", m.Name)
			}
			if !slices.Contains(unitsOfCloudWatch, m.Unit) {
				fault("%s has the unit %q", m.Name, m.Unit)
			}
			values[m.Name] = numbersIn(line[m.Name], func(format string, args ...any) { t.Helper(); fault(m.Name+" has "+format, args...) })
		}
	}
	return values
}

// numbersIn gives the values of one metric: a number, or a list of 1 to 100 numbers.
func numbersIn(field any, fault func(format string, args ...any)) (values []float64) {
	list, isList := field.([]any)
	if !isList {
		list = []any{field}
	}
	if len(list) == 0 || len(list) > 100 {
		fault("%d values, want 1 to 100", len(list))
	}
	for _, v := range list {
		n, ok := v.(float64)
		if !ok {
			fault("the value %v, which is not a number", v)
		}
		values = append(values, n)
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
		t.Errorf("the certificate expires in 200 days, but the published value is %v", days)
	}
	if len(m["api_latency_ms"]) != 3 || fmt.Sprint(m["unchanged"], m["throttled"]) != "[1] [1]" || len(m) != 4 {
		t.Errorf("the published metrics are %v", m)
	}
}

// A sweep over a large fleet makes more calls than one metric can have values.
func TestASweepPublishesAtMostAHundredLatencies(t *testing.T) {
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
		t.Errorf("for %v calls, %d latencies are published, want 100", calls, len(m["api_latency_ms"]))
	}
	if m["sweep_succeeded"] != nil {
		t.Error("a dry run publishes sweep_succeeded")
	}
}

func TestOnlyLambdaGetsMetricsAndOnlyIfThereAreAny(t *testing.T) {
	t.Parallel()
	elsewhere, off, probed := newWorld(t), onLambda(t, "TAIRSSL_METRICS=none"), onLambda(t)
	for _, w := range []world{elsewhere, off} {
		if _, err := w.Invoke(context.Background(), []byte(`{"Sweep":{}}`)); err != nil {
			t.Fatal(err)
		}
		line := w.line(t)
		line.want(t, entry{"_aws": nil})
		line.has(t, "days_to_expiry", "sweep_succeeded", "api_latency_ms") // these fields are for queries of the log
	}
	h, err := probed.Handler(context.Background())
	if err != nil {
		t.Fatal(err)
	}
	get(h, "/healthz")
	probed.line(t).want(t, entry{"_aws": nil, "status": 200})
}

// Two deployments in one region have two namespaces.
func TestASettingNamesTheNamespaceOfTheMetrics(t *testing.T) {
	w := onLambda(t, "TAIRSSL_METRICS=emf:tairssl-prod")
	if _, err := w.Invoke(context.Background(), []byte(`{"Sweep":{"DryRun":true}}`)); err != nil {
		t.Fatal(err)
	}
	line := w.line(t)
	if text := fmt.Sprint(line["_aws"]); published(t, line)["days_to_expiry"] == nil || !strings.Contains(text, "Namespace:tairssl-prod") {
		t.Errorf("the metrics are %s, want the namespace tairssl-prod", text)
	}
	for _, bad := range []string{"emf:", "emf:AWS/Lambda", "emf:a b", "none:x", "statsd", "emf:" + strings.Repeat("x", 256)} {
		if _, _, err := function.ParseSettings([]string{"TAIRSSL_METRICS=" + bad}); err == nil || !strings.Contains(err.Error(), "TAIRSSL_METRICS: ") {
			t.Errorf("the setting %q ends with %v, want a fault", bad, err)
		}
	}
}

// A chat waits only for seconds. A change that ends later is counted in its own line.
func TestAResultAfterTheEndOfItsInvocationIsCounted(t *testing.T) {
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
		t.Fatalf("an unknown outcome after the end of the invocation writes the lines %v, want one with the metric", late)
	}
	late[0].want(t, entry{"invocation_id": "the-chat", "outcome": "unknown"})
}
