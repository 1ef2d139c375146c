package handler

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"
	"unicode/utf8"

	"github.com/go-playground/validator/v10"
)

// Action is what ModifyInstanceSSL is asked to do, its parameter SSLEnabled.
type Action string

// The actions.
const (
	Enable  Action = "Enable"  // switch encryption on
	Disable Action = "Disable" // switch encryption off; for some instances there is no way back
	Update  Action = "Update"  // renew the certificate
)

const (
	// MaxBatch is how many requests one batch may hold.
	MaxBatch = 100
	// MaxRequestBytes bounds what [Decode] reads: a full batch is a tenth of it.
	MaxRequestBytes = 256 << 10
)

// Request asks for one change of one instance. Its JSON has the API's field
// names and takes no others.
type Request struct {
	InstanceID string `json:"InstanceId" validate:"required,instance_id"`
	SSLEnabled Action `validate:"required,oneof=Enable Disable Update"`
	// RegionID is where the instance is; the default is a setting.
	RegionID string `json:"RegionId" validate:"omitempty,region_id"`
	// RenewBefore limits an Update to certificates that expire within it; the
	// default is a setting.
	RenewBefore *Duration `validate:"omitempty,min=0s,max=4320h"`
	// SSLExpiredTime makes the request a compare-and-swap: it acts only while
	// the certificate expires then.
	SSLExpiredTime Time `validate:"required_if=Force true"`
	// Force updates although nothing is due.
	Force bool `validate:"update_only"`
	// Automatic applies the rules for changes that nobody watches.
	Automatic bool
	// DryRun says what would happen and changes nothing.
	DryRun bool
	// Wait is how long to watch the change come true; the default is a setting.
	Wait *Duration `validate:"omitempty,min=0s,max=24h"`

	// Weak says that whoever asked is not known well enough for more than an
	// Update that is due by the settings: the way in proves neither who wrote
	// the request nor that it is new.
	Weak bool `json:"-"`
	// Hurried says that somebody waits for the answer and has but seconds: the
	// lease's pause is at most 0.5 s, and a write may begin with 1.2 s left.
	Hurried bool `json:"-"`
	// Event is the id of the event that asks, for the log.
	Event string `json:"-"`

	// ahead says that a sweep looks at what it may be about to change: that it
	// would is not yet a decision to tell.
	ahead bool
	// swept says that it is one of a sweep, which puts off what lacks the time.
	swept bool
	// settled is the answer that was known when the request was read.
	settled *decision
}

// Invalidf returns a request that [Handler.Handle] answers with a fault of kind
// [Invalid]. It keeps the place of what could not be read in a batch.
func Invalidf(format string, args ...any) Request {
	return invalid(fmt.Sprintf(format, clipped(args)...))
}

// Unreadable is the request that stands for one that could not be read: it is
// answered with all of what err, of [Decode] or [DecodeSweep], says. What these
// quote of a sender is short already.
func Unreadable(err error) Request { return invalid(AsError(err).Message) }

func invalid(message string) Request {
	return Request{settled: &decision{outcome: Failed, err: Errorf(Invalid, "%s", message)}}
}

// clipped bounds the texts among what is quoted: a sender may have written them.
func clipped(args []any) []any {
	for i, arg := range args {
		if s, ok := arg.(string); ok {
			args[i] = clip(s)
		}
	}
	return args
}

// Unchangedf returns a request that asks for nothing, for the given reason:
// the news that an alert is over, for one.
func Unchangedf(format string, args ...any) Request {
	return Request{}.Unchangedf(format, args...)
}

// Unchangedf returns the request settled: [Handler.Handle] does nothing for it,
// for the given reason.
func (r Request) Unchangedf(format string, args ...any) Request {
	r.settled = &decision{outcome: Unchanged, reason: fmt.Sprintf(format, clipped(args)...)}
	return r
}

// Refusedf returns a request that is refused for the given reason.
func Refusedf(format string, args ...any) Request {
	d := refuse(format, args...)
	return Request{settled: &d}
}

// Settled reports whether the answer was known when the request was read.
func (r Request) Settled() bool { return r.settled != nil }

// Duration is a time.Duration whose JSON is a string such as "720h" or "90s".
type Duration time.Duration

var (
	errNotString   = errors.New("want a string")
	errNotDuration = errors.New(`want a duration such as "720h" or "90s"`)
)

// MarshalText writes the form of time.Duration.
func (d Duration) MarshalText() ([]byte, error) { return []byte(time.Duration(d).String()), nil }

// UnmarshalText reads the form of time.ParseDuration.
func (d *Duration) UnmarshalText(text []byte) error {
	v, err := time.ParseDuration(string(text))
	if err != nil {
		return errNotDuration
	}
	*d = Duration(v)
	return nil
}

type fieldRow struct {
	name, want string
	set        func(*Request, any) bool // false if the value has the wrong form
}

// fields says where each field of the JSON goes, and what it has to be.
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
	{"Force", "true or false", flag(func(r *Request) *bool { return &r.Force })},
	{"Automatic", "true or false", flag(func(r *Request) *bool { return &r.Automatic })},
	{"DryRun", "true or false", flag(func(r *Request) *bool { return &r.DryRun })},
	{"Wait", `a duration such as "2m"`, span(func(r *Request) **Duration { return &r.Wait })},
}

func text[S ~string](at func(*Request) *S) func(*Request, any) bool {
	return func(r *Request, v any) bool {
		s, ok := v.(string)
		*at(r) = S(s)
		return ok
	}
}

func flag(at func(*Request) *bool) func(*Request, any) bool {
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

// Decode reads a direct request or a batch of 1 to [MaxBatch] of them; batch
// tells which it was, for the answer has the same form. A request of a batch
// that can not be read keeps its place, and [Handler.Handle] answers its
// fault; err, always of kind [Invalid], is what makes the whole unreadable.
func Decode(data []byte) (requests []Request, batch bool, err error) {
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
		return []Request{request}, false, nil
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

// decodeRequest walks the object itself, for encoding/json would take a field
// by any case of its name and the last of two, and would stop at the first
// fault: a request that is misread may restart an instance.
func decodeRequest(data []byte) (request Request) {
	if !json.Valid(data) {
		var v any
		return Invalidf("the request is not JSON: %v", json.Unmarshal(data, &v))
	}
	if data = bytes.TrimSpace(data); data[0] != '{' {
		return Invalidf("the request is not a JSON object but %s", clip(string(data)))
	}
	var faults, seen []string
	var wrong []string // fields that were complained of
	for name, value := range Members(data) {
		i := slices.IndexFunc(fields, func(f fieldRow) bool { return f.name == name })
		switch {
		case i < 0:
			faults = append(faults, unknownField(name))
		case slices.Contains(seen, name):
			faults = append(faults, name+" is given twice")
		case value[0] != 'n' && !fields[i].set(&request, scalar(value)): // null is as good as nothing
			faults = append(faults, fmt.Sprintf("%s must be %s, not %s", name, fields[i].want, clip(string(value))))
			wrong = append(wrong, name)
		}
		seen = append(seen, name)
	}
	if len(faults) > 0 {
		// What else is wrong is said as well, but nothing twice.
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

// scalar is a value of the kinds that fields take, or nil.
func scalar(value []byte) any {
	switch value[0] {
	case '"':
		return Unquote(value)
	case 't', 'f':
		return value[0] == 't'
	}
	return nil
}

// maxFaults is how many faults of a request are named.
const maxFaults = 10

func unknownField(name string) string {
	var names []string
	for _, f := range fields {
		if strings.EqualFold(f.name, name) {
			return fmt.Sprintf("%s is not a field; it is spelt %s", clip(name), f.name)
		}
		names = append(names, f.name)
	}
	return fmt.Sprintf("%s is not a field; there are %s", clip(name), strings.Join(names, ", "))
}

// clip shortens what a caller sent so that it can be quoted in an answer.
func clip(s string) string {
	const most = 60
	if len(s) > most {
		cut := most
		for cut > 0 && !utf8.RuneStart(s[cut]) {
			cut--
		}
		return s[:cut] + "…"
	}
	return s
}

// Validate reports every rule that the request breaks in one error of kind
// [Invalid].
func (r Request) Validate() error {
	if r.settled != nil {
		if r.settled.err == nil {
			return nil // it asks for nothing
		}
		return r.settled.err
	}
	var messages []string
	for _, f := range r.faults() {
		messages = append(messages, f.message)
	}
	if messages == nil {
		return nil
	}
	return Errorf(Invalid, "%s", strings.Join(messages, "; "))
}

type fault struct{ field, message string }

func (r Request) faults() (faults []fault) {
	var broken validator.ValidationErrors
	if err := validation().Struct(r); err == nil {
		return nil
	} else if !errors.As(err, &broken) {
		return []fault{{"", err.Error()}}
	}
	for _, b := range broken {
		faults = append(faults, fault{b.Field(), inWords(b)})
	}
	return faults
}

// words says each rule in words; %[1]s is the field, %[2]s the value, %[3]s
// the rule's parameter.
var words = map[string]string{
	"required":    `%[1]s is required`,
	"instance_id": `%[1]s %[2]q is not an instance id: r- or tt- and 4 to 40 lower-case letters and digits, or 16 to 40 of them`,
	"region_id":   `%[1]s %[2]q is not a region id such as cn-hangzhou`,
	"oneof":       `%[1]s must be Enable, Disable or Update, not %[2]q`,
	"min":         `%[1]s must not be negative`,
	"max":         `%[1]s must be at most %[3]s`,
	"required_if": `%[1]s is required with Force: give the expiry that you saw, so that a repetition does nothing`,
	"update_only": `%[1]s goes with SSLEnabled Update only`,
}

func inWords(b validator.FieldError) string {
	format, ok := words[b.Tag()]
	if !ok {
		return fmt.Sprintf("%s breaks the rule %s", b.Field(), b.Tag())
	}
	// Without a verb that reads it an argument would be reported as extra, so
	// each format is given what it names and no more.
	return fmt.Sprintf(format+"%.0[1]s%.0[2]s%.0[3]s", b.Field(), clip(fmt.Sprint(b.Value())), b.Param())
}

// validation is made on first use: it costs some 50 µs that a cold start
// should not pay.
var validation = sync.OnceValue(func() *validator.Validate {
	instance := regexp.MustCompile(`^((r|tt)-[a-z0-9]{4,40}|[a-z0-9]{16,40})$`)
	region := regexp.MustCompile(`^[a-z]{2,8}(-[a-z0-9]{1,16}){1,5}$`)
	v := validator.New()
	v.RegisterTagNameFunc(func(f reflect.StructField) string {
		if name, _, _ := strings.Cut(f.Tag.Get("json"), ","); name != "" {
			return name
		}
		return f.Name
	})
	v.RegisterCustomTypeFunc(func(v reflect.Value) any { return time.Duration(v.Interface().(Duration)) }, Duration(0))
	v.RegisterCustomTypeFunc(func(v reflect.Value) any { return v.Interface().(Time).String() }, Time{})
	for name, rule := range map[string]validator.Func{
		"instance_id": func(fl validator.FieldLevel) bool { return instance.MatchString(fl.Field().String()) },
		"region_id":   func(fl validator.FieldLevel) bool { return region.MatchString(fl.Field().String()) },
		"update_only": func(fl validator.FieldLevel) bool {
			return !fl.Field().Bool() || fl.Parent().Interface().(Request).SSLEnabled == Update
		},
	} {
		_ = v.RegisterValidation(name, rule) // fails for an empty name or a nil func only
	}
	return v
})
