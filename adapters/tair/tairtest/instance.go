package tairtest

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"time"
)

// Instance is an instance, in the API's words. All but the id has defaults.
type Instance struct {
	InstanceID        string `json:"InstanceId"`
	RegionID          string `json:"RegionId"` // default cn-hangzhou
	InstanceStatus    string // default Normal
	SSLEnabled        string // Enable (default) or Disable
	SSLExpiredTime    string // like 2026-12-01T00:00:00Z; default in a year; "" while disabled
	CertCommonName    string // default the ConnectionDomain
	ConnectionDomain  string // default <id>.redis.rds.aliyuncs.com
	MaintainStartTime string // UTC, like 18:00Z, the default
	MaintainEndTime   string // default 22:00Z
	Tags              map[string]string
	// ActiveOperationTasks are what Alibaba itself has scheduled.
	ActiveOperationTasks []Task `json:",omitempty"`

	Restarts  int    // changes accepted; not read
	DataPlane string // host:port of its Redis server; "" beyond the first 1,000; not read
}

// Task is a row of DescribeActiveOperationTasks.
type Task struct {
	TaskType   string // rds_apsaradb_ssl_update renews the certificate
	Status     int    // 3 pending, 4 in progress, 5 done, 6 failed, 7 cancelled
	StartTime  string // like 2026-12-01T00:00:00Z
	SwitchTime string `json:",omitempty"` // when it restarts the instance; same format
	Deadline   string `json:",omitempty"` // the latest it may be put off to; same format
}

// UnmarshalJSON takes no unknown fields, and checks the values as
// [Emulator.Put] does. It sets no defaults, as those of time depend on a clock.
func (i *Instance) UnmarshalJSON(data []byte) error {
	type plain Instance
	dec := json.NewDecoder(bytes.NewReader(data))
	dec.DisallowUnknownFields()
	if err := dec.Decode((*plain)(i)); err != nil {
		return err
	}
	_, err := i.withDefaults(time.Time{})
	return err
}

// DecodeInstances reads a JSON array of instances, or a single one. An error
// names the index, from 0, and what is wrong there.
func DecodeInstances(data []byte) ([]Instance, error) {
	if one := bytes.TrimSpace(data); len(one) == 0 || one[0] != '[' {
		var i Instance
		if err := json.Unmarshal(data, &i); err != nil {
			return nil, fmt.Errorf("instance 0: %w", err)
		}
		return []Instance{i}, nil
	}
	var raw []json.RawMessage
	if err := json.Unmarshal(data, &raw); err != nil {
		return nil, err
	}
	all := make([]Instance, len(raw))
	for n := range raw {
		if err := json.Unmarshal(raw[n], &all[n]); err != nil {
			return nil, fmt.Errorf("instance %d: %w", n, err)
		}
	}
	return all, nil
}

const timeLayout = "2006-01-02T15:04:05Z"

var (
	idPattern     = regexp.MustCompile(`^[A-Za-z0-9-]{1,64}$`)
	namePattern   = regexp.MustCompile(`^[A-Za-z0-9*_-][A-Za-z0-9._-]{0,252}$`)
	windowPattern = regexp.MustCompile(`^([01][0-9]|2[0-3]):[0-5][0-9]Z$`)
)

// withDefaults completes an instance, or says what is wrong with it.
func (i Instance) withDefaults(now time.Time) (Instance, error) {
	or := func(field *string, otherwise string) {
		if *field == "" {
			*field = otherwise
		}
	}
	var errs []error
	fault := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }
	switch { // the other defaults are made of it
	case i.InstanceID == "":
		return i, errors.New("InstanceId is missing")
	case !idPattern.MatchString(i.InstanceID):
		return i, fmt.Errorf("InstanceId %.100q is not an id: 1 to 64 letters, digits and hyphens", i.InstanceID)
	}
	or(&i.RegionID, "cn-hangzhou")
	or(&i.InstanceStatus, "Normal")
	or(&i.SSLEnabled, "Enable")
	or(&i.ConnectionDomain, i.InstanceID+".redis.rds.aliyuncs.com")
	or(&i.MaintainStartTime, "18:00Z")
	or(&i.MaintainEndTime, "22:00Z")
	switch i.SSLEnabled {
	case "Enable":
		or(&i.SSLExpiredTime, now.AddDate(1, 0, 0).UTC().Format(timeLayout))
		or(&i.CertCommonName, i.ConnectionDomain)
		if _, err := time.Parse(timeLayout, i.SSLExpiredTime); err != nil {
			fault("SSLExpiredTime %q is not a time like 2026-12-01T00:00:00Z", i.SSLExpiredTime)
		}
	case "Disable":
		if i.SSLExpiredTime != "" {
			fault("SSLExpiredTime is %q, but SSLEnabled is Disable", i.SSLExpiredTime)
		}
	default:
		fault("SSLEnabled %q is neither Enable nor Disable", i.SSLEnabled)
	}
	for _, window := range []struct{ name, value string }{{"MaintainStartTime", i.MaintainStartTime}, {"MaintainEndTime", i.MaintainEndTime}} {
		if !windowPattern.MatchString(window.value) {
			fault("%s %q is not a time like 18:00Z", window.name, window.value)
		}
	}
	for _, name := range []struct{ field, value string }{{"CertCommonName", i.CertCommonName}, {"ConnectionDomain", i.ConnectionDomain}} {
		if name.value != "" && !namePattern.MatchString(name.value) {
			fault("%s %q is not a host name", name.field, name.value)
		}
	}
	if len(i.Tags) > maxTags {
		fault("Tags are %d, more than %d", len(i.Tags), maxTags)
	}
	for _, key := range sortedKeys(i.Tags) {
		if wrong := checkTag(key, i.Tags[key]); wrong != "" {
			fault("Tags: the %s of %.70q has the wrong length: keys take 1 to %d characters, values up to %d", wrong, key, maxTagKey, maxTagValue)
		}
	}
	for n, t := range i.ActiveOperationTasks {
		if t.TaskType == "" {
			fault("ActiveOperationTasks[%d].TaskType is missing", n)
		}
		for _, at := range []struct{ field, value string }{{"StartTime", t.StartTime}, {"SwitchTime", t.SwitchTime}, {"Deadline", t.Deadline}} {
			if _, err := time.Parse(timeLayout, at.value); at.value != "" && err != nil {
				fault("ActiveOperationTasks[%d].%s %q is not a time like 2026-12-01T00:00:00Z", n, at.field, at.value)
			}
		}
	}
	i.ActiveOperationTasks = slices.Clone(i.ActiveOperationTasks)
	i.Tags = maps.Clone(i.Tags)
	if i.Tags == nil {
		i.Tags = map[string]string{}
	}
	i.Restarts, i.DataPlane = 0, ""
	return i, faults(errs).orNil()
}

// faults are an instance's, told in one line.
type faults []error

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

// instance is one held by an emulator; its fields belong to e.mu.
type instance struct {
	Instance
	pending []change
	plane   *plane
	shown   map[string]string // the tags as the API shows them
	tagged  []tagging         // those that have yet to show
}

// tagging is the tags of an instance from when they show.
type tagging struct {
	shows time.Time
	tags  map[string]string
}

// change is one that was accepted and has yet to come true.
type change struct {
	action      string
	shows, done time.Time // SSLModifying from shows to done
}

// settle brings the instance to the state of now.
func (i *instance) settle(now time.Time) {
	for len(i.tagged) > 0 && !now.Before(i.tagged[0].shows) {
		i.shown, i.tagged = i.tagged[0].tags, i.tagged[1:]
	}
	for len(i.pending) > 0 && !now.Before(i.pending[0].done) {
		c := i.pending[0]
		i.pending = i.pending[1:]
		switch {
		case c.action == "Disable":
			i.SSLEnabled, i.SSLExpiredTime, i.CertCommonName = "Disable", "", ""
		case c.action == "Update" && i.SSLEnabled == "Disable":
			// Accepted in the lag of a Disable: there is nothing left to renew.
		default:
			i.SSLEnabled, i.CertCommonName = "Enable", i.ConnectionDomain
			i.SSLExpiredTime = c.done.Add(validity).UTC().Format(timeLayout)
		}
		i.InstanceStatus = "Normal"
		i.plane.drop() // the restart
	}
	if len(i.pending) > 0 && !now.Before(i.pending[0].shows) {
		i.InstanceStatus = "SSLModifying"
	}
}

// validity is how long a new certificate is good for.
const validity = 3 * 365 * 24 * time.Hour

func (i *instance) snapshot() Instance {
	s := i.Instance
	s.Tags = maps.Clone(s.Tags)
	s.ActiveOperationTasks = slices.Clone(s.ActiveOperationTasks)
	s.DataPlane = i.plane.addr()
	return s
}

// SampleFleet is a small fleet as it may be at a time; the sample events of
// the project name its instances.
func SampleFleet(now time.Time) []Instance {
	in := func(days int) string {
		return now.Add(time.Duration(days)*24*time.Hour + time.Hour).UTC().Format(timeLayout)
	}
	return []Instance{
		{InstanceID: "r-bp1zxszhcgatnx01", SSLExpiredTime: in(12)},
		{InstanceID: "r-bp1zxszhcgatnx02", SSLExpiredTime: in(200)},
		{InstanceID: "r-bp1zxszhcgatnx03", SSLEnabled: "Disable"},
		{InstanceID: "r-bp1zxszhcgatnx04", SSLExpiredTime: in(-3)},
		{InstanceID: "tt-bp1zxszhcgatnx05", SSLExpiredTime: in(5), Tags: map[string]string{"env": "prod", "tairssl": "off"}},
		{InstanceID: "r-bp1zxszhcgatnx06", SSLExpiredTime: in(90), CertCommonName: "old-endpoint.redis.rds.aliyuncs.com"},
		{InstanceID: "r-uf6zxszhcgatnx07", RegionID: "cn-shanghai", SSLExpiredTime: in(25), Tags: map[string]string{"env": "prod"}},
	}
}
