package event

// Function Compute's timer: {"triggerTime","triggerName","payload":"<text>"}.
func isTimer(s shape) bool { return s.has("triggerTime", "triggerName") }

func (r *reader) timer(s shape) Asked { return r.inner("timer", s.raw("payload")) }
