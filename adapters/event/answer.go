package event

import (
	"fmt"
	"net/http"
	"slices"
	"strings"

	"tairssl/handler"
)

// Answer is what became of what a payload asked for.
type Answer struct {
	Asked
	Results []handler.Result
}

// Body is the answer as JSON, in the form of the question.
func (a Answer) Body() []byte { return handler.Encode(a.Results, a.Batch) }

// HTTPStatus is the status of the answer: for several results their common
// one, 503 if another delivery can help any of them, else 200.
func (a Answer) HTTPStatus() int {
	status := a.Results[0].HTTPStatus()
	for _, r := range a.Results[1:] {
		if r.HTTPStatus() == status {
			continue
		}
		if _, _, again := a.Again(); again {
			return http.StatusServiceUnavailable
		}
		return http.StatusOK
	}
	return status
}

// worst orders the types of failures; a batch fails as its worst part.
var worst = []string{string(handler.Unknown), string(handler.Internal), string(handler.Unavailable), string(handler.Throttled), string(handler.InProgress)}

// Again reports whether delivering the same payload once more can help, and
// says by the kind of the failure, or the outcome, and in words, why. What is
// done already stays done: it will be unchanged then.
func (a Answer) Again() (errorType, message string, ok bool) {
	n := 0
	var why strings.Builder
	for _, r := range a.Results {
		t, again := r.Redeliver()
		if !again {
			continue
		}
		n++
		if errorType == "" || slices.Index(worst, t) < slices.Index(worst, errorType) {
			errorType = t
		}
		fmt.Fprintf(&why, "%s: %s; ", r.InstanceID, r.Reason)
	}
	if n == 0 {
		return "", "", false
	}
	if a.Batch {
		message = fmt.Sprintf("%d of %d can be tried again: ", n, len(a.Results))
	}
	return errorType, message + strings.TrimSuffix(why.String(), "; "), true
}

// Outcomes counts the results.
func (a Answer) Outcomes() map[handler.Outcome]int {
	outcomes := map[handler.Outcome]int{}
	for _, r := range a.Results {
		outcomes[r.Outcome]++
	}
	return outcomes
}
