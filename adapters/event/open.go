package event

import (
	"bytes"
	"encoding/base64"
	"encoding/json"

	"tairssl/handler"
)

const (
	// maxDepth is the greatest depth of nested carriers. A notification in a queue
	// message in an event has depth three.
	maxDepth = 5
	// MaxContent is the greatest size of one carrier's content, in bytes.
	MaxContent = 256 << 10
	// MaxPayload is the greatest size of a payload, in bytes. Function Compute's limit is
	// larger, but no trigger needs more than a full batch of a queue.
	MaxPayload = 6 << 20
	// maxWraps is the greatest number of layers of quotes and base64 around a content.
	// The data of a Kinesis record is base64, and its producer may have added two more
	// layers.
	maxWraps = 4
)

// open opens every content: a JSON object or array, JSON text, JSON text in quotes, or
// base64 of one of these, in the standard or the URL alphabet, with or without padding.
// It returns the JSON object or array. If the content holds neither, open returns it
// without quotes, so that an error can describe it.
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

// unwrap returns the object or array in a content, or nil. Base64 must contain valid JSON
// as a whole, because any word may decode to something.
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

// opened is the object in a content; nil if there is none.
func opened(content []byte) shape {
	if content = open(content); json.Valid(content) {
		return shapeOf(content)
	}
	return nil
}

// unbase64 decodes either alphabet, with or without padding. It returns nil if the text
// is not base64.
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
