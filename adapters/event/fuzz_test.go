package event_test

import (
	"encoding/base64"
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"tairssl/adapters/event"
	"tairssl/handler"
	"tairssl/handler/handlertest"
)

// No payload causes a panic. A request that is derived from an event is an Automatic
// Update. Every other request is in the payload word for word.
func FuzzDecode(f *testing.F) {
	for _, payload := range handlertest.Samples(f, "../../events") {
		f.Add(payload)
	}
	f.Fuzz(func(t *testing.T, payload []byte) {
		asked := (&event.Decoder{}).Decode(payload)
		if asked.Sweep != nil {
			return
		}
		if len(asked.Requests) == 0 || asked.Trigger == "" {
			t.Fatalf("%q has no answer: %+v", payload, asked)
		}
		for _, r := range asked.Requests {
			if r.Validate() == nil && r.InstanceID != "" && r.SSLEnabled != handler.Update && !says(string(payload), string(r.SSLEnabled), 20) {
				t.Fatalf("%q asks for %+v, but does not contain this action", payload, r)
			}
			if r.Validate() == nil && r.InstanceID != "" && !r.Automatic && !says(string(payload), "SSLEnabled", 20) {
				t.Fatalf("%q asks for %+v, but contains no request", payload, r)
			}
		}
	})
}

// says reports whether a text contains a word, also inside quotes or base64.
func says(text, word string, depth int) bool {
	if strings.Contains(text, word) {
		return true
	}
	if depth == 0 {
		return false
	}
	var v any
	if json.Unmarshal([]byte(text), &v) == nil {
		var within func(v any) bool
		within = func(v any) bool {
			switch v := v.(type) {
			case string:
				return says(v, word, depth-1)
			case []any:
				return slices.ContainsFunc(v, within)
			case map[string]any:
				for name, value := range v {
					if strings.Contains(name, word) || within(value) {
						return true
					}
				}
			}
			return false
		}
		return within(v)
	}
	text = strings.TrimRight(strings.TrimSpace(text), "=\r\n")
	for _, encoding := range []*base64.Encoding{base64.RawStdEncoding, base64.RawURLEncoding} {
		if decoded, err := encoding.DecodeString(text); err == nil && len(decoded) > 0 && says(string(decoded), word, depth-1) {
			return true
		}
	}
	return false
}
