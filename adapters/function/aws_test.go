package function_test

import (
	"fmt"
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"tairssl/adapters/chatops"
)

// allowed gives the resources on which a role may do something.
func (t template) allowed(role, action string) (resources []string) {
	policies, _ := t.resolve(at(t.object, "Resources", role, "Properties", "Policies")).([]any)
	for _, policy := range policies {
		for _, statement := range at(policy, "PolicyDocument", "Statement").([]any) {
			for _, a := range listOf(at(statement, "Action")) {
				if a == action {
					for _, r := range listOf(at(statement, "Resource")) {
						resources = append(resources, fmt.Sprint(r))
					}
				}
			}
		}
	}
	return resources
}

func listOf(v any) []any {
	if list, ok := v.([]any); ok {
		return list
	}
	return []any{v}
}

// with deploys the template with all that it can have.
func withEverything(t *testing.T) template {
	t.Helper()
	return readTemplate(t, map[string]string{
		"Http": "url", "Fleet": "map", "CustomEventSource": "com.example.platform", "SecretsExtensionArn": "arn:aws:lambda:x", "SecretsKeyArn": "arn:aws:kms:x",
		"FunctionSecret": "tairssl/function", "WebhooksSecret": "tairssl/webhooks", "RoleArn": "acs:ram::1:role/tairssl", "OidcProviderArn": "acs:ram::1:oidc-provider/aws", "SubnetIds": "subnet-1",
	})
}

// Each function has a role of its own, which may do these things and no others,
// on what belongs to it alone.
func TestEachFunctionMayOnlyWhatItNeeds(t *testing.T) {
	getAtt := func(resource string) string { return fmt.Sprint(object{"Fn::GetAtt": []any{resource, "Arn"}}) }
	secret := func(name string) string {
		return fmt.Sprint(object{"Fn::Sub": "arn:${AWS::Partition}:secretsmanager:${AWS::Region}:${AWS::AccountId}:secret:" + name + "-??????"})
	}
	webhooks := fmt.Sprint(object{"Fn::Sub": "arn:${AWS::Partition}:lambda:${AWS::Region}:${AWS::AccountId}:function:${AWS::StackName}-webhooks:live"})
	const everything = "*" // of actions that know no resources
	interfaces := map[string][]string{}
	for _, action := range []string{"CreateNetworkInterface", "DescribeNetworkInterfaces", "DescribeSubnets", "DeleteNetworkInterface", "AssignPrivateIpAddresses", "UnassignPrivateIpAddresses"} {
		interfaces["ec2:"+action] = []string{everything}
	}
	want := map[string]map[string][]string{
		"FunctionRole": {
			"logs:CreateLogStream": {getAtt("FunctionLogs")}, "logs:PutLogEvents": {getAtt("FunctionLogs")},
			"sqs:ReceiveMessage": {getAtt("Requests")}, "sqs:DeleteMessage": {getAtt("Requests")}, "sqs:GetQueueAttributes": {getAtt("Requests")},
			"sqs:SendMessage": {getAtt("FailedInvocations")}, "sts:GetWebIdentityToken": {everything},
			"secretsmanager:GetSecretValue": {secret("tairssl/function")}, "kms:Decrypt": {"arn:aws:kms:x"},
		},
		"WebhooksRole": {
			"logs:CreateLogStream": {getAtt("WebhookLogs")}, "logs:PutLogEvents": {getAtt("WebhookLogs")},
			"sqs:SendMessage": {getAtt("FailedInvocations")}, "sts:GetWebIdentityToken": {everything}, "lambda:InvokeFunction": {webhooks},
			"secretsmanager:GetSecretValue": {secret("tairssl/webhooks")}, "kms:Decrypt": {"arn:aws:kms:x"},
		},
	}
	template := withEverything(t)
	for role, actions := range want {
		maps.Copy(actions, interfaces)
		for action, resources := range actions {
			if got := template.allowed(role, action); !slices.Equal(got, resources) {
				t.Errorf("%s may %s on %v, want %v", role, action, got, resources)
			}
		}
		seen := 0
		walk(template.resolve(at(template.object, "Resources", role, "Properties", "Policies")), role, func(path string, o object) {
			for _, action := range listOf(o["Action"]) {
				if action == nil {
					continue
				}
				seen++
				if actions[fmt.Sprint(action)] == nil || o["Effect"] != "Allow" {
					t.Errorf("%s: %s %v is not among what it needs", path, o["Effect"], action)
				}
			}
		})
		if seen < 10 {
			t.Errorf("only %d actions of %s were looked at", seen, role)
		}
	}
	// With an AccessKey, that secret as well; without, no identity.
	withKey := readTemplate(t, map[string]string{"AccessKeySecret": "tairssl/key"})
	for role := range want {
		if got := withKey.allowed(role, "secretsmanager:GetSecretValue"); !slices.Equal(got, []string{secret("tairssl/key")}) || withKey.allowed(role, "sts:GetWebIdentityToken") != nil {
			t.Errorf("with an AccessKey %s may read %v", role, got)
		}
	}
}

// The trust of the RAM role names the functions' roles exactly, before they
// exist: their names are those of the documentation.
func TestRolesHaveTheNamesThatTheTrustHas(t *testing.T) {
	template := withEverything(t)
	for resource, want := range map[string]string{"FunctionRole": "${AWS::StackName}-${AWS::Region}", "WebhooksRole": "${AWS::StackName}-${AWS::Region}-webhooks"} {
		if got := at(template.object, "Resources", resource, "Properties", "RoleName", "Fn::Sub"); got != want {
			t.Errorf("%s has the name %v, want %s", resource, got, want)
		}
	}
	for name, properties := range template.ofType("AWS::Serverless::Function") {
		if _, ok := properties["Policies"]; ok || at(properties, "Role", "Fn::GetAtt") == nil || properties["Events"] != nil {
			t.Errorf("%s has rights that SAM gives it, to which the managed policies for every queue belong", name)
		}
	}
	condition := at(template.resolve(at(template.object, "Resources", "FunctionRole", "Properties", "Policies")).([]any)[3], "PolicyDocument", "Statement").([]any)[0]
	if fmt.Sprint(at(condition, "Condition", "ForAllValues:StringEquals", "sts:IdentityTokenAudience")) != "[sts.aliyuncs.com]" || at(condition, "Condition", "Null", "sts:IdentityTokenAudience") != "false" {
		t.Errorf("the identity is given to others than Alibaba Cloud: %v", condition)
	}
}

// What a deletion would lose for ever stays.
func TestLogsAndQueuesOutliveTheStack(t *testing.T) {
	kept := 0
	for name, resource := range readTemplate(t, nil).object["Resources"].(object) {
		switch at(resource, "Type") {
		case "AWS::Logs::LogGroup", "AWS::SQS::Queue":
			kept++
			if at(resource, "DeletionPolicy") != "Retain" || at(resource, "UpdateReplacePolicy") != "Retain" {
				t.Errorf("%s goes with the stack", name)
			}
			// One with a fixed name would stand in the way of the next stack.
			for _, property := range []string{"QueueName", "LogGroupName"} {
				if at(resource, "Properties", property) != nil {
					t.Errorf("%s has a fixed name", name)
				}
			}
		}
	}
	if kept != 5 {
		t.Errorf("%d logs and queues are kept, want 5", kept)
	}
}

// Lambda drops lines below its own level. With debug it lets them pass, and the
// line of each invocation always.
func TestLogLevelReachesLambda(t *testing.T) {
	template := readTemplate(t, nil)
	levels := at(template.object, "Mappings", "ApplicationLogLevel").(object)
	for _, level := range at(template.object, "Parameters", "LogLevel", "AllowedValues").([]any) {
		want := "INFO"
		if level == "debug" {
			want = "DEBUG"
		}
		if got := at(levels, level.(string), "Level"); got != want {
			t.Errorf("with LogLevel=%s Lambda's level is %v, want %s", level, got, want)
		}
	}
	for name, properties := range template.ofType("AWS::Serverless::Function") {
		if fmt.Sprint(at(properties, "LoggingConfig", "ApplicationLogLevel")) != fmt.Sprint(object{"Fn::FindInMap": []any{"ApplicationLogLevel", object{"Ref": "LogLevel"}, "Level"}}) || at(properties, "LoggingConfig", "LogFormat") != "JSON" {
			t.Errorf("%s logs by %v", name, properties["LoggingConfig"])
		}
	}
}

// What is public is bounded by default, and never takes the concurrency of an
// account that has nothing public.
func TestPublicFunctionIsBounded(t *testing.T) {
	for http, want := range map[string]any{"none": nil, "url": "5", "api": "5"} {
		template := readTemplate(t, map[string]string{"Http": http})
		got := template.resolve(template.ofType("AWS::Serverless::Function")["TairSSLWebhooks"]["ReservedConcurrentExecutions"])
		if fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("with Http=%s the webhooks run %v at once, want %v", http, got, want)
		}
	}
	if source := at(readTemplate(t, nil).object, "Parameters", "CustomEventSource", "Default"); source != "" {
		t.Errorf("whoever may put events under %v asks for changes without being let in", source)
	}
}

// Everything that may call a function does it by the alias that a rollback moves.
func TestEverythingCallsTheAlias(t *testing.T) {
	template := withEverything(t)
	for name, properties := range template.ofType("AWS::Lambda::Permission") {
		if ref := fmt.Sprint(at(properties, "FunctionName", "Ref")); !strings.HasSuffix(ref, "Alias") {
			t.Errorf("%s lets %v be called", name, ref)
		}
	}
	if function := at(template.object, "Resources", "FleetStateMachine", "Properties", "DefinitionSubstitutions", "Function", "Ref"); function != "FunctionAlias" {
		t.Errorf("the state machine calls %v", function)
	}
	for name, properties := range template.ofType("AWS::Lambda::Alias") {
		// Any other value, and a deployment would undo a rollback.
		if properties["FunctionVersion"] != "$LATEST" || properties["Name"] != "live" {
			t.Errorf("%s is %v", name, properties)
		}
	}
}

// A deployment checks the settings whenever one of them changes. Pausing, which
// is urgent, does not wait for that.
func TestDeploymentChecksWhatItSets(t *testing.T) {
	template := readTemplate(t, nil)
	for check, function := range map[string]string{"FunctionCheck": "TairSSLFunction", "WebhooksCheck": "TairSSLWebhooks"} {
		properties := at(template.object, "Resources", check, "Properties")
		given := fmt.Sprint(at(properties, "Given"))
		if fmt.Sprint(at(properties, "ServiceToken")) != fmt.Sprint(object{"Fn::GetAtt": []any{function, "Arn"}}) {
			t.Errorf("%s asks %v", check, at(properties, "ServiceToken"))
		}
		wanted := map[string]bool{"SecretsExtensionArn": true, "SecretsKeyArn": true}
		walk(at(template.ofType("AWS::Serverless::Function")[function], "Environment", "Variables"), "", func(path string, o object) {
			if name, ok := o["Ref"].(string); ok && !strings.HasPrefix(name, "AWS::") && !strings.HasPrefix(path, "/ALIBABA_CLOUD_ROLE") && !strings.HasPrefix(path, "/ALIBABA_CLOUD_OIDC") {
				wanted[name] = true
			}
			for _, m := range regexp.MustCompile(`\$\{(\w+)\}`).FindAllStringSubmatch(fmt.Sprint(o["Fn::Sub"]), -1) {
				wanted[m[1]] = true
			}
		})
		delete(wanted, "Pause")
		for name := range wanted {
			if !strings.Contains(given, "map[Ref:"+name+"]") {
				t.Errorf("%s is not made again when %s changes: add it to Given", check, name)
			}
		}
		if len(wanted) < 10 || strings.Contains(given, "Ref:Pause") {
			t.Errorf("%s waits for %v, its row has %d parameters", check, given, len(wanted))
		}
	}
}

// The table of parameters in the documentation is the template's.
func TestDocumentedParametersAreTheTemplates(t *testing.T) {
	template := readTemplate(t, nil)
	text := documentOf(t, "lambda")
	for name, parameter := range template.object["Parameters"].(object) {
		value := fmt.Sprint(at(parameter, "Default"))
		if value != "" {
			value = "`" + value + "`"
		}
		if row := fmt.Sprintf("| `%s` | %s | %s |", name, value, at(parameter, "Description")); !strings.Contains(text, row+"\n") {
			t.Errorf("adapters/lambda/README.md lacks the row\n%s", row)
		}
	}
	_, table, _ := strings.Cut(text, "| parameter | default | |\n|---|---|---|\n")
	table, _, _ = strings.Cut(table, "\n\n")
	if rows := strings.Count(table+"\n", "\n"); rows != len(template.object["Parameters"].(object)) {
		t.Errorf("the table has %d rows, the template %d parameters", rows, len(template.object["Parameters"].(object)))
	}
}

// Times and counts in the documentation are those that are deployed, and fit the
// code.
func TestDocumentedNumbersAreTheTemplates(t *testing.T) {
	template, text := readTemplate(t, nil), documentOf(t, "lambda")
	functions := template.ofType("AWS::Serverless::Function")
	queue := template.ofType("AWS::SQS::Queue")["Requests"]
	invocations := template.ofType("AWS::Lambda::EventInvokeConfig")
	for _, row := range []string{
		fmt.Sprintf("| timeout of what runs unattended | %v s |", functions["TairSSLFunction"]["Timeout"]),
		fmt.Sprintf("| timeout of webhooks and chat | %v s |", functions["TairSSLWebhooks"]["Timeout"]),
		fmt.Sprintf("| visibility of a message in the queue | %v s |", queue["VisibilityTimeout"]),
		fmt.Sprintf("| receives of a message | %v |", at(queue, "RedrivePolicy", "maxReceiveCount")),
		fmt.Sprintf("| age of an asynchronous invocation | %v s; of handed work %v s |", invocations["FunctionInvocations"]["MaximumEventAgeInSeconds"], invocations["WebhooksInvocations"]["MaximumEventAgeInSeconds"]),
	} {
		if !strings.Contains(text, row) {
			t.Errorf("adapters/lambda/README.md lacks the row\n%s", row)
		}
	}
	if life := int(chatops.HandedLife.Seconds()); invocations["WebhooksInvocations"]["MaximumEventAgeInSeconds"] != life {
		t.Errorf("handed work is done for %d s, the template keeps it for %v s", life, invocations["WebhooksInvocations"]["MaximumEventAgeInSeconds"])
	}
	// A plan is made within one invocation, and the command line waits as long.
	if timeout := functions["TairSSLFunction"]["Timeout"]; !strings.Contains(text, fmt.Sprintf("--cli-read-timeout %v", timeout)) {
		t.Errorf("the AWS CLI is told to wait for something else than %v s", timeout)
	}
}

// documentOf is the documentation of a cloud.
func documentOf(t *testing.T, cloud string) string {
	t.Helper()
	text, err := os.ReadFile("../" + cloud + "/README.md")
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
