package handler

import (
	"errors"
	"fmt"
	"reflect"
	"strings"
	"sync"
	"time"

	"github.com/go-playground/validator/v10"
)

// Action is the parameter SSLEnabled of ModifyInstanceSSL.
type Action string

// The actions.
const (
	Enable  Action = "Enable"  // switch encryption on
	Disable Action = "Disable" // switch encryption off; some instances can never switch it on again
	Update  Action = "Update"  // renew the certificate
)

// Request asks for one change of one instance. Its JSON has the API's field names. Other
// fields are errors. [Delivery] adds the facts about the sender.
type Request struct {
	InstanceID string `json:"InstanceId" validate:"required,instance_id"`
	SSLEnabled Action `validate:"required,oneof=Enable Disable Update"`
	// RegionID is the instance's region. Without it, the handler looks for the instance
	// in every configured region.
	RegionID string `json:"RegionId" validate:"omitempty,region_id"`
	// RenewBefore limits an Update to certificates that expire within this time; the
	// default is a setting.
	RenewBefore *Duration `validate:"omitempty,min=0s,max=4320h"`
	// SSLExpiredTime makes the request a compare-and-swap: it acts only while the
	// certificate has this expiry.
	SSLExpiredTime Time `validate:"required_if=Force true"`
	// Force updates a certificate that is not due.
	Force bool `validate:"update_only"`
	// Automatic applies the rules for unattended changes.
	Automatic bool
	// DryRun reports what would happen and changes nothing.
	DryRun bool
	// Wait is how long the handler watches the change until it is done; the default is a
	// setting.
	Wait *Duration `validate:"omitempty,min=0s,max=24h"`
}

// Validate reports every rule that the request breaks in one error of kind
// [Invalid].
func (r Request) Validate() error {
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

// words has a sentence for each rule: %[1]s is the field, %[2]s the value, %[3]s the
// rule's parameter.
var words = map[string]string{
	"required":    `%[1]s is required`,
	"instance_id": `%[1]s %[2]q is not an instance id: r- or tt- and 4 to 40 lower-case letters and digits, or 16 to 40 of them`,
	"region_id":   `%[1]s %[2]q is not a region id such as cn-hangzhou: give one of TAIRSSL_REGION`,
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
	// fmt reports an argument without a verb as extra. These verbs of width 0 use up the
	// arguments that the format does not name.
	return fmt.Sprintf(format+"%.0[1]s%.0[2]s%.0[3]s", b.Field(), Clip(fmt.Sprint(b.Value())), b.Param())
}

// validation is made at its first use. To make it takes about 50 µs, and a cold start
// should not need that time.
var validation = sync.OnceValue(func() *validator.Validate {
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
		"instance_id": func(fl validator.FieldLevel) bool { return ValidID(fl.Field().String()) },
		"region_id":   func(fl validator.FieldLevel) bool { return ValidRegion(fl.Field().String()) },
		"update_only": func(fl validator.FieldLevel) bool {
			return !fl.Field().Bool() || fl.Parent().Interface().(Request).SSLEnabled == Update
		},
	} {
		_ = v.RegisterValidation(name, rule) // it fails only for an empty name or a nil func
	}
	return v
})
