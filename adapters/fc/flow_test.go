package fc_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"slices"
	"testing"
	"time"

	"go.yaml.in/yaml/v3"

	"tairssl/adapters/function/flowtest"
)

// flow walks fleet.cloudflow.yaml, a definition in CloudFlow's Flow Definition Language.
// See package flowtest for why it exists. It knows the states and fields of that file and
// refuses all others.
// https://www.alibabacloud.com/help/en/serverless-workflow/latest/process-definition-introduction
type flow struct {
	task  func(payload []byte) ([]byte, error) // answers an invocation of the function
	sleep func(time.Duration)
	input any // of the execution
}

// flowFields lists the fields of each type of state that the walk knows.
var flowFields = map[string][]string{
	"Pass":   {"Type", "Name", "OutputConstructor", "Next", "End"},
	"Fail":   {"Type", "Name", "Code", "Detail"},
	"Choice": {"Type", "Name", "Branches", "Default"},
	"Task":   {"Type", "Name", "Action", "TaskMode", "Parameters", "Retry", "Catch", "OutputConstructor", "Next", "End"},
	"Map":    {"Type", "Name", "ItemsPath", "MaxConcuccency", "Processor", "OutputConstructor", "Next"},
}

type flowStates struct {
	StartAt string
	States  []flowState
}

type flowState struct {
	Type, Name, Next, Default, Action, TaskMode, Code, Detail, ItemsPath string
	End                                                                  bool
	Parameters, OutputConstructor                                        map[string]any
	MaxConcurrency                                                       float64 `json:"MaxConcuccency"` // CloudFlow's spelling
	Branches                                                             []struct{ Condition, Next string }
	Retry                                                                []flowRetry
	Catch                                                                []struct {
		Description, Next string
		Errors            []string
		OutputConstructor map[string]any
	}
	Processor *flowStates
}

type flowRetry struct {
	Description                                     string
	Errors                                          []string
	IntervalSeconds, BackoffRate, MaxBackoffSeconds float64
	MaxAttempts                                     int
}

// UnmarshalJSON refuses a type and a field that the walk does not know.
func (s *flowState) UnmarshalJSON(text []byte) error {
	type plain flowState
	return flowtest.DecodeState(flowFields, text, (*plain)(s))
}

// run walks the definition in a file and returns its output.
func (f flow) run(t *testing.T, file, input string) (any, error) {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal([]byte(input), &f.input); err != nil {
		t.Fatal(err)
	}
	return f.start(text)
}

// start walks a definition.
func (f flow) start(text []byte) (any, error) {
	var document any
	if err := yaml.Unmarshal(text, &document); err != nil {
		return nil, err
	}
	encoded, err := json.Marshal(document)
	if err != nil {
		return nil, err
	}
	var definition struct {
		Type, Name, SpecVersion string
		flowStates
	}
	if err := flowtest.Decode(encoded, &definition); err != nil {
		return nil, err
	}
	if definition.Type != "StateMachine" || definition.SpecVersion != "v1" {
		return nil, fmt.Errorf("the definition is a %s of version %s, want a StateMachine of v1", definition.Type, definition.SpecVersion)
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
func (f flow) step(s flowState, input any) (output any, next string, err error) {
	values := map[string]any{"Input": input, "Context": map[string]any{"Execution": map[string]any{"Input": f.input}}}
	switch s.Type {
	case "Fail":
		return nil, "", &flowtest.Failure{Name: s.Code, Cause: s.Detail}
	case "Choice":
		for _, b := range s.Branches {
			if met, err := evaluate(b.Condition, values); err != nil || met == true {
				return input, b.Next, err
			}
		}
		return input, s.Default, nil
	case "Pass":
		output = input
	default:
		result, failure, err := f.attempt(s, values)
		if err != nil {
			return nil, "", err
		}
		if failure != nil {
			return catch(s, failure, values)
		}
		values["Output"], output = result, result
	}
	if s.End == (s.Next != "") {
		return nil, "", errors.New("a state has either a Next or an End")
	}
	if s.OutputConstructor != nil {
		if output, err = construct(s.OutputConstructor, values); err != nil {
			return nil, "", err
		}
	}
	if encoded, _ := json.Marshal(output); len(encoded) > 64<<10 {
		return nil, "", fmt.Errorf("the output has %d bytes, but CloudFlow allows 64 KiB", len(encoded))
	}
	return output, s.Next, nil
}

// catch leads a failure to the next state, or ends the execution with it.
func catch(s flowState, failure *flowtest.Failure, values map[string]any) (output any, next string, err error) {
	for _, c := range s.Catch {
		if flowtest.Catches(c.Errors, failure.Name) {
			values["Context"].(map[string]any)["Current"] = map[string]any{"Error": map[string]any{"Code": failure.Name, "Detail": failure.Cause}}
			output, err := construct(c.OutputConstructor, values)
			return output, c.Next, err
		}
	}
	return nil, "", failure
}

// attempt runs a task or a map, and repeats it as its retriers say.
func (f flow) attempt(s flowState, values map[string]any) (any, *flowtest.Failure, error) {
	var retriers []flowtest.Retrier
	for _, r := range s.Retry {
		retriers = append(retriers, flowtest.Retrier{Names: r.Errors, Interval: r.IntervalSeconds, Rate: r.BackoffRate, MaxInterval: r.MaxBackoffSeconds, Attempts: r.MaxAttempts})
	}
	return flowtest.Try(retriers, f.sleep, func() (any, *flowtest.Failure, error) {
		result, err := f.perform(s, values)
		var failure *flowtest.Failure
		if errors.As(err, &failure) {
			return nil, failure, nil
		}
		return result, nil, err
	})
}

// perform runs a task or a map once.
func (f flow) perform(s flowState, values map[string]any) (any, error) {
	if s.Type == "Map" {
		items, err := evaluate(s.ItemsPath, values)
		if err != nil {
			return nil, err
		}
		results, err := flowtest.Each(items, s.MaxConcurrency, func(item any) (any, error) { return f.walk(*s.Processor, item) })
		return map[string]any{"Items": results}, err
	}
	parameters, err := construct(s.Parameters, values)
	if err != nil {
		return nil, err
	}
	if s.Action != "FC:InvokeFunction" || s.TaskMode != "RequestComplete" || parameters["invocationType"] != "Sync" ||
		parameters["resourceArn"] != "acs:fc:cn-hangzhou:1234567890123456:functions/tairssl/LATEST" {
		return nil, fmt.Errorf("%s of %v does not wait for the function", s.Action, parameters["resourceArn"])
	}
	payload, _ := json.Marshal(parameters["body"])
	answer, err := f.task(payload)
	if err != nil {
		return nil, err
	}
	var body any
	err = json.Unmarshal(answer, &body)
	return map[string]any{"Body": body}, err
}

// What the walk does not know ends the test.
func TestTheWalkRefusesUnknownStatesAndFields(t *testing.T) {
	for name, state := range map[string]string{
		"a type":               `{Type: Wait, Name: A, End: true}`,
		"a field of a type":    `{Type: Pass, Name: A, Retry: [], End: true}`,
		"a field of a retrier": `{Type: Task, Name: A, Action: x, Retry: [{Errors: [FnF.ALL], Odd: 1}], End: true}`,
		"a field of a catcher": `{Type: Task, Name: A, Action: x, Catch: [{Errors: [FnF.ALL], Odd: 1}], End: true}`,
		"a field within a map": `{Type: Map, Name: A, ItemsPath: $Input, MaxConcuccency: 1, Processor: {StartAt: B, States: [{Type: Pass, Name: B, Odd: 1, End: true}]}, Next: A}`,
		"another action":       `{Type: Task, Name: A, Action: "FC:InvokeAsync", TaskMode: RequestComplete, Parameters: {}, End: true}`,
		"no Next and no End":   `{Type: Pass, Name: A}`,
		"an odd function":      `{Type: Pass, Name: A, OutputConstructor: {B.$: "odd($Input)"}, End: true}`,
	} {
		if output, err := (flow{}).start([]byte("{Type: StateMachine, Name: n, SpecVersion: v1, StartAt: A, States: [" + state + "]}")); err == nil {
			t.Errorf("a definition with %s ends with %v, want an error", name, output)
		}
	}
}
