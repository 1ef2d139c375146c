package event

import (
	"fmt"
	"slices"
	"strings"

	"tairssl/handler"
)

// Redelivery says why another delivery of the same payload can help.
type Redelivery struct {
	Type   string // the kind of the failure, or the outcome
	Reason string // in words, for an error
}

// worstTypes orders the types of redeliveries. A batch has the worst type of its parts.
var worstTypes = []string{string(handler.Unknown), string(handler.Internal), string(handler.Unavailable), string(handler.Throttled), string(handler.InProgress)}

// Redeliver says why another delivery of the same payload can help; nil if it cannot
// help. The changes of this delivery stay. In the next delivery these requests end as
// unchanged.
func (a Answer) Redeliver() *Redelivery {
	if a.Failed != nil {
		if !a.Failed.Retryable {
			return nil
		}
		return &Redelivery{string(a.Failed.Kind), a.Failed.Message}
	}
	var worst string
	var reasons []string
	for _, r := range a.Results {
		t, again := r.Redeliver()
		if !again {
			continue
		}
		if worst == "" || slices.Index(worstTypes, t) < slices.Index(worstTypes, worst) {
			worst = t
		}
		reasons = append(reasons, r.InstanceID+": "+r.Reason)
	}
	if reasons == nil {
		return nil
	}
	reason := strings.Join(reasons, "; ")
	if a.Batch {
		reason = fmt.Sprintf("%d of %d can be tried again: %s", len(reasons), len(a.Results), reason)
	}
	return &Redelivery{worst, reason}
}
