package function_test

import (
	"fmt"
	"maps"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
)

// object is a mapping of a description.
type object = map[string]any

// readYAML reads a description. A CloudFormation tag becomes the function's
// long form: !Ref X is {"Ref": "X"}, !Sub X is {"Fn::Sub": "X"}.
func readYAML(t *testing.T, file string) object {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var document yaml.Node
	if err := yaml.Unmarshal(text, &document); err != nil {
		t.Fatalf("%s: %v", file, err)
	}
	v, err := plain(document.Content[0])
	if err != nil {
		t.Fatalf("%s: %v", file, err)
	}
	return v.(object)
}

func plain(n *yaml.Node) (v any, err error) {
	switch n.Kind {
	case yaml.MappingNode:
		o := object{}
		for i := 0; i < len(n.Content); i += 2 {
			key := n.Content[i].Value
			if _, twice := o[key]; twice {
				return nil, fmt.Errorf("line %d: %s is there twice", n.Content[i].Line, key)
			}
			if o[key], err = plain(n.Content[i+1]); err != nil {
				return nil, err
			}
		}
		v = o
	case yaml.SequenceNode:
		list := make([]any, len(n.Content))
		for i := range list {
			if list[i], err = plain(n.Content[i]); err != nil {
				return nil, err
			}
		}
		v = list
	case yaml.ScalarNode:
		if isFunction(n.Tag) {
			v = n.Value
		} else if err := n.Decode(&v); err != nil {
			return nil, err
		}
	default:
		// CloudFormation knows no aliases.
		return nil, fmt.Errorf("line %d: an alias, or a kind of node that is not known here", n.Line)
	}
	if !isFunction(n.Tag) {
		return v, nil
	}
	name := strings.TrimPrefix(n.Tag, "!")
	if text, ok := v.(string); ok && name == "GetAtt" {
		resource, attribute, _ := strings.Cut(text, ".")
		v = []any{resource, attribute}
	}
	if name != "Ref" && name != "Condition" {
		name = "Fn::" + name
	}
	return object{name: v}, nil
}

func isFunction(tag string) bool { return strings.HasPrefix(tag, "!") && !strings.HasPrefix(tag, "!!") }

// walk calls f for each mapping in v, with where it is.
func walk(v any, path string, f func(path string, o object)) {
	switch v := v.(type) {
	case object:
		f(path, v)
		for _, key := range slices.Sorted(maps.Keys(v)) {
			walk(v[key], path+"/"+key, f)
		}
	case []any:
		for i := range v {
			walk(v[i], fmt.Sprintf("%s/%d", path, i), f)
		}
	}
}

// at is what is under a path of keys, or nil.
func at(v any, keys ...string) any {
	for _, key := range keys {
		o, ok := v.(object)
		if !ok {
			return nil
		}
		v = o[key]
	}
	return v
}

// template is template.yaml, deployed with some parameters.
type template struct {
	object
	parameters map[string]string
}

func readTemplate(t *testing.T, parameters map[string]string) template {
	t.Helper()
	return template{readYAML(t, "../../template.yaml"), parameters}
}

// resolve gives a value with the parameters put in, as CloudFormation does.
// What only exists once it is deployed stays a function.
func (t template) resolve(v any) any {
	switch v := v.(type) {
	case []any:
		var list []any
		for _, item := range v {
			if item = t.resolve(item); item != nil {
				list = append(list, item)
			}
		}
		return list
	case object:
		if name, ok := v["Ref"].(string); ok {
			if name == "AWS::NoValue" {
				return nil
			}
			if value, ok := t.parameters[name]; ok {
				return value
			}
			if value := at(t.object, "Parameters", name, "Default"); value != nil {
				return value
			}
			return v
		}
		if text, ok := v["Fn::Sub"].(string); ok {
			return t.substitute(text)
		}
		if choice, ok := v["Fn::If"].([]any); ok {
			if t.holds(at(t.object, "Conditions", choice[0].(string))) {
				return t.resolve(choice[1])
			}
			return t.resolve(choice[2])
		}
		resolved := object{}
		for key, value := range v {
			if value = t.resolve(value); value != nil {
				resolved[key] = value
			}
		}
		return resolved
	}
	return v
}

// substitute puts the parameters into a text. It stays a function if something in
// it only exists once it is deployed.
func (t template) substitute(text string) any {
	whole := true
	filled := regexp.MustCompile(`\$\{(\w+)\}`).ReplaceAllStringFunc(text, func(s string) string {
		name := s[2 : len(s)-1]
		if value, ok := t.parameters[name]; ok {
			return value
		}
		if value := at(t.object, "Parameters", name, "Default"); value != nil {
			return fmt.Sprint(value)
		}
		whole = false
		return s
	})
	if whole && !strings.Contains(filled, "${") {
		return filled
	}
	return object{"Fn::Sub": filled}
}

// holds evaluates a condition.
func (t template) holds(condition any) bool {
	for function, argument := range condition.(object) {
		if name, ok := argument.(string); ok && function == "Condition" {
			return t.holds(at(t.object, "Conditions", name))
		}
		list := argument.([]any)
		switch function {
		case "Fn::Equals":
			return t.text(list[0]) == t.text(list[1])
		case "Fn::Not":
			return !t.holds(list[0])
		case "Fn::And":
			return !slices.ContainsFunc(list, func(c any) bool { return !t.holds(c) })
		case "Fn::Or":
			return slices.ContainsFunc(list, t.holds)
		}
	}
	panic(fmt.Sprintf("the condition %v is not known here", condition))
}

// text is a value in a comparison; Fn::Join is that of a comma-separated parameter.
func (t template) text(v any) string {
	if join, ok := at(v, "Fn::Join").([]any); ok {
		return strings.ReplaceAll(fmt.Sprint(t.resolve(join[1])), ",", fmt.Sprint(join[0]))
	}
	return fmt.Sprint(t.resolve(v))
}

// ofType gives the resources of a type, with all that Globals gives them.
func (t template) ofType(kind string) map[string]object {
	found := map[string]object{}
	for name, resource := range t.object["Resources"].(object) {
		if at(resource, "Type") != kind {
			continue
		}
		properties := maps.Clone(at(resource, "Properties").(object))
		if kind == "AWS::Serverless::Function" {
			for key, value := range at(t.object, "Globals", "Function").(object) {
				if _, ok := properties[key]; !ok {
					properties[key] = value
				}
			}
			variables := object{}
			for _, from := range []any{at(t.object, "Globals", "Function"), at(resource, "Properties")} {
				if set, ok := at(from, "Environment", "Variables").(object); ok {
					maps.Copy(variables, set)
				}
			}
			properties["Environment"] = object{"Variables": variables}
		}
		found[name] = properties
	}
	return found
}

// triggers gives what calls the functions and the state machine, with its
// properties and, of a rule, its pattern.
func (t template) triggers() map[string]object {
	found := map[string]object{}
	for _, kind := range []string{"AWS::Scheduler::Schedule", "AWS::Events::Rule", "AWS::Lambda::EventSourceMapping"} {
		for name, properties := range t.ofType(kind) {
			found[name] = object{"Type": kind, "Properties": properties}
		}
	}
	for name, properties := range t.ofType("AWS::Serverless::StateMachine") {
		for event, v := range properties["Events"].(object) {
			found[name+event] = v.(object)
		}
	}
	return found
}

// target is what a trigger calls, and deadLetters where it leaves what it cannot
// deliver.
func target(trigger object) (target, deadLetters any) {
	properties := trigger["Properties"]
	switch trigger["Type"] {
	case "AWS::Scheduler::Schedule":
		return at(properties, "Target", "Arn"), at(properties, "Target", "DeadLetterConfig", "Arn")
	case "AWS::Events::Rule":
		first := at(properties, "Targets").([]any)[0]
		return at(first, "Arn"), at(first, "DeadLetterConfig", "Arn")
	case "AWS::Lambda::EventSourceMapping":
		return at(properties, "FunctionName"), nil
	}
	return nil, at(properties, "DeadLetterConfig", "Arn")
}

// devs is s.yaml, deployed from an environment.
type devs struct{ object }

var devsVariable = regexp.MustCompile(`\$\{(?:vars\.(\w+)|env\('(\w+)', '([^']*)'\))\}`)

func readDevs(t *testing.T) devs {
	t.Helper()
	return devs{readYAML(t, "../../s.yaml")}
}

// resolve gives a value with the variables put in. An env is its default.
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

// functions gives the props of each, by its resource's name.
func (d devs) functions() map[string]object {
	found := map[string]object{}
	for name, resource := range d.object["resources"].(object) {
		found[name] = at(resource, "props").(object)
	}
	return found
}

// triggers gives all triggers by their name.
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
