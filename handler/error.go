package handler

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"runtime/debug"
)

// Kind classifies a failure. A Kind is itself an error, so that code can ask
// errors.Is(err, handler.NotFound).
type Kind string

// The kinds of failure. [Kind.HTTPStatus] and [Kind.ExitCode] say how each is answered.
const (
	Invalid      Kind = "invalid"      // the request breaks a rule; sending it again cannot help
	Unauthorized Kind = "unauthorized" // the sender is not known
	Forbidden    Kind = "forbidden"    // the sender, or the function's role, may not do this
	NotFound     Kind = "not_found"    // the region has no such instance
	Unsupported  Kind = "unsupported"  // the instance cannot do this, now or later
	Locked       Kind = "locked"       // the instance is locked, for example because of an unpaid bill
	Throttled    Kind = "throttled"    // too many calls for the API's rate; a later call can succeed
	Unavailable  Kind = "unavailable"  // the API cannot be reached, or the time ran out
	Internal     Kind = "internal"     // a fault of this program or of its settings
)

// Error makes a Kind usable with errors.Is.
func (k Kind) Error() string { return string(k) }

// Error is a failure as callers see it.
type Error struct {
	Kind Kind
	// Code is the API's own code, such as "InvalidInstanceId.NotFound"; "" if it gave
	// none.
	Code string `json:",omitempty"`
	// Message says what is wrong and what to do. It never contains a secret or a signed
	// URL.
	Message string
	// RequestID is the API's id of the refused call.
	RequestID string `json:"RequestId,omitempty"`
	// Retryable says that the same request can succeed later.
	Retryable bool
	// Uncertain says that a failed write may have taken effect.
	Uncertain bool `json:"-"`
	// Err is the cause, for errors.Is and for the log. Callers do not see it.
	Err error `json:"-"`
}

// Errorf returns an Error of a kind. The kind says whether it is retryable.
func Errorf(kind Kind, format string, args ...any) *Error {
	return &Error{
		Kind:      kind,
		Message:   fmt.Sprintf(format, args...),
		Retryable: kind.Retryable(),
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

// AsError returns err as an *Error. The end of a context becomes [Unavailable]. Every
// other error becomes [Internal]. Its text may contain anything, so only the log shows
// it, through Err.
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
		e = Unexpected()
	}
	e.Err = err
	return e
}

// recovered makes an error of a panic. It is retryable, because the cause is unknown. Its
// Err, for the log, contains the stack.
func recovered(v any) *Error {
	e := Unexpected()
	e.Retryable = true
	e.Err = fmt.Errorf("panic: %v\n%s", v, debug.Stack())
	return e
}

// Unexpected returns the error that callers see instead of an internal fault.
func Unexpected() *Error {
	return Errorf(Internal, "an unexpected fault; the log has the details")
}

// Panicked logs a panic with its stack, and returns the error that callers see.
func Panicked(ctx context.Context, log *slog.Logger, v any) *Error {
	log.ErrorContext(ctx, "panic", "panic", fmt.Sprint(v), "stack", string(debug.Stack()))
	return Unexpected()
}

// Guarded runs f and turns a panic into an error. A panic on another goroutine would
// otherwise end the process and all its invocations.
func Guarded(f func() error) (err error) {
	defer func() {
		if v := recover(); v != nil {
			err = recovered(v)
		}
	}()
	return f()
}
