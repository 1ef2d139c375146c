package handler

// Redeliver reports whether another delivery of the same request can help. The error
// type is the kind of the failure, or the outcome. A change that another process is
// already making needs no other delivery.
func (r Result) Redeliver() (errorType string, ok bool) {
	switch {
	case r.Outcome == Unknown, r.Outcome == InProgress && r.Busy:
		return string(r.Outcome), true
	case r.Outcome == Failed && r.Error != nil && r.Error.Retryable:
		return string(r.Error.Kind), true
	}
	return "", false
}
