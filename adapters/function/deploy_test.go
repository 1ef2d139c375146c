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

// Every setting can be given on both clouds: by a row of its own, or by the
// settings that hold others. Both functions of a cloud have the same rows, but for
// those that make sense in one only, and no row holds a secret.
func TestEverySettingCanBeDeployed(t *testing.T) {
	of := environments(t)
	for where, variables := range of {
		for _, bundle := range []string{"TAIRSSL_SETTINGS", "TAIRSSL_SECRETS"} {
			if _, ok := variables[bundle]; !ok {
				t.Errorf("%s lacks the row %s, by which every other setting comes", where, bundle)
			}
		}
	}
	alone := map[string]bool{"TAIRSSL_WAIT": true} // people wait for webhooks, and chat watches by itself
	for _, pair := range [][2]string{{"template.yaml/TairSSLFunction", "template.yaml/TairSSLWebhooks"}, {"s.yaml/tairssl", "s.yaml/webhooks"}} {
		for _, name := range settingNames(t) {
			_, here := of[pair[0]][name]
			_, there := of[pair[1]][name]
			if here != there && !alone[name] {
				t.Errorf("only one of %v has the row %s", pair, name)
			}
		}
	}
	// What can be set by a row on one cloud can be on the other, but for what only
	// AWS has: an identity from another cloud, and CloudWatch.
	lambdaOnly := []string{"TAIRSSL_OIDC_AUDIENCE", "TAIRSSL_STS_ENDPOINT", "TAIRSSL_METRICS"}
	for _, name := range settingNames(t) {
		_, aws := of["template.yaml/TairSSLFunction"][name]
		_, alibaba := of["s.yaml/tairssl"][name]
		if aws != (alibaba || slices.Contains(lambdaOnly, name)) {
			t.Errorf("%s has a row in template.yaml: %v, in s.yaml: %v", name, aws, alibaba)
		}
	}
}

// isSecret tells by its name whether a variable holds a secret.
func isSecret(name string) bool {
	return regexp.MustCompile(`_(SECRETS?|TOKENS?|KEYS?|BASIC|NOTIFY_URLS|ACCESS_KEY_ID)$`).MatchString(name)
}

// Neither description holds a secret, and template.yaml takes none: it takes the
// names of secrets.
func TestDeployedSecretsAreReferences(t *testing.T) {
	template := readTemplate(t, map[string]string{"FunctionSecret": "tairssl/function", "WebhooksSecret": "tairssl/webhooks", "AccessKeySecret": "tairssl/key"})
	seen := 0
	for name, properties := range template.ofType("AWS::Serverless::Function") {
		for variable, value := range at(properties, "Environment", "Variables").(object) {
			if !isSecret(variable) {
				continue
			}
			seen++
			if got, _ := template.resolve(value).(string); !regexp.MustCompile(`^secretsmanager:tairssl/[a-z]+(#(id|secret))?$`).MatchString(got) {
				t.Errorf("%s: %s is %v, want a reference to the secret that a parameter names", name, variable, template.resolve(value))
			}
		}
	}
	for name, props := range readDevs(t).functions() {
		for variable, value := range props["environmentVariables"].(object) {
			if !isSecret(variable) {
				continue
			}
			seen++
			if !regexp.MustCompile(`^\$\{env\('TAIRSSL_DEPLOY_\w+_SECRETS', ''\)\}$`).MatchString(fmt.Sprint(value)) {
				t.Errorf("%s: %s is %v, want a reference that the environment has at deployment", name, variable, value)
			}
		}
	}
	if seen != 8 {
		t.Errorf("%d variables are taken for secrets, want the three of Lambda and the one of Function Compute, of each function", seen)
	}
	for name, parameter := range template.object["Parameters"].(object) {
		if at(parameter, "NoEcho") != nil {
			t.Errorf("the parameter %s takes a secret: it must take the name of one", name)
		}
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
	for _, pseudo := range []string{"AccountId", "NoValue", "Partition", "Region", "StackName", "URLSuffix"} {
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

// What is deployed with nothing but defaults starts, and has no row for what is
// out of place there.
func TestDefaultsOfADeploymentAreSettings(t *testing.T) {
	outOfPlace := map[string]string{
		"TAIRSSL_LEASE":   "each description deploys two functions, which are two writers",
		"TAIRSSL_CA_FILE": "no file comes along",

		"TAIRSSL_INVOKE_ENDPOINT": "the cloud's own serves wherever these run",
	}
	template, given := readTemplate(t, nil), map[string]bool{}
	for where, variables := range environments(t) {
		var environ []string
		for name, value := range variables {
			given[name] = true
			if strings.HasPrefix(where, "s.yaml") {
				if m := regexp.MustCompile(`^\$\{env\('(\w+)', '(.*)'\)\}$`).FindStringSubmatch(fmt.Sprint(value)); m == nil || m[1] != name && name != "TAIRSSL_SECRETS" {
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
	for name := range outOfPlace {
		if given[name] {
			t.Errorf("a description has the row %s, but %s", name, outOfPlace[name])
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
	key := map[string]string{"AccessKeySecret": "tairssl/key", "SecretsExtensionArn": "arn:aws:lambda:x"}
	with := func(a map[string]string, name, value string) map[string]string {
		all := maps.Clone(a)
		all[name] = value
		return all
	}
	for name, test := range map[string]struct {
		parameters map[string]string
		want       bool
	}{
		"without a key": {keyless, true}, "a key": {key, true}, "nothing": {nil, false}, "both": {with(keyless, "AccessKeySecret", "tairssl/key"), false},
		"no provider": {with(keyless, "OidcProviderArn", ""), false}, "no extension": {with(key, "SecretsExtensionArn", ""), false},
		"secrets without the extension": {with(keyless, "WebhooksSecret", "tairssl/webhooks"), false}, "secrets": {with(with(keyless, "FunctionSecret", "x"), "SecretsExtensionArn", "arn:aws:lambda:x"), true},
	} {
		template, got := readTemplate(t, test.parameters), true
		for _, rule := range []string{"Credentials", "Secrets"} {
			for _, assertion := range at(template.object, "Rules", rule, "Assertions").([]any) {
				got = got && template.holds(at(assertion, "Assert"))
			}
		}
		if got != test.want {
			t.Errorf("%s: that it can be deployed is %v", name, got)
		}
	}
	template := readTemplate(t, keyless)
	for name, properties := range template.ofType("AWS::Serverless::Function") {
		variables := template.resolve(at(properties, "Environment", "Variables")).(object)
		if variables["ALIBABA_CLOUD_ROLE_ARN"] != keyless["RoleArn"] || variables["ALIBABA_CLOUD_OIDC_PROVIDER_ARN"] != keyless["OidcProviderArn"] || variables["ALIBABA_CLOUD_ACCESS_KEY_ID"] != nil {
			t.Errorf("%s without a key has the variables %v", name, variables)
		}
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

func TestEveryTriggerHasItsSampleAndMatchesIt(t *testing.T) {
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
	if matches(patterns["template.yaml/ConfigCompliance"], quiet) {
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
	if expression := template.resolve(at(template.triggers()["Sweep"], "Properties", "ScheduleExpression")); expression != "rate(1 hour)" {
		t.Errorf("Lambda sweeps at %v, want every hour", expression)
	}
	timer := devs.triggers()["sweep"]
	if cron := at(timer, "triggerConfig", "cronExpression"); at(timer, "triggerConfig", "enable") != true || !regexp.MustCompile(`^0 \d+ \* \* \* \*$`).MatchString(fmt.Sprint(cron)) {
		t.Errorf("Function Compute sweeps at %v, want every hour", cron)
	}
}

func TestChatNeverWaitsForASweep(t *testing.T) {
	template := readTemplate(t, map[string]string{"Http": "url"})
	function, webhooks := fmt.Sprint(object{"Ref": "FunctionAlias"}), fmt.Sprint(object{"Ref": "WebhooksAlias"})
	for name, e := range template.triggers() {
		if to, _ := target(e); to != nil && fmt.Sprint(to) != function {
			t.Errorf("%s calls %v, want what runs unattended", name, to)
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
	source := at(template.triggers()["Queue"], "Properties")
	if fmt.Sprint(at(source, "FunctionResponseTypes")) != "[ReportBatchItemFailures]" {
		t.Error("a batch is delivered again whole")
	}
	if n, ok := template.resolve(at(source, "ScalingConfig", "MaximumConcurrency")).(int); !ok || n < 2 {
		t.Errorf("the concurrency of the queue is %v, want at least 2", n)
	}
	for name, e := range template.triggers() {
		if _, left := target(e); e["Type"] != "AWS::Lambda::EventSourceMapping" && left == nil {
			t.Errorf("what %s cannot deliver is lost", name)
		}
	}
	if invocations := template.ofType("AWS::Lambda::EventInvokeConfig")["FunctionInvocations"]; at(invocations, "DestinationConfig", "OnFailure", "Destination") == nil || invocations["Qualifier"] != "live" {
		t.Error("an asynchronous invocation that fails to the last is lost")
	}
	failed, delivering := "acs:mns:cn-hangzhou:1234567890123456:/queues/tairssl-failed", 0
	for name, trigger := range readDevs(t).triggers() {
		if trigger["triggerType"] != "eventbridge" {
			continue
		}
		delivering++
		if to := at(readDevs(t).resolve(trigger), "triggerConfig", "runOptions", "deadLetterQueue", "Arn"); to != failed {
			t.Errorf("what the trigger %s cannot deliver goes to %v, want %s", name, to, failed)
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
	var config any = template.ofType("AWS::Lambda::EventInvokeConfig")["WebhooksInvocations"]
	if function["Timeout"].(int) < long || at(config, "Qualifier") != "live" || at(config, "MaximumEventAgeInSeconds") != life || at(config, "MaximumRetryAttempts") != 2 || at(config, "DestinationConfig", "OnFailure", "Destination") == nil {
		t.Errorf("the webhooks on Lambda run for %v s, with %v", function["Timeout"], config)
	}
	// By its name: the function refers to the role, which cannot refer to it.
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

// What a rule cannot deliver ends in the queue of what failed: it is let in,
// by its ARN and so whatever it is called, and nobody else is.
func TestEveryRuleMayLeaveWhatFailed(t *testing.T) {
	template := readTemplate(t, map[string]string{"CustomEventSource": "com.example.platform"})
	var want []any
	for name, e := range template.triggers() {
		if e["Type"] != "AWS::Events::Rule" {
			continue
		}
		want = append(want, object{"Fn::GetAtt": []any{name, "Arn"}})
		if _, queue := target(e); fmt.Sprint(queue) != fmt.Sprint(object{"Fn::GetAtt": []any{"FailedInvocations", "Arn"}}) {
			t.Errorf("what the rule %s cannot deliver goes to %v", name, queue)
		}
	}
	statements, _ := at(template.object, "Resources", "FailedInvocationsPolicy", "Properties", "PolicyDocument", "Statement").([]any)
	if len(want) < 3 || len(statements) != 1 {
		t.Fatalf("there are %d rules, and %d statements let them in", len(want), len(statements))
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
		if at(props, "logConfig", "logstore") == nil || names[props["role"]] {
			t.Errorf("%s has no log store, or the role of another", name)
		}
		names[props["role"]] = true
	}
}
