package handler

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
)

// State is an instance's encryption at one moment, in the words of DescribeInstanceSSL.
type State struct {
	SSLEnabled     string // Enable or Disable
	SSLExpiredTime Time   // "" while encryption is off
	CertCommonName string
}

// Result is the answer to one [Request]. It contains every field of the response that
// Alibaba documents for ModifyInstanceSSL, and more.
type Result struct {
	InstanceID string `json:"InstanceId"`
	RegionID   string `json:"RegionId"`
	// InstanceName is the owner's name for the instance; "" if it was not read.
	InstanceName string
	SSLEnabled   Action // the requested action
	Outcome      Outcome
	Reason       string
	RequestID    string `json:"RequestId"` // of the call that changed the instance
	TaskID       string `json:"TaskId"`
	Before       *State
	After        *State // nil if the new state was not read back
	// CertDownloadURL is the address of the CA chain, for clients that pin the CA.
	CertDownloadURL string
	// CA compares the CA before and after the change; nil if it is not compared.
	CA *CAChange `json:",omitempty"`
	// Alert asks for a person's attention although nothing failed.
	Alert bool
	Error *Error

	// Tags are the instance's tags; nil if they were not read.
	Tags map[string]string `json:"-"`
	// Until is when a Deferred change is decided on again; zero means at the next sweep.
	Until Time `json:"-"`
	// ApprovedBy is the person who approved, if the delivery asked for an approval. The
	// Update is then [Deferred] until the next window.
	ApprovedBy string `json:",omitempty"`
	// Because says why the change is wanted, for example that the certificate is due.
	// Most Reasons begin with it, and then say what holds the change back.
	Because string `json:"-"`
	// Rule is the rule that held the change back; "" if none did.
	Rule Rule `json:"-"`
	// Scheduled is when Alibaba itself renews the certificate. It is set if this renewal
	// holds a change back or was moved. MovedTo is its new time. With Alert, it is
	// unknown whether the move succeeded.
	Scheduled, MovedTo Time `json:"-"`
	// Due says that an Update is due, in a result of [Handler.Judge].
	Due bool `json:"-"`
	// OptedOut says that the owner's tag tairssl=off is the reason for the refusal.
	OptedOut bool `json:"-"`
	// Held says why all automatic changes in the region wait; "" if they do not wait.
	Held string `json:"-"`
	// NoTLS says that this type of instance has no TLS.
	NoTLS bool `json:"-"`
	// Busy separates the two cases of InProgress. If it is true, the instance is occupied
	// with another task, and no process is making this change.
	Busy bool `json:"-"`
}

// end writes a decision into the result.
func (r Result) end(d decision) Result {
	if d.act || d.outcome == "" {
		d = failure(errUndecided)
	}
	r.Outcome, r.Reason, r.Because, r.Error = d.outcome, d.reason, d.because, d.err
	r.Busy, r.Alert, r.OptedOut, r.Until, r.Rule, r.ApprovedBy = d.busy, d.alert, d.optedOut, At(d.until), d.rule, d.approvedBy
	r.Held, r.Scheduled, r.MovedTo = d.held, At(d.renewal.At), At(d.to)
	if r.Reason == "" && d.err != nil {
		r.Reason = d.err.Message
	}
	return r
}

// LacksTime reports whether a request failed because the time was too short. It changed
// nothing.
func LacksTime(ctx context.Context, r Result) bool {
	return r.Outcome == Failed && r.Error != nil && (errors.Is(r.Error, ErrNoTime) || ctx.Err() != nil && r.Error.Retryable)
}

// HTTPStatus is the HTTP status of the answer.
func (r Result) HTTPStatus() int { return r.codes().http }

// ExitCode is the exit code of a process that ends with this result.
func (r Result) ExitCode() int { return r.codes().exit }

func (r Result) codes() codes {
	if c, ok := r.Outcome.codes(); ok {
		return c
	}
	if r.Error != nil {
		return r.Error.Kind.codes()
	}
	return Internal.codes()
}

// Encode writes the result of a single request as an object, and the results of a batch
// as an array.
func Encode(results []Result, batch bool) []byte {
	if batch || len(results) != 1 {
		return JSON(results)
	}
	return JSON(results[0])
}

// JSON encodes a value that cannot fail to encode (strings, times, numbers, bools, and
// structs and lists of them). It keeps characters such as & readable.
func JSON(v any) []byte {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	_ = enc.Encode(v) // strings, times, numbers and bools always encode
	return bytes.TrimSuffix(b.Bytes(), []byte("\n"))
}
