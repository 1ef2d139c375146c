package doctor

import (
	"fmt"

	"tairssl/handler"
)

// State is the result of a check.
type State string

// The states. Only Failed affects the exit code.
const (
	OK      State = "ok"
	Warning State = "warning" // it works, but a change is advisable
	Unknown State = "unknown" // only a change of an instance would show it
	Failed  State = "failed"
	Skipped State = "skipped" // Found says why
)

// The checks.
const (
	Settings     = "settings"
	Credentials  = "credentials"
	Clock        = "clock"
	Endpoint     = "endpoint"
	Permission   = "permission"
	Region       = "region"
	Instance     = "instance"
	Handshake    = "handshake"
	CA           = "ca"
	Route        = "route"
	Window       = "window"
	Lease        = "lease"
	Notification = "notification"
)

// Checks lists all checks in the order in which they are shown.
var Checks = []string{Settings, Credentials, Clock, Endpoint, Permission, Region, Instance, Handshake, CA, Route, Window, Lease, Notification}

// Finding is the result of one check on one setting, region, action, route or host.
type Finding struct {
	Check string
	On    string `json:",omitempty"` // the setting, region, action, route or host
	State State
	Found string
	Fix   string `json:",omitempty"` // what to do next, if anything
	// Kind and Code say why a check failed; Code is the API's error code.
	Kind      handler.Kind `json:",omitempty"`
	Code      string       `json:",omitempty"`
	RequestID string       `json:"RequestId,omitempty"`
}

// ExitCode returns the highest exit code of the failed findings, or 0.
func ExitCode(findings []Finding) (code int) {
	for _, f := range findings {
		if f.State == Failed {
			code = max(code, f.Kind.ExitCode())
		}
	}
	return code
}

func pass(check, on, format string, args ...any) Finding {
	return Finding{Check: check, On: on, State: OK, Found: fmt.Sprintf(format, args...)}
}

func skip(check, on, why string) Finding {
	return Finding{Check: check, On: on, State: Skipped, Found: why}
}

func warn(check, on, found, fix string) Finding {
	return Finding{Check: check, On: on, State: Warning, Found: found, Fix: fix}
}

func unknown(check, on, found, fix string) Finding {
	return Finding{Check: check, On: on, State: Unknown, Found: found, Fix: fix}
}

func fail(check, on string, kind handler.Kind, found, fix string) Finding {
	return Finding{Check: check, On: on, State: Failed, Kind: kind, Found: found, Fix: fix}
}
