package handler

import (
	"bytes"
	"encoding/json"
	"iter"
)

const jsonSpace = " \t\r\n"

// Members walks the members of a JSON object. It yields each name, without escapes, and
// the raw JSON text of its value. The text must be a valid JSON object ([json.Valid]).
// encoding/json would hide a name that occurs twice, and the case of its letters. Members
// shows both.
func Members(object []byte) iter.Seq2[string, json.RawMessage] {
	return func(yield func(string, json.RawMessage) bool) {
		rest := bytes.TrimLeft(object, jsonSpace)[1:]
		for {
			rest = bytes.TrimLeft(rest, jsonSpace+",")
			if len(rest) == 0 || rest[0] == '}' {
				return
			}
			name := firstValue(rest)
			rest = bytes.TrimLeft(rest[len(name):], jsonSpace+":")
			value := firstValue(rest)
			rest = rest[len(value):]
			if !yield(Unquote(name), json.RawMessage(value)) {
				return
			}
		}
	}
}

// firstValue is the value at the beginning of a valid JSON text.
func firstValue(text []byte) []byte {
	switch text[0] {
	case '"':
		for i := 1; i < len(text); i++ {
			switch text[i] {
			case '\\':
				i++
			case '"':
				return text[:i+1]
			}
		}
	case '{', '[':
		depth := 0
		for i := 0; i < len(text); i++ {
			switch text[i] {
			case '"':
				i += len(firstValue(text[i:])) - 1
			case '{', '[':
				depth++
			case '}', ']':
				if depth--; depth == 0 {
					return text[:i+1]
				}
			}
		}
	default:
		if end := bytes.IndexAny(text, ",}]"+jsonSpace); end >= 0 {
			return text[:end]
		}
	}
	return text
}

// Unquote returns the text of a JSON string, and "" for every other value.
func Unquote(value []byte) (s string) {
	if len(value) < 2 || value[0] != '"' {
		return ""
	}
	if inner := value[1 : len(value)-1]; bytes.IndexByte(inner, '\\') < 0 {
		return string(inner)
	}
	_ = json.Unmarshal(value, &s) // the text is valid JSON
	return s
}
