package function_test

import (
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"tairssl/adapters/chatops"
)

func TestNoMessageIsLost(t *testing.T) {
	template := readTemplate(t, nil)
	function := template.ofType("AWS::Serverless::Function")["TairSSLFunction"]
	queue := template.ofType("AWS::SQS::Queue")["Requests"]
	if visibility, timeout := queue["VisibilityTimeout"].(int), function["Timeout"].(int); visibility < 6*timeout {
		t.Errorf("a message of the queue is visible again after %d s, want at least six times the timeout of the function, %d s", visibility, timeout)
	}
	if n := at(queue, "RedrivePolicy", "maxReceiveCount").(int); n < 10 {
		t.Errorf("a message is given up after %d receives, want at least 10", n)
	}
	source := at(template.triggers()["Queue"], "Properties")
	if fmt.Sprint(at(source, "FunctionResponseTypes")) != "[ReportBatchItemFailures]" {
		t.Error("the whole batch is delivered again: set ReportBatchItemFailures")
	}
	if n, ok := template.resolve(at(source, "ScalingConfig", "MaximumConcurrency")).(int); !ok || n < 2 {
		t.Errorf("the concurrency of the queue is %v, want at least 2", n)
	}
	for name, e := range template.triggers() {
		if _, left := target(e); e["Type"] != "AWS::Lambda::EventSourceMapping" && left == nil {
			t.Errorf("the events that %s cannot deliver are lost: it has no queue for them", name)
		}
	}
	if invocations := template.ofType("AWS::Lambda::EventInvokeConfig")["FunctionInvocations"]; at(invocations, "DestinationConfig", "OnFailure", "Destination") == nil || invocations["Qualifier"] != "live" {
		t.Error("an asynchronous invocation that failed at every try is lost: it has no destination")
	}
	failed, delivering := "acs:mns:cn-hangzhou:1234567890123456:/queues/tairssl-failed", 0
	for name, trigger := range readDevs(t).triggers() {
		if trigger["triggerType"] != "eventbridge" {
			continue
		}
		delivering++
		if to := at(readDevs(t).resolve(trigger), "triggerConfig", "runOptions", "deadLetterQueue", "Arn"); to != failed {
			t.Errorf("the events that the trigger %s cannot deliver go to %v, want %s", name, to, failed)
		}
	}
	if delivering < 2 {
		t.Errorf("s.yaml has %d triggers of EventBridge, want at least 2", delivering)
	}
	unattended := readDevs(t).functions()["tairssl"]
	if at(unattended, "asyncInvokeConfig", "destinationConfig", "onFailure", "destination") == nil || at(unattended, "concurrencyConfig", "reservedConcurrency") == nil {
		t.Error("in s.yaml, the function has no destination for failed invocations, or no reserved concurrency")
	}
}

// A chat hands its work to an asynchronous invocation of the same function. The function has
// the right to do so, and the time to watch a change. The invocation ends when the work is
// too old. If it fails at every try, it is kept.
func TestAChatMayHandWorkOver(t *testing.T) {
	const life, long = int(chatops.HandedLife / time.Second), 180
	template := readTemplate(t, nil)
	function := template.ofType("AWS::Serverless::Function")["TairSSLWebhooks"]
	var config any = template.ofType("AWS::Lambda::EventInvokeConfig")["WebhooksInvocations"]
	if function["Timeout"].(int) < long || at(config, "Qualifier") != "live" || at(config, "MaximumEventAgeInSeconds") != life || at(config, "MaximumRetryAttempts") != 2 || at(config, "DestinationConfig", "OnFailure", "Destination") == nil {
		t.Errorf("the webhooks on Lambda run for %v s, with %v", function["Timeout"], config)
	}
	// The role contains the function's name: the function refers to the role, so a reference
	// back would be a cycle.
	own := strings.NewReplacer("NAME", "${AWS::StackName}-webhooks").Replace("arn:${AWS::Partition}:lambda:${AWS::Region}:${AWS::AccountId}:function:NAME:live")
	if at(function, "FunctionName", "Fn::Sub") != "${AWS::StackName}-webhooks" || !slices.Contains(template.allowed("WebhooksRole", "lambda:InvokeFunction"), fmt.Sprint(object{"Fn::Sub": own})) {
		t.Errorf("the webhooks on Lambda may not invoke themselves: %v", template.allowed("WebhooksRole", "lambda:InvokeFunction"))
	}

	props := readDevs(t).functions()["webhooks"]
	config = props["asyncInvokeConfig"]
	if props["timeout"].(int) < long || at(config, "maxAsyncEventAgeInSeconds") != life || at(config, "maxAsyncRetryAttempts") != 2 || at(config, "destinationConfig", "onFailure", "destination") == nil {
		t.Errorf("the webhooks on Function Compute run for %v s, with %v", props["timeout"], config)
	}
	text, err := os.ReadFile("../fc/policy.json")
	if err != nil {
		t.Fatal(err)
	}
	var policy struct {
		Statement []struct{ Effect, Action, Resource string }
	}
	if err := json.Unmarshal(text, &policy); err != nil {
		t.Fatal(err)
	}
	want := "acs:fc:*:*:functions/" + fmt.Sprint(readDevs(t).resolve(props["functionName"]))
	if !slices.ContainsFunc(policy.Statement, func(s struct{ Effect, Action, Resource string }) bool {
		return s.Effect == "Allow" && s.Action == "fc:InvokeFunction" && s.Resource == want
	}) {
		t.Errorf("adapters/fc/policy.json does not allow fc:InvokeFunction on %s", want)
	}
}

// Events that a rule cannot deliver go to the queue of failed invocations. The queue's
// policy admits exactly the rules of the template, by their ARNs.
func TestEveryRuleMaySendFailedEventsToTheQueue(t *testing.T) {
	template := readTemplate(t, map[string]string{"CustomEventSource": "com.example.platform"})
	var want []any
	for name, e := range template.triggers() {
		if e["Type"] != "AWS::Events::Rule" {
			continue
		}
		want = append(want, object{"Fn::GetAtt": []any{name, "Arn"}})
		if _, queue := target(e); fmt.Sprint(queue) != fmt.Sprint(object{"Fn::GetAtt": []any{"FailedInvocations", "Arn"}}) {
			t.Errorf("the events that the rule %s cannot deliver go to %v, want FailedInvocations", name, queue)
		}
	}
	statements, _ := at(template.object, "Resources", "FailedInvocationsPolicy", "Properties", "PolicyDocument", "Statement").([]any)
	if len(want) < 3 || len(statements) != 1 {
		t.Fatalf("there are %d rules, want at least 3, and %d statements that admit them, want 1", len(want), len(statements))
	}
	let, _ := template.resolve(at(statements[0], "Condition", "ArnEquals", "aws:SourceArn")).([]any)
	sorted := func(list []any) (names []string) {
		for _, v := range list {
			names = append(names, fmt.Sprint(v))
		}
		slices.Sort(names)
		return names
	}
	if !slices.Equal(sorted(let), sorted(want)) {
		t.Errorf("the queue admits the rules %v, want %v", sorted(let), sorted(want))
	}
}
