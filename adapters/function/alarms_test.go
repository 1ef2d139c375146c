package function_test

import (
	"context"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"tairssl/adapters/tair/tairtest"
	"tairssl/handler"
)

func TestAlarms(t *testing.T) {
	template := readTemplate(t, nil)
	alarms := template.ofType("AWS::CloudWatch::Alarm")
	watched := map[string]bool{}
	for name, alarm := range alarms {
		if alarm["AlarmActions"] == nil || alarm["AlarmDescription"] == nil {
			t.Errorf("%s tells nobody, or not what to do", name)
		}
		namespace := alarm["Namespace"]
		if own(alarm) {
			namespace = "own"
		}
		watched[fmt.Sprint(namespace, " ", alarm["MetricName"])] = true
		if own(alarm) && alarm["Dimensions"] != nil {
			t.Errorf("%s watches dimensions, and the metrics have none", name)
		}
		// Data that is missing is not good news.
		if alarm["OKActions"] != nil && alarm["TreatMissingData"] == "notBreaching" {
			t.Errorf("%s says that all is well when nothing is measured", name)
		}
	}
	for _, metric := range []string{"own failed", "own unknown", "own days_to_expiry", "own sweep_succeeded", "own unread", "own at_risk", "own notices_failed", "AWS/SQS ApproximateNumberOfMessagesVisible"} {
		if !watched[metric] {
			t.Errorf("no alarm watches %s", metric)
		}
	}
	heartbeat := alarms["HeartbeatAlarm"]
	if hours := template.resolve(heartbeat["EvaluationPeriods"]); hours != 3 || heartbeat["Period"] != 3600 || heartbeat["TreatMissingData"] != "breaching" {
		t.Errorf("the heartbeat is %v, want an alarm after 3 hours without a sweep", heartbeat)
	}
	// For a schedule of once a day, with as many hours as CloudWatch looks back.
	if most := at(template.object, "Parameters", "HeartbeatHours", "MaxValue"); most != 7*24 {
		t.Errorf("the heartbeat may be missed for %v hours, CloudWatch looks back 7 days", most)
	}
}

// Every alarm on the function's own metrics goes off in the situation that it
// is for, by what the function really publishes then, and not otherwise.
func TestAlarmsGoOffByWhatIsPublished(t *testing.T) {
	const sweep = `{"Sweep":{"Regions":["cn-hangzhou"]}}`
	update := `{"InstanceId":"` + id + `","SSLEnabled":"Update","Wait":"0s"}`
	fault := func(action, kind string, times int) func(world) error {
		return func(w world) error { return w.Fault(tairtest.Fault{Action: action, Kind: kind, Times: times}) }
	}
	expiring := func(days int, tags map[string]string) func(world) error {
		return func(w world) error {
			for _, i := range w.Instances() {
				if i.SSLEnabled != "Enable" || i.InstanceStatus != "Normal" { // what no sweep can renew
					continue
				}
				i.SSLExpiredTime = handler.At(w.Now().AddDate(0, 0, days)).String()
				i.Tags = tags
				if err := w.Put(i); err != nil {
					return err
				}
			}
			return nil
		}
	}
	off := map[string]string{"tairssl": "off"}
	const serial = "TAIRSSL_CONCURRENCY=1" // so that the first region takes the faults
	type situation struct {
		name    string
		payload string
		prepare func(world) error
		alarms  bool
		setting string
	}
	situations := map[string][]situation{
		"HeartbeatAlarm": {
			{"a sweep", sweep, nil, false, ""},
			{"a sweep that can list nothing", sweep, fault("DescribeInstances", "throttle", 8), true, serial},
			{"a sweep that cannot list a region", `{"Sweep":{"Regions":["cn-hangzhou","cn-shanghai"]}}`, fault("DescribeInstances", "throttle", 4), true, serial},
			{"a plan alone", `{"Sweep":{"Plan":true}}`, nil, true, ""},
			{"no sweep at all", update, nil, true, ""},
		},
		"DaysToExpiryAlarm": {
			{"nothing expires soon", sweep, expiring(200, nil), false, ""},
			{"one that is left alone expires soon", sweep, expiring(5, off), true, ""},
			{"one that is left alone has expired", sweep, expiring(-5, off), true, ""},
			{"what expired soon was renewed", sweep, expiring(5, nil), false, ""},
			{"by a request, too", update, expiring(5, off), false, ""},
			{"or not", strings.Replace(update, `"Wait":"0s"`, `"Automatic":true`, 1), expiring(5, off), true, ""},
		},
		"UnknownAlarm": {
			{"a lost answer", update, fault("ModifyInstanceSSL", "cut_before", 1), true, ""},
			{"a change", update, nil, false, ""},
		},
		"FailedAlarm": {
			{"the API refuses", update, fault("ModifyInstanceSSL", "throttle", 1), true, ""},
			{"in a sweep", sweep, fault("DescribeInstanceSSL", "server_error", 400), true, ""},
			{"a sweep that can list nothing", sweep, fault("DescribeInstances", "throttle", 8), true, serial},
			{"a plan that can list nothing", `{"Sweep":{"Plan":true}}`, fault("DescribeInstances", "throttle", 8), true, serial},
			{"a change", update, nil, false, ""},
		},
	}
	situations["CoverageAlarm"] = []situation{
		{"every instance was read", sweep, nil, false, ""},
		{"some could not be read", sweep, fault("DescribeInstanceSSL", "server_error", 400), true, ""},
		{"no sweep", update, nil, false, ""},
	}
	shut := "TAIRSSL_WINDOW=" + time.Now().Add(4 * 24 * time.Hour).UTC().Weekday().String()[:3] + " 02:00-05:00 UTC"
	situations["AtRiskAlarm"] = []situation{
		{"no window opens before the expiry", sweep, expiring(1, nil), true, shut},
		{"a window opens in time", sweep, expiring(20, nil), false, shut},
	}
	const chat = "TAIRSSL_NOTIFY_URLS=slack://hooks.slack.com/services/T/B/secret"
	situations["NoticesAlarm"] = []situation{
		{"a place does not take what it is told", update, func(w world) error {
			w.posts.answer = "invalid_token"
			return nil
		}, true, chat},
		{"it does", update, nil, false, chat},
	}
	template := readTemplate(t, map[string]string{"AlarmDaysToExpiry": "14"})
	watched := 0
	for name, alarm := range template.ofType("AWS::CloudWatch::Alarm") {
		if !own(alarm) {
			continue
		}
		watched++
		list := situations[name]
		if len(list) < 2 {
			t.Errorf("%s is tried in %d situations", name, len(list))
		}
		threshold := template.resolve(alarm["Threshold"])
		for _, s := range list {
			t.Run(name+": "+s.name, func(t *testing.T) {
				t.Parallel() // most of the time is that of calls that are repeated after a pause
				w := onLambda(t, "TAIRSSL_MAX_TARGETS=100", s.setting)
				if s.prepare != nil {
					if err := s.prepare(w); err != nil {
						t.Fatal(err)
					}
				}
				_, _ = w.Invoke(context.Background(), []byte(s.payload)) // how it ends is in the line
				values := published(t, w.line(t))[fmt.Sprint(alarm["MetricName"])]
				if got := goesOff(t, alarm, threshold, values); got != s.alarms {
					t.Errorf("it goes off: %v, want %v; %s is %v\n%s", got, s.alarms, alarm["MetricName"], values, w.log)
				}
			})
		}
	}
	if watched != len(situations) {
		t.Errorf("%d alarms watch the function's metrics, %d are tried", watched, len(situations))
	}
}

// goesOff evaluates an alarm over one period with these values.
func goesOff(t *testing.T, alarm object, threshold any, values []float64) bool {
	t.Helper()
	if len(values) == 0 {
		return alarm["TreatMissingData"] == "breaching" // else it stays as it was, or is well
	}
	sum, least := 0.0, values[0]
	for _, v := range values {
		sum, least = sum+v, min(least, v)
	}
	v, known := map[any]float64{"Sum": sum, "Minimum": least, "Maximum": slices.Max(values)}[alarm["Statistic"]]
	var limit float64
	if _, err := fmt.Sscan(fmt.Sprint(threshold), &limit); err != nil || !known {
		t.Fatalf("the alarm has the statistic %v and the threshold %v", alarm["Statistic"], threshold)
	}
	switch alarm["ComparisonOperator"] {
	case "LessThanThreshold":
		return v < limit
	case "GreaterThanThreshold":
		return v > limit
	}
	t.Fatalf("the alarm compares by %v", alarm["ComparisonOperator"])
	return false
}

// own tells the alarms on the function's own metrics. Their namespace is the one
// that the functions are told to publish in.
func own(alarm object) bool {
	return fmt.Sprint(alarm["Namespace"]) == fmt.Sprint(object{"Ref": "AWS::StackName"})
}

// The runbook says what to do at each alarm.
func TestTheRunbookHasEveryAlarm(t *testing.T) {
	readme, err := os.ReadFile("../../README.md")
	if err != nil {
		t.Fatal(err)
	}
	documented := map[string]bool{}
	for _, m := range regexp.MustCompile("(?m)^\\| `(\\w+Alarm)` \\|").FindAllStringSubmatch(string(readme), -1) {
		documented[m[1]] = true
	}
	alarms := readTemplate(t, nil).ofType("AWS::CloudWatch::Alarm")
	for name := range alarms {
		if !documented[name] {
			t.Errorf("the runbook does not say what to do at %s", name)
		}
	}
	if len(documented) != len(alarms) {
		t.Errorf("the runbook has %d alarms, the template %d", len(documented), len(alarms))
	}
}
