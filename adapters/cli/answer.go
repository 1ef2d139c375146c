package cli

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"

	"tairssl/adapters/cli/localruntime"
	"tairssl/handler"
)

// printAnswer prints the answer of a function, indented if it is JSON.
func (c *command) printAnswer(a localruntime.Answer) {
	var out bytes.Buffer
	if json.Indent(&out, a.Payload, "", "  ") != nil {
		out.Write(a.Payload)
	}
	fmt.Fprintln(c.Stdout, out.String())
}

// printDelivery says how handed-over work ended, and returns its exit code.
func printDelivery(w io.Writer, d localruntime.Delivery) int {
	how := "ok"
	if failure := d.Failure(); failure != "" {
		how = failure
	}
	if d.Attempts > 1 {
		how += fmt.Sprintf(" after %d attempts", d.Attempts)
	}
	fmt.Fprintf(w, "handed over: %s ended %s\n", d.Answer.RequestID, how)
	if d.Err != nil {
		return handler.Internal.ExitCode()
	}
	return exitOf(d.Answer)
}

// exitOf is the exit code of an answer.
func exitOf(a localruntime.Answer) int {
	if a.Failed {
		// The error's type is an outcome or a kind.
		if o := handler.Outcome(a.ErrorType); o == handler.Unknown || o == handler.InProgress {
			return handler.Result{Outcome: o}.ExitCode()
		}
		return handler.Kind(a.ErrorType).ExitCode()
	}
	code := 0
	for _, r := range resultsOf(a.Payload) {
		code = max(code, r.ExitCode())
	}
	var queue struct{ BatchItemFailures []any }
	if json.Unmarshal(a.Payload, &queue) == nil && len(queue.BatchItemFailures) > 0 {
		code = max(code, handler.Unavailable.ExitCode()) // the queue sends these records again
	}
	return code
}

// resultsOf reads the results in an answer to one request or to a batch, also if the
// answer is an HTTP response.
func resultsOf(payload []byte) (results []handler.Result) {
	if json.Unmarshal(payload, &results) == nil {
		return results
	}
	var one struct {
		handler.Result
		StatusCode int    `json:"statusCode"`
		Body       string `json:"body"`
	}
	if json.Unmarshal(payload, &one) != nil {
		return nil
	}
	if one.StatusCode != 0 {
		return resultsOf([]byte(one.Body))
	}
	if one.Outcome != "" {
		return []handler.Result{one.Result}
	}
	return nil
}
