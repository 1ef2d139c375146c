package function_test

import (
	"fmt"
	"maps"
	"os"
	"slices"
	"strings"
	"testing"

	"go.yaml.in/yaml/v3"
)

// object is a mapping of YAML or JSON.
type object = map[string]any

// readYAML reads a file. A tag of CloudFormation becomes the long form of its function:
// !Ref X is {"Ref": "X"}, and !Sub X is {"Fn::Sub": "X"}.
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
				return nil, fmt.Errorf("line %d: the key %s occurs twice", n.Content[i].Line, key)
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
		// CloudFormation does not support aliases.
		return nil, fmt.Errorf("line %d: an alias, or an unknown kind of node", n.Line)
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

// walk calls f with each mapping in v and its path.
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

// at gives the value at a path of keys, or nil.
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
