package tairtest

import (
	"bytes"
	"encoding/json"
	"fmt"
	"time"
)

// Instance is an instance in the words of the API. Every field except the id has a
// default.
type Instance struct {
	InstanceID       string `json:"InstanceId"`
	InstanceName     string // default the InstanceId
	RegionID         string `json:"RegionId"` // default cn-hangzhou
	InstanceType     string // Redis, Tair or Memcache; default Tair for ids that begin with tt-, else Redis
	EngineVersion    string // default 7.0
	GlobalInstanceID string `json:"GlobalInstanceId,omitempty"` // the global instance that it is a child of

	// InstanceStatus is Normal by default. Only a Normal instance can be changed.
	// DescribeInstanceSSL does not find a Released instance. It answers for every other
	// status, also for Inactive.
	InstanceStatus string
	// NoTLS is true if the type of the instance has no TLS. It is always true for
	// Memcache. The fields of TLS are then empty, and the actions of TLS answer 403
	// IncorrectEngineVersion.
	NoTLS          bool   `json:",omitempty"`
	SSLEnabled     string // Enable (default) or Disable; "" without TLS
	SSLExpiredTime string // like 2026-12-01T00:00:00Z; default in a year; "" while disabled
	CertCommonName string // default the ConnectionDomain; "" while disabled

	ConnectionDomain  string // default <id>.redis.rds.aliyuncs.com
	MaintainStartTime string // UTC, like 18:00Z, the default
	MaintainEndTime   string // default 22:00Z
	Tags              map[string]string
	// ActiveOperationTasks are the tasks that Alibaba itself has scheduled.
	ActiveOperationTasks []Task `json:",omitempty"`

	// The emulator sets the following fields and ignores them in its input.
	Restarts  int      // changes accepted
	Changes   []string `json:",omitempty"` // the times of the last 10 accepted changes, like 2026-12-01T00:00:00.000Z
	DataPlane string   // host:port of its Redis server; "" after the first 1,000 instances
}

// Task is a row of DescribeActiveOperationTasks in the words of the API. A pending task
// runs when the clock passes its SwitchTime. If its SwitchTime is in the past when the
// instance is put, the task is overdue and runs only after it is moved.
type Task struct {
	ID       int    `json:"Id,omitempty"` // default the next free number
	TaskType string // rds_apsaradb_ssl_update renews the certificate; others change nothing
	Status   int    // 3 pending (default), 4 in progress, 5 done, 6 failed, 7 cancelled
	// StartTime, like 2026-12-01T00:00:00Z, is when the task starts to prepare. SwitchTime
	// is when the task restarts the instance, PrepareInterval later. Each is the default
	// of the other.
	StartTime       string
	SwitchTime      string `json:",omitempty"`
	PrepareInterval string `json:",omitempty"` // like 04:00:00; default none
	Deadline        string `json:",omitempty"` // the latest SwitchTime; default none
	AllowChange     string `json:",omitempty"` // 0 if its time may not be changed; default 1
	AllowCancel     string `json:",omitempty"` // 0 if it may not be cancelled; default 1
	ResultInfo      string `json:",omitempty"` // why the task ended
}

// UnmarshalJSON refuses unknown fields and checks the values as [Emulator.Put] does. It
// sets no defaults, because the default times depend on a clock.
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

// DecodeInstances reads a JSON array of instances, or a single instance. An error names
// the index, from 0, and the fault.
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
