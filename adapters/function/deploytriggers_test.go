package function_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"tairssl/adapters/event"
)

// samples has the events that each trigger of template.yaml and s.yaml delivers.
var samples = map[string][]string{
	"template.yaml/Sweep":                  {"sweep.json", "eventbridge-scheduler.json"},
	"template.yaml/AcmExpiration":          {"eventbridge-acm-approaching.json", "eventbridge-acm-expired.json"},
	"template.yaml/ConfigCompliance":       {"eventbridge-config.json"},
	"template.yaml/CustomEvents":           {"eventbridge-custom.json"},
	"template.yaml/Queue":                  {"sqs.json"},
	"template.yaml/FleetStateMachineStart": {"stepfunctions.json"},
	"s.yaml/sweep":                         {"timer-sweep.json"},
	"s.yaml/events":                        {"cloudevent-scheduled-operation.json", "cloudevent-slb-certificate.json"},
	"s.yaml/requests":                      {"cloudevent-mns-queue.json"},
	"s.yaml/topic":                         {"mns-topic.json"},
	"s.yaml/http":                          {"fc-http.json", "fc-http-cloudevents.json"},
}

func readSample(t *testing.T, name string) (sample any) {
	t.Helper()
	text, err := os.ReadFile("../../events/" + name)
	if err == nil {
		err = json.Unmarshal(text, &sample)
	}
	if err != nil {
		t.Errorf("the sample %s cannot be read: %v", name, err)
	}
	return sample
}

func TestEveryTriggerMatchesItsSamples(t *testing.T) {
	template, devs := readTemplate(t, map[string]string{"CustomEventSource": "com.example.platform"}), readDevs(t)
	patterns := map[string]any{}
	for name, e := range template.triggers() {
		patterns["template.yaml/"+name] = template.resolve(at(e, "Properties", "EventPattern"))
	}
	for name, trigger := range devs.triggers() {
		patterns["s.yaml/"+name] = nil
		if text, ok := at(trigger, "triggerConfig", "eventRuleFilterPattern").(string); ok {
			var pattern any
			if err := json.Unmarshal([]byte(text), &pattern); err != nil {
				t.Errorf("the pattern of %s is not JSON: %v", name, err)
			}
			patterns["s.yaml/"+name] = pattern
		}
	}
	if !slices.Equal(slices.Sorted(maps.Keys(patterns)), slices.Sorted(maps.Keys(samples))) {
		t.Errorf("the triggers are %v, but there are samples for %v", slices.Sorted(maps.Keys(patterns)), slices.Sorted(maps.Keys(samples)))
	}
	for name, files := range samples {
		for _, file := range files {
			sample := readSample(t, file)
			if patterns[name] != nil && !matches(patterns[name], sample) {
				t.Errorf("the pattern %v of %s does not match %s", patterns[name], name, file)
			}
		}
	}
	// A rule that matches events without a request would cost invocations.
	quiet := readSample(t, "eventbridge-config.json").(object)
	quiet["detail"].(object)["newEvaluationResult"].(object)["complianceType"] = "COMPLIANT"
	if matches(patterns["template.yaml/ConfigCompliance"], quiet) {
		t.Error("the rule for AWS Config matches a compliant resource")
	}
}

// sweepOrder is the documented form of a sweep order: {"Sweep":{…}}.
type sweepOrder struct {
	Sweep *struct {
		Regions      []string
		Tags         map[string]string
		RenewBefore  string
		MaxTargets   int
		DryRun, Plan bool
		Page         string
	}
}

func TestSchedulesSweepEveryHour(t *testing.T) {
	template, devs := readTemplate(t, nil), readDevs(t)
	inputs := map[string]string{}
	for name, e := range template.triggers() {
		switch e["Type"] {
		case "ScheduleV2":
			inputs[name], _ = at(e, "Properties", "Input").(string)
		case "AWS::Scheduler::Schedule":
			inputs[name], _ = at(e, "Properties", "Target", "Input").(string)
		}
	}
	for name, trigger := range devs.triggers() {
		if trigger["triggerType"] == "timer" {
			inputs[name], _ = at(trigger, "triggerConfig", "payload").(string)
		}
	}
	if len(inputs) != 3 {
		t.Errorf("the schedules are %v, want one for each cloud and one of the state machine", inputs)
	}
	for name, input := range inputs {
		var order sweepOrder
		strict := json.NewDecoder(strings.NewReader(input))
		strict.DisallowUnknownFields()
		if err := strict.Decode(&order); err != nil || order.Sweep == nil || order.Sweep.DryRun || order.Sweep.Plan {
			t.Errorf("the input %s of %s is not an order to sweep: %v", input, name, err)
		}
		if asked := (&event.Decoder{}).Decode([]byte(input)); asked.Trigger != "sweep" {
			t.Errorf("the input %s of %s is read as %q", input, name, asked.Trigger)
		}
	}
	if expression := template.resolve(at(template.triggers()["Sweep"], "Properties", "ScheduleExpression")); expression != "rate(1 hour)" {
		t.Errorf("Lambda sweeps at %v, want every hour", expression)
	}
	timer := devs.triggers()["sweep"]
	if cron := at(timer, "triggerConfig", "cronExpression"); at(timer, "triggerConfig", "enable") != true || !regexp.MustCompile(`^0 \d+ \* \* \* \*$`).MatchString(fmt.Sprint(cron)) {
		t.Errorf("Function Compute sweeps at %v, want every hour", cron)
	}
}

func TestSweepsAndChatsHaveDifferentFunctions(t *testing.T) {
	template := readTemplate(t, map[string]string{"Http": "url"})
	function, webhooks := fmt.Sprint(object{"Ref": "FunctionAlias"}), fmt.Sprint(object{"Ref": "WebhooksAlias"})
	for name, e := range template.triggers() {
		if to, _ := target(e); to != nil && fmt.Sprint(to) != function {
			t.Errorf("%s calls %v, want the function without webhooks", name, to)
		}
	}
	for name, properties := range template.ofType("AWS::Lambda::Url") {
		if at(properties, "TargetFunctionArn", "Ref") != "TairSSLWebhooks" || properties["Qualifier"] != "live" {
			t.Errorf("%s leads to %v, %v", name, properties["TargetFunctionArn"], properties["Qualifier"])
		}
	}
	for name, properties := range template.ofType("AWS::ApiGatewayV2::Integration") {
		if fmt.Sprint(properties["IntegrationUri"]) != webhooks {
			t.Errorf("%s leads to %v", name, properties["IntegrationUri"])
		}
	}
	for name, props := range readDevs(t).functions() {
		kinds := map[any]bool{}
		for _, trigger := range props["triggers"].([]any) {
			kinds[at(trigger, "triggerType")] = true
		}
		if kinds["http"] && len(kinds) != 1 {
			t.Errorf("%s has webhooks and other triggers", name)
		}
	}
}
