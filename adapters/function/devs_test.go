package function_test

import (
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"testing"

	"github.com/santhosh-tekuri/jsonschema/v6"
)

// The official schema of the component fc3 describes the props. The test needs a copy of
// it next to the repository.
func TestSYamlFitsTheSchemaOfItsComponent(t *testing.T) {
	path := filepath.Join("..", "..", "..", "shared", "schemas", "fc3.schema.json")
	if _, err := os.Stat(path); errors.Is(err, fs.ErrNotExist) {
		t.Skip("there is no fc3.schema.json next to the repository, so only the other tests check s.yaml")
	}
	compiler := jsonschema.NewCompiler()
	schema, err := compiler.Compile(path)
	if err != nil {
		t.Fatal(err)
	}
	// The schema accepts the configuration of any kind for every trigger. Here each
	// trigger must have the configuration of its own kind.
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
				t.Errorf("s.yaml/%s has the property %s, which the component does not know", name, key)
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

// asJSON converts a value to the types of JSON.
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

func TestEveryVariableOfSYamlIsSet(t *testing.T) {
	devs := readDevs(t)
	encoded, err := json.Marshal(devs.resolve(devs.object["resources"]))
	if err != nil {
		t.Fatal(err)
	}
	if left := regexp.MustCompile(`\$[{(][^"]*`).Find(encoded); left != nil {
		t.Errorf("s.yaml uses %s, which nothing sets", left)
	}
	names := map[any]bool{}
	for name, props := range devs.functions() {
		if names[props["functionName"]] {
			t.Errorf("%s has the function name of another resource", name)
		}
		names[props["functionName"]] = true
		if at(props, "logConfig", "logstore") == nil || names[props["role"]] {
			t.Errorf("%s has no log store, or the role of another function", name)
		}
		names[props["role"]] = true
	}
}

// devs is s.yaml.
type devs struct{ object }

var devsVariable = regexp.MustCompile(`\$\{(?:vars\.(\w+)|env\('(\w+)', '([^']*)'\))\}`)

func readDevs(t *testing.T) devs {
	t.Helper()
	return devs{readYAML(t, "../../s.yaml")}
}

// resolve replaces the variables in a value. A variable of the environment becomes its
// default.
func (d devs) resolve(v any) any {
	switch v := v.(type) {
	case object:
		resolved := object{}
		for key, value := range v {
			resolved[key] = d.resolve(value)
		}
		return resolved
	case []any:
		list := make([]any, len(v))
		for i := range v {
			list[i] = d.resolve(v[i])
		}
		return list
	case string:
		for devsVariable.MatchString(v) {
			v = devsVariable.ReplaceAllStringFunc(v, func(s string) string {
				m := devsVariable.FindStringSubmatch(s)
				if m[1] == "" {
					return m[3]
				}
				value, ok := at(d.object, "vars", m[1]).(string)
				if !ok {
					return "$(nothing sets vars." + m[1] + ")"
				}
				return value
			})
		}
		return v
	}
	return v
}

// functions gives the props of each function, by the name of its resource.
func (d devs) functions() map[string]object {
	found := map[string]object{}
	for name, resource := range d.object["resources"].(object) {
		found[name] = at(resource, "props").(object)
	}
	return found
}

// triggers gives the triggers of all functions, by their names.
func (d devs) triggers() map[string]object {
	found := map[string]object{}
	for _, props := range d.functions() {
		list, _ := props["triggers"].([]any)
		for _, trigger := range list {
			found[at(trigger, "triggerName").(string)] = trigger.(object)
		}
	}
	return found
}
