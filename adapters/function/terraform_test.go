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

	"github.com/hashicorp/hcl/v2"
	"github.com/hashicorp/hcl/v2/hclsyntax"
	"github.com/zclconf/go-cty/cty"

	"tairssl/adapters/function"
)

// schema lists what a provider accepts in a resource or in a block. The providers are AWS
// 6 and Alibaba Cloud 1.289. testdata/terraform.json has the schemas of the types in use.
type schema struct {
	Attributes map[string]string // optional or required
	Blocks     map[string]schema
	Required   bool
	Computed   []string
}

func terraformSchemas(t *testing.T) map[string]schema {
	t.Helper()
	text, err := os.ReadFile("testdata/terraform.json")
	if err != nil {
		t.Fatal(err)
	}
	var schemas map[string]schema
	if err := json.Unmarshal(text, &schemas); err != nil || len(schemas) < 20 {
		t.Fatalf("there are %d schemas, %v", len(schemas), err)
	}
	return schemas
}

// metaArguments are the arguments that Terraform itself accepts in every resource.
var metaArguments = []string{"count", "for_each", "depends_on", "provider"}

// Every resource has only arguments and blocks that its provider knows, and all required
// ones. Every name that the module refers to exists, and every variable is used.
func TestTerraformModulesFitTheirProviders(t *testing.T) {
	schemas := terraformSchemas(t)
	for _, folder := range []string{"lambda", "fc"} {
		m := readModule(t, folder)
		for name, block := range m.resources {
			kind := strings.TrimSuffix(name, "."+block.Labels[1])
			known, ok := schemas[kind]
			if !ok {
				t.Errorf("%s: the type %s has no schema in testdata/terraform.json", folder, kind)
				continue
			}
			judgeBody(t, folder+"/"+name, block.Body, known)
		}
		used := map[string]bool{}
		for _, body := range m.bodies {
			for _, path := range traversals(body) {
				judgeTraversal(t, folder, m, schemas, path, used)
			}
		}
		for name := range m.variables {
			if !used["var."+name] {
				t.Errorf("%s: nothing uses the variable %s", folder, name)
			}
		}
		for name := range m.locals {
			if !used["local."+name] {
				t.Errorf("%s: nothing uses the local %s", folder, name)
			}
		}
		if len(m.resources) < 15 || len(used) < 20 {
			t.Errorf("%s: the test found only %d resources and %d names", folder, len(m.resources), len(used))
		}
	}
}

func judgeBody(t *testing.T, where string, body *hclsyntax.Body, known schema) {
	t.Helper()
	for name := range body.Attributes {
		_, block := known.Blocks[name] // a block may also be written as a value
		if known.Attributes[name] == "" && !block && !slices.Contains(metaArguments, name) {
			t.Errorf("%s: the provider does not know the argument %s", where, name)
		}
	}
	for name, kind := range known.Attributes {
		if kind == "required" && body.Attributes[name] == nil {
			t.Errorf("%s: the argument %s is missing", where, name)
		}
	}
	has := map[string]bool{}
	for _, block := range body.Blocks {
		name, content := block.Type, block.Body
		if name == "lifecycle" || name == "timeouts" {
			continue
		}
		if name == "dynamic" {
			name, content = block.Labels[0], block.Body.Blocks[0].Body
		}
		has[name] = true
		inner, ok := known.Blocks[name]
		if !ok {
			t.Errorf("%s: the provider does not know the block %s", where, name)
			continue
		}
		judgeBody(t, where+"/"+name, content, inner)
	}
	for name, block := range known.Blocks {
		if block.Required && !has[name] && body.Attributes[name] == nil {
			t.Errorf("%s: the block %s is missing", where, name)
		}
	}
}

// traversals lists everything that a body refers to.
func traversals(body *hclsyntax.Body) (paths []hcl.Traversal) {
	for _, attribute := range body.Attributes {
		paths = append(paths, attribute.Expr.Variables()...)
	}
	for _, block := range body.Blocks {
		paths = append(paths, traversals(block.Body)...)
	}
	return paths
}

func judgeTraversal(t *testing.T, folder string, m module, schemas map[string]schema, path hcl.Traversal, used map[string]bool) {
	t.Helper()
	var parts []string
	for _, step := range path {
		if attribute, ok := step.(hcl.TraverseAttr); ok {
			parts = append(parts, attribute.Name)
		}
	}
	root := path.RootName()
	name := func(n int) string { return strings.Join(append([]string{root}, parts[:min(n, len(parts))]...), ".") }
	switch root {
	case "var", "local":
		used[name(1)] = true
		declared := m.variables
		if root == "local" {
			declared = m.locals
		}
		if _, ok := declared[parts[0]]; !ok {
			t.Errorf("%s: %s does not exist", folder, name(1))
		}
	case "each", "count", "path", "json_keys":
	case "data":
		judgeResource(t, folder, m, schemas, name(2), "data."+parts[0], parts[2:])
	default:
		if strings.HasPrefix(root, "aws_") || strings.HasPrefix(root, "alicloud_") {
			judgeResource(t, folder, m, schemas, name(1), root, parts[1:])
			return
		}
		if root != "string" && root != "number" && root != "bool" && root != "list" && root != "map" && len(parts) > 0 {
			// It is a variable of a for expression.
			return
		}
	}
}

func judgeResource(t *testing.T, folder string, m module, schemas map[string]schema, name, kind string, attributes []string) {
	t.Helper()
	if m.resources[name] == nil {
		t.Errorf("%s: %s does not exist", folder, name)
	}
	if len(attributes) > 0 && schemas[kind].Attributes[attributes[0]] == "" && !slices.Contains(schemas[kind].Computed, attributes[0]) {
		t.Errorf("%s: %s has no attribute %s", folder, name, attributes[0])
	}
}

// The modules grant the same rights as the policy files.
func TestTerraformGivesTheRightsOfThePolicies(t *testing.T) {
	ids := cty.TupleVal([]cty.Value{cty.StringVal("r-bp1zxszhcgatnx01"), cty.StringVal("r-bp1zxszhcgatnx02")})
	for _, folder := range []string{"lambda", "fc"} {
		m := readModule(t, folder)
		given := func(resource, renewal string) []any {
			text := m.evaluate(t, m.resources["alicloud_ram_policy."+resource].Body.Attributes["policy_document"].Expr,
				map[string]cty.Value{"instance_ids": ids, "settings": cty.MapVal(map[string]cty.Value{"TAIRSSL_ALIBABA_RENEWAL": cty.StringVal(renewal)})}).(string)
			var policy struct{ Statement []any }
			if err := json.Unmarshal([]byte(text), &policy); err != nil {
				t.Fatal(err)
			}
			return policy.Statement
		}
		all := readPolicy(t, "../tair/policy.json")
		for _, test := range []struct {
			resource, renewal string
			want              []any
		}{{"instances", "window", all}, {"instances", "leave", all[:len(all)-1]}, {"pause", "leave", readPolicy(t, "../tair/pause.json")}} {
			if got := given(test.resource, test.renewal); !reflect.DeepEqual(got, test.want) {
				t.Errorf("%s: with %s the policy %s is\n%v\nwant\n%v", folder, test.renewal, test.resource, got, test.want)
			}
		}
	}
}

// The module has the same alarms as the template.
func TestTerraformHasTheAlarmsOfTheTemplate(t *testing.T) {
	m := readModule(t, "lambda")
	alarms := m.evaluate(t, m.locals["alarms"], map[string]cty.Value{"heartbeat_hours": cty.NumberIntVal(3), "alarm_days_to_expiry": cty.NumberIntVal(14)}).(object)
	template, compared := readTemplate(t, nil), 0
	for _, alarm := range template.ofType("AWS::CloudWatch::Alarm") {
		if !own(alarm) {
			continue
		}
		compared++
		found := false
		for _, a := range alarms {
			if at(a, "metric") != alarm["MetricName"] {
				continue
			}
			found = true
			for property, key := range map[string]string{"Statistic": "statistic", "Period": "period", "EvaluationPeriods": "periods", "Threshold": "threshold", "TreatMissingData": "missing", "AlarmDescription": "says"} {
				if want := fmt.Sprint(template.resolve(alarm[property])); fmt.Sprint(at(a, key)) != want {
					t.Errorf("%v: %s is %v, the template has %s", alarm["MetricName"], key, at(a, key), want)
				}
			}
			if at(a, "below") != (alarm["ComparisonOperator"] == "LessThanThreshold") || at(a, "ok") != (alarm["OKActions"] != nil) {
				t.Errorf("the alarm on %v has another comparison or OK action than in the template", alarm["MetricName"])
			}
		}
		if !found || !function.IsMetric(fmt.Sprint(alarm["MetricName"])) {
			t.Errorf("no alarm of the module watches %v", alarm["MetricName"])
		}
	}
	if compared != len(alarms) {
		t.Errorf("the module has %d alarms on the function's metrics, but the template has %d", len(alarms), compared)
	}
}

// The module for Function Compute has the index and the alerts of the ROS template, and the
// triggers of s.yaml.
func TestTerraformForFunctionComputeFitsROSAndSYaml(t *testing.T) {
	m, ros := readModule(t, "fc"), readROS(t, "tairssl")
	variables := map[string]cty.Value{"heartbeat_hours": cty.NumberIntVal(3), "alarm_days_to_expiry": cty.NumberIntVal(14)}
	index := m.evaluate(t, m.locals["index"], nil).(object)
	keys := at(ros["Index"], "Properties", "KeyIndices").([]any)[1].(object)["JsonKeyIndices"].([]any)
	for _, key := range keys {
		if index[fmt.Sprint(at(key, "Name"))] != at(key, "Type") {
			t.Errorf("the index has %v as %v, which differs from the ROS template", at(key, "Name"), index[fmt.Sprint(at(key, "Name"))])
		}
	}
	alerts, seen := m.evaluate(t, m.locals["alerts"], variables).(object), 0
	for name, resource := range ros {
		if at(resource, "Type") != "ALIYUN::SLS::Alert" {
			continue
		}
		seen++
		detail := at(resource, "Properties", "Detail")
		alert := alerts[strings.TrimPrefix(fmt.Sprint(at(detail, "Name")), "tairssl-")]
		query := at(detail, "Configuration").(object)["QueryList"].([]any)[0]
		condition := at(at(detail, "Configuration").(object)["SeverityConfigurations"].([]any)[0], "EvalCondition", "Condition")
		if at(alert, "query") != at(query, "Query") || at(alert, "start") != at(query, "Start") || at(alert, "when") != condition || at(alert, "says") != at(detail, "Description") || at(alert, "no_data") != at(detail, "Configuration", "NoDataFire") || at(alert, "every") != at(detail, "Schedule", "Interval") {
			t.Errorf("%s: the module has another alert: %v", name, alert)
		}
	}
	if len(index) != len(keys) || len(alerts) != seen {
		t.Errorf("the module has %d indexed fields and %d alerts, but the ROS template has %d and %d", len(index), len(alerts), len(keys), seen)
	}
	text, err := os.ReadFile("../fc/terraform/triggers.tf")
	if err != nil {
		t.Fatal(err)
	}
	for name, trigger := range readDevs(t).triggers() {
		if !regexp.MustCompile(`(?m)^    `+name+` = \{\n      function = "(function|webhooks)", type = "`+fmt.Sprint(trigger["triggerType"])+`"`).Match(text) && !strings.Contains(string(text), name+" = {\n      function = ") {
			t.Errorf("the module has no trigger %s", name)
		}
	}
}

// The modules have the timeouts of template.yaml and s.yaml.
func TestTerraformHasTheTimeoutsOfTheDescriptions(t *testing.T) {
	for folder, timeouts := range map[string]map[string]any{
		"lambda": {"function": readTemplate(t, nil).ofType("AWS::Serverless::Function")["TairSSLFunction"]["Timeout"], "webhooks": readTemplate(t, nil).ofType("AWS::Serverless::Function")["TairSSLWebhooks"]["Timeout"]},
		"fc":     {"function": readDevs(t).functions()["tairssl"]["timeout"], "webhooks": readDevs(t).functions()["webhooks"]["timeout"]},
	} {
		text, err := os.ReadFile("../" + folder + "/terraform/main.tf")
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range slices.Sorted(maps.Keys(timeouts)) {
			if !regexp.MustCompile(fmt.Sprintf(`(?s)\n    %s = \{\n(      [^\n]*\n)*?      timeout +=\s+%v\n`, name, timeouts[name])).Match(text) {
				t.Errorf("%s: %s does not have the timeout %v", folder, name, timeouts[name])
			}
		}
	}
}
