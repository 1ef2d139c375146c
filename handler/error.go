package handler

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
)

// Kind classifies a failure. A Kind is itself an error, so that
// errors.Is(err, handler.NotFound) asks for one.
type Kind string

// The kinds of failure. [Kind.HTTPStatus] and [Kind.ExitCode] say how each is answered.
const (
	Invalid      Kind = "invalid"      // the request breaks a rule; a repetition cannot help
	Unauthorized Kind = "unauthorized" // the caller is not known
	Forbidden    Kind = "forbidden"    // the caller, or this function's role, may not do this
	NotFound     Kind = "not_found"    // no such instance in that region
	Unsupported  Kind = "unsupported"  // the instance cannot do this, now or ever
	Locked       Kind = "locked"       // the instance is locked, for an unpaid bill for one
	Throttled    Kind = "throttled"    // the API's rate is used up; later it will do
	Unavailable  Kind = "unavailable"  // the API, or the way to it, is down, or the time ran out
	Internal     Kind = "internal"     // a fault of this program or of its settings
)

// Error makes a Kind usable with errors.Is.
func (k Kind) Error() string { return string(k) }

// Error is a failure as callers see it.
type Error struct {
	Kind Kind
	// Code is the API's own code ("InvalidInstanceId.NotFound"), if it gave one.
	Code string `json:",omitempty"`
	// Message says what is wrong and what to do. It never holds a secret or a signed URL.
	Message string
	// RequestID is the API's id of the refused call.
	RequestID string `json:"RequestId,omitempty"`
	// Retryable says that the same request may do later.
	Retryable bool
	// Uncertain is set on a failed write that may have taken effect all the same.
	Uncertain bool `json:"-"`
	// Err is the cause, for errors.Is and the log; it is not shown to callers.
	Err error `json:"-"`
}

// Errorf returns an Error of a kind; throttled and unavailable are retryable.
func Errorf(kind Kind, format string, args ...any) *Error {
	return &Error{
		Kind:      kind,
		Message:   fmt.Sprintf(format, args...),
		Retryable: kind == Throttled || kind == Unavailable,
	}
}

// Error gives the kind, the code if there is one, and the message.
func (e *Error) Error() string {
	if e.Code != "" {
		return fmt.Sprintf("%s (%s): %s", e.Kind, e.Code, e.Message)
	}
	return fmt.Sprintf("%s: %s", e.Kind, e.Message)
}

// Is reports whether target is the error's [Kind].
func (e *Error) Is(target error) bool {
	kind, ok := target.(Kind)
	return ok && kind == e.Kind
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// AsError returns err as an *Error. A context that ended is [Unavailable].
// What is not known is [Internal] and opaque: its text may hold anything, so
// it goes to the log by way of Err and not to callers.
func AsError(err error) *Error {
	var e *Error
	switch {
	case errors.As(err, &e):
		return e
	case errors.Is(err, context.DeadlineExceeded):
		e = Errorf(Unavailable, "the time for this invocation ran out")
	case errors.Is(err, context.Canceled):
		e = Errorf(Unavailable, "the invocation was cancelled")
	default:
		e = Errorf(Internal, "an unexpected fault; the log has the details")
	}
	e.Err = err
	return e
}

// recovered makes an error of a panic. It is retryable, since nobody knows
// what is broken; its cause, for the log, holds the stack.
func recovered(v any) *Error {
	e := Errorf(Internal, "an unexpected fault; the log has the details")
	e.Retryable = true
	e.Err = fmt.Errorf("panic: %v\n%s", v, debug.Stack())
	return e
}

// Guarded runs f and turns its panic into its error: on a goroutine of its own
// a panic would end the process, and every other invocation with it.
func Guarded(f func() error) (err error) {
	defer func() {
		if v := recover(); v != nil {
			err = recovered(v)
		}
	}()
	return f()
}
