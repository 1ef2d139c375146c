package function_test

import (
	"fmt"
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"tairssl/adapters/function"
	"tairssl/handler"
)

// settingNames lists the variables of all settings.
func settingNames(t *testing.T) (names []string) {
	t.Helper()
	for _, row := range function.SettingsTable() {
		names = append(names, regexp.MustCompile(function.Prefix+`\w+`).FindString(row))
	}
	if len(names) < 10 {
		t.Fatalf("the code has only the settings %v", names)
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
		t.Fatalf("template.yaml and s.yaml have %d functions, want two each", len(all))
	}
	return all
}

func TestDeployedVariablesAreSettings(t *testing.T) {
	known := settingNames(t)
	for where, variables := range environments(t) {
		for _, name := range slices.Sorted(maps.Keys(variables)) {
			if strings.HasPrefix(name, function.Prefix) && !slices.Contains(known, name) {
				t.Errorf("%s sets %s, which is not a setting", where, name)
			}
		}
	}
	// s.yaml reads these variables from the environment of the deployment.
	text, err := os.ReadFile("../../s.yaml")
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range regexp.MustCompile(`env\('(\w+)'`).FindAllStringSubmatch(string(text), -1) {
		if !strings.HasPrefix(m[1], "TAIRSSL_DEPLOY_") && !slices.Contains(known, m[1]) {
			t.Errorf("s.yaml reads %s from the environment, which is not a setting", m[1])
		}
	}
}

// Every setting can be set on both clouds: by its own row, or in TAIRSSL_SETTINGS and
// TAIRSSL_SECRETS. Both functions of a cloud have the same rows, except for rows that make
// sense in one function only.
func TestEverySettingCanBeDeployed(t *testing.T) {
	of := environments(t)
	for where, variables := range of {
		for _, bundle := range []string{"TAIRSSL_SETTINGS", "TAIRSSL_SECRETS"} {
			if _, ok := variables[bundle]; !ok {
				t.Errorf("%s lacks the row %s, which can contain every other setting", where, bundle)
			}
		}
	}
	alone := map[string]bool{"TAIRSSL_WAIT": true} // the callers of webhooks cannot wait, and chats have their own wait
	for _, pair := range [][2]string{{"template.yaml/TairSSLFunction", "template.yaml/TairSSLWebhooks"}, {"s.yaml/tairssl", "s.yaml/webhooks"}} {
		for _, name := range settingNames(t) {
			_, here := of[pair[0]][name]
			_, there := of[pair[1]][name]
			if here != there && !alone[name] {
				t.Errorf("only one of %v has the row %s", pair, name)
			}
		}
	}
	// Both clouds have rows for the same settings. Two features exist only on AWS: an
	// identity from another cloud, and CloudWatch.
	lambdaOnly := []string{"TAIRSSL_OIDC_AUDIENCE", "TAIRSSL_STS_ENDPOINT", "TAIRSSL_METRICS"}
	for _, name := range settingNames(t) {
		_, aws := of["template.yaml/TairSSLFunction"][name]
		_, alibaba := of["s.yaml/tairssl"][name]
		if aws != (alibaba || slices.Contains(lambdaOnly, name)) {
			t.Errorf("%s has a row in template.yaml: %t, and in s.yaml: %t; want the same", name, aws, alibaba)
		}
	}
}

// isSecret reports whether a variable contains a secret. Its name tells.
func isSecret(name string) bool {
	return regexp.MustCompile(`_(SECRETS?|TOKENS?|KEYS?|BASIC|NOTIFY_URLS|ACCESS_KEY_ID)$`).MatchString(name)
}

// template.yaml and s.yaml contain no secrets. The parameters of template.yaml are names
// of secrets.
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
				t.Errorf("%s: %s is %v, want a reference to a secret whose name is a parameter", name, variable, template.resolve(value))
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
				t.Errorf("%s: %s is %v, want a reference from the environment of the deployment", name, variable, value)
			}
		}
	}
	if seen != 8 {
		t.Errorf("%d variables are secrets, want three on Lambda and one on Function Compute, for each function", seen)
	}
	for name, parameter := range template.object["Parameters"].(object) {
		if at(parameter, "NoEcho") != nil {
			t.Errorf("the parameter %s is a secret, want the name of a secret", name)
		}
	}
	for _, file := range []string{"../../template.yaml", "../../s.yaml"} {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		if found := regexp.MustCompile(`LTAI[A-Za-z0-9]{8}|AKIA[A-Z0-9]{8}|whsec_\w|xox[a-z]-|-----BEGIN|hooks\.slack\.com/services/\w`).Find(text); found != nil {
			t.Errorf("%s contains %s…, which looks like a secret", file, found)
		}
	}
}

// A function that is deployed with only defaults starts. Its description has no row for a
// setting that makes no sense there.
func TestAFunctionStartsWithTheDefaultsOfItsDeployment(t *testing.T) {
	outOfPlace := map[string]string{
		"TAIRSSL_LEASE":           "each description deploys two functions, and both change instances",
		"TAIRSSL_CA_FILE":         "a deployment contains no such file",
		"TAIRSSL_INVOKE_ENDPOINT": "these functions use the cloud's own API",
	}
	template, given := readTemplate(t, nil), map[string]bool{}
	for where, variables := range environments(t) {
		var environ []string
		for name, value := range variables {
			given[name] = true
			if strings.HasPrefix(where, "s.yaml") {
				if m := regexp.MustCompile(`^\$\{env\('(\w+)', '(.*)'\)\}$`).FindStringSubmatch(fmt.Sprint(value)); m == nil || m[1] != name && name != "TAIRSSL_SECRETS" {
					t.Errorf("%s: %s is %v, want an environment variable of the same name, and a default", where, name, value)
				} else {
					environ = append(environ, name+"="+m[2])
				}
			} else if parameter, ok := at(template.object, "Parameters", fmt.Sprint(at(value, "Ref"))).(object); ok {
				environ = append(environ, fmt.Sprintf("%s=%v", name, parameter["Default"]))
			}
		}
		if _, unknown, err := function.ParseSettings(environ); err != nil || len(unknown) > 0 {
			t.Errorf("%s does not start with its defaults: %v; unknown variables: %v", where, err, unknown)
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
			t.Errorf("the parameter Window accepts %q: %t; but the setting ends with %v", window, pattern.MatchString(window), err)
		}
	}
}
