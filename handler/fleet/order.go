package fleet

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"strings"
	"unicode/utf8"

	"tairssl/handler"
)

// Order asks to renew every certificate that is due.
type Order struct {
	Regions     []string          `json:",omitempty"` // default: the regions of the settings
	Tags        map[string]string `json:",omitempty"` // only instances that have all these tags; at most 5
	RenewBefore *handler.Duration `json:",omitempty"`
	MaxTargets  *int              `json:",omitempty"` // the smaller of this and the setting counts
	DryRun      bool              `json:",omitempty"`
	Plan        bool              `json:",omitempty"` // answer one page of requests, and change nothing
	Page        string            `json:",omitempty"` // where a plan goes on: NextPage of the last answer

	// Progress, if set, is called with the number of instances read and their total.
	Progress func(read, total int) `json:"-"`
}

// maxFaults is the greatest number of faults that an error names.
const maxFaults = 10

// Decode reads the order in a sweep's JSON. Its errors are of kind Invalid.
func Decode(data []byte) (order Order, err error) {
	if string(bytes.TrimSpace(data)) == "null" {
		return order, handler.Errorf(handler.Invalid, "the sweep is null: send {} for a sweep of everything") // probably a field that was left empty
	}
	if err := strict(data); err != nil {
		return order, err
	}
	dec := json.NewDecoder(bytes.NewReader(data))
	if err := dec.Decode(&order); err != nil {
		return order, handler.Errorf(handler.Invalid, "the sweep cannot be read: %s", handler.Clip(strings.TrimPrefix(err.Error(), "json: ")))
	}
	if _, err := dec.Token(); err != io.EOF {
		return order, handler.Errorf(handler.Invalid, "the sweep is followed by something else")
	}
	if faults := order.faults(); faults != nil {
		return order, handler.Errorf(handler.Invalid, "%s", strings.Join(faults[:min(len(faults), maxFaults)], "; "))
	}
	return order, nil
}

// names are the fields of an order.
var names = []string{"Regions", "Tags", "RenewBefore", "MaxTargets", "DryRun", "Plan", "Page"}

// strict refuses what encoding/json would silently accept: a field name in another case,
// and the last of two fields with one name. A misread order may restart a fleet.
func strict(data []byte) error {
	if !json.Valid(data) || bytes.TrimSpace(data)[0] != '{' {
		return nil // the decoder explains the fault
	}
	seen := map[string]bool{}
	for name, value := range handler.Members(data) {
		switch {
		case !slices.Contains(names, name):
			return handler.Errorf(handler.Invalid, "the sweep has no field %q; there are %s", handler.Clip(name), strings.Join(names, ", "))
		case seen[name]:
			return handler.Errorf(handler.Invalid, "the sweep's field %s is given twice", name)
		}
		seen[name] = true
		if name != "Tags" || value[0] != '{' {
			continue
		}
		tags := map[string]bool{}
		for key := range handler.Members(value) {
			if tags[key] {
				return handler.Errorf(handler.Invalid, "the sweep's tag %q is given twice", handler.Clip(key))
			}
			tags[key] = true
		}
	}
	return nil
}

func (o Order) faults() (faults []string) {
	for _, region := range o.Regions {
		if !handler.ValidRegion(region) {
			faults = append(faults, fmt.Sprintf("%q is not a region id such as cn-hangzhou: give one of TAIRSSL_REGION", handler.Clip(region)))
		}
	}
	if err := (handler.Request{InstanceID: "r-0000", SSLEnabled: handler.Update, RenewBefore: o.RenewBefore}).Validate(); err != nil {
		faults = append(faults, handler.AsError(err).Message)
	}
	if o.MaxTargets != nil && *o.MaxTargets < 0 {
		faults = append(faults, "MaxTargets must not be negative")
	}
	if len(o.Tags) > 5 {
		faults = append(faults, "Tags are at most 5")
	}
	for key := range o.Tags {
		if n := utf8.RuneCountInString(key); n < 1 || n > 64 {
			faults = append(faults, fmt.Sprintf("the tag key %q must have 1 to 64 characters", handler.Clip(key))) // an empty key would filter nothing
		}
	}
	if o.Page != "" && !o.Plan {
		faults = append(faults, "Page goes with Plan")
	}
	return faults
}

// delivery is the request of an order for one instance, pinned to its present
// certificate.
func (o Order) delivery(ref handler.Ref, expires handler.Time) handler.Delivery {
	return handler.Delivery{Trust: handler.Trusted, Request: handler.Request{
		InstanceID: ref.InstanceID, RegionID: ref.RegionID, SSLEnabled: handler.Update, RenewBefore: o.RenewBefore,
		SSLExpiredTime: expires, Automatic: true, DryRun: o.DryRun,
	}}
}
