package function_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/santhosh-tekuri/jsonschema/v6"

	"tairssl/adapters/chatops"
	"tairssl/adapters/event"
	"tairssl/adapters/function"
	"tairssl/handler"
)

// settingNames are those of the function, as variables.
func settingNames(t *testing.T) (names []string) {
	t.Helper()
	for _, row := range function.SettingsTable() {
		names = append(names, regexp.MustCompile(function.Prefix+`\w+`).FindString(row))
	}
	if len(names) < 10 {
		t.Fatalf("only the settings %v are found", names)
	}
	return names
}

// environments gives the variables of each function of both clouds.
func environments(t *testing.T) map[string]object {
	t.Helper()
	all := map[string]object{}
	for name, properties := range readTemplate(t, nil).ofType("AWS::Serverless::Function") {
		all["template.yaml/"+name] = at(properties, "Environment", "Variables").(object)
	}
	for name, props := range readDevs(t).functions() {
		all["s.yaml/"+name] = props["environmentVariables"].(object)
	}
	if len(all) != 4 {
		t.Fatalf("the descriptions have %d functions, want two for each cloud", len(all))
	}
	return all
}

func TestDeployedVariablesAreSettings(t *testing.T) {
	known := settingNames(t)
	for where, variables := range environments(t) {
		for _, name := range slices.Sorted(maps.Keys(variables)) {
			if strings.HasPrefix(name, function.Prefix) && !slices.Contains(known, name) {
				t.Errorf("%s sets %s, which is no setting", where, name)
			}
		}
	}
	// What s.yaml takes from the environment that it is deployed in.
	text, err := os.ReadFile("../../s.yaml")
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range regexp.MustCompile(`env\('(\w+)'`).FindAllStringSubmatch(string(text), -1) {
		if !strings.HasPrefix(m[1], "TAIRSSL_DEPLOY_") && !slices.Contains(known, m[1]) {
			t.Errorf("s.yaml takes %s from the environment, which is no setting", m[1])
		}
	}
}

// Whatever opens a route, or makes its answers seen, can be set where there are
// routes: between the first secret of a webhook and the last setting of chat.
func TestEverySettingOfTheRoutesCanBeDeployed(t *testing.T) {
	names := settingNames(t)
	names = names[slices.Index(names, "TAIRSSL_WEBHOOK_SECRETS") : slices.Index(names, "TAIRSSL_CONFIRM_BY")+1]
	served := 0
	for where, variables := range environments(t) {
		if _, ok := variables["TAIRSSL_SLACK_SIGNING_SECRETS"]; !ok {
			continue
		}
		served++
		for _, name := range names {
			if _, ok := variables[name]; !ok {
				t.Errorf("%s can not set %s", where, name)
			}
		}
	}
	if served != 2 || len(names) < 15 {
		t.Fatalf("%d functions and the settings %v were looked at", served, names)
	}
}

// isSecret tells by its name whether a variable holds a secret.
func isSecret(name string) bool {
	return regexp.MustCompile(`_(SECRETS?|TOKENS?|KEYS?|BASIC|NOTIFY_URLS|ACCESS_KEY_ID)$`).MatchString(name)
}

func TestDeployedSecretsAreReferences(t *testing.T) {
	template, seen := readTemplate(t, nil), 0
	for where, variables := range environments(t) {
		for name, value := range variables {
			if !isSecret(name) {
				continue
			}
			seen++
			if strings.HasPrefix(where, "s.yaml") {
				if value != fmt.Sprintf("${env('%s', '')}", name) {
					t.Errorf("%s: %s is %v, want what the environment says at deployment", where, name, value)
				}
				continue
			}
			if choice, ok := at(value, "Fn::If").([]any); ok {
				value = choice[2]
			}
			parameter, ok := at(template.object, "Parameters", fmt.Sprint(at(value, "Ref"))).(object)
			if !ok {
				t.Errorf("%s: %s is %v, want a parameter", where, name, value)
				continue
			}
			allowed, err := regexp.Compile(fmt.Sprint(parameter["AllowedPattern"]))
			if err != nil || parameter["Default"] != "" || allowed.MatchString("hunter2-in-plain-text") || !allowed.MatchString("secretsmanager:tairssl/chat#slack") {
				t.Errorf("%s: the parameter of %s takes more, or less, than references to Secrets Manager: %v", where, name, parameter)
			}
		}
	}
	if seen < 20 {
		t.Errorf("only %d variables are taken for secrets", seen)
	}
	for _, file := range []string{"../../template.yaml", "../../s.yaml"} {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if found := regexp.MustCompile(`LTAI[A-Za-z0-9]{8}|AKIA[A-Z0-9]{8}|whsec_\w|xox[a-z]-|-----BEGIN|hooks\.slack\.com/services/\w`).Find(text); found != nil {
			t.Errorf("%s holds %s…, which looks like a secret", file, found)
		}
	}
}

// Everything that a name in template.yaml refers to is in it.
func TestTemplateResolves(t *testing.T) {
	template := readTemplate(t, nil)
	names := map[string]bool{}
	for _, section := range []string{"Parameters", "Resources"} {
		for name := range template.object[section].(object) {
			names[name] = true
		}
	}
	for name, resource := range template.object["Resources"].(object) {
		if kind, _ := at(resource, "Type").(string); strings.HasPrefix(kind, "AWS::Serverless::") {
			names[name+"Role"] = true // which SAM makes
		}
		events, _ := at(resource, "Properties", "Events").(object)
		for event, e := range events {
			if at(e, "Type") == "EventBridgeRule" {
				names[name+event] = true // a rule, which SAM makes as well
			}
		}
	}
	for _, pseudo := range []string{"AccountId", "NoValue", "Partition", "Region", "StackName"} {
		names["AWS::"+pseudo] = true
	}
	conditions, used := template.object["Conditions"].(object), map[string]bool{}
	refer := func(path, name string) {
		if used[name] = true; !names[name] {
			t.Errorf("%s refers to %s, which is not there", path, name)
		}
	}
	walk(template.object, "", func(path string, o object) {
		if strings.HasPrefix(path, "/Metadata") {
			return
		}
		if name, ok := o["Ref"].(string); ok {
			refer(path, name)
		}
		if list, ok := o["Fn::GetAtt"].([]any); ok {
			refer(path, list[0].(string))
		}
		if text, ok := o["Fn::Sub"].(string); ok {
			for _, m := range regexp.MustCompile(`\$\{([\w:.]+)\}`).FindAllStringSubmatch(text, -1) {
				name, _, _ := strings.Cut(m[1], ".")
				refer(path, name)
			}
		}
		if list, ok := o["Fn::If"].([]any); ok {
			used[list[0].(string)] = true
			if conditions[list[0].(string)] == nil {
				t.Errorf("%s asks for the condition %s, which is not there", path, list[0])
			}
		}
		if name, ok := o["Condition"].(string); ok {
			if used[name] = true; conditions[name] == nil {
				t.Errorf("%s asks for the condition %s, which is not there", path, name)
			}
		}
	})
	for name := range maps.Keys(template.object["Parameters"].(object)) {
		if !used[name] {
			t.Errorf("nothing uses the parameter %s", name)
		}
	}
	for name := range conditions {
		if !used[name] {
			t.Errorf("nothing uses the condition %s", name)
		}
	}
}

// What is deployed with nothing but defaults starts, and every setting can be
// given, but for those that are out of place there.
func TestDefaultsOfADeploymentAreSettings(t *testing.T) {
	outOfPlace := map[string]string{
		"TAIRSSL_METRICS":       "the alarms are made of them, and Function Compute has none",
		"TAIRSSL_LEASE":         "each description deploys two functions, which are two writers",
		"TAIRSSL_CA_FILE":       "no file comes along",
		"TAIRSSL_OIDC_AUDIENCE": "the policy names the audience",
		"TAIRSSL_STS_ENDPOINT":  "the public one serves wherever these run",

		"TAIRSSL_INVOKE_ENDPOINT": "the cloud's own serves wherever these run",
	}
	template, given := readTemplate(t, nil), map[string]bool{}
	for where, variables := range environments(t) {
		var environ []string
		for name, value := range variables {
			given[name] = true
			if strings.HasPrefix(where, "s.yaml") {
				if m := regexp.MustCompile(`^\$\{env\('(\w+)', '(.*)'\)\}$`).FindStringSubmatch(fmt.Sprint(value)); m == nil || m[1] != name {
					t.Errorf("%s: %s is %v, want the variable of the same name and a default", where, name, value)
				} else {
					environ = append(environ, name+"="+m[2])
				}
			} else if parameter, ok := at(template.object, "Parameters", fmt.Sprint(at(value, "Ref"))).(object); ok {
				environ = append(environ, fmt.Sprintf("%s=%v", name, parameter["Default"]))
			}
		}
		if _, unknown, err := function.ParseSettings(environ); err != nil || len(unknown) > 0 {
			t.Errorf("%s does not start with its defaults: %v, unknown %v", where, err, unknown)
		}
	}
	for _, name := range settingNames(t) {
		if _, out := outOfPlace[name]; given[name] == out {
			t.Errorf("that %s is in a description is %v", name, given[name])
		}
	}
	pattern := regexp.MustCompile(fmt.Sprint(at(template.object, "Parameters", "Window", "AllowedPattern")))
	for _, window := range []string{"instance", "any", "02:00-05:00", "Sat,Sun 22:00-05:00 Asia/Shanghai", "Mon-Fri 02:00-05:00 Etc/GMT+8", "whenever", "Sat 2-5", ""} {
		_, err := handler.ParseWindow(window)
		if pattern.MatchString(window) != (err == nil && window != "") {
			t.Errorf("the parameter Window takes %q: %v; as a setting it ends %v", window, pattern.MatchString(window), err)
		}
	}
}

func TestParametersAreExplained(t *testing.T) {
	template := readTemplate(t, nil)
	var grouped []string
	for _, group := range at(template.object, "Metadata", "AWS::CloudFormation::Interface", "ParameterGroups").([]any) {
		for _, name := range at(group, "Parameters").([]any) {
			grouped = append(grouped, name.(string))
		}
	}
	for name, v := range template.object["Parameters"].(object) {
		p := v.(object)
		value := fmt.Sprint(p["Default"])
		if p["Description"] == nil || p["Default"] == nil || !slices.Contains(grouped, name) {
			t.Errorf("the parameter %s lacks a description, a default or a group", name)
		}
		if pattern, ok := p["AllowedPattern"].(string); ok && !regexp.MustCompile(pattern).MatchString(value) {
			t.Errorf("the default %q of %s does not match its own pattern", value, name)
		}
		if values, ok := p["AllowedValues"].([]any); ok && !slices.Contains(values, p["Default"]) {
			t.Errorf("the default %q of %s is not among its values", value, name)
		}
	}
}

func TestTemplateWantsOneKindOfCredentials(t *testing.T) {
	keyless := map[string]string{"RoleArn": "acs:ram::1:role/tairssl", "OidcProviderArn": "acs:ram::1:oidc-provider/aws"}
	key := map[string]string{"AccessKeyId": "secretsmanager:tairssl/key#id", "AccessKeySecret": "secretsmanager:tairssl/key#secret", "SecretsExtensionArn": "arn:aws:lambda:x"}
	with := func(a map[string]string, more ...string) map[string]string {
		all := maps.Clone(a)
		for _, name := range more {
			all[name] = "x"
		}
		return all
	}
	without := func(a map[string]string, name string) map[string]string {
		all := maps.Clone(a)
		delete(all, name)
		return all
	}
	for name, test := range map[string]struct {
		parameters map[string]string
		want       bool
	}{
		"without a key": {keyless, true}, "a key": {key, true}, "nothing": {nil, false}, "both": {with(keyless, "AccessKeyId", "AccessKeySecret"), false},
		"no provider": {without(keyless, "OidcProviderArn"), false}, "no secret": {without(key, "AccessKeySecret"), false}, "no extension": {without(key, "SecretsExtensionArn"), false},
	} {
		template := readTemplate(t, test.parameters)
		for _, assertion := range at(template.object, "Rules", "Credentials", "Assertions").([]any) {
			if got := template.holds(at(assertion, "Assert")); got != test.want {
				t.Errorf("%s: that it can be deployed is %v", name, got)
			}
		}
	}
	keylessTemplate := readTemplate(t, keyless)
	for name, properties := range keylessTemplate.ofType("AWS::Serverless::Function") {
		variables := keylessTemplate.resolve(at(properties, "Environment", "Variables")).(object)
		if variables["ALIBABA_CLOUD_ROLE_ARN"] != keyless["RoleArn"] || variables["ALIBABA_CLOUD_OIDC_PROVIDER_ARN"] != keyless["OidcProviderArn"] || variables["ALIBABA_CLOUD_ACCESS_KEY_ID"] != nil {
			t.Errorf("%s without a key has the variables %v", name, variables)
		}
	}
	statement := at(keylessTemplate.object, "Resources", "WebIdentityPolicy", "Properties", "PolicyDocument", "Statement").([]any)[0]
	if at(statement, "Action") != "sts:GetWebIdentityToken" || fmt.Sprint(at(statement, "Condition", "ForAllValues:StringEquals", "sts:IdentityTokenAudience")) != "[sts.aliyuncs.com]" {
		t.Errorf("the identity is given to others than Alibaba Cloud: %v", statement)
	}
}

// The targets and the paths that the descriptions name are those of the
// Makefile.
func TestBuildsMatchTheMakefile(t *testing.T) {
	text, err := os.ReadFile("../../Makefile")
	if err != nil {
		t.Fatal(err)
	}
	makefile := string(text)
	template := readTemplate(t, nil)
	for name, properties := range template.ofType("AWS::Serverless::Function") {
		if at(template.object, "Resources", name, "Metadata", "BuildMethod") != "makefile" || properties["CodeUri"] != "." {
			t.Errorf("%s is not built by the Makefile", name)
		}
		if !regexp.MustCompile(`(?m)^(build-\w+ )*build-` + name + `( build-\w+)*:`).MatchString(makefile) {
			t.Errorf("the Makefile has no target build-%s", name)
		}
		if properties["Handler"] != "bootstrap" || properties["Runtime"] != "provided.al2023" || fmt.Sprint(properties["Architectures"]) != "[arm64]" {
			t.Errorf("%s is not what the Makefile builds: %v", name, properties)
		}
	}
	for _, want := range []string{"$(ARTIFACTS_DIR)/bootstrap ./adapters/lambda/bootstrap", "GOARCH=$(or $(SAM_GOARCH),arm64)", "dist/tairssl-$$name.zip dist/$$name/bootstrap", "-o dist/fc-x86_64/bootstrap ./adapters/fc/bootstrap"} {
		if !strings.Contains(makefile, want) {
			t.Errorf("the Makefile lacks %s", want)
		}
	}
	for name, props := range readDevs(t).functions() {
		if props["code"] != "dist/tairssl-fc-x86_64.zip" || props["handler"] != "bootstrap" || props["runtime"] != "go1" {
			t.Errorf("%s is not what the Makefile packs: %v", name, props)
		}
	}
	for _, file := range []string{at(template.object, "Resources", "FleetStateMachine", "Properties", "DefinitionUri").(string), "adapters/tair/policy.json", "adapters/fc/policy.json", "adapters/fc/fleet.cloudflow.yaml"} {
		if _, err := os.Stat("../../" + file); err != nil {
			t.Error(err)
		}
	}
}

func TestStateMachineGetsWhatItSubstitutes(t *testing.T) {
	definition, err := os.ReadFile("../lambda/fleet.asl.json")
	if err != nil {
		t.Fatal(err)
	}
	var used []string
	for _, m := range regexp.MustCompile(`\$\{(\w+)\}`).FindAllStringSubmatch(string(definition), -1) {
		used = append(used, m[1])
	}
	slices.Sort(used)
	given := at(readTemplate(t, nil).object, "Resources", "FleetStateMachine", "Properties", "DefinitionSubstitutions").(object)
	if used = slices.Compact(used); !slices.Equal(used, slices.Sorted(maps.Keys(given))) {
		t.Errorf("the definition uses %v, the template gives %v", used, given)
	}
}

// samples are the events that each trigger of the descriptions delivers.
var samples = map[string][]string{
	"template.yaml/TairSSLFunctionSweep":            {"sweep.json", "eventbridge-scheduler.json"},
	"template.yaml/TairSSLFunctionAcmExpiration":    {"eventbridge-acm-approaching.json", "eventbridge-acm-expired.json"},
	"template.yaml/TairSSLFunctionConfigCompliance": {"eventbridge-config.json"},
	"template.yaml/TairSSLFunctionCustom":           {"eventbridge-custom.json"},
	"template.yaml/TairSSLFunctionQueue":            {"sqs.json"},
	"template.yaml/FleetStateMachineStart":          {"stepfunctions.json"},
	"s.yaml/sweep":                                  {"timer-sweep.json"},
	"s.yaml/events":                                 {"cloudevent-scheduled-operation.json", "cloudevent-slb-certificate.json"},
	"s.yaml/requests":                               {"cloudevent-mns-queue.json"},
	"s.yaml/topic":                                  {"mns-topic.json"},
	"s.yaml/http":                                   {"fc-http.json", "fc-http-cloudevents.json"},
}

func readSample(t *testing.T, name string) (sample any) {
	t.Helper()
	text, err := os.ReadFile("../../events/" + name)
	if err == nil {
		err = json.Unmarshal(text, &sample)
	}
	if err != nil {
		t.Errorf("the sample %s can not be read: %v", name, err)
	}
	return sample
}

func TestEveryTriggerHasItsSampleAndMatchesIt(t *testing.T) {
	template, devs := readTemplate(t, nil), readDevs(t)
	patterns := map[string]any{}
	for name, e := range template.events() {
		patterns["template.yaml/"+name] = template.resolve(at(e, "Properties", "Pattern"))
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
		t.Errorf("the triggers are %v, samples are known of %v", slices.Sorted(maps.Keys(patterns)), slices.Sorted(maps.Keys(samples)))
	}
	for name, files := range samples {
		for _, file := range files {
			sample := readSample(t, file)
			if patterns[name] != nil && !matches(patterns[name], sample) {
				t.Errorf("the pattern %v of %s does not match %s", patterns[name], name, file)
			}
		}
	}
	// A rule that matches what asks for nothing costs invocations.
	quiet := readSample(t, "eventbridge-config.json").(object)
	quiet["detail"].(object)["newEvaluationResult"].(object)["complianceType"] = "COMPLIANT"
	if matches(patterns["template.yaml/TairSSLFunctionConfigCompliance"], quiet) {
		t.Error("the rule for AWS Config matches what is compliant")
	}
}

// sweepOrder is the contract of {"Sweep":{…}}.
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
	for name, e := range template.events() {
		if e["Type"] == "ScheduleV2" {
			inputs[name], _ = at(e, "Properties", "Input").(string)
		}
	}
	for name, trigger := range devs.triggers() {
		if trigger["triggerType"] == "timer" {
			inputs[name], _ = at(trigger, "triggerConfig", "payload").(string)
		}
	}
	if len(inputs) != 3 {
		t.Errorf("the schedules are %v, want one for each cloud and the state machine's", inputs)
	}
	for name, input := range inputs {
		var order sweepOrder
		strict := json.NewDecoder(strings.NewReader(input))
		strict.DisallowUnknownFields()
		if err := strict.Decode(&order); err != nil || order.Sweep == nil || order.Sweep.DryRun || order.Sweep.Plan {
			t.Errorf("the input %s of %s is no order to sweep: %v", input, name, err)
		}
		if asked := (&event.Decoder{}).Decode([]byte(input)); asked.Trigger != "sweep" {
			t.Errorf("the input %s of %s is taken for %q", input, name, asked.Trigger)
		}
	}
	if expression := template.resolve(at(template.events()["TairSSLFunctionSweep"], "Properties", "ScheduleExpression")); expression != "rate(1 hour)" {
		t.Errorf("Lambda sweeps at %v, want every hour", expression)
	}
	timer := devs.triggers()["sweep"]
	if cron := at(timer, "triggerConfig", "cronExpression"); at(timer, "triggerConfig", "enable") != true || !regexp.MustCompile(`^0 \d+ \* \* \* \*$`).MatchString(fmt.Sprint(cron)) {
		t.Errorf("Function Compute sweeps at %v, want every hour", cron)
	}
}

func TestChatNeverWaitsForASweep(t *testing.T) {
	template := readTemplate(t, map[string]string{"Http": "url"})
	for name, properties := range template.ofType("AWS::Serverless::Function") {
		_, unattended := properties["Events"]
		if _, chat := at(properties, "Environment", "Variables", "TAIRSSL_SLACK_SIGNING_SECRETS").(object); unattended == chat {
			t.Errorf("%s is for both, or neither, of chat and what runs unattended", name)
		}
	}
	for _, kind := range []string{"AWS::Lambda::Url", "AWS::ApiGatewayV2::Integration"} {
		for name, properties := range template.ofType(kind) {
			for _, target := range []any{properties["TargetFunctionArn"], properties["IntegrationUri"]} {
				if list, ok := at(target, "Fn::GetAtt").([]any); ok && list[0] != "TairSSLWebhooks" {
					t.Errorf("%s leads to %v", name, list[0])
				}
			}
		}
	}
	for name, props := range readDevs(t).functions() {
		kinds := map[any]bool{}
		for _, trigger := range props["triggers"].([]any) {
			kinds[at(trigger, "triggerType")] = true
		}
		if kinds["http"] && len(kinds) != 1 {
			t.Errorf("%s is for webhooks and for what runs unattended", name)
		}
	}
}

func TestQueueLosesNothing(t *testing.T) {
	template := readTemplate(t, nil)
	function := template.ofType("AWS::Serverless::Function")["TairSSLFunction"]
	queue := template.ofType("AWS::SQS::Queue")["Requests"]
	if visibility, timeout := queue["VisibilityTimeout"].(int), function["Timeout"].(int); visibility < 6*timeout {
		t.Errorf("a message comes back after %d s, want at least six times the function's %d s", visibility, timeout)
	}
	if n := at(queue, "RedrivePolicy", "maxReceiveCount").(int); n < 10 {
		t.Errorf("a message is given up after %d receives, want 10", n)
	}
	source := at(template.events()["TairSSLFunctionQueue"], "Properties")
	if fmt.Sprint(at(source, "FunctionResponseTypes")) != "[ReportBatchItemFailures]" {
		t.Error("a batch is delivered again whole")
	}
	if n, ok := template.resolve(at(source, "ScalingConfig", "MaximumConcurrency")).(int); !ok || n < 2 {
		t.Errorf("the concurrency of the queue is %v, want at least 2", n)
	}
	for name, e := range template.events() {
		if e["Type"] != "SQS" && at(e, "Properties", "DeadLetterConfig", "Arn") == nil {
			t.Errorf("what %s can not deliver is lost", name)
		}
	}
	if at(function, "EventInvokeConfig", "DestinationConfig", "OnFailure", "Destination") == nil {
		t.Error("an asynchronous invocation that fails to the last is lost")
	}
	failed, delivering := "acs:mns:cn-hangzhou:1234567890123456:/queues/tairssl-failed", 0
	for name, trigger := range readDevs(t).triggers() {
		if trigger["triggerType"] != "eventbridge" {
			continue
		}
		delivering++
		if to := at(readDevs(t).resolve(trigger), "triggerConfig", "runOptions", "deadLetterQueue", "Arn"); to != failed {
			t.Errorf("what the trigger %s can not deliver goes to %v, want %s", name, to, failed)
		}
	}
	if delivering < 2 {
		t.Errorf("s.yaml has %d triggers of EventBridge", delivering)
	}
	unattended := readDevs(t).functions()["tairssl"]
	if at(unattended, "asyncInvokeConfig", "destinationConfig", "onFailure", "destination") == nil || at(unattended, "concurrencyConfig", "reservedConcurrency") == nil {
		t.Error("s.yaml has no destination for what failed, or no reserved concurrency")
	}
}

// What chat hands over is an asynchronous invocation of the function that serves
// chat: it is allowed, has the time to watch a change, ends when nobody wants it
// any more, and what failed to the last is kept.
func TestChatMayHandOver(t *testing.T) {
	const life, long = int(chatops.HandedLife / time.Second), 180
	template := readTemplate(t, nil)
	function := template.ofType("AWS::Serverless::Function")["TairSSLWebhooks"]
	config := function["EventInvokeConfig"]
	if function["Timeout"].(int) < long || at(config, "MaximumEventAgeInSeconds") != life || at(config, "MaximumRetryAttempts") != 2 || at(config, "DestinationConfig", "OnFailure", "Destination") == nil {
		t.Errorf("the webhooks on Lambda run for %v s, with %v", function["Timeout"], config)
	}
	own := fmt.Sprint(object{"Fn::GetAtt": []any{"TairSSLWebhooks", "Arn"}})
	allowed := 0
	for _, policy := range template.ofType("AWS::IAM::Policy") {
		for _, statement := range at(policy, "PolicyDocument", "Statement").([]any) {
			if at(statement, "Action") == "lambda:InvokeFunction" && fmt.Sprint(at(statement, "Resource")) == own && fmt.Sprint(policy["Roles"]) == "[map[Ref:TairSSLWebhooksRole]]" {
				allowed++
			}
		}
	}
	if allowed != 1 {
		t.Errorf("%d policies let the webhooks on Lambda invoke themselves, and nothing else", allowed)
	}
	// In the function's own policies it would be a circle: role, function, role.
	if strings.Contains(fmt.Sprint(function["Policies"]), "TairSSLWebhooks") {
		t.Error("the role of the webhooks refers to its own function")
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
	want := "acs:fc:*:*:functions/" + fmt.Sprint(props["functionName"])
	if !slices.ContainsFunc(policy.Statement, func(s struct{ Effect, Action, Resource string }) bool {
		return s.Effect == "Allow" && s.Action == "fc:InvokeFunction" && s.Resource == want
	}) {
		t.Errorf("adapters/fc/policy.json does not allow fc:InvokeFunction on %s", want)
	}
}

// What a rule can not deliver ends in the queue of what failed: it is let in,
// by its ARN and so whatever it is called, and nobody else is.
func TestEveryRuleMayLeaveWhatFailed(t *testing.T) {
	template := readTemplate(t, nil)
	var want []any
	for name, properties := range template.ofType("AWS::Serverless::Function") {
		events, _ := properties["Events"].(object)
		for event, e := range events {
			if at(e, "Type") != "EventBridgeRule" {
				continue
			}
			want = append(want, object{"Fn::GetAtt": []any{name + event, "Arn"}})
			if queue := at(e, "Properties", "DeadLetterConfig", "Arn"); fmt.Sprint(queue) != fmt.Sprint(object{"Fn::GetAtt": []any{"FailedInvocations", "Arn"}}) {
				t.Errorf("what the rule %s can not deliver goes to %v", event, queue)
			}
		}
	}
	statements, _ := at(template.object, "Resources", "FailedInvocationsPolicy", "Properties", "PolicyDocument", "Statement").([]any)
	if len(want) < 3 || len(statements) != 1 {
		t.Fatalf("there are %d rules, and %d statements let them in", len(want), len(statements))
	}
	let, _ := at(statements[0], "Condition", "ArnEquals", "aws:SourceArn").([]any)
	sorted := func(list []any) (names []string) {
		for _, v := range list {
			names = append(names, fmt.Sprint(v))
		}
		slices.Sort(names)
		return names
	}
	if !slices.Equal(sorted(let), sorted(want)) {
		t.Errorf("the rules let in are %v, want %v", sorted(let), sorted(want))
	}
}

func TestAlarms(t *testing.T) {
	template := readTemplate(t, nil)
	alarms := template.ofType("AWS::CloudWatch::Alarm")
	watched := map[string]bool{}
	for name, alarm := range alarms {
		if alarm["AlarmActions"] == nil || alarm["AlarmDescription"] == nil {
			t.Errorf("%s tells nobody, or not what to do", name)
		}
		watched[fmt.Sprint(alarm["Namespace"], " ", alarm["MetricName"])] = true
		if alarm["Namespace"] == "tairssl" && alarm["Dimensions"] != nil {
			t.Errorf("%s watches one service alone", name)
		}
	}
	for _, metric := range []string{"tairssl failed", "tairssl unknown", "tairssl days_to_expiry", "tairssl sweep_succeeded", "AWS/SQS ApproximateNumberOfMessagesVisible"} {
		if !watched[metric] {
			t.Errorf("no alarm watches %s", metric)
		}
	}
	heartbeat := alarms["HeartbeatAlarm"]
	if hours := template.resolve(heartbeat["EvaluationPeriods"]); hours != 3 || heartbeat["Period"] != 3600 || heartbeat["TreatMissingData"] != "breaching" {
		t.Errorf("the heartbeat is %v, want an alarm after 3 hours without a sweep", heartbeat)
	}
}

// The official schema of the component's props, where it lies beside the
// repository.
func TestDevsPropsMatchTheSchema(t *testing.T) {
	path := filepath.Join("..", "..", "..", "shared", "schemas", "fc3.schema.json")
	if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
		t.Skip("no fc3.schema.json beside the repository: s.yaml is checked by the other tests alone")
	}
	compiler := jsonschema.NewCompiler()
	schema, err := compiler.Compile(path)
	if err != nil {
		t.Fatal(err)
	}
	// A trigger's configuration matches a definition for any kind of it: the
	// one of its own kind has to hold.
	kinds := map[string]*jsonschema.Schema{}
	for kind, name := range map[string]string{"timer": "ITimerTriggerConfig", "http": "IHttpTriggerConfig", "eventbridge": "IEventBridge", "mns_topic": "IMnsTriggerConfig"} {
		if kinds[kind], err = compiler.Compile(path + "#/definitions/" + name); err != nil {
			t.Fatal(err)
		}
	}
	devs := readDevs(t)
	for name, props := range devs.functions() {
		props := asJSON(t, devs.resolve(props)).(object)
		if err := schema.Validate(props); err != nil {
			t.Errorf("s.yaml/%s: %v", name, err)
		}
		known := schemaProperties(t, path)
		for key := range props {
			if !known[key] {
				t.Errorf("s.yaml/%s has %s, which the component does not know", name, key)
			}
		}
		for _, trigger := range props["triggers"].([]any) {
			if err := kinds[at(trigger, "triggerType").(string)].Validate(at(trigger, "triggerConfig")); err != nil {
				t.Errorf("s.yaml/%s/%s: %v", name, at(trigger, "triggerName"), err)
			}
		}
	}
}

func schemaProperties(t *testing.T, path string) map[string]bool {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	var schema struct{ Properties map[string]any }
	if err := json.Unmarshal(text, &schema); err != nil || len(schema.Properties) == 0 {
		t.Fatalf("the schema has no properties: %v", err)
	}
	known := map[string]bool{}
	for name := range schema.Properties {
		known[name] = true
	}
	return known
}

// asJSON gives a value with the types that JSON has.
func asJSON(t *testing.T, v any) (same any) {
	t.Helper()
	encoded, err := json.Marshal(v)
	if err == nil {
		err = json.Unmarshal(encoded, &same)
	}
	if err != nil {
		t.Fatal(err)
	}
	return same
}

func TestDevsResolves(t *testing.T) {
	devs := readDevs(t)
	encoded, err := json.Marshal(devs.resolve(devs.object["resources"]))
	if err != nil {
		t.Fatal(err)
	}
	if left := regexp.MustCompile(`\$[{(][^"]*`).Find(encoded); left != nil {
		t.Errorf("s.yaml has %s, which nothing sets", left)
	}
	names := map[any]bool{}
	for name, props := range devs.functions() {
		if names[props["functionName"]] {
			t.Errorf("the function's name of %s is taken", name)
		}
		names[props["functionName"]] = true
		if at(props, "logConfig", "logstore") == nil || props["role"] != "${vars.role}" {
			t.Errorf("%s has no log store, or no role", name)
		}
	}
}
