package handler

// TableSizes counts the outcomes that have an answer of their own, and the kinds.
func TableSizes() (outcomeRows, kindRows int) { return len(outcomes) - 1, len(kinds) }

// ReadFlag reads a tag as a flag, and gives the value that it would be written
// with.
func ReadFlag(key, value string) (written string, ok bool) {
	f, ok := parseFlag(key, value)
	return f.value(), ok
}

// Held counts what a handler keeps of instances: locks, and those with flags that it
// remembers.
func (h *Handler) Held() (locks, flagged int) {
	h.locks.mu.Lock()
	defer h.locks.mu.Unlock()
	h.memory.mu.Lock()
	defer h.memory.mu.Unlock()
	return len(h.locks.held), len(h.memory.flags)
}
