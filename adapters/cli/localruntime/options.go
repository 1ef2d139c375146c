package localruntime

import (
	"io"
	"time"
)

// Cloud names a cloud.
type Cloud string

// The clouds.
const (
	Lambda Cloud = "lambda"
	FC     Cloud = "fc"
)

// Options are those of a process.
type Options struct {
	// Env is the environment of the process. Variables that a cloud sets are added
	// unless Env has them. On Function Compute ALIBABA_CLOUD_ACCESS_KEY_ID,
	// _ACCESS_KEY_SECRET and _SECURITY_TOKEN are removed from it and become the
	// credentials of the function's role, as in that cloud.
	Env     []string
	Stderr  io.Writer     // receives the output of the process; default none
	Timeout time.Duration // of each invocation; the function sees it as its deadline; default 60s
	// Region is the region in the function's environment. The default is AWS_REGION
	// of Env or us-east-1 on Lambda, and cn-hangzhou on Function Compute.
	Region string
	// Freeze stops the process between invocations, as the clouds do. It needs a
	// system with stop signals.
	Freeze bool

	// Retries is how often a failed asynchronous invocation is repeated. The default
	// is that of the cloud: 2 on Lambda, 3 on Function Compute. A negative number
	// means never.
	Retries int
	// RetryAfter is the pause before the first repetition; it doubles each time.
	// Default 200ms; the clouds wait for minutes.
	RetryAfter time.Duration
	// MaxEventAge is the greatest age at which an asynchronous invocation may still
	// start; default 10m. With a nanosecond every event is accepted and lost.
	MaxEventAge time.Duration
	// DuplicateEvents delivers each asynchronous event twice, which the clouds may do.
	DuplicateEvents bool
}

// complete sets the defaults.
func (o Options) complete(cloud Cloud) Options {
	if o.Timeout <= 0 {
		o.Timeout = time.Minute
	}
	if o.Stderr == nil {
		o.Stderr = io.Discard
	}
	if o.Retries == 0 {
		o.Retries = 2
		if cloud == FC {
			o.Retries = 3
		}
	}
	if o.RetryAfter <= 0 {
		o.RetryAfter = 200 * time.Millisecond
	}
	if o.MaxEventAge <= 0 {
		o.MaxEventAge = 10 * time.Minute
	}
	return o
}

// Answer is the result of an invocation.
type Answer struct {
	Payload                 []byte
	Failed                  bool
	ErrorType, ErrorMessage string // set if it failed
	RequestID               string
	Duration                time.Duration
}
