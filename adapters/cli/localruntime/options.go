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

// Options of a process.
type Options struct {
	// Env is the process's whole environment; what a cloud adds is added unless
	// it is there. On Function Compute the variables ALIBABA_CLOUD_ACCESS_KEY_ID,
	// _ACCESS_KEY_SECRET and _SECURITY_TOKEN are taken out of it and become the
	// role's credentials, as in that cloud.
	Env     []string
	Stderr  io.Writer     // the process's output; default none
	Timeout time.Duration // of each invocation, told to the function; default 60s
	// Region is where the function is told to be: default us-east-1 on Lambda,
	// unless Env has AWS_REGION, and cn-hangzhou on Function Compute.
	Region string
	// Freeze stops the process between invocations, as the clouds do. It needs
	// a system with stop signals.
	Freeze bool

	// Retries is how often an asynchronous invocation that failed is repeated:
	// default 2 on Lambda and 3 on Function Compute, as there; none below 0.
	Retries int
	// RetryAfter is the pause before the first repetition; it doubles with each.
	// Default 200ms; the clouds wait minutes.
	RetryAfter time.Duration
	// MaxEventAge is how long after its acceptance an asynchronous invocation may
	// still begin; default 10m. With a nanosecond, events are accepted and lost.
	MaxEventAge time.Duration
	// DuplicateEvents invokes the function twice for each asynchronous event, as
	// the clouds may do.
	DuplicateEvents bool
}

// complete puts the defaults in.
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

// Answer is how an invocation ended.
type Answer struct {
	Payload                 []byte
	Failed                  bool
	ErrorType, ErrorMessage string // of a failed one
	RequestID               string
	Duration                time.Duration
}
