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

func TestEveryImportantMetricHasAnAlarm(t *testing.T) {
	template := readTemplate(t, nil)
	alarms := template.ofType("AWS::CloudWatch::Alarm")
	watched := map[string]bool{}
	for name, alarm := range alarms {
		if alarm["AlarmActions"] == nil || alarm["AlarmDescription"] == nil {
			t.Errorf("%s has no action or no description", name)
		}
		namespace := alarm["Namespace"]
		if own(alarm) {
			namespace = "own"
		}
		watched[fmt.Sprint(namespace, " ", alarm["MetricName"])] = true
		if own(alarm) && alarm["Dimensions"] != nil {
			t.Errorf("%s watches dimensions, but the metrics have none", name)
		}
		// Missing data must not report that all is well.
		if alarm["OKActions"] != nil && alarm["TreatMissingData"] == "notBreaching" {
			t.Errorf("%s reports OK although no data was measured", name)
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
	// A schedule may sweep once a day only. CloudWatch looks back at most seven days.
	if most := at(template.object, "Parameters", "HeartbeatHours", "MaxValue"); most != 7*24 {
		t.Errorf("the heartbeat may be missing for %v hours, want the 7 days that CloudWatch looks back", most)
	}
}

// situation is an invocation after which an alarm goes off or stays quiet.
type situation struct {
	name    string
	payload string
	prepare func(world) error // nil if the emulated cloud needs no preparation
	alarms  bool
	setting string
}

const (
	sweepHangzhou = `{"Sweep":{"Regions":["cn-hangzhou"]}}`
	updateOne     = `{"InstanceId":"` + id + `","SSLEnabled":"Update","Wait":"0s"}`
	oneAtATime    = "TAIRSSL_CONCURRENCY=1" // so that the first region gets the faults
	toldInSlack   = "TAIRSSL_NOTIFY_URLS=slack://hooks.slack.com/services/T/B/secret"
)

// faulty makes the emulated cloud answer some calls with a fault.
func faulty(action, kind string, times int) func(world) error {
	return func(w world) error { return w.Fault(tairtest.Fault{Action: action, Kind: kind, Times: times}) }
}

// allExpire makes the certificates of all instances that a sweep can renew expire in the
// given number of days.
func allExpire(days int, tags map[string]string) func(world) error {
	return func(w world) error {
		for _, i := range w.Instances() {
			if i.SSLEnabled != "Enable" || i.InstanceStatus != "Normal" {
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

// situations lists situations for each alarm on the function's own metrics. Each alarm
// has situations in which it goes off and situations in which it stays quiet.
func situations() map[string][]situation {
	off := map[string]string{"tairssl": "off"}
	shut := "TAIRSSL_WINDOW=" + time.Now().Add(4 * 24 * time.Hour).UTC().Weekday().String()[:3] + " 02:00-05:00 UTC"
	return map[string][]situation{
		"HeartbeatAlarm": {
			{"a sweep", sweepHangzhou, nil, false, ""},
			{"a sweep that can list nothing", sweepHangzhou, faulty("DescribeInstances", "throttle", 8), true, oneAtATime},
			{"a sweep that cannot list one of its regions", `{"Sweep":{"Regions":["cn-hangzhou","cn-shanghai"]}}`, faulty("DescribeInstances", "throttle", 4), true, oneAtATime},
			{"only a plan", `{"Sweep":{"Plan":true}}`, nil, true, ""},
			{"no sweep", updateOne, nil, true, ""},
		},
		"DaysToExpiryAlarm": {
			{"no certificate expires soon", sweepHangzhou, allExpire(200, nil), false, ""},
			{"an instance that is switched off expires soon", sweepHangzhou, allExpire(5, off), true, ""},
			{"an instance that is switched off has expired", sweepHangzhou, allExpire(-5, off), true, ""},
			{"a sweep renews what expires soon", sweepHangzhou, allExpire(5, nil), false, ""},
			{"a request renews what expires soon", updateOne, allExpire(5, off), false, ""},
			{"an automatic request is refused", strings.Replace(updateOne, `"Wait":"0s"`, `"Automatic":true`, 1), allExpire(5, off), true, ""},
		},
		"UnknownAlarm": {
			{"the answer of the API is lost", updateOne, faulty("ModifyInstanceSSL", "cut_before", 1), true, ""},
			{"a change", updateOne, nil, false, ""},
		},
		"FailedAlarm": {
			{"the API refuses a change", updateOne, faulty("ModifyInstanceSSL", "throttle", 1), true, ""},
			{"the API fails in a sweep", sweepHangzhou, faulty("DescribeInstanceSSL", "server_error", 400), true, ""},
			{"a sweep that can list nothing", sweepHangzhou, faulty("DescribeInstances", "throttle", 8), true, oneAtATime},
			{"a plan that can list nothing", `{"Sweep":{"Plan":true}}`, faulty("DescribeInstances", "throttle", 8), true, oneAtATime},
			{"a change", updateOne, nil, false, ""},
		},
		"CoverageAlarm": {
			{"every instance was read", sweepHangzhou, nil, false, ""},
			{"some instances could not be read", sweepHangzhou, faulty("DescribeInstanceSSL", "server_error", 400), true, ""},
			{"no sweep", updateOne, nil, false, ""},
		},
		"AtRiskAlarm": {
			{"no window opens before the expiry", sweepHangzhou, allExpire(1, nil), true, shut},
			{"a window opens in time", sweepHangzhou, allExpire(20, nil), false, shut},
		},
		"NoticesAlarm": {
			{"Slack refuses a notice", updateOne, func(w world) error { w.posts.answer = "invalid_token"; return nil }, true, toldInSlack},
			{"Slack accepts a notice", updateOne, nil, false, toldInSlack},
		},
	}
}

// Each alarm on the function's own metrics goes off by the metrics that the function
// really publishes, in the right situations and in no other.
func TestAlarmsGoOffByTheMetricsThatAreReallyPublished(t *testing.T) {
	all := situations()
	template := readTemplate(t, map[string]string{"AlarmDaysToExpiry": "14"})
	watched := 0
	for name, alarm := range template.ofType("AWS::CloudWatch::Alarm") {
		if !own(alarm) {
			continue
		}
		watched++
		if len(all[name]) < 2 {
			t.Errorf("%s is tried in %d situations, want at least 2", name, len(all[name]))
		}
		threshold := template.resolve(alarm["Threshold"])
		for _, s := range all[name] {
			t.Run(name+": "+s.name, func(t *testing.T) {
				t.Parallel() // most of the time passes between repeated calls
				w := onLambda(t, "TAIRSSL_MAX_TARGETS=100", s.setting)
				if s.prepare != nil {
					if err := s.prepare(w); err != nil {
						t.Fatal(err)
					}
				}
				_, _ = w.Invoke(context.Background(), []byte(s.payload)) // the result is in the line
				values := published(t, w.line(t))[fmt.Sprint(alarm["MetricName"])]
				if got := goesOff(t, alarm, threshold, values); got != s.alarms {
					t.Errorf("the alarm goes off: %t, want %t; the values of %s are %v\n%s", got, s.alarms, alarm["MetricName"], values, w.log)
				}
			})
		}
	}
	if watched != len(all) {
		t.Errorf("%d alarms watch the function's metrics, but %d are tried", watched, len(all))
	}
}

// goesOff evaluates an alarm over one period with the values of its metric.
func goesOff(t *testing.T, alarm object, threshold any, values []float64) bool {
	t.Helper()
	if len(values) == 0 {
		return alarm["TreatMissingData"] == "breaching" // otherwise it does not change, or it reports OK
	}
	sum, least := 0.0, values[0]
	for _, v := range values {
		sum, least = sum+v, min(least, v)
	}
	v, known := map[any]float64{"Sum": sum, "Minimum": least, "Maximum": slices.Max(values)}[alarm["Statistic"]]
	var limit float64
	if _, err := fmt.Sscan(fmt.Sprint(threshold), &limit); err != nil || !known {
		t.Fatalf("the test does not know the statistic %v, or the threshold %v is not a number", alarm["Statistic"], threshold)
	}
	switch alarm["ComparisonOperator"] {
	case "LessThanThreshold":
		return v < limit
	case "GreaterThanThreshold":
		return v > limit
	}
	t.Fatalf("the test does not know the comparison %v", alarm["ComparisonOperator"])
	return false
}

// own reports whether an alarm watches one of the function's own metrics. The functions
// publish in the namespace with the name of the stack.
func own(alarm object) bool {
	return fmt.Sprint(alarm["Namespace"]) == fmt.Sprint(object{"Ref": "AWS::StackName"})
}

// The runbook has a row for each alarm.
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
			t.Errorf("the runbook has no row for %s", name)
		}
	}
	if len(documented) != len(alarms) {
		t.Errorf("the runbook has %d alarms, but the template has %d", len(documented), len(alarms))
	}
}
