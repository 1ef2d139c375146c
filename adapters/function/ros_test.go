package function_test

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// rosOf resolves a value of adapters/fc/ros.yaml with the given parameters. It knows the
// functions Ref, Fn::Sub, Fn::Join, Fn::Split and Fn::Replace of ROS. A value that exists
// only after the deployment becomes a word in angle brackets.
func rosOf(t *testing.T, v any, parameters map[string]any) any {
	t.Helper()
	switch v := v.(type) {
	case []any:
		list := make([]any, len(v))
		for i := range v {
			list[i] = rosOf(t, v[i], parameters)
		}
		return list
	case object:
		if len(v) == 1 {
			for function, argument := range v {
				switch argument := rosOf(t, argument, parameters); function {
				case "Ref":
					if value, ok := parameters[argument.(string)]; ok {
						return value
					}
					return "<" + argument.(string) + ">"
				case "Fn::Sub":
					return regexp.MustCompile(`\$\{(\w+)\}`).ReplaceAllStringFunc(argument.(string), func(s string) string {
						value, ok := parameters[s[2:len(s)-1]]
						if !ok {
							t.Errorf("nothing sets %s in %q", s, argument)
						}
						return fmt.Sprint(value)
					})
				case "Fn::GetAtt":
					return "<" + fmt.Sprint(argument) + ">"
				case "Fn::Join":
					var parts []string
					for _, part := range argument.([]any)[1].([]any) {
						parts = append(parts, fmt.Sprint(part))
					}
					return strings.Join(parts, argument.([]any)[0].(string))
				case "Fn::Split":
					var list []any
					for part := range strings.SplitSeq(argument.([]any)[1].(string), argument.([]any)[0].(string)) {
						list = append(list, part)
					}
					return list
				case "Fn::Replace":
					text := argument.([]any)[1].(string)
					for old, replacement := range argument.([]any)[0].(object) {
						text = strings.ReplaceAll(text, old, replacement.(string))
					}
					return text
				}
			}
		}
		resolved := object{}
		for key, value := range v {
			resolved[key] = rosOf(t, value, parameters)
		}
		return resolved
	}
	return v
}

// readROS returns the resources of the template, with values in place of its parameters.
func readROS(t *testing.T, name string) object {
	t.Helper()
	template := readYAML(t, "../fc/ros.yaml")
	parameters := map[string]any{"InstanceIds": "r-bp1zxszhcgatnx01,r-bp1zxszhcgatnx02", "LogProject": "tairssl-1234567890123456", "SecretsKeyId": "key-1", "ActionPolicyId": "on-call", "Name": name}
	for parameter, described := range template["Parameters"].(object) {
		if _, ok := parameters[parameter]; !ok {
			parameters[parameter] = at(described, "Default")
		}
		if at(described, "Description") == nil {
			t.Errorf("the parameter %s has no description", parameter)
		}
		if pattern, ok := at(described, "AllowedPattern").(string); ok && !regexp.MustCompile(pattern).MatchString(fmt.Sprint(parameters[parameter])) {
			t.Errorf("the parameter %s does not accept %v", parameter, parameters[parameter])
		}
	}
	return rosOf(t, template["Resources"], parameters).(object)
}

func statements(resource any) []any {
	list, _ := at(resource, "Properties", "PolicyDocumentUnchecked", "Statement").([]any)
	return list
}

func readPolicy(t *testing.T, file string) []any {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var policy struct{ Statement []any }
	if err := json.Unmarshal(text, &policy); err != nil {
		t.Fatal(err)
	}
	return policy.Statement
}

// The template grants the same rights as the policy files.
func TestROSGivesTheRightsOfThePolicies(t *testing.T) {
	resources := readROS(t, "tairssl")
	// Only some operators need the right of the last statement.
	if at(resources["TasksPolicy"], "Condition") != "MovesTasks" {
		t.Error("the right to move Alibaba's own renewals does not depend on the condition MovesTasks")
	}
	if got, want := asJSON(t, slices.Concat(statements(resources["InstancesPolicy"]), statements(resources["TasksPolicy"]))), readPolicy(t, "../tair/policy.json"); !reflect.DeepEqual(got, any(want)) {
		t.Errorf("on instances, ROS allows\n%v\nbut adapters/tair/policy.json allows\n%v", got, want)
	}
	if got, want := asJSON(t, statements(resources["PausePolicy"])), readPolicy(t, "../tair/pause.json"); !reflect.DeepEqual(got, any(want)) || at(resources["PausePolicy"], "Properties", "Roles") != nil {
		t.Errorf("the policy of a pause is\n%v\nbut adapters/tair/pause.json is\n%v", got, want)
	}
	allowed := map[string]map[string]string{}
	for _, policy := range []string{"FunctionPolicy", "WebhooksPolicy"} {
		allowed[policy] = map[string]string{}
		for _, s := range statements(resources[policy]) {
			allowed[policy][fmt.Sprint(at(s, "Action"))] = fmt.Sprint(at(s, "Resource"))
		}
	}
	want := map[string]string{
		"log:PostLogStoreLogs": "acs:log:*:*:project/tairssl-1234567890123456/logstore/tairssl", "mns:SendMessage": "acs:mns:*:*:/queues/tairssl-failed/messages",
		"kms:GetSecretValue": "acs:kms:*:*:secret/tairssl/function", "kms:Decrypt": "acs:kms:*:*:key/key-1",
	}
	if !maps.Equal(allowed["FunctionPolicy"], want) {
		t.Errorf("the function of sweeps and events may %v, want %v", allowed["FunctionPolicy"], want)
	}
	want["kms:GetSecretValue"], want["fc:InvokeFunction"] = "acs:kms:*:*:secret/tairssl/webhooks", "acs:fc:*:*:functions/tairssl-webhooks"
	if !maps.Equal(allowed["WebhooksPolicy"], want) {
		t.Errorf("the function of webhooks and chats may %v, want %v", allowed["WebhooksPolicy"], want)
	}
	// The policy file is for one role for both functions, and for a project of any name.
	for _, s := range readPolicy(t, "../fc/policy.json") {
		action := fmt.Sprint(at(s, "Action"))
		if got := strings.Replace(want[action], "tairssl-1234567890123456", "tairssl-*", 1); got != at(s, "Resource") {
			t.Errorf("adapters/fc/policy.json allows %s on %v, but ROS allows it on %s", action, at(s, "Resource"), got)
		}
	}
}

// s.yaml refers to resources that the template creates, for any name of the deployment. Two
// deployments with different names share nothing.
func TestROSCreatesTheResourcesThatSYamlUses(t *testing.T) {
	names := map[string][]string{}
	for _, name := range []string{"tairssl", "other"} {
		resources := readROS(t, name)
		of := func(resource, property string) string {
			return fmt.Sprint(at(resources[resource], "Properties", property))
		}
		devs := readDevs(t)
		devs.object["vars"].(object)["name"] = name
		account, region := "1234567890123456", "cn-hangzhou"
		failed := "acs:mns:" + region + ":" + account + ":/queues/" + of("Failed", "QueueName")
		for resource, props := range devs.functions() {
			props := devs.resolve(props).(object)
			role := map[string]string{"tairssl": "FunctionRole", "webhooks": "WebhooksRole"}[resource]
			for what, pair := range map[string][2]any{
				"role": {props["role"], "acs:ram::" + account + ":role/" + of(role, "RoleName")}, "log project": {at(props, "logConfig", "project"), of("Project", "Name")},
				"log store":                   {at(props, "logConfig", "logstore"), of("Logstore", "LogstoreName")},
				"queue of failed invocations": {at(props, "asyncInvokeConfig", "destinationConfig", "onFailure", "destination"), failed + "/messages"},
			} {
				if pair[0] != pair[1] {
					t.Errorf("%s/%s: the %s is %v, but ROS creates %v", name, resource, what, pair[0], pair[1])
				}
			}
			names[name] = append(names[name], fmt.Sprint(props["functionName"]), fmt.Sprint(props["role"]), fmt.Sprint(at(props, "logConfig", "logstore")))
		}
		triggers := devs.resolve(object(asObject(devs.triggers()))).(object)
		for what, pair := range map[string][2]any{
			"queue":          {at(triggers, "requests", "triggerConfig", "eventSourceConfig", "eventSourceParameters", "sourceMNSParameters", "QueueName"), of("Requests", "QueueName")},
			"topic":          {at(triggers, "topic", "sourceArn"), "acs:mns:" + region + ":" + account + ":/topics/" + of("Topic", "TopicName")},
			"topic's role":   {at(triggers, "topic", "invocationRole"), "acs:ram::" + account + ":role/" + of("TopicRole", "RoleName")},
			"dead letters":   {at(triggers, "events", "triggerConfig", "runOptions", "deadLetterQueue", "Arn"), failed},
			"dead letters 2": {at(triggers, "requests", "triggerConfig", "runOptions", "deadLetterQueue", "Arn"), failed},
		} {
			if pair[0] != pair[1] {
				t.Errorf("%s: the %s is %v, but ROS creates %v", name, what, pair[0], pair[1])
			}
		}
		for _, resource := range []string{"Requests", "Failed", "Topic", "Logstore", "FunctionRole", "WebhooksRole", "TopicRole"} {
			for _, property := range []string{"QueueName", "TopicName", "LogstoreName", "RoleName"} {
				if value := at(resources[resource], "Properties", property); value != nil {
					names[name] = append(names[name], property+"/"+fmt.Sprint(value))
				}
			}
		}
		unattended := devs.functions()["tairssl"]
		if visibility := at(resources["Requests"], "Properties", "VisibilityTimeout").(int); visibility < 6*unattended["timeout"].(int) {
			t.Errorf("a message of the queue is visible again after %d s, want at least six times the timeout", visibility)
		}
	}
	for _, name := range names["other"] {
		if slices.Contains(names["tairssl"], name) {
			t.Errorf("two deployments share the name %s", name)
		}
	}
	if len(names["other"]) < 12 {
		t.Errorf("the test compared only the names %v", names["other"])
	}
}

func asObject(m map[string]object) map[string]any {
	all := map[string]any{}
	for k, v := range m {
		all[k] = v
	}
	return all
}

// The index of ROS has the fields of logindex.json. The alerts query only fields in the
// index.
func TestROSAlertsQueryOnlyFieldsInTheIndex(t *testing.T) {
	resources := readROS(t, "tairssl")
	text, err := os.ReadFile("../fc/logindex.json")
	if err != nil {
		t.Fatal(err)
	}
	var index struct {
		Message struct {
			Keys map[string]struct{ Type string } `json:"json_keys"`
		}
	}
	if err := json.Unmarshal(text, &index); err != nil {
		t.Fatal(err)
	}
	indexed := map[string]bool{}
	for _, key := range at(resources["Index"], "Properties", "KeyIndices").([]any)[1].(object)["JsonKeyIndices"].([]any) {
		name := fmt.Sprint(at(key, "Name"))
		indexed[name] = true
		if index.Message.Keys[name].Type != at(key, "Type") {
			t.Errorf("ROS indexes %s as %v, but logindex.json as %q", name, at(key, "Type"), index.Message.Keys[name].Type)
		}
	}
	if len(indexed) != len(index.Message.Keys) {
		t.Errorf("ROS indexes %d fields, but logindex.json has %d", len(indexed), len(index.Message.Keys))
	}
	aws := readTemplate(t, nil).ofType("AWS::CloudWatch::Alarm")
	alerts := 0
	for name, resource := range resources {
		if at(resource, "Type") != "ALIYUN::SLS::Alert" {
			continue
		}
		alerts++
		if aws[strings.TrimSuffix(name, "Alert")+"Alarm"] == nil {
			t.Errorf("the runbook has no alarm for %s", name)
		}
		configuration := at(resource, "Properties", "Detail", "Configuration")
		query := fmt.Sprint(at(configuration.(object)["QueryList"].([]any)[0], "Query"))
		fields := regexp.MustCompile(`message\.(\w+)`).FindAllStringSubmatch(query, -1)
		for _, m := range fields {
			if !indexed[m[1]] {
				t.Errorf("%s queries %s, which is not in the index", name, m[1])
			}
		}
		column := regexp.MustCompile(` as (\w+)$`).FindStringSubmatch(query)
		condition := fmt.Sprint(at(configuration.(object)["SeverityConfigurations"].([]any)[0], "EvalCondition", "Condition"))
		if len(fields) < 2 || column == nil || !strings.HasPrefix(condition, column[1]+" ") {
			t.Errorf("%s has the query %q, but the condition %q is on another column", name, query, condition)
		}
		if at(configuration, "SendResolved") != false || at(configuration, "NoDataFire") != (name == "HeartbeatAlert") {
			t.Errorf("%s handles missing data in the wrong way: %v", name, configuration)
		}
	}
	if alerts < 8 {
		t.Errorf("there are only %d alerts", alerts)
	}
}

// Logs and queues stay when the stack is deleted, because nothing could restore them.
func TestROSKeepsLogsAndQueues(t *testing.T) {
	kept := 0
	for name, resource := range readROS(t, "tairssl") {
		switch at(resource, "Type") {
		case "ALIYUN::MNS::Queue", "ALIYUN::SLS::Project", "ALIYUN::SLS::Logstore", "ALIYUN::SLS::Index":
			if kept++; at(resource, "DeletionPolicy") != "Retain" {
				t.Errorf("%s is deleted with the stack", name)
			}
		}
	}
	if kept != 5 {
		t.Errorf("%d resources are kept, want 5", kept)
	}
}

// Alibaba publishes no package with the properties of these types. Source: ROS developer
// guide, ALIYUN::MNS::Queue and ALIYUN::MNS::Topic.
func TestROSMessageServiceHasKnownProperties(t *testing.T) {
	known := map[string][]string{
		"ALIYUN::MNS::Queue": {"QueueName", "DelaySeconds", "LoggingEnabled", "MaximumMessageSize", "MessageRetentionPeriod", "PollingWaitSeconds", "VisibilityTimeout"},
		"ALIYUN::MNS::Topic": {"TopicName", "LoggingEnabled", "MaximumMessageSize"},
	}
	seen := 0
	for name, resource := range readROS(t, "tairssl") {
		properties, ok := known[fmt.Sprint(at(resource, "Type"))]
		if !ok {
			continue
		}
		seen++
		for property := range at(resource, "Properties").(object) {
			if !slices.Contains(properties, property) {
				t.Errorf("%s has the property %s, which its type does not know", name, property)
			}
		}
	}
	if seen != 3 {
		t.Errorf("the test found %d resources, want 3", seen)
	}
}

// The documentation has the times that s.yaml and ROS deploy.
func TestTheDocumentedTimesAreThoseOfSYaml(t *testing.T) {
	text, functions, queue := documentOf(t, "fc"), readDevs(t).functions(), readROS(t, "tairssl")["Requests"]
	for _, row := range []string{
		fmt.Sprintf("| timeout of the function for unattended work | %v s |", functions["tairssl"]["timeout"]),
		fmt.Sprintf("| timeout of the function for webhooks and chat | %v s |", functions["webhooks"]["timeout"]),
		fmt.Sprintf("| visibility of a message in the queue | %v s |", at(queue, "Properties", "VisibilityTimeout")),
		fmt.Sprintf("| greatest age of an asynchronous invocation | %v s; %v s for work that chat hands over |", at(functions["tairssl"], "asyncInvokeConfig", "maxAsyncEventAgeInSeconds"), at(functions["webhooks"], "asyncInvokeConfig", "maxAsyncEventAgeInSeconds")),
	} {
		if !strings.Contains(text, row) {
			t.Errorf("adapters/fc/README.md lacks the row\n%s", row)
		}
	}
	// Both clouds have the same timeouts.
	lambda := readTemplate(t, nil).ofType("AWS::Serverless::Function")
	if lambda["TairSSLFunction"]["Timeout"] != functions["tairssl"]["timeout"] || lambda["TairSSLWebhooks"]["Timeout"] != functions["webhooks"]["timeout"] {
		t.Error("the timeouts of the two clouds differ")
	}
}
