package fc_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"reflect"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"text/scanner"
	"time"

	"github.com/aliyun/fc-runtime-go-sdk/fc/messages"
	"go.yaml.in/yaml/v3"
)

// flow walks a definition in CloudFlow's Flow Definition Language: as much of
// it as fleet.cloudflow.yaml uses, and strictly, so that the definition cannot
// outgrow it unnoticed.
// https://www.alibabacloud.com/help/en/serverless-workflow/latest/process-definition-introduction
type flow struct {
	// task answers an invocation of the function; its error may be a
	// messages.InvokeResponse_Error, whose type is the name to retry or catch.
	task  func(payload []byte) ([]byte, error)
	sleep func(time.Duration)
	input any // of the execution
}

type flowStates struct {
	StartAt string
	States  []flowState
}

type flowState struct {
	Type, Name, Next, Default, Action, TaskMode, Code, Detail, ItemsPath string
	End                                                                  bool
	Parameters, OutputConstructor                                        map[string]any
	MaxConcurrency                                                       int `json:"MaxConcuccency"` // as CloudFlow spells it
	Branches                                                             []struct{ Condition, Next string }
	Retry                                                                []flowRetry
	Catch                                                                []flowCatch
	Processor                                                            *flowStates
}

type flowRetry struct {
	Description                                     string
	Errors                                          []string
	IntervalSeconds, BackoffRate, MaxBackoffSeconds float64
	MaxAttempts                                     int
}

type flowCatch struct {
	Description, Next string
	Errors            []string
	OutputConstructor map[string]any
}

type flowError struct{ code, detail string }

func (e *flowError) Error() string { return e.code + ": " + e.detail }

// run executes the definition in a file and gives its output.
func (f flow) run(t *testing.T, file, input string) (any, error) {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	var document any
	if err := yaml.Unmarshal(text, &document); err != nil {
		t.Fatal(err)
	}
	encoded, err := json.Marshal(document)
	if err != nil {
		t.Fatal(err)
	}
	var definition struct {
		Type, Name, SpecVersion string
		flowStates
	}
	strict := json.NewDecoder(bytes.NewReader(encoded))
	strict.DisallowUnknownFields()
	if err := strict.Decode(&definition); err != nil || definition.Type != "StateMachine" || definition.SpecVersion != "v1" {
		t.Fatalf("%s cannot be walked: %v", file, err)
	}
	if err := json.Unmarshal([]byte(input), &f.input); err != nil {
		t.Fatal(err)
	}
	return f.walk(definition.flowStates, f.input)
}

func (f flow) walk(all flowStates, input any) (any, error) {
	at := all.StartAt
	for range 100_000 {
		i := slices.IndexFunc(all.States, func(s flowState) bool { return s.Name == at })
		if i < 0 {
			return nil, fmt.Errorf("there is no state %q", at)
		}
		output, next, err := f.step(all.States[i], input)
		if err != nil || next == "" {
			return output, err
		}
		input, at = output, next
	}
	return nil, errors.New("the execution does not end")
}

// step runs one state; an empty next ends the execution.
func (f flow) step(s flowState, input any) (output any, next string, err error) {
	values := map[string]any{"Input": input, "Context": map[string]any{"Execution": map[string]any{"Input": f.input}}}
	switch s.Type {
	case "Pass":
		output = input
	case "Fail":
		return nil, "", &flowError{s.Code, s.Detail}
	case "Choice":
		for _, b := range s.Branches {
			met, err := evaluate(b.Condition, values)
			if err != nil {
				return nil, "", fmt.Errorf("state %s: %w", s.Name, err)
			}
			if met == true {
				return input, b.Next, nil
			}
		}
		return input, s.Default, nil
	case "Task", "Map":
		result, failure, err := f.attempt(s, values)
		if err != nil {
			return nil, "", fmt.Errorf("state %s: %w", s.Name, err)
		}
		if failure != nil {
			for _, c := range s.Catch {
				if caught(c.Errors, failure.code) {
					values["Context"].(map[string]any)["Current"] = map[string]any{"Error": map[string]any{"Code": failure.code, "Detail": failure.detail}}
					output, err := construct(c.OutputConstructor, values)
					return output, c.Next, err
				}
			}
			return nil, "", failure
		}
		values["Output"], output = result, result
	default:
		return nil, "", fmt.Errorf("a state of type %q is not known here", s.Type)
	}
	if s.End == (s.Next != "") {
		return nil, "", fmt.Errorf("state %s has not either a Next or an End", s.Name)
	}
	if s.OutputConstructor != nil {
		if output, err = construct(s.OutputConstructor, values); err != nil {
			return nil, "", fmt.Errorf("state %s: %w", s.Name, err)
		}
	}
	if encoded, _ := json.Marshal(output); len(encoded) > 64<<10 {
		return nil, "", fmt.Errorf("state %s puts out %d bytes, more than the 64 KiB allowed", s.Name, len(encoded))
	}
	return output, s.Next, nil
}

func caught(names []string, code string) bool {
	return slices.Contains(names, code) || slices.Contains(names, "FnF.ALL")
}

// attempt runs a task or a map, again as its retriers say. failure is its own,
// err one of the definition.
func (f flow) attempt(s flowState, values map[string]any) (result any, failure *flowError, err error) {
	attempts := make([]int, len(s.Retry))
	for {
		if s.Type == "Map" {
			result, err = f.each(s, values)
		} else {
			result, failure, err = f.invoke(s, values)
		}
		if err != nil || failure == nil {
			return result, nil, err
		}
		i := slices.IndexFunc(s.Retry, func(r flowRetry) bool { return caught(r.Errors, failure.code) })
		if i < 0 || attempts[i] >= s.Retry[i].MaxAttempts {
			return nil, failure, nil
		}
		delay := s.Retry[i].IntervalSeconds
		for range attempts[i] {
			delay *= max(1, s.Retry[i].BackoffRate)
		}
		if s.Retry[i].MaxBackoffSeconds > 0 {
			delay = min(delay, s.Retry[i].MaxBackoffSeconds)
		}
		attempts[i]++
		f.sleep(time.Duration(delay * float64(time.Second)))
	}
}

func (f flow) invoke(s flowState, values map[string]any) (any, *flowError, error) {
	parameters, err := construct(s.Parameters, values)
	if err != nil {
		return nil, nil, err
	}
	if s.Action != "FC:InvokeFunction" || s.TaskMode != "RequestComplete" || parameters["invocationType"] != "Sync" ||
		parameters["resourceArn"] != "acs:fc:cn-hangzhou:1234567890123456:functions/tairssl/LATEST" {
		return nil, nil, fmt.Errorf("%s of %v does not wait for the function", s.Action, parameters["resourceArn"])
	}
	payload, _ := json.Marshal(parameters["body"])
	answer, err := f.task(payload)
	var failure messages.InvokeResponse_Error
	if errors.As(err, &failure) {
		return nil, &flowError{failure.Type, failure.Message}, nil
	} else if err != nil {
		return nil, nil, err
	}
	var body any
	err = json.Unmarshal(answer, &body)
	return map[string]any{"Body": body}, nil, err
}

// each runs the iterations of a map, at most MaxConcurrency at once.
func (f flow) each(s flowState, values map[string]any) (any, error) {
	v, err := evaluate(s.ItemsPath, values)
	items, ok := v.([]any)
	if err != nil || !ok || s.MaxConcurrency < 1 || s.MaxConcurrency > 40 {
		return nil, fmt.Errorf("%s gives %v, and the concurrency is %d: %v", s.ItemsPath, v, s.MaxConcurrency, err)
	}
	results, errs := make([]any, len(items)), make([]error, len(items))
	places := make(chan struct{}, s.MaxConcurrency)
	var running sync.WaitGroup
	for i, item := range items {
		places <- struct{}{}
		running.Go(func() {
			defer func() { <-places }()
			results[i], errs[i] = f.walk(*s.Processor, item)
		})
	}
	running.Wait()
	return map[string]any{"Items": results}, errors.Join(errs...)
}

// construct gives an object in which the value of each key that ends in .$ is
// an expression.
func construct(template, values map[string]any) (map[string]any, error) {
	object := map[string]any{}
	for key, value := range template {
		name, expression := strings.CutSuffix(key, ".$")
		var err error
		if inner, ok := value.(map[string]any); ok {
			value, err = construct(inner, values)
		} else if expression {
			value, err = evaluate(value.(string), values)
		} else if text, ok := value.(string); ok && strings.HasPrefix(text, "$") {
			err = fmt.Errorf("%s is a text and reads like an expression: end its key in .$", key)
		}
		if err != nil {
			return nil, err
		}
		object[name] = value
	}
	return object, nil
}

// evaluate gives the value of an expression: conditions of comparisons, the
// built-in functions, paths, and JSON.
func evaluate(text string, values map[string]any) (v any, err error) {
	defer func() {
		if fault := recover(); fault != nil {
			v, err = nil, fmt.Errorf("%s: %v", text, fault)
		}
	}()
	e := &expression{text: text, values: values}
	e.Init(strings.NewReader(text))
	e.Error = func(*scanner.Scanner, string) {}
	e.next()
	v = e.or()
	if e.token != scanner.EOF {
		panic("it goes on with " + e.TokenText())
	}
	return v, nil
}

type expression struct {
	scanner.Scanner
	text   string
	values map[string]any
	token  rune
}

func (e *expression) next() { e.token = e.Scan() }

// take reads a token that consists of these characters.
func (e *expression) take(operator string) bool {
	if e.token != rune(operator[0]) {
		return false
	}
	for i := 1; i < len(operator); i++ {
		if e.Peek() != rune(operator[i]) {
			return false
		}
		e.Next()
	}
	e.next()
	return true
}

func (e *expression) or() any {
	v := e.and()
	for e.take("||") {
		right := e.and().(bool)
		v = v.(bool) || right
	}
	return v
}

func (e *expression) and() any {
	v := e.compare()
	for e.take("&&") {
		right := e.compare().(bool)
		v = v.(bool) && right
	}
	return v
}

func (e *expression) compare() any {
	v := e.operand()
	switch {
	case e.take("=="):
		right := e.operand()
		if reflect.TypeOf(v) != reflect.TypeOf(right) {
			panic(fmt.Sprintf("%v and %v are not of one type", v, right))
		}
		return v == right
	case e.take(">="):
		return v.(float64) >= e.operand().(float64)
	case e.take("<="):
		return v.(float64) <= e.operand().(float64)
	}
	return v
}

func (e *expression) operand() any {
	switch e.token {
	case '$':
		e.next()
		v, ok := e.values[e.TokenText()]
		if !ok {
			panic("there is no $" + e.TokenText() + " here")
		}
		for e.next(); e.token == '.'; e.next() {
			e.next()
			object := v.(map[string]any)
			if v, ok = object[e.TokenText()]; !ok {
				panic("there is no field " + e.TokenText())
			}
		}
		return v
	case scanner.String:
		text, _ := strconv.Unquote(e.TokenText())
		e.next()
		return text
	case scanner.Int:
		n, _ := strconv.ParseFloat(e.TokenText(), 64)
		e.next()
		return n
	case '{':
		var object map[string]any
		rest := json.NewDecoder(strings.NewReader(e.text[e.Position.Offset:]))
		if err := rest.Decode(&object); err != nil {
			panic(err)
		}
		for end := e.Position.Offset + int(rest.InputOffset()); e.token != scanner.EOF && e.Position.Offset < end; {
			e.next()
		}
		return object
	case scanner.Ident:
		name := e.TokenText()
		e.next()
		var arguments []any
		for e.take("(") || e.take(",") {
			arguments = append(arguments, e.or())
		}
		if !e.take(")") {
			panic(name + " is not closed")
		}
		return call(name, arguments)
	}
	panic("it cannot begin with " + e.TokenText())
}

// call is a built-in function.
// https://www.alibabacloud.com/help/en/serverless-workflow/latest/built-in-functions
func call(name string, arguments []any) any {
	switch name {
	case "length":
		return float64(len(arguments[0].([]any)))
	case "intAdd":
		return toFloat(arguments[0]) + toFloat(arguments[1])
	case "get":
		if list, ok := arguments[0].([]any); ok {
			return list[int(toFloat(arguments[1]))]
		}
		return arguments[0].(map[string]any)[arguments[1].(string)]
	case "jsonMerge":
		merged := map[string]any{}
		for _, object := range arguments {
			for key, value := range object.(map[string]any) {
				merged[key] = value
			}
		}
		return merged
	}
	panic("there is no function " + name)
}

func toFloat(v any) float64 {
	f, ok := v.(float64)
	if !ok {
		panic(fmt.Sprintf("%v is not a number", v))
	}
	return f
}
