package event

import (
	"bytes"
	"encoding/json"

	"tairssl/handler"
)

// Handed reports whether a payload is work that the function handed to itself:
// {"Handed":"…"}. It is not a trigger. It is accepted only as the whole payload of an
// asynchronous invocation.
func Handed(payload []byte) bool {
	if !bytes.Contains(payload, []byte(`"Handed"`)) {
		return false // this avoids a second reading of most payloads
	}
	payload = bytes.TrimSpace(payload)
	return len(payload) <= MaxPayload && json.Valid(payload) && isHanded(shapeOf(payload))
}

func isHanded(s shape) bool { return s.has("Handed") }

// handed refuses handed work inside a carrier.
func (r *reader) handed(shape) Asked {
	return one("handed", handler.Refusedf("handed work is accepted only from an asynchronous invocation of the function"))
}
