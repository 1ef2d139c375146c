package event

import (
	"fmt"
	"net/http"
	"slices"
	"strings"

	"tairssl/handler"
	"tairssl/handler/fleet"
)

// Answer is what became of what a payload asked for.
type Answer struct {
	Asked
	Results []handler.Result
	// Of a sweep: what it did, the page that it planned, or why it did nothing.
	Swept   *fleet.Result
	Planned *fleet.Page
	Failed  *handler.Error
}

// Body is the answer as JSON, in the form of the question.
func (a Answer) Body() []byte {
	switch {
	case a.Swept != nil:
		return handler.JSON(a.Swept)
	case a.Planned != nil:
		return handler.JSON(a.Planned)
	case a.Failed != nil:
		return handler.JSON(handler.Result{Outcome: handler.Failed, Reason: a.Failed.Message, Error: a.Failed})
	}
	return handler.Encode(a.Results, a.Batch)
}

// HTTPStatus is the status of the answer: for several results their common
// one, 503 if another delivery can help any of them, else 200.
func (a Answer) HTTPStatus() int {
	if a.Failed != nil {
		return a.Failed.Kind.HTTPStatus()
	}
	if len(a.Results) == 0 {
		return http.StatusOK
	}
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
	if a.Failed != nil {
		return string(a.Failed.Kind), a.Failed.Message, a.Failed.Retryable
	}
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

// Why says in words how the results ended, for an error.
func (a Answer) Why() string {
	var why []string
	for _, r := range a.Results {
		if !slices.Contains(why, r.Reason) {
			why = append(why, r.Reason)
		}
	}
	const shown = 5
	if len(why) > shown {
		why = append(why[:shown], fmt.Sprintf("and %d more", len(why)-shown))
	}
	return strings.Join(why, "; ")
}

// Outcomes counts the results.
func (a Answer) Outcomes() map[handler.Outcome]int {
	if a.Swept != nil {
		return a.Swept.Summary.Outcomes
	}
	outcomes := map[handler.Outcome]int{}
	for _, r := range a.Results {
		outcomes[r.Outcome]++
	}
	return outcomes
}
