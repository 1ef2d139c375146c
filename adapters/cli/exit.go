package cli

import (
	"errors"
	"fmt"
	"strings"

	"tairssl/handler"
)

// exit is the error that ends the command with an exit code. It prints nothing.
type exit int

func (e exit) Error() string { return fmt.Sprintf("exit %d", int(e)) }

// declined ends a command without a confirmation: a person said no, or no person could be
// asked.
var declined = exit(handler.Result{Outcome: handler.Refused}.ExitCode())

// ended returns the error that ends the process with the exit code; nil for 0.
func ended(code int) error {
	if code == 0 {
		return nil
	}
	return exit(code)
}

// worse returns the error with the higher exit code; nil if both are nil.
func worse(a, b error) error {
	x, isA := a.(exit)
	y, isB := b.(exit)
	if a == nil || isA && isB && y > x {
		return b
	}
	return a
}

// worst returns the error for the highest exit code of the results.
func worst(results []handler.Result) error {
	code := 0
	for _, r := range results {
		code = max(code, r.ExitCode())
	}
	return ended(code)
}

// usageError is a command that was called wrongly: exit code 2.
type usageError struct{ error }

func usagef(format string, args ...any) error { return usageError{fmt.Errorf(format, args...)} }

// isUsage recognizes wrong usage. cobra's own errors about arguments have no type, so
// they are recognized by their first words.
func isUsage(err error) bool {
	if errors.As(err, new(usageError)) {
		return true
	}
	for _, start := range []string{"unknown command", "accepts ", "requires at least", "required flag", "invalid argument"} {
		if strings.HasPrefix(err.Error(), start) {
			return true
		}
	}
	return false
}
