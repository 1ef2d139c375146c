package event

import (
	"bytes"
	"encoding/json"

	"tairssl/handler"
)

// Handed reports whether a payload is work that a function handed over to itself,
// {"Handed":"…"}. It is no trigger: an asynchronous invocation of the function
// has it as its whole payload, and there alone it is taken.
func Handed(payload []byte) bool {
	if !bytes.Contains(payload, []byte(`"Handed"`)) {
		return false // spares most payloads a second reading
	}
	payload = bytes.TrimSpace(payload)
	return len(payload) <= MaxPayload && json.Valid(payload) && isHanded(shapeOf(payload))
}

func isHanded(s shape) bool { return s.has("Handed") }

// handed refuses it wherever a carrier brings it.
func (r *reader) handed(shape) Asked {
	return one("handed", handler.Refusedf("handed work is taken from an asynchronous invocation of the function only"))
}
