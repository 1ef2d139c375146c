// Package flowtest holds what the tests of both fleet flows share: the state machine for
// AWS Step Functions and the flow for Alibaba CloudFlow. It has a fleet that answers like
// the function, and the two rules that both flow languages have in common: how a failed
// task is tried again, and how the iterations of a map run at once.
//
// Each test walks its definition with an interpreter of its own. No Go module or npm
// package runs Step Functions with JSONata (aws-local-stepfunctions 3.0.0 knows JSONPath
// only), and nothing runs CloudFlow outside of Alibaba Cloud. So each interpreter knows
// exactly the states and fields that its definition uses, and refuses everything else.
package flowtest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"sync"
	"time"
)

// Decode decodes JSON and refuses unknown fields.
func Decode(text []byte, into any) error {
	decoder := json.NewDecoder(bytes.NewReader(text))
	decoder.DisallowUnknownFields()
	return decoder.Decode(into)
}

// DecodeState decodes a state of a definition. It refuses a type that is not in the table
// and a field that the table does not have for the type.
func DecodeState(fieldsOf map[string][]string, text []byte, into any) error {
	var fields map[string]any
	if err := json.Unmarshal(text, &fields); err != nil {
		return err
	}
	known := fieldsOf[fmt.Sprint(fields["Type"])]
	for name := range fields {
		if !slices.Contains(known, name) {
			return fmt.Errorf("a state of type %v with the field %s is unknown here", fields["Type"], name)
		}
	}
	return Decode(text, into)
}

// Failure is an error that a flow may catch by its name.
type Failure struct{ Name, Cause string }

func (e *Failure) Error() string { return e.Name + ": " + e.Cause }

// Catches reports whether names include the name of a failure. A single States.ALL (Step
// Functions) or FnF.ALL (CloudFlow) includes every name.
func Catches(names []string, name string) bool {
	all := len(names) == 1 && (names[0] == "States.ALL" || names[0] == "FnF.ALL")
	return all || slices.Contains(names, name)
}

// Retrier says how often a failed task is tried again, and after which pauses.
type Retrier struct {
	Names                       []string // of the failures
	Interval, Rate, MaxInterval float64  // the first pause in seconds, its growth, and its limit; 0 for no limit
	Attempts                    int      // further tries, not counting the first one
}

// Try runs a task and repeats it as the retriers say. sleep waits between the tries. A
// failure is the task's own, an error is a fault of the definition.
func Try(retriers []Retrier, sleep func(time.Duration), task func() (any, *Failure, error)) (any, *Failure, error) {
	used := make([]int, len(retriers))
	for {
		result, failure, err := task()
		if err != nil || failure == nil {
			return result, nil, err
		}
		n := slices.IndexFunc(retriers, func(r Retrier) bool { return Catches(r.Names, failure.Name) })
		if n < 0 || used[n] >= retriers[n].Attempts {
			return nil, failure, nil
		}
		pause := retriers[n].Interval
		for range used[n] {
			pause *= max(1, retriers[n].Rate)
		}
		if limit := retriers[n].MaxInterval; limit > 0 {
			pause = min(pause, limit)
		}
		used[n]++
		sleep(time.Duration(pause * float64(time.Second)))
	}
}

// maxConcurrency is the largest number of iterations that both clouds run at once.
const maxConcurrency = 40

// Each runs an iteration for each item, at most limit of them at once. It returns the
// results in the order of the items, and the first error.
func Each(items any, limit any, iteration func(item any) (any, error)) ([]any, error) {
	list, isList := items.([]any)
	most, isNumber := limit.(float64)
	if !isList || !isNumber || most < 1 || most > maxConcurrency {
		return nil, fmt.Errorf("a map has the items %v and runs %v at once; want a list, and 1 to %d", items, limit, maxConcurrency)
	}
	results, errs := make([]any, len(list)), make([]error, len(list))
	slots := make(chan struct{}, int(most))
	var running sync.WaitGroup
	for n, item := range list {
		slots <- struct{}{}
		running.Go(func() {
			defer func() { <-slots }()
			results[n], errs[n] = iteration(item)
		})
	}
	running.Wait()
	for _, err := range errs {
		if err != nil {
			return nil, err
		}
	}
	return results, nil
}
