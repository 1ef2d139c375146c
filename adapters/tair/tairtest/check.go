package tairtest

import (
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"time"
	"unicode/utf8"
)

const (
	timeLayout = "2006-01-02T15:04:05Z"
	// changeLayout has milliseconds, to tell apart two changes within a second.
	changeLayout = "2006-01-02T15:04:05.000Z"
	// maxName is the greatest length of an InstanceName in characters.
	maxName = 80
)

var (
	idPattern     = regexp.MustCompile(`^[A-Za-z0-9-]{1,64}$`)
	namePattern   = regexp.MustCompile(`^[A-Za-z0-9*_-][A-Za-z0-9._-]{0,252}$`)
	windowPattern = regexp.MustCompile(`^([01][0-9]|2[0-3]):[0-5][0-9]Z$`)

	instanceTypes = []string{"Redis", "Tair", "Memcache"}
)

// withDefaults fills in the defaults and checks the instance.
func (i Instance) withDefaults(now time.Time) (Instance, error) {
	switch { // other defaults depend on the id
	case i.InstanceID == "":
		return i, errors.New("InstanceId is missing")
	case !idPattern.MatchString(i.InstanceID):
		return i, fmt.Errorf("InstanceId %.100q is not an id: 1 to 64 letters, digits and hyphens", i.InstanceID)
	}
	kind := "Redis"
	if strings.HasPrefix(i.InstanceID, "tt-") {
		kind = "Tair"
	}
	or(&i.InstanceName, i.InstanceID)
	or(&i.RegionID, defaultRegion)
	or(&i.InstanceType, kind)
	or(&i.EngineVersion, "7.0")
	or(&i.InstanceStatus, "Normal")
	or(&i.ConnectionDomain, i.InstanceID+".redis.rds.aliyuncs.com")
	or(&i.MaintainStartTime, "18:00Z")
	or(&i.MaintainEndTime, "22:00Z")
	if i.NoTLS = i.NoTLS || i.InstanceType == "Memcache"; !i.NoTLS {
		or(&i.SSLEnabled, "Enable")
	}
	if i.SSLEnabled == "Enable" && !i.NoTLS {
		or(&i.SSLExpiredTime, now.AddDate(1, 0, 0).UTC().Format(timeLayout))
		or(&i.CertCommonName, i.ConnectionDomain)
	}
	i.ActiveOperationTasks = slices.Clone(i.ActiveOperationTasks)
	if i.Tags = maps.Clone(i.Tags); i.Tags == nil {
		i.Tags = map[string]string{}
	}
	i.Restarts, i.Changes, i.DataPlane = 0, nil, ""

	found := i.tlsFaults()
	found = append(found, i.formFaults()...)
	found = append(found, i.tagFaults()...)
	found = append(found, i.taskFaults()...)
	return i, found.orNil()
}

// or sets a field if it is empty.
func or(field *string, otherwise string) {
	if *field == "" {
		*field = otherwise
	}
}

// faults are the faults of an instance. Their text is one line.
type faults []error

func (f *faults) add(format string, args ...any) { *f = append(*f, fmt.Errorf(format, args...)) }

// tlsFaults checks the encryption.
func (i Instance) tlsFaults() (f faults) {
	if i.NoTLS {
		for _, field := range []struct{ name, value string }{{"SSLEnabled", i.SSLEnabled}, {"SSLExpiredTime", i.SSLExpiredTime}, {"CertCommonName", i.CertCommonName}} {
			if field.value != "" {
				f.add("%s is %.100q, but the instance has no TLS", field.name, field.value)
			}
		}
		return f
	}
	switch i.SSLEnabled {
	case "Enable":
		if _, err := time.Parse(timeLayout, i.SSLExpiredTime); err != nil {
			f.add("SSLExpiredTime %q is not a time like 2026-12-01T00:00:00Z", i.SSLExpiredTime)
		}
	case "Disable":
		if i.SSLExpiredTime != "" {
			f.add("SSLExpiredTime is %q, but SSLEnabled is Disable", i.SSLExpiredTime)
		}
	default:
		f.add("SSLEnabled %q is neither Enable nor Disable", i.SSLEnabled)
	}
	return f
}

// formFaults checks the form of single fields.
func (i Instance) formFaults() (f faults) {
	for _, window := range []struct{ name, value string }{{"MaintainStartTime", i.MaintainStartTime}, {"MaintainEndTime", i.MaintainEndTime}} {
		if !windowPattern.MatchString(window.value) {
			f.add("%s %q is not a time like 18:00Z", window.name, window.value)
		}
	}
	for _, name := range []struct{ field, value string }{{"CertCommonName", i.CertCommonName}, {"ConnectionDomain", i.ConnectionDomain}} {
		if name.value != "" && !namePattern.MatchString(name.value) {
			f.add("%s %q is not a host name", name.field, name.value)
		}
	}
	if !slices.Contains(instanceTypes, i.InstanceType) {
		f.add("InstanceType %q is none of %s", i.InstanceType, strings.Join(instanceTypes, ", "))
	}
	if utf8.RuneCountInString(i.InstanceName) > maxName {
		f.add("InstanceName %.100q is longer than %d characters", i.InstanceName, maxName)
	}
	return f
}

func (i Instance) tagFaults() (f faults) {
	if len(i.Tags) > maxTags {
		f.add("Tags are %d, more than %d", len(i.Tags), maxTags)
	}
	for _, key := range sortedKeys(i.Tags) {
		if wrong := checkTag(key, i.Tags[key]); wrong != "" {
			f.add("Tags: the %s of %.70q has the wrong length: keys take 1 to %d characters, values up to %d", wrong, key, maxTagKey, maxTagValue)
		}
	}
	return f
}

func (i Instance) taskFaults() (f faults) {
	for n, t := range i.ActiveOperationTasks {
		if t.TaskType == "" {
			f.add("ActiveOperationTasks[%d].TaskType is missing", n)
		}
		if t.ID < 0 {
			f.add("ActiveOperationTasks[%d].Id is %d; it takes 1 or more", n, t.ID)
		}
		for _, at := range []struct{ field, value string }{{"StartTime", t.StartTime}, {"SwitchTime", t.SwitchTime}, {"Deadline", t.Deadline}} {
			if _, err := time.Parse(timeLayout, at.value); at.value != "" && err != nil {
				f.add("ActiveOperationTasks[%d].%s %q is not a time like 2026-12-01T00:00:00Z", n, at.field, at.value)
			}
		}
		if _, err := interval(t.PrepareInterval); err != nil {
			f.add("ActiveOperationTasks[%d].PrepareInterval %q is not a time like 04:00:00", n, t.PrepareInterval)
		}
		for _, allow := range []struct{ field, value string }{{"AllowChange", t.AllowChange}, {"AllowCancel", t.AllowCancel}} {
			if allow.value != "" && allow.value != "0" && allow.value != "1" {
				f.add("ActiveOperationTasks[%d].%s is %q, neither 0 nor 1", n, allow.field, allow.value)
			}
		}
	}
	return f
}

func (f faults) orNil() error {
	if len(f) == 0 {
		return nil
	}
	return f
}

func (f faults) Error() string {
	texts := make([]string, len(f))
	for n, err := range f {
		texts[n] = err.Error()
	}
	return strings.Join(texts, "; ")
}
