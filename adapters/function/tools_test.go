//go:build clouds

package function_test

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// run runs a tool. If the tool is missing, the test is skipped with a message.
func run(t *testing.T, tool string, args ...string) []byte {
	t.Helper()
	if _, err := exec.LookPath(tool); err != nil {
		t.Skipf("NOT CHECKED: %s is not on this machine", tool)
	}
	var errors strings.Builder
	command := exec.Command(tool, args...)
	command.Stderr = &errors
	out, err := command.Output()
	if err != nil {
		t.Fatalf("%s %s: %v\n%s%s", tool, strings.Join(args, " "), err, out, &errors)
	}
	return out
}

// expanded gives template.yaml in the form that CloudFormation receives. AWS's own
// translator makes it.
func expanded(t *testing.T) (text []byte, template object) {
	t.Helper()
	if exec.Command("python3", "-c", "import samtranslator").Run() != nil {
		t.Skip("NOT CHECKED: python3 with the package aws-sam-translator is not on this machine")
	}
	text = run(t, "python3", "testdata/translate.py", "../../template.yaml")
	if err := json.Unmarshal(text, &template); err != nil {
		t.Fatal(err)
	}
	return text, template
}

func TestToolCfnLint(t *testing.T) {
	run(t, "cfn-lint", "--", "../../template.yaml")
}

func TestToolCfnLintOfTheExpandedTemplate(t *testing.T) {
	text, _ := expanded(t)
	file := filepath.Join(t.TempDir(), "expanded.json")
	if err := os.WriteFile(file, text, 0o600); err != nil {
		t.Fatal(err)
	}
	run(t, "cfn-lint", "--", file)
}

// The translated template grants no right beyond those in template.yaml.
func TestToolSAMTranslation(t *testing.T) {
	_, template := expanded(t)
	resources, roles := template["Resources"].(object), 0
	for name, resource := range resources {
		properties := at(resource, "Properties")
		switch at(resource, "Type") {
		case "AWS::IAM::Role":
			roles++
			if managed, _ := at(properties, "ManagedPolicyArns").([]any); len(managed) > 0 {
				t.Errorf("%s has the managed policies %v", name, managed)
			}
			walk(at(properties, "Policies"), name, func(path string, o object) {
				for _, action := range listOf(o["Action"]) {
					if action != nil && strings.Contains(fmt.Sprint(action), "*") {
						t.Errorf("%s allows %v", path, action)
					}
				}
				if o["Resource"] == "*" && at(o, "Action") != "sts:GetWebIdentityToken" && !strings.HasPrefix(fmt.Sprint(listOf(o["Action"])[0]), "ec2:") {
					t.Errorf("%s allows %v on everything", path, o["Action"])
				}
			})
		case "AWS::Lambda::Function":
			if role := at(properties, "Role", "Fn::GetAtt"); role == nil {
				t.Errorf("%s has no role from the template", name)
			}
		}
		if strings.HasPrefix(fmt.Sprint(at(resource, "Type")), "AWS::Serverless::") {
			t.Errorf("%s was not translated", name)
		}
	}
	if roles < 4 || len(resources) < 40 {
		t.Errorf("the translation has %d roles among %d resources", roles, len(resources))
	}
	for name, parameter := range template["Parameters"].(object) {
		if at(parameter, "NoEcho") != nil || at(parameter, "Default") == nil || at(parameter, "Description") == nil {
			t.Errorf("the parameter %s is %v", name, parameter)
		}
	}
}

// npm gives the folder in which make templates installs packages. If the module is missing,
// the test is skipped with a message.
func npm(t *testing.T, module string) string {
	t.Helper()
	modules, err := filepath.Abs("../../dist/npm/node_modules")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(modules, module)); err != nil {
		t.Skipf("NOT CHECKED: %s could not be installed, which needs npm", module)
	}
	return modules
}

// Alibaba's own classes for RAM and Simple Log Service accept the resources of the ROS
// template.
func TestToolROSResources(t *testing.T) {
	modules := npm(t, "@alicloud/ros-cdk-sls")
	template, err := json.Marshal(object{"Resources": readROS(t, "tairssl")})
	if err != nil {
		t.Fatal(err)
	}
	check := exec.Command("node", "testdata/npm/ros.js")
	check.Env, check.Stdin = append(os.Environ(), "NODE_PATH="+modules), strings.NewReader(string(template))
	var count strings.Builder
	check.Stderr = &count
	faults, err := check.Output()
	if err != nil || len(faults) > 0 || !strings.Contains(count.String(), "20 resources") {
		t.Errorf("%v, %s:\n%s", err, &count, faults)
	}
}

// The parser of Serverless Devs reads s.yaml, also with JSON in a variable.
func TestToolServerlessDevs(t *testing.T) {
	modules := npm(t, "@serverless-devs/parse-spec")
	const settings = `{"TAIRSSL_CHAT_ALLOW":"slack:T1/U1 * *","TAIRSSL_RATE":"20"}`
	parse := exec.Command("node", "testdata/npm/parse.js", "../../s.yaml")
	parse.Env = append(os.Environ(), "NODE_PATH="+modules, "TAIRSSL_SETTINGS="+settings, "TAIRSSL_DEPLOY_NAME=other", "TAIRSSL_WINDOW=Sat,Sun 02:00-05:00 Asia/Shanghai")
	out, err := parse.Output()
	if err != nil {
		t.Fatal(err)
	}
	var functions map[string]object
	if err := json.Unmarshal(out, &functions); err != nil || len(functions) != 2 {
		t.Fatalf("the parser reads %s, %v", out, err)
	}
	for name, props := range functions {
		if got := at(props, "environmentVariables", "TAIRSSL_SETTINGS"); got != settings {
			t.Errorf("%s: the settings are %v", name, got)
		}
		if !strings.HasPrefix(fmt.Sprint(props["functionName"]), "other") || strings.Contains(fmt.Sprint(props), "${") {
			t.Errorf("%s is %v", name, props)
		}
	}
}

// Terraform itself checks the modules. If it can download the providers, it also compares
// the modules with them.
func TestToolTerraform(t *testing.T) {
	for _, folder := range []string{"lambda", "fc"} {
		module := filepath.Join("..", folder, "terraform")
		run(t, "terraform", "fmt", "-check", "-diff", module)
		copied := filepath.Join(t.TempDir(), folder)
		if err := os.CopyFS(copied, os.DirFS(module)); err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(context.Background(), 2*time.Minute)
		defer cancel()
		if err := exec.CommandContext(ctx, "terraform", "-chdir="+copied, "init", "-backend=false", "-input=false").Run(); err != nil {
			t.Skip("NOT CHECKED: terraform validate, because the providers cannot be downloaded. Another test compares the modules with testdata/terraform.json, which has the schemas of the providers")
		}
		run(t, "terraform", "-chdir="+copied, "validate")
	}
}
