package function

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"tairssl/handler"
)

// bundles are the settings that contain other settings, so that a deployment does not
// need a variable for each of them. SECRETS should be a reference to a secret.
var bundles = []string{Prefix + "SETTINGS", Prefix + "SECRETS"}

// Bundle is a setting that contains other settings: a JSON object of variables and their
// values, such as {"TAIRSSL_RATE":"20"}. [Resolve] replaces it by its content.
type Bundle map[string]string

// UnmarshalText reads the object. Its error contains no value.
func (b *Bundle) UnmarshalText(text []byte) error {
	var values map[string]any
	if json.Unmarshal(text, &values) != nil || values == nil {
		return errors.New(`want a JSON object of settings, such as {"TAIRSSL_RATE":"20"}`)
	}
	*b = Bundle{}
	var faults []error
	for _, name := range slices.Sorted(maps.Keys(values)) {
		value, ok := values[name].(string)
		switch {
		case !mayBundle(name):
			faults = append(faults, fmt.Errorf("%q is not a setting that this object may contain", handler.ClipText(name)))
		case !ok:
			faults = append(faults, fmt.Errorf("the value of %s must be a string, in double quotes", name))
		default:
			(*b)[name] = value
		}
	}
	return errors.Join(faults...)
}

// mayBundle reports whether a bundle may contain the variable.
func mayBundle(name string) bool {
	setting, ok := strings.CutPrefix(name, Prefix)
	return ok && slices.Contains(names(), setting) && !slices.Contains(bundles, name) || name == accessKeyID || name == accessKeySecret
}

// unbundle replaces a bundle by the settings that it contains. A setting in two places is
// a fault, because nobody could know which value counts. If the bundle has a fault, the
// returned environment lacks the bundle.
func unbundle(environ []string, variable string) ([]string, error) {
	text := strings.TrimSpace(Getenv(environ)(variable))
	if text == "" {
		return environ, nil
	}
	environ = slices.DeleteFunc(slices.Clone(environ), func(entry string) bool { return strings.HasPrefix(entry, variable+"=") })
	var held Bundle
	if err := held.UnmarshalText([]byte(text)); err != nil {
		return environ, faultsOf(variable, err)
	}
	get, faults := Getenv(environ), []error(nil)
	for _, name := range slices.Sorted(maps.Keys(held)) {
		if strings.TrimSpace(get(name)) != "" {
			faults = append(faults, fmt.Errorf("%s: it contains %s, which is also set elsewhere: set it in one place only", variable, name))
			continue
		}
		environ = append(environ, name+"="+held[name])
	}
	return environ, errors.Join(faults...)
}

// faultsOf adds the name of the variable to each line of an error.
func faultsOf(variable string, err error) error {
	var faults []error
	for fault := range strings.SplitSeq(err.Error(), "\n") {
		faults = append(faults, fmt.Errorf("%s: %s", variable, fault))
	}
	return errors.Join(faults...)
}
