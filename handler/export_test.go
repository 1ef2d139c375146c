package handler

// TableSizes is the number of outcomes with a code of their own, and the number of kinds.
func TableSizes() (outcomeRows, kindRows int) { return len(outcomes) - 1, len(kinds) }

// ReadFlag reads a tag as a flag and returns the value with which the flag would be
// written.
func ReadFlag(key, value string) (written string, ok bool) {
	f, ok := parseFlag(key, value)
	return f.value(), ok
}

// Held counts what a handler stores: the locks, and the instances with remembered flags.
func (h *Handler) Held() (locks, flagged int) {
	h.locks.mu.Lock()
	defer h.locks.mu.Unlock()
	h.memory.mu.Lock()
	defer h.memory.mu.Unlock()
	return len(h.locks.held), len(h.memory.flags)
}
