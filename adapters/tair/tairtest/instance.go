package tairtest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"time"
)

// Instance is an instance, in the API's words. All but the id has defaults.
type Instance struct {
	InstanceID       string `json:"InstanceId"`
	InstanceName     string // default the InstanceId
	RegionID         string `json:"RegionId"` // default cn-hangzhou
	InstanceType     string // Redis, Tair or Memcache; default Tair for ids that begin with tt-, else Redis
	EngineVersion    string // default 7.0
	GlobalInstanceID string `json:"GlobalInstanceId,omitempty"` // of the global instance whose child it is

	// InstanceStatus is Normal by default. An instance is changed in that status
	// alone. DescribeInstanceSSL does not find one that is Released; it answers
	// for every other status, Inactive among them.
	InstanceStatus string
	// NoTLS says that the type has no TLS; always so for Memcache. The fields of
	// TLS are then empty, and its operations answer 403 IncorrectEngineVersion.
	NoTLS          bool   `json:",omitempty"`
	SSLEnabled     string // Enable (default) or Disable; "" without TLS
	SSLExpiredTime string // like 2026-12-01T00:00:00Z; default in a year; "" while disabled
	CertCommonName string // default the ConnectionDomain; "" while disabled

	ConnectionDomain  string // default <id>.redis.rds.aliyuncs.com
	MaintainStartTime string // UTC, like 18:00Z, the default
	MaintainEndTime   string // default 22:00Z
	Tags              map[string]string
	// ActiveOperationTasks are what Alibaba itself has scheduled.
	ActiveOperationTasks []Task `json:",omitempty"`

	// What follows is told and not read.
	Restarts  int      // changes accepted
	Changes   []string `json:",omitempty"` // when the last 10 were accepted, like 2026-12-01T00:00:00.000Z
	DataPlane string   // host:port of its Redis server; "" beyond the first 1,000
}

// Task is a row of DescribeActiveOperationTasks, in the API's words. One that is
// put as pending runs when the clock passes its SwitchTime; one whose time has
// passed by then is overdue, and runs only if it is moved.
type Task struct {
	ID       int    `json:"Id,omitempty"` // default a number that no other task has
	TaskType string // rds_apsaradb_ssl_update renews the certificate; others change nothing
	Status   int    // 3 pending (default), 4 in progress, 5 done, 6 failed, 7 cancelled
	// StartTime is when it begins to prepare, like 2026-12-01T00:00:00Z. SwitchTime
	// is when it restarts the instance: PrepareInterval later. One is the default
	// of the other.
	StartTime       string
	SwitchTime      string `json:",omitempty"`
	PrepareInterval string `json:",omitempty"` // like 04:00:00; default none
	Deadline        string `json:",omitempty"` // the latest SwitchTime that it takes; default any
	AllowChange     string `json:",omitempty"` // 0 if its time may not be changed; default 1
	AllowCancel     string `json:",omitempty"` // 0 if it may not be cancelled; default 1
	ResultInfo      string `json:",omitempty"` // why it ended
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
