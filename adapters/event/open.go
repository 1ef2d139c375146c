package event

import (
	"bytes"
	"encoding/base64"
	"encoding/json"

	"tairssl/handler"
)

const (
	// maxDepth is how deep carriers may be nested: a notification in a queue
	// message in an event is three.
	maxDepth = 5
	// MaxContent bounds what one carrier carries.
	MaxContent = 256 << 10
	// MaxPayload bounds a payload: Function Compute's limit is the largest, but
	// no trigger needs more than a queue's full batch.
	MaxPayload = 6 << 20
	// maxWraps is in how many layers of quotes and base64 a content may be. The
	// data of a Kinesis record is base64; its producer may have added two more.
	maxWraps = 4
)

// open is the one opener of all that is carried: a JSON object or array, JSON
// text, JSON text in quotes, or base64 of one of these, in the standard or the
// URL alphabet, padded or not. It gives the JSON object or array. What holds none
// comes back as it is, without quotes, so that its fault can be named.
func open(content []byte) []byte {
	content = bytes.TrimSpace(content)
	if len(content) > 0 && content[0] == '"' && json.Valid(content) {
		content = bytes.TrimSpace([]byte(handler.Unquote(content)))
	}
	if opened := unwrap(content, maxWraps); opened != nil {
		return opened
	}
	return content
}

// unwrap gives the object or array in a content, or nil. Behind base64 it has to
// be whole: any word may decode to something.
func unwrap(content []byte, layers int) []byte {
	if content = bytes.TrimSpace(content); len(content) == 0 || layers == 0 {
		return nil
	}
	switch content[0] {
	case '{', '[':
		return content
	case '"':
		if !json.Valid(content) {
			return nil
		}
		return unwrap([]byte(handler.Unquote(content)), layers-1)
	}
	decoded := unwrap(unbase64(content), layers-1)
	if !json.Valid(decoded) {
		return nil
	}
	return decoded
}

// opened is the object in a content, or nothing.
func opened(content []byte) shape {
	if content = open(content); json.Valid(content) {
		return shapeOf(content)
	}
	return nil
}

// unbase64 decodes either alphabet, padded or not, or gives nil.
func unbase64(text []byte) []byte {
	if len(text) > 2*MaxContent {
		return nil
	}
	encoding := base64.RawStdEncoding
	if bytes.ContainsAny(text, "-_") {
		encoding = base64.RawURLEncoding
	}
	text = bytes.TrimRight(text, "=\r\n")
	decoded := make([]byte, encoding.DecodedLen(len(text)))
	n, err := encoding.Decode(decoded, text)
	if err != nil {
		return nil
	}
	return decoded[:n]
}
