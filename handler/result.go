package handler

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
)

// State is what is known of an instance's encryption at one moment, in the
// words of DescribeInstanceSSL.
type State struct {
	SSLEnabled     string // Enable or Disable
	SSLExpiredTime Time   // "" while disabled
	CertCommonName string
}

// Result is the answer to one [Request]: a superset of the documented
// response of ModifyInstanceSSL.
type Result struct {
	InstanceID string `json:"InstanceId"`
	RegionID   string `json:"RegionId"`
	// InstanceName is what people call the instance; "" if it was not read.
	InstanceName string
	SSLEnabled   Action // what was asked for
	Outcome      Outcome
	Reason       string
	RequestID    string `json:"RequestId"` // of the call that changed the instance
	TaskID       string `json:"TaskId"`
	Before       *State
	After        *State // nil unless the new state was read back
	// CertDownloadURL is where clients that pin the CA fetch its chain again.
	CertDownloadURL string
	// CA compares the CA before and after the change; nil if it is not watched.
	CA *CAChange `json:",omitempty"`
	// Alert asks for a person's attention although nothing failed.
	Alert bool
	Error *Error

	// Tags are the instance's, as they were seen; nil if it was not.
	Tags map[string]string `json:"-"`
	// Until is when something Deferred is looked at again; zero: at the next sweep.
	Until Time `json:"-"`
	// ApprovedBy is who approved, of a delivery that asked for that: the Update is
	// [Deferred], and happens in the next window.
	ApprovedBy string `json:",omitempty"`
	// Rule is what held it back; "" if nothing did.
	Rule Rule `json:"-"`
	// Scheduled is when Alibaba itself renews the certificate, where that holds back a
	// change or is moved. MovedTo is where it was moved, or would be; with Alert it is
	// not known that it was.
	Scheduled, MovedTo Time `json:"-"`
	// Due says that an Update is due, of what [Handler.Judge] judged.
	Due bool `json:"-"`
	// OptedOut says that it is refused because of the owner's tag tairssl=off.
	OptedOut bool `json:"-"`
	// Held says why all automatic changes in the region wait; "" if they do not.
	Held string `json:"-"`
	// NoTLS says that this type of instance has no TLS.
	NoTLS bool `json:"-"`
	// Busy tells the two kinds of InProgress apart: the instance is occupied
	// with something else, so that this need is not being met by anybody.
	Busy bool `json:"-"`
}

// end writes a decision into the result.
func (r Result) end(d decision) Result {
	if d.act || d.outcome == "" {
		d = failure(errUndecided)
	}
	r.Outcome, r.Reason, r.Error = d.outcome, d.reason, d.err
	r.Busy, r.Alert, r.OptedOut, r.Until, r.Rule, r.ApprovedBy = d.busy, d.alert, d.optedOut, At(d.until), d.rule, d.approvedBy
	r.Held, r.Scheduled, r.MovedTo = d.held, At(d.renewal.At), At(d.to)
	if r.Reason == "" && d.err != nil {
		r.Reason = d.err.Message
	}
	return r
}

// LacksTime reports whether a request failed for want of time. Nothing was
// changed by it.
func LacksTime(ctx context.Context, r Result) bool {
	return r.Outcome == Failed && r.Error != nil && (errors.Is(r.Error, ErrNoTime) || ctx.Err() != nil && r.Error.Retryable)
}

// HTTPStatus is the status by which the result is answered.
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

// Encode writes results in the form of the question: one of a single request as
// an object, those of a batch as an array.
func Encode(results []Result, batch bool) []byte {
	if batch || len(results) != 1 {
		return JSON(results)
	}
	return JSON(results[0])
}

// JSON writes a value that always encodes (strings, times, numbers, bools and
// what holds them), so that people can read it, too: an & stays an &.
func JSON(v any) []byte {
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	_ = enc.Encode(v) // strings, times, numbers and bools always encode
	return bytes.TrimSuffix(b.Bytes(), []byte("\n"))
}
