package lambda_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-lambda-go/lambda/messages"
)

// stateMachine walks a definition in the Amazon States Language: as much of it
// as fleet.asl.json uses, with JSONata. What it does not know is an error, so
// that the definition cannot outgrow it unnoticed.
// https://states-language.net/spec.html
type stateMachine struct {
	// task answers an invocation of the function; its error may be a
	// messages.InvokeResponse_Error, whose type is the name to retry or catch.
	task  func(payload []byte) ([]byte, error)
	queue func(message []byte) error
	sleep func(time.Duration)
	// substitutions are those of the template.
	substitutions map[string]string
}

type states map[string]state

type state struct {
	Type, Comment, Next, Default, Resource, Error, StartAt string
	End                                                    bool
	Arguments, Output, Assign, Items, Cause, Condition     any
	MaxConcurrency                                         any
	Retry                                                  []retry
	Catch                                                  []rule
	Choices                                                []rule
	ItemProcessor                                          *struct {
		ProcessorConfig map[string]string
		StartAt         string
		States          states
	}
}

type rule struct {
	ErrorEquals               []string
	Condition, Output, Assign any
	Next                      string
}

type retry struct {
	ErrorEquals                                   []string
	IntervalSeconds, BackoffRate, MaxDelaySeconds float64
	MaxAttempts                                   int
	JitterStrategy                                string
}

// stateError is an error as a state machine sees it.
type stateError struct{ name, cause string }

func (e *stateError) Error() string { return e.name + ": " + e.cause }

type scope map[string]any

// run executes the definition in a file and gives its output.
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
	var machine struct {
		Comment, QueryLanguage, StartAt string
		States                          states
	}
	strict := json.NewDecoder(strings.NewReader(text))
	strict.DisallowUnknownFields()
	if err := strict.Decode(&machine); err != nil || machine.QueryLanguage != "JSONata" {
		t.Fatalf("%s cannot be walked: query language %q, %v", file, machine.QueryLanguage, err)
	}
	var in any
	if err := json.Unmarshal([]byte(input), &in); err != nil {
		t.Fatal(err)
	}
	return m.walk(machine.States, machine.StartAt, in, scope{})
}

func (m stateMachine) walk(all states, at string, input any, variables scope) (any, error) {
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

// step runs one state; an empty next ends the execution.
func (m stateMachine) step(s state, input any, variables scope) (output any, next string, err error) {
	values := scope{"input": input}
	switch s.Type {
	case "Pass":
		output = input
	case "Succeed":
		s.End, output = true, input
	case "Fail":
		cause, err := evaluate(s.Cause, values, variables)
		if err != nil {
			return nil, "", err
		}
		return nil, "", &stateError{s.Error, cause.(string)}
	case "Choice":
		for _, choice := range s.Choices {
			met, err := evaluate(choice.Condition, values, variables)
			if err != nil {
				return nil, "", err
			}
			if met, ok := met.(bool); !ok {
				return nil, "", fmt.Errorf("the condition %v is not a boolean", choice.Condition)
			} else if met {
				output = input
				err := finish(&output, choice.Assign, choice.Output, values, variables)
				return output, choice.Next, err
			}
		}
		return input, s.Default, nil
	case "Task", "Map":
		result, failure, err := m.attempt(s, values, variables)
		if err != nil {
			return nil, "", err
		}
		if failure != nil {
			for _, c := range s.Catch {
				if matches(c.ErrorEquals, failure.name) {
					values["errorOutput"] = map[string]any{"Error": failure.name, "Cause": failure.cause}
					err := finish(&output, c.Assign, c.Output, values, variables)
					return output, c.Next, err
				}
			}
			return nil, "", failure
		}
		values["result"], output = result, result
	default:
		return nil, "", fmt.Errorf("a state of type %q is not known here", s.Type)
	}
	if s.End == (s.Next != "") {
		return nil, "", errors.New("a state has either a Next or an End")
	}
	err = finish(&output, s.Assign, s.Output, values, variables)
	return output, s.Next, err
}

// finish evaluates what a state puts out and assigns. Both see the variables as
// they were.
func finish(output *any, assign, out any, values, variables scope) error {
	if out != nil {
		v, err := evaluate(out, values, variables)
		if err != nil {
			return err
		}
		*output = v
	}
	if assign == nil {
		return nil
	}
	v, err := evaluate(assign, values, variables)
	if err != nil {
		return err
	}
	for name, value := range v.(map[string]any) {
		variables[name] = value
	}
	return nil
}

// attempt runs a task or a map, again as its retriers say. failure is its own,
// err one of the definition.
func (m stateMachine) attempt(s state, values, variables scope) (result any, failure *stateError, err error) {
	attempts := make([]int, len(s.Retry))
	for {
		if s.Type == "Map" {
			result, failure, err = m.each(s, values, variables)
		} else {
			result, failure, err = m.invoke(s, values, variables)
		}
		if err != nil || failure == nil {
			return result, failure, err
		}
		i := slices.IndexFunc(s.Retry, func(r retry) bool { return matches(r.ErrorEquals, failure.name) })
		if i < 0 || attempts[i] >= s.Retry[i].MaxAttempts {
			return nil, failure, nil
		}
		r, delay := s.Retry[i], s.Retry[i].IntervalSeconds
		for range attempts[i] {
			delay *= r.BackoffRate
		}
		if r.MaxDelaySeconds > 0 {
			delay = min(delay, r.MaxDelaySeconds)
		}
		attempts[i]++
		m.sleep(time.Duration(delay * float64(time.Second)))
	}
}

func matches(names []string, name string) bool {
	return slices.Contains(names, name) || slices.Equal(names, []string{"States.ALL"})
}

func (m stateMachine) invoke(s state, values, variables scope) (any, *stateError, error) {
	v, err := evaluate(s.Arguments, values, variables)
	if err != nil {
		return nil, nil, err
	}
	arguments := v.(map[string]any)
	_, service, _ := strings.Cut(s.Resource, ":states:::")
	switch service {
	case "lambda:invoke":
		if arguments["FunctionName"] != m.substitutions["Function"] {
			return nil, nil, fmt.Errorf("%v is invoked, which is not the function", arguments["FunctionName"])
		}
		payload, _ := json.Marshal(arguments["Payload"])
		answer, err := m.task(payload)
		var failure messages.InvokeResponse_Error
		if errors.As(err, &failure) {
			return nil, &stateError{failure.Type, failure.Message}, nil
		} else if err != nil {
			return nil, nil, err
		}
		var result any
		if err := json.Unmarshal(answer, &result); err != nil {
			return nil, nil, err
		}
		return map[string]any{"Payload": result, "StatusCode": 200.0}, nil, nil
	case "sqs:sendMessage":
		if arguments["QueueUrl"] != m.substitutions["QueueUrl"] {
			return nil, nil, fmt.Errorf("a message goes to %v, which is not the queue", arguments["QueueUrl"])
		}
		body, _ := json.Marshal(arguments["MessageBody"])
		if err := m.queue(body); err != nil {
			return nil, &stateError{"Sqs.SqsException", err.Error()}, nil
		}
		return map[string]any{"MessageId": "1"}, nil, nil
	}
	return nil, nil, fmt.Errorf("the resource %s is not known here", s.Resource)
}

// each runs the iterations of a map, at most MaxConcurrency at once.
func (m stateMachine) each(s state, values, variables scope) (any, *stateError, error) {
	v, err := evaluate(s.Items, values, variables)
	if err != nil {
		return nil, nil, err
	}
	items, ok := v.([]any)
	if !ok {
		return nil, nil, fmt.Errorf("the items %v are not an array", v)
	}
	v, err = evaluate(s.MaxConcurrency, values, variables)
	if err != nil {
		return nil, nil, err
	}
	limit, ok := v.(float64)
	if !ok || limit < 1 || limit > 40 {
		return nil, nil, fmt.Errorf("the concurrency %v is not between 1 and 40, the most of an inline map", v)
	}
	results, errs := make([]any, len(items)), make([]error, len(items))
	places := make(chan struct{}, int(limit))
	var running sync.WaitGroup
	for i, item := range items {
		places <- struct{}{}
		running.Go(func() {
			defer func() { <-places }()
			// An iteration sees the variables outside and assigns only its own.
			inner := scope{}
			for name, value := range variables {
				inner[name] = value
			}
			results[i], errs[i] = m.walk(s.ItemProcessor.States, s.ItemProcessor.StartAt, item, inner)
		})
	}
	running.Wait()
	err = errors.Join(errs...)
	var failure *stateError
	if errors.As(err, &failure) {
		return nil, failure, nil
	}
	return results, nil, err
}

// evaluating keeps expressions apart: the library's built-in functions share
// their state between all of them.
var evaluating sync.Mutex

// evaluate gives a value with each {% expression %} in it replaced by its
// result. An expression without a result fails the execution, as it does there.
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
		// What a library gives back as its own types is JSON there.
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
