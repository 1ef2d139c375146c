package lambda_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"os"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"tairssl/adapters/function/flowtest"
)

// stateMachine walks fleet.asl.json, a definition in the Amazon States Language with
// JSONata. See package flowtest for why it exists. It knows the states and fields of that
// file and refuses all others. https://states-language.net/spec.html
type stateMachine struct {
	task          func(payload []byte) ([]byte, error) // answers an invocation of the function
	queue         func(message []byte) error           // takes a message
	sleep         func(time.Duration)
	substitutions map[string]string // of the template
}

// fieldsOf lists the fields of each type of state that the walk knows.
var fieldsOf = map[string][]string{
	"Pass":    {"Type", "Comment", "Assign", "Next", "End"},
	"Succeed": {"Type", "Output"},
	"Fail":    {"Type", "Error", "Cause"},
	"Choice":  {"Type", "Comment", "Choices", "Default"},
	"Task":    {"Type", "Comment", "Resource", "Arguments", "Retry", "Catch", "Assign", "Output", "Next", "End"},
	"Map":     {"Type", "Comment", "Items", "MaxConcurrency", "ItemProcessor", "Assign", "Output", "Next"},
}

type state struct {
	Type, Comment, Next, Default, Resource, Error           string
	End                                                     bool
	Arguments, Output, Assign, Items, MaxConcurrency, Cause any
	Retry                                                   []retry
	Catch, Choices                                          []way
	ItemProcessor                                           *struct {
		ProcessorConfig map[string]string
		StartAt         string
		States          map[string]state
	}
}

// way leads from a state to another one: a catcher or a choice.
type way struct {
	ErrorEquals               []string
	Condition, Output, Assign any
	Next                      string
}

type retry struct {
	ErrorEquals                                   []string
	IntervalSeconds, BackoffRate, MaxDelaySeconds float64
	MaxAttempts                                   int
	JitterStrategy                                string // the walk takes the longest pause
}

// UnmarshalJSON refuses a type and a field that the walk does not know.
func (s *state) UnmarshalJSON(text []byte) error {
	type plain state
	return flowtest.DecodeState(fieldsOf, text, (*plain)(s))
}

type scope map[string]any

// run walks the definition in a file and returns its output.
func (m stateMachine) run(t *testing.T, file, input string) (any, error) {
	t.Helper()
	definition, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	text := string(definition)
	for name, value := range m.substitutions {
		if !strings.Contains(text, "${"+name+"}") {
			t.Errorf("%s does not use the substitution %s", file, name)
		}
		text = strings.ReplaceAll(text, "${"+name+"}", value)
	}
	if left := regexp.MustCompile(`\$\{\w+\}`).FindString(text); left != "" {
		t.Fatalf("nothing substitutes %s in %s", left, file)
	}
	var in any
	if err := json.Unmarshal([]byte(input), &in); err != nil {
		t.Fatal(err)
	}
	return m.start(text, in)
}

// start walks a definition.
func (m stateMachine) start(definition string, input any) (any, error) {
	var machine struct {
		Comment, QueryLanguage, StartAt string
		States                          map[string]state
	}
	if err := flowtest.Decode([]byte(definition), &machine); err != nil {
		return nil, err
	}
	if machine.QueryLanguage != "JSONata" {
		return nil, fmt.Errorf("the query language is %q, not JSONata", machine.QueryLanguage)
	}
	return m.walk(machine.States, machine.StartAt, input, scope{})
}

func (m stateMachine) walk(all map[string]state, at string, input any, variables scope) (any, error) {
	for range 100_000 {
		s, ok := all[at]
		if !ok {
			return nil, fmt.Errorf("there is no state %q", at)
		}
		output, next, err := m.step(s, input, variables)
		if err != nil {
			return nil, fmt.Errorf("state %s: %w", at, err)
		}
		if next == "" {
			return output, nil
		}
		input, at = output, next
	}
	return nil, errors.New("the execution does not end")
}

// step runs one state. An empty next ends the execution.
func (m stateMachine) step(s state, input any, variables scope) (output any, next string, err error) {
	values := scope{"input": input}
	switch s.Type {
	case "Pass":
		return leave(way{Next: s.Next, Assign: s.Assign}, input, values, variables)
	case "Succeed":
		return leave(way{Output: s.Output}, input, values, variables)
	case "Fail":
		cause, err := evaluate(s.Cause, values, variables)
		if err != nil {
			return nil, "", err
		}
		return nil, "", &flowtest.Failure{Name: s.Error, Cause: fmt.Sprint(cause)}
	case "Choice":
		for _, choice := range s.Choices {
			met, err := evaluate(choice.Condition, values, variables)
			if err != nil {
				return nil, "", err
			}
			if met, ok := met.(bool); !ok {
				return nil, "", fmt.Errorf("the condition %v is not a boolean", choice.Condition)
			} else if met {
				return leave(choice, input, values, variables)
			}
		}
		return input, s.Default, nil
	}
	if s.End == (s.Next != "") {
		return nil, "", errors.New("a state has either a Next or an End")
	}
	result, failure, err := m.attempt(s, values, variables)
	if err != nil {
		return nil, "", err
	}
	if failure == nil {
		values["result"] = result
		return leave(way{Next: s.Next, Output: s.Output, Assign: s.Assign}, result, values, variables)
	}
	for _, c := range s.Catch {
		if flowtest.Catches(c.ErrorEquals, failure.Name) {
			values["errorOutput"] = map[string]any{"Error": failure.Name, "Cause": failure.Cause}
			return leave(c, nil, values, variables)
		}
	}
	return nil, "", failure
}

// leave evaluates the output and the assignments of a way. Both see the old variables.
func leave(w way, output any, values, variables scope) (any, string, error) {
	if w.Output != nil {
		v, err := evaluate(w.Output, values, variables)
		if err != nil {
			return nil, "", err
		}
		output = v
	}
	if w.Assign != nil {
		v, err := evaluate(w.Assign, values, variables)
		if err != nil {
			return nil, "", err
		}
		for name, value := range v.(map[string]any) {
			variables[name] = value
		}
	}
	return output, w.Next, nil
}

// attempt runs a task or a map, and repeats it as its retriers say.
func (m stateMachine) attempt(s state, values, variables scope) (any, *flowtest.Failure, error) {
	var retriers []flowtest.Retrier
	for _, r := range s.Retry {
		retriers = append(retriers, flowtest.Retrier{Names: r.ErrorEquals, Interval: r.IntervalSeconds, Rate: r.BackoffRate, MaxInterval: r.MaxDelaySeconds, Attempts: r.MaxAttempts})
	}
	return flowtest.Try(retriers, m.sleep, func() (any, *flowtest.Failure, error) {
		result, err := m.perform(s, values, variables)
		var failure *flowtest.Failure
		if errors.As(err, &failure) {
			return nil, failure, nil
		}
		return result, nil, err
	})
}

// perform runs a task or a map once.
func (m stateMachine) perform(s state, values, variables scope) (any, error) {
	if s.Type == "Map" {
		return m.each(s, values, variables)
	}
	v, err := evaluate(s.Arguments, values, variables)
	if err != nil {
		return nil, err
	}
	arguments := v.(map[string]any)
	_, service, _ := strings.Cut(s.Resource, ":states:::")
	switch {
	case service == "lambda:invoke" && arguments["FunctionName"] == m.substitutions["Function"]:
		payload, _ := json.Marshal(arguments["Payload"])
		answer, err := m.task(payload)
		if err != nil {
			return nil, err
		}
		var result any
		err = json.Unmarshal(answer, &result)
		return map[string]any{"Payload": result, "StatusCode": 200.0}, err
	case service == "sqs:sendMessage" && arguments["QueueUrl"] == m.substitutions["QueueUrl"]:
		body, _ := json.Marshal(arguments["MessageBody"])
		if err := m.queue(body); err != nil {
			return nil, &flowtest.Failure{Name: "Sqs.SqsException", Cause: err.Error()}
		}
		return map[string]any{"MessageId": "1"}, nil
	}
	return nil, fmt.Errorf("%s is called with %v, which is neither the function nor the queue", s.Resource, arguments)
}

// each runs the iterations of a map. An iteration sees the variables of the map and
// assigns only its own.
func (m stateMachine) each(s state, values, variables scope) (any, error) {
	items, err := evaluate(s.Items, values, variables)
	if err != nil {
		return nil, err
	}
	limit, err := evaluate(s.MaxConcurrency, values, variables)
	if err != nil {
		return nil, err
	}
	return flowtest.Each(items, limit, func(item any) (any, error) {
		return m.walk(s.ItemProcessor.States, s.ItemProcessor.StartAt, item, maps.Clone(variables))
	})
}

// What the walk does not know ends the test.
func TestTheWalkRefusesUnknownStatesAndFields(t *testing.T) {
	const machine = `{"QueryLanguage":"JSONata","StartAt":"A","States":{"A":%s}}`
	for name, definition := range map[string]string{
		"a type":                `{"Type":"Wait","Seconds":1,"End":true}`,
		"a field of a type":     `{"Type":"Succeed","Assign":{}}`,
		"a field of a retrier":  `{"Type":"Task","Resource":"x","Retry":[{"ErrorEquals":["States.ALL"],"Odd":1}],"End":true}`,
		"a field of a catcher":  `{"Type":"Task","Resource":"x","Catch":[{"ErrorEquals":["States.ALL"],"Odd":1}],"End":true}`,
		"a field within a map":  `{"Type":"Map","Items":[],"MaxConcurrency":1,"ItemProcessor":{"StartAt":"B","States":{"B":{"Type":"Pass","Result":1,"End":true}}},"Next":"A"}`,
		"a service":             `{"Type":"Task","Resource":"arn:aws:states:::sns:publish","Arguments":{},"End":true}`,
		"neither Next nor End":  `{"Type":"Task","Resource":"arn:aws:states:::lambda:invoke","Arguments":{}}`,
		"a condition that is 1": `{"Type":"Choice","Choices":[{"Condition":1,"Next":"A"}],"Default":"A"}`,
	} {
		if output, err := (stateMachine{sleep: func(time.Duration) {}}).start(fmt.Sprintf(machine, definition), nil); err == nil {
			t.Errorf("a definition with %s ends with %v, want an error", name, output)
		}
	}
}

// evaluating lets one expression run at a time, because the library's built-in functions
// share state.
var evaluating sync.Mutex

// evaluate replaces each {% expression %} in a value by its result. An expression without
// a result fails the execution, as in Step Functions.
func evaluate(v any, values, variables scope) (any, error) {
	switch v := v.(type) {
	case map[string]any:
		object := map[string]any{}
		for key, value := range v {
			inner, err := evaluate(value, values, variables)
			if err != nil {
				return nil, err
			}
			object[key] = inner
		}
		return object, nil
	case []any:
		array := make([]any, len(v))
		for i := range v {
			inner, err := evaluate(v[i], values, variables)
			if err != nil {
				return nil, err
			}
			array[i] = inner
		}
		return array, nil
	case string:
		text, ok := strings.CutPrefix(v, "{%")
		if !ok {
			return v, nil
		}
		text = strings.TrimSuffix(text, "%}")
		evaluating.Lock()
		defer evaluating.Unlock()
		all := map[string]any{"states": map[string]any(values)}
		for name, value := range variables {
			all[name] = value
		}
		result, err := interpreter(text, all)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", text, err)
		}
		// The library's own types become JSON, as in Step Functions.
		encoded, err := json.Marshal(result)
		if err != nil {
			return nil, err
		}
		var plain any
		err = json.Unmarshal(encoded, &plain)
		return plain, err
	}
	return v, nil
}
