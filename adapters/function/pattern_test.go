package function_test

import (
	"reflect"
	"strings"
	"testing"
)

// matches reports whether an event matches an event pattern. It supports the part of the
// language that both EventBridges know and the descriptions use. A pattern lists values,
// and the event must have one of them. A value may be {"prefix": …}.
func matches(pattern, event any) bool {
	switch pattern := pattern.(type) {
	case object:
		fields, ok := event.(object)
		if !ok {
			return false
		}
		for key, inner := range pattern {
			if value, there := fields[key]; !there || !matches(inner, value) {
				return false
			}
		}
		return true
	case []any:
		values, ok := event.([]any)
		if !ok {
			values = []any{event}
		}
		for _, want := range pattern {
			for _, value := range values {
				if matchesOne(want, value) {
					return true
				}
			}
		}
	}
	return false
}

func matchesOne(want, value any) bool {
	content, ok := want.(object)
	if !ok {
		return reflect.DeepEqual(want, value)
	}
	prefix, known := content["prefix"].(string)
	text, ok := value.(string)
	if !known || len(content) != 1 {
		panic("a pattern has a comparison that matches does not support")
	}
	return ok && strings.HasPrefix(text, prefix)
}

func TestMatchesFollowsTheLanguageOfEventPatterns(t *testing.T) {
	event := object{"source": "aws.acm", "detail": object{"Days": 1.0, "tags": []any{"a", "b"}}}
	for _, test := range []struct {
		pattern any
		want    bool
	}{
		{object{"source": []any{"aws.config", "aws.acm"}}, true},
		{object{"source": []any{"aws.config"}}, false},
		{object{"source": []any{object{"prefix": "aws."}}}, true},
		{object{"detail": object{"tags": []any{"b"}, "Days": []any{1.0}}}, true},
		{object{"detail": object{"missing": []any{"b"}}}, false},
		{object{"source": object{"x": []any{"y"}}}, false},
		{object{}, true},
	} {
		if matches(test.pattern, event) != test.want {
			t.Errorf("the pattern %v matches: %t", test.pattern, !test.want)
		}
	}
}
