package event

import (
	"bytes"
	"encoding/json"

	"tairssl/handler"
)

// shape is an object's members as they stand.
type shape []member

type member struct {
	name  string
	value json.RawMessage
}

// shapeOf reads valid JSON; what is no object has no shape.
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

// raw is a member as it stands; of two the first.
func (s shape) raw(name string) json.RawMessage {
	for _, m := range s {
		if m.name == name {
			return m.value
		}
	}
	return nil
}

// text is a member that is a string, or "".
func (s shape) text(name string) string { return handler.Unquote(s.raw(name)) }

// is reports whether a member is a text. It costs no copy of it.
func (s shape) is(name, text string) bool {
	raw := s.raw(name)
	if len(raw) == len(text)+2 && raw[0] == '"' && string(raw[1:len(raw)-1]) == text {
		return true
	}
	return bytes.IndexByte(raw, '\\') >= 0 && handler.Unquote(raw) == text
}

// object is a member that is an object, or nothing.
func (s shape) object(name string) shape { return shapeOf(s.raw(name)) }

// list is a member that is an array, or nothing.
func (s shape) list(name string) (items []json.RawMessage) {
	if raw := s.raw(name); len(raw) > 0 && raw[0] == '[' {
		_ = json.Unmarshal(raw, &items) // valid, as a part of what is valid
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

// hasAny reports whether one of the names is there.
func (s shape) hasAny(names ...string) bool {
	for _, name := range names {
		if s.raw(name) != nil {
			return true
		}
	}
	return false
}
