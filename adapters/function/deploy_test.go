package function_test

import (
	"fmt"
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// Every name that template.yaml refers to exists in it, and every parameter and condition
// is used.
func TestEveryReferenceOfTheTemplateExists(t *testing.T) {
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
			t.Errorf("%s refers to %s, which does not exist", path, name)
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
				t.Errorf("%s uses the condition %s, which does not exist", path, list[0])
			}
		}
		if name, ok := o["Condition"].(string); ok {
			if used[name] = true; conditions[name] == nil {
				t.Errorf("%s uses the condition %s, which does not exist", path, name)
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

func TestEveryParameterHasADescriptionADefaultAndAGroup(t *testing.T) {
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

func TestTheTemplateAcceptsExactlyOneKindOfCredentials(t *testing.T) {
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
			t.Errorf("%s: it can be deployed: %t", name, got)
		}
	}
	template := readTemplate(t, keyless)
	for name, properties := range template.ofType("AWS::Serverless::Function") {
		variables := template.resolve(at(properties, "Environment", "Variables")).(object)
		if variables["ALIBABA_CLOUD_ROLE_ARN"] != keyless["RoleArn"] || variables["ALIBABA_CLOUD_OIDC_PROVIDER_ARN"] != keyless["OidcProviderArn"] || variables["ALIBABA_CLOUD_ACCESS_KEY_ID"] != nil {
			t.Errorf("%s, deployed without a key, has the variables %v", name, variables)
		}
	}
}

// template.yaml and s.yaml name the targets and the paths of the Makefile.
func TestDeploymentsUseTheBuildsOfTheMakefile(t *testing.T) {
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
			t.Errorf("%s does not fit the binary that the Makefile builds: %v", name, properties)
		}
	}
	for _, want := range []string{"$(ARTIFACTS_DIR)/bootstrap ./adapters/lambda/bootstrap", "GOARCH=$(or $(SAM_GOARCH),arm64)", "dist/tairssl-$$name.zip dist/$$name/bootstrap", "-o dist/fc-x86_64/bootstrap ./adapters/fc/bootstrap"} {
		if !strings.Contains(makefile, want) {
			t.Errorf("the Makefile lacks %s", want)
		}
	}
	for name, props := range readDevs(t).functions() {
		if props["code"] != "dist/tairssl-fc-x86_64.zip" || props["handler"] != "bootstrap" || props["runtime"] != "go1" {
			t.Errorf("%s does not fit the package that the Makefile makes: %v", name, props)
		}
	}
	for _, file := range []string{at(template.object, "Resources", "FleetStateMachine", "Properties", "DefinitionUri").(string), "adapters/tair/policy.json", "adapters/fc/policy.json", "adapters/fc/fleet.cloudflow.yaml"} {
		if _, err := os.Stat("../../" + file); err != nil {
			t.Error(err)
		}
	}
}

func TestTheTemplateSetsAllNamesInTheStateMachine(t *testing.T) {
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
		t.Errorf("the definition uses the names %v, but the template sets %v", used, given)
	}
}
