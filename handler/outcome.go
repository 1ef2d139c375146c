package handler

import (
	"net/http"
	"slices"
)

// Outcome says how a request ended. [Result.HTTPStatus] and [Result.ExitCode] give its
// HTTP status and its exit code.
type Outcome string

// The outcomes.
const (
	Verified   Outcome = "verified"    // changed, and the new state was read back
	Accepted   Outcome = "accepted"    // the API accepted the change; the new state was not read back
	Unchanged  Outcome = "unchanged"   // nothing to do: the state is already right, or the certificate is not due
	Planned    Outcome = "planned"     // DryRun: the change would be made
	Deferred   Outcome = "deferred"    // due, but the change is made later
	InProgress Outcome = "in_progress" // another process is changing the instance, or the instance is busy
	Refused    Outcome = "refused"     // policy forbids it
	Unknown    Outcome = "unknown"     // the write may or may not have happened
	Failed     Outcome = "failed"      // see Error
)

// codes is the answer to a result: the HTTP status, and the exit code of a process.
type codes struct{ http, exit int }

type outcomeRow struct {
	Outcome
	codes
}

type kindRow struct {
	Kind
	codes
	again bool // the same request can succeed later
	next  string
}

// outcomes has a row for every outcome, the worst first. The codes of a Failed result are
// in the table kinds.
var outcomes = []outcomeRow{
	{Unknown, codes{http.StatusBadGateway, 6}},
	{Failed, codes{}},
	{Refused, codes{http.StatusForbidden, 3}},
	{InProgress, codes{http.StatusConflict, 5}},
	{Deferred, codes{http.StatusOK, 0}},
	{Planned, codes{http.StatusOK, 0}},
	{Accepted, codes{http.StatusAccepted, 0}},
	{Verified, codes{http.StatusOK, 0}},
	{Unchanged, codes{http.StatusOK, 0}},
}

// kinds has a row for every kind of failure: the answer, and the next step for the
// reader.
var kinds = []kindRow{
	{Invalid, codes{http.StatusBadRequest, 2}, false, "Correct the request, or the system that sends it. It is not tried again."},
	{Unauthorized, codes{http.StatusUnauthorized, 3}, false, "Check the sender's secret."},
	{Forbidden, codes{http.StatusForbidden, 3}, false, "Grant the missing right to the function's role or user."},
	{NotFound, codes{http.StatusNotFound, 4}, false, "Check the id and the region of the instance, or stop whatever sends requests for it."},
	{Unsupported, codes{http.StatusUnprocessableEntity, 1}, false, "Read the reason. Then change the instance, or exclude it in TAIRSSL_INSTANCES."},
	{Locked, codes{http.StatusLocked, 1}, false, "Unlock the instance, for example by paying its bill."},
	{Throttled, codes{http.StatusTooManyRequests, 5}, true, "Nothing to do yet: the next run tries again. If this happens often, lower TAIRSSL_RATE."},
	{Unavailable, codes{http.StatusServiceUnavailable, 5}, true, "Nothing to do yet: the next run tries again."},
	{Internal, codes{http.StatusInternalServerError, 1}, false, "Look into the function's log."},
}

// Outcomes lists every outcome, the worst first.
func Outcomes() []Outcome {
	all := make([]Outcome, len(outcomes))
	for i, row := range outcomes {
		all[i] = row.Outcome
	}
	return all
}

// Kinds lists every kind of failure.
func Kinds() []Kind {
	all := make([]Kind, len(kinds))
	for i, row := range kinds {
		all[i] = row.Kind
	}
	return all
}

// Rank is the outcome's place in [Outcomes]. A lower rank is worse. An unknown word has
// rank -1.
func (o Outcome) Rank() int {
	return slices.IndexFunc(outcomes, func(row outcomeRow) bool { return row.Outcome == o })
}

// Changed reports whether the API accepted a change. An Unknown outcome may have changed
// something, too.
func (o Outcome) Changed() bool { return o == Verified || o == Accepted }

// codes returns the HTTP status and the exit code of the outcome. ok is false for Failed
// and for an unknown word.
func (o Outcome) codes() (c codes, ok bool) {
	rank := o.Rank()
	if rank < 0 || o == Failed {
		return codes{}, false
	}
	return outcomes[rank].codes, true
}

// HTTPStatus is the HTTP status of the answer to a failure of this kind.
func (k Kind) HTTPStatus() int { return k.codes().http }

// ExitCode is the exit code of a process that failed in this way.
func (k Kind) ExitCode() int { return k.codes().exit }

// NextStep says what a person can do about a failure of this kind.
func (k Kind) NextStep() string { return kinds[k.row()].next }

// Retryable reports whether the same request can succeed later.
func (k Kind) Retryable() bool { return kinds[k.row()].again }

func (k Kind) codes() codes { return kinds[k.row()].codes }

// row is the kind's place in the table. An unknown word counts as [Internal].
func (k Kind) row() int {
	at := func(kind Kind) int {
		return slices.IndexFunc(kinds, func(row kindRow) bool { return row.Kind == kind })
	}
	if row := at(k); row >= 0 {
		return row
	}
	return at(Internal)
}
