package event

import (
	"bytes"
	"encoding/json"

	"tairssl/handler"
)

// shape holds the members of a JSON object, with their raw values.
type shape []member

type member struct {
	name  string
	value json.RawMessage
}

// shapeOf reads valid JSON. It is nil if the JSON is not an object.
func shapeOf(object []byte) shape {
	if len(object) == 0 || object[0] != '{' {
		return nil
	}
	s := make(shape, 0, 16)
	for name, value := range handler.Members(object) {
		s = append(s, member{name, value})
	}
	return s
}

// raw is the raw value of a member. If the name occurs twice, the first member counts.
func (s shape) raw(name string) json.RawMessage {
	for _, m := range s {
		if m.name == name {
			return m.value
		}
	}
	return nil
}

// text is the value of a string member; "" for every other member.
func (s shape) text(name string) string { return handler.Unquote(s.raw(name)) }

// is reports whether a member is the given text. It does not copy the text.
func (s shape) is(name, text string) bool {
	raw := s.raw(name)
	if len(raw) == len(text)+2 && raw[0] == '"' && string(raw[1:len(raw)-1]) == text {
		return true
	}
	return bytes.IndexByte(raw, '\\') >= 0 && handler.Unquote(raw) == text
}

// object is the value of an object member; nil for every other member.
func (s shape) object(name string) shape { return shapeOf(s.raw(name)) }

// list is the value of an array member; nil for every other member.
func (s shape) list(name string) (items []json.RawMessage) {
	if raw := s.raw(name); len(raw) > 0 && raw[0] == '[' {
		_ = json.Unmarshal(raw, &items) // a part of valid JSON is valid
	}
	return items
}

func (s shape) has(names ...string) bool {
	for _, name := range names {
		if s.raw(name) == nil {
			return false
		}
	}
	return true
}

// hasAny reports whether any of the names exists.
func (s shape) hasAny(names ...string) bool {
	for _, name := range names {
		if s.raw(name) != nil {
			return true
		}
	}
	return false
}
