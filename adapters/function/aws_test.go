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

// allowed gives the resources on which a role may carry out an action.
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

// withEverything is the template with every optional part.
func withEverything(t *testing.T) template {
	t.Helper()
	return readTemplate(t, map[string]string{
		"Http": "url", "Fleet": "map", "CustomEventSource": "com.example.platform", "SecretsExtensionArn": "arn:aws:lambda:x", "SecretsKeyArn": "arn:aws:kms:x",
		"FunctionSecret": "tairssl/function", "WebhooksSecret": "tairssl/webhooks", "RoleArn": "acs:ram::1:role/tairssl", "OidcProviderArn": "acs:ram::1:oidc-provider/aws", "SubnetIds": "subnet-1",
	})
}

// Each function has its own role. The role allows exactly these actions, only on the
// function's own resources.
func TestEachFunctionHasOnlyTheRightsThatItNeeds(t *testing.T) {
	getAtt := func(resource string) string { return fmt.Sprint(object{"Fn::GetAtt": []any{resource, "Arn"}}) }
	secret := func(name string) string {
		return fmt.Sprint(object{"Fn::Sub": "arn:${AWS::Partition}:secretsmanager:${AWS::Region}:${AWS::AccountId}:secret:" + name + "-??????"})
	}
	webhooks := fmt.Sprint(object{"Fn::Sub": "arn:${AWS::Partition}:lambda:${AWS::Region}:${AWS::AccountId}:function:${AWS::StackName}-webhooks:live"})
	const everything = "*" // for actions that support no resources
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
					t.Errorf("%s: %s %v is not a right that the function needs", path, o["Effect"], action)
				}
			}
		})
		if seen < 10 {
			t.Errorf("the test found only %d actions of %s", seen, role)
		}
	}
	// With an AccessKey, the role may also read that secret, but gets no identity token.
	withKey := readTemplate(t, map[string]string{"AccessKeySecret": "tairssl/key"})
	for role := range want {
		if got := withKey.allowed(role, "secretsmanager:GetSecretValue"); !slices.Equal(got, []string{secret("tairssl/key")}) || withKey.allowed(role, "sts:GetWebIdentityToken") != nil {
			t.Errorf("with an AccessKey, %s may read %v, or get an identity token", role, got)
		}
	}
}

// The trust of the RAM role names the functions' roles before they exist. So the roles have
// the names from the documentation.
func TestTheRolesHaveTheNamesInTheTrust(t *testing.T) {
	template := withEverything(t)
	for resource, want := range map[string]string{"FunctionRole": "${AWS::StackName}-${AWS::Region}", "WebhooksRole": "${AWS::StackName}-${AWS::Region}-webhooks"} {
		if got := at(template.object, "Resources", resource, "Properties", "RoleName", "Fn::Sub"); got != want {
			t.Errorf("%s has the name %v, want %s", resource, got, want)
		}
	}
	for name, properties := range template.ofType("AWS::Serverless::Function") {
		if _, ok := properties["Policies"]; ok || at(properties, "Role", "Fn::GetAtt") == nil || properties["Events"] != nil {
			t.Errorf("%s has its own policies or events: SAM would add managed policies for every queue", name)
		}
	}
	condition := at(template.resolve(at(template.object, "Resources", "FunctionRole", "Properties", "Policies")).([]any)[3], "PolicyDocument", "Statement").([]any)[0]
	if fmt.Sprint(at(condition, "Condition", "ForAllValues:StringEquals", "sts:IdentityTokenAudience")) != "[sts.aliyuncs.com]" || at(condition, "Condition", "Null", "sts:IdentityTokenAudience") != "false" {
		t.Errorf("the identity token can have another audience than Alibaba Cloud: %v", condition)
	}
}

// Logs and queues stay when the stack is deleted, because nothing could restore them.
func TestLogsAndQueuesOutliveTheStack(t *testing.T) {
	kept := 0
	for name, resource := range readTemplate(t, nil).object["Resources"].(object) {
		switch at(resource, "Type") {
		case "AWS::Logs::LogGroup", "AWS::SQS::Queue":
			kept++
			if at(resource, "DeletionPolicy") != "Retain" || at(resource, "UpdateReplacePolicy") != "Retain" {
				t.Errorf("%s is deleted with the stack", name)
			}
			// A fixed name would prevent the next stack from creating its own.
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

// Lambda drops lines below its own level. With debug, its level must let all lines through.
// With every other level, the line of an invocation must get through.
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
			t.Errorf("%s has the logging %v", name, properties["LoggingConfig"])
		}
	}
}

// A public function has a limit of concurrency by default. Without a public function, no
// concurrency is reserved.
func TestThePublicFunctionHasALimitOfConcurrency(t *testing.T) {
	for http, want := range map[string]any{"none": nil, "url": "5", "api": "5"} {
		template := readTemplate(t, map[string]string{"Http": http})
		got := template.resolve(template.ofType("AWS::Serverless::Function")["TairSSLWebhooks"]["ReservedConcurrentExecutions"])
		if fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("with Http=%s the webhooks have the concurrency %v, want %v", http, got, want)
		}
	}
	if source := at(readTemplate(t, nil).object, "Parameters", "CustomEventSource", "Default"); source != "" {
		t.Errorf("by default, everyone who may send events with the source %v can ask for changes", source)
	}
}

// Every caller of a function uses its alias, because a rollback moves the alias.
func TestEveryCallerUsesTheAlias(t *testing.T) {
	template := withEverything(t)
	for name, properties := range template.ofType("AWS::Lambda::Permission") {
		if ref := fmt.Sprint(at(properties, "FunctionName", "Ref")); !strings.HasSuffix(ref, "Alias") {
			t.Errorf("%s permits calls of %v, want the alias", name, ref)
		}
	}
	if function := at(template.object, "Resources", "FleetStateMachine", "Properties", "DefinitionSubstitutions", "Function", "Ref"); function != "FunctionAlias" {
		t.Errorf("the state machine calls %v", function)
	}
	for name, properties := range template.ofType("AWS::Lambda::Alias") {
		// With another value, a deployment would undo a rollback.
		if properties["FunctionVersion"] != "$LATEST" || properties["Name"] != "live" {
			t.Errorf("%s is %v", name, properties)
		}
	}
}

// A deployment checks the settings when one of them changes. A pause is urgent, so it does
// not wait for the check.
func TestADeploymentChecksItsSettings(t *testing.T) {
	template := readTemplate(t, nil)
	for check, function := range map[string]string{"FunctionCheck": "TairSSLFunction", "WebhooksCheck": "TairSSLWebhooks"} {
		properties := at(template.object, "Resources", check, "Properties")
		given := fmt.Sprint(at(properties, "Given"))
		if fmt.Sprint(at(properties, "ServiceToken")) != fmt.Sprint(object{"Fn::GetAtt": []any{function, "Arn"}}) {
			t.Errorf("%s calls %v", check, at(properties, "ServiceToken"))
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
				t.Errorf("%s is not repeated when %s changes: add the parameter to Given", check, name)
			}
		}
		if len(wanted) < 10 || strings.Contains(given, "Ref:Pause") {
			t.Errorf("%s depends on %v, and on %d parameters; want at least 10 of them, and no pause", check, given, len(wanted))
		}
	}
}

// The documentation has a row for each parameter of the template.
func TestEveryParameterIsDocumented(t *testing.T) {
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
		t.Errorf("the table has %d rows, but the template has %d parameters", rows, len(template.object["Parameters"].(object)))
	}
}

// The documentation has the times and counts that the template deploys, and they fit the
// code.
func TestTheDocumentedNumbersAreThoseOfTheTemplate(t *testing.T) {
	template, text := readTemplate(t, nil), documentOf(t, "lambda")
	functions := template.ofType("AWS::Serverless::Function")
	queue := template.ofType("AWS::SQS::Queue")["Requests"]
	invocations := template.ofType("AWS::Lambda::EventInvokeConfig")
	for _, row := range []string{
		fmt.Sprintf("| timeout of the function for unattended work | %v s |", functions["TairSSLFunction"]["Timeout"]),
		fmt.Sprintf("| timeout of the function for webhooks and chat | %v s |", functions["TairSSLWebhooks"]["Timeout"]),
		fmt.Sprintf("| visibility of a message in the queue | %v s |", queue["VisibilityTimeout"]),
		fmt.Sprintf("| receives of a message | %v |", at(queue, "RedrivePolicy", "maxReceiveCount")),
		fmt.Sprintf("| greatest age of an asynchronous invocation | %v s; %v s for work that chat hands over |", invocations["FunctionInvocations"]["MaximumEventAgeInSeconds"], invocations["WebhooksInvocations"]["MaximumEventAgeInSeconds"]),
	} {
		if !strings.Contains(text, row) {
			t.Errorf("adapters/lambda/README.md lacks the row\n%s", row)
		}
	}
	if life := int(chatops.HandedLife.Seconds()); invocations["WebhooksInvocations"]["MaximumEventAgeInSeconds"] != life {
		t.Errorf("handed work is valid for %d s, but the template keeps it for %v s", life, invocations["WebhooksInvocations"]["MaximumEventAgeInSeconds"])
	}
	// A plan takes at most one invocation. The command in the documentation waits that long.
	if timeout := functions["TairSSLFunction"]["Timeout"]; !strings.Contains(text, fmt.Sprintf("--cli-read-timeout %v", timeout)) {
		t.Errorf("the command in the documentation does not wait for %v s", timeout)
	}
}

// documentOf reads the documentation of a cloud.
func documentOf(t *testing.T, cloud string) string {
	t.Helper()
	text, err := os.ReadFile("../" + cloud + "/README.md")
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}
