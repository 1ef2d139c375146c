package function_test

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// template is template.yaml with parameters.
type template struct {
	object
	parameters map[string]string
}

func readTemplate(t *testing.T, parameters map[string]string) template {
	t.Helper()
	return template{readYAML(t, "../../template.yaml"), parameters}
}

// resolve replaces the parameters in a value, as CloudFormation does. A function whose
// value exists only after the deployment does not change.
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

// substitute replaces the parameters in a text. The result is a function if a part of the
// text exists only after the deployment.
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
	panic(fmt.Sprintf("the test does not know the condition %v", condition))
}

// text gives a value for a comparison. Fn::Join occurs only with comma-separated
// parameters.
func (t template) text(v any) string {
	if join, ok := at(v, "Fn::Join").([]any); ok {
		return strings.ReplaceAll(fmt.Sprint(t.resolve(join[1])), ",", fmt.Sprint(join[0]))
	}
	return fmt.Sprint(t.resolve(v))
}

// ofType gives the properties of all resources of a type, with those of Globals.
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

// triggers gives the triggers of the functions and of the state machine, with their
// properties.
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

// target gives the target of a trigger, and the queue of the events that it cannot
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
