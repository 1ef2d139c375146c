package handler

import (
	"bytes"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"unicode/utf8"
)

const (
	// MaxBatch is the greatest number of requests in a batch.
	MaxBatch = 100
	// MaxRequestBytes is the greatest size of the input of [Decode]. A full batch has
	// about a tenth of this size.
	MaxRequestBytes = 256 << 10
)

type fieldRow struct {
	name, want string
	set        func(*Request, any) bool // false if the value has the wrong form
}

// fields lists the fields of the JSON object: the name, the expected form, and how to set
// it.
var fields = []fieldRow{
	{"InstanceId", "a string", text(func(r *Request) *string { return &r.InstanceID })},
	{"SSLEnabled", "a string", text(func(r *Request) *Action { return &r.SSLEnabled })},
	{"RegionId", "a string", text(func(r *Request) *string { return &r.RegionID })},
	{"RenewBefore", `a duration such as "720h"`, span(func(r *Request) **Duration { return &r.RenewBefore })},
	{"SSLExpiredTime", `a time such as "2026-12-01T00:00:00Z"`, func(r *Request, v any) bool {
		s, ok := v.(string)
		t, err := ParseTime(s)
		r.SSLExpiredTime = t
		return ok && err == nil
	}},
	{"Force", "true or false", boolean(func(r *Request) *bool { return &r.Force })},
	{"Automatic", "true or false", boolean(func(r *Request) *bool { return &r.Automatic })},
	{"DryRun", "true or false", boolean(func(r *Request) *bool { return &r.DryRun })},
	{"Wait", `a duration such as "2m"`, span(func(r *Request) **Duration { return &r.Wait })},
}

func text[S ~string](at func(*Request) *S) func(*Request, any) bool {
	return func(r *Request, v any) bool {
		s, ok := v.(string)
		*at(r) = S(s)
		return ok
	}
}

func boolean(at func(*Request) *bool) func(*Request, any) bool {
	return func(r *Request, v any) bool {
		b, ok := v.(bool)
		*at(r) = b
		return ok
	}
}

func span(at func(*Request) **Duration) func(*Request, any) bool {
	return func(r *Request, v any) bool {
		s, ok := v.(string)
		var d Duration
		if !ok || d.UnmarshalText([]byte(s)) != nil {
			return false
		}
		*at(r) = &d
		return true
	}
}

// Decode reads a direct request, or a batch of 1 to [MaxBatch] requests. batch reports
// whether it is a batch, because the answer has the same form. An unreadable request of a
// batch keeps its place, and [Handler.Handle] answers it with its fault. err is always of
// kind [Invalid] and says why the whole input is unreadable.
func Decode(data []byte) (requests []Delivery, batch bool, err error) {
	if len(data) > MaxRequestBytes {
		return nil, false, Errorf(Invalid, "the request is %d bytes long, more than the %d allowed", len(data), MaxRequestBytes)
	}
	data = bytes.TrimSpace(data)
	switch {
	case len(data) == 0:
		return nil, false, Errorf(Invalid, `the request is empty; send {"InstanceId":"r-…","SSLEnabled":"Update"}`)
	case !utf8.Valid(data):
		return nil, false, Errorf(Invalid, "the request is not valid UTF-8")
	case data[0] != '[':
		request := decodeRequest(data)
		if request.settled != nil && !json.Valid(data) {
			return nil, false, request.settled.err
		}
		return []Delivery{request}, false, nil
	}
	var items []json.RawMessage
	if err := json.Unmarshal(data, &items); err != nil {
		return nil, true, Errorf(Invalid, "the batch is not JSON: %v", err)
	}
	if len(items) == 0 || len(items) > MaxBatch {
		return nil, true, Errorf(Invalid, "the batch has %d requests; it takes 1 to %d", len(items), MaxBatch)
	}
	for _, item := range items {
		requests = append(requests, decodeRequest(item))
	}
	return requests, true, nil
}

// decodeRequest reads the object's members itself. encoding/json would accept a field
// name in upper and lower case, would take the last of two fields with the same name, and
// would stop at the first fault. A misread request may restart an instance.
func decodeRequest(data []byte) (request Delivery) {
	if !json.Valid(data) {
		var v any
		return Invalidf("the request is not JSON: %v", json.Unmarshal(data, &v))
	}
	if data = bytes.TrimSpace(data); data[0] != '{' {
		return Invalidf("the request is not a JSON object but %s", Clip(string(data)))
	}
	var faults, seen []string
	var wrong []string // fields with a fault
	for name, value := range Members(data) {
		i := slices.IndexFunc(fields, func(f fieldRow) bool { return f.name == name })
		switch {
		case i < 0:
			faults = append(faults, unknownField(name))
		case slices.Contains(seen, name):
			faults = append(faults, name+" is given twice")
		case value[0] != 'n' && !fields[i].set(&request.Request, scalar(value)): // null counts as absent
			faults = append(faults, fmt.Sprintf("%s must be %s, not %s", name, fields[i].want, Clip(string(value))))
			wrong = append(wrong, name)
		}
		seen = append(seen, name)
	}
	if len(faults) > 0 {
		// The remaining rules are checked as well. No field is named twice.
		for _, f := range request.faults() {
			if !slices.Contains(wrong, f.field) {
				faults = append(faults, f.message)
			}
		}
		if more := len(faults) - maxFaults; more > 0 {
			faults = append(faults[:maxFaults], fmt.Sprintf("and %d more faults", more))
		}
		request.settled = invalid(strings.Join(faults, "; ")).settled
	}
	return request
}

// scalar returns a string, a number or a bool. It returns nil for every other value.
func scalar(value []byte) any {
	switch value[0] {
	case '"':
		return Unquote(value)
	case 't', 'f':
		return value[0] == 't'
	}
	return nil
}

// maxFaults is the greatest number of faults that an error names.
const maxFaults = 10

func unknownField(name string) string {
	var names []string
	for _, f := range fields {
		if strings.EqualFold(f.name, name) {
			return fmt.Sprintf("%s is not a field; it is spelt %s", Clip(name), f.name)
		}
		names = append(names, f.name)
	}
	return fmt.Sprintf("%s is not a field; there are %s", Clip(name), strings.Join(names, ", "))
}
