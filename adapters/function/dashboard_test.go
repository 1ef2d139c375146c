package function_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"

	"tairssl/adapters/function"
)

// Alarms and dashboards show metrics that the function publishes, where it
// publishes them.
func TestAlarmsAndDashboardsShowWhatIsPublished(t *testing.T) {
	template := readTemplate(t, nil)
	for name, properties := range template.ofType("AWS::Serverless::Function") {
		if got := at(properties, "Environment", "Variables", "TAIRSSL_METRICS", "Fn::Sub"); got != "emf:${AWS::StackName}" {
			t.Errorf("%s publishes in %v, the alarms watch the namespace of the stack's name", name, got)
		}
	}
	for name, alarm := range template.ofType("AWS::CloudWatch::Alarm") {
		if own(alarm) && !function.IsMetric(fmt.Sprint(alarm["MetricName"])) {
			t.Errorf("%s watches %v, which the function does not publish", name, alarm["MetricName"])
		}
		// CloudWatch looks back a day, or a week by whole hours.
		if period, ok := alarm["Period"].(int); ok && period%60 != 0 {
			t.Errorf("%s has a period of %d s", name, period)
		}
	}
	body := at(template.object, "Resources", "MetricsDashboard", "Properties", "DashboardBody", "Fn::Sub").(string)
	var dashboard struct {
		Widgets []struct {
			Type       string
			Properties struct {
				Title   string
				Alarms  []string
				Metrics [][]any
			}
		}
	}
	if err := json.Unmarshal([]byte(strings.ReplaceAll(body, "${AlarmDaysToExpiry}", "14")), &dashboard); err != nil {
		t.Fatalf("the dashboard is no JSON: %v", err)
	}
	shown, alarms := map[string]bool{}, map[string]bool{}
	for _, w := range dashboard.Widgets {
		for _, arn := range w.Properties.Alarms {
			alarms[strings.TrimSuffix(strings.TrimPrefix(arn, "${"), ".Arn}")] = true
		}
		for _, m := range w.Properties.Metrics {
			if m[0] == "${AWS::StackName}" {
				shown[fmt.Sprint(m[1])] = true
			}
		}
	}
	for name := range template.ofType("AWS::CloudWatch::Alarm") {
		if !alarms[name] && name != "FleetAlarm" { // which is not there without a fleet
			t.Errorf("the dashboard does not show %s", name)
		}
	}
	text, err := os.ReadFile("../lambda/grafana.json")
	if err != nil {
		t.Fatal(err)
	}
	var grafana struct {
		Panels []struct {
			Title   string
			Targets []struct {
				Namespace, MetricName string
				Dimensions            map[string][]string
			}
		}
	}
	if err := json.Unmarshal(text, &grafana); err != nil {
		t.Fatal(err)
	}
	graphs := map[string]bool{}
	for _, p := range grafana.Panels {
		for _, target := range p.Targets {
			if target.Namespace == "$namespace" {
				graphs[target.MetricName] = true
				if len(target.Dimensions) > 0 {
					t.Errorf("%s asks for dimensions, and the metrics have none", p.Title)
				}
			}
		}
	}
	for where, metrics := range map[string]map[string]bool{"the dashboard": shown, "grafana.json": graphs} {
		for _, metric := range slices.Sorted(maps.Keys(metrics)) {
			if !function.IsMetric(metric) {
				t.Errorf("%s shows %s, which the function does not publish", where, metric)
			}
		}
		for _, metric := range function.MetricNames() {
			if !metrics[metric] {
				t.Errorf("%s does not show %s", where, metric)
			}
		}
	}
}
