package event

import (
	"fmt"
	"net/http"
	"slices"
	"strings"

	"tairssl/handler"
	"tairssl/handler/fleet"
)

// Answer holds the requests of a payload and their results.
type Answer struct {
	Asked
	Results []handler.Result
	// For a sweep: its result, the page of its plan, or the error.
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

// HTTPStatus is the status of the answer. If the results have different statuses, it is
// 503 if another delivery can help any request, and otherwise 200.
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
		if a.Redeliver() != nil {
			return http.StatusServiceUnavailable
		}
		return http.StatusOK
	}
	return status
}

// Why says in words how the results ended, for an error message.
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
