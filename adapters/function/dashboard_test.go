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

// The function publishes in the namespace that the alarms watch. Each alarm watches a
// metric that the function publishes.
func TestAlarmsWatchMetricsThatArePublished(t *testing.T) {
	template := readTemplate(t, nil)
	for name, properties := range template.ofType("AWS::Serverless::Function") {
		if got := at(properties, "Environment", "Variables", "TAIRSSL_METRICS", "Fn::Sub"); got != "emf:${AWS::StackName}" {
			t.Errorf("%s publishes in %v, but the alarms watch the namespace with the stack's name", name, got)
		}
	}
	for name, alarm := range template.ofType("AWS::CloudWatch::Alarm") {
		if own(alarm) && !function.IsMetric(fmt.Sprint(alarm["MetricName"])) {
			t.Errorf("%s watches %v, which the function does not publish", name, alarm["MetricName"])
		}
		if period, ok := alarm["Period"].(int); ok && period%60 != 0 {
			t.Errorf("%s has a period of %d s, want whole minutes", name, period)
		}
	}
}

// onTheDashboard gives the metrics and the alarms that the template's dashboard shows.
func onTheDashboard(t *testing.T, template template) (metrics, alarms map[string]bool) {
	t.Helper()
	body := at(template.object, "Resources", "MetricsDashboard", "Properties", "DashboardBody", "Fn::Sub").(string)
	var dashboard struct {
		Widgets []struct {
			Properties struct {
				Alarms  []string
				Metrics [][]any
			}
		}
	}
	if err := json.Unmarshal([]byte(strings.ReplaceAll(body, "${AlarmDaysToExpiry}", "14")), &dashboard); err != nil {
		t.Fatalf("the dashboard is not JSON: %v", err)
	}
	metrics, alarms = map[string]bool{}, map[string]bool{}
	for _, w := range dashboard.Widgets {
		for _, arn := range w.Properties.Alarms {
			alarms[strings.TrimSuffix(strings.TrimPrefix(arn, "${"), ".Arn}")] = true
		}
		for _, m := range w.Properties.Metrics {
			if m[0] == "${AWS::StackName}" {
				metrics[fmt.Sprint(m[1])] = true
			}
		}
	}
	return metrics, alarms
}

// onGrafana gives the metrics that grafana.json shows.
func onGrafana(t *testing.T) (metrics map[string]bool) {
	t.Helper()
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
	metrics = map[string]bool{}
	for _, p := range grafana.Panels {
		for _, target := range p.Targets {
			if target.Namespace == "$namespace" {
				metrics[target.MetricName] = true
				if len(target.Dimensions) > 0 {
					t.Errorf("the panel %s asks for dimensions, but the metrics have none", p.Title)
				}
			}
		}
	}
	return metrics
}

// Both dashboards show exactly the metrics that the function publishes.
func TestDashboardsShowExactlyTheMetricsThatArePublished(t *testing.T) {
	template := readTemplate(t, nil)
	shown, alarms := onTheDashboard(t, template)
	for name := range template.ofType("AWS::CloudWatch::Alarm") {
		if !alarms[name] && name != "FleetAlarm" { // it exists only with a fleet
			t.Errorf("the dashboard does not show %s", name)
		}
	}
	for where, metrics := range map[string]map[string]bool{"the dashboard": shown, "grafana.json": onGrafana(t)} {
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
