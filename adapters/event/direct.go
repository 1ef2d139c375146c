package event

import (
	"encoding/json"
	"fmt"
	"strings"

	"tairssl/handler"
)

// direct reads a direct request or a batch of requests.
func direct(content []byte) Asked {
	var s shape
	if json.Valid(content) {
		s = shapeOf(content)
	}
	if s != nil && len(s) == 0 {
		return one("direct", unreadable("the request has no fields. "+served))
	}
	if s != nil && !s.isRequest() {
		return one("unknown", unreadable(strange(s)))
	}
	requests, batch, err := handler.Decode(content)
	switch {
	case s == nil && len(content) > 0 && content[0] != '{' && content[0] != '[':
		// The text is not quoted, because the log must not contain a body.
		return one("direct", unreadable(fmt.Sprintf("the request is not JSON, but %d bytes of text. %s", len(content), served)))
	case err != nil:
		return one("direct", handler.Unreadable(err))
	}
	return Asked{Requests: requests, Batch: batch, Trigger: "direct", Direct: batch || len(s) > 0}
}

// isRequest reports whether an object is meant as a direct request. This is so if it has
// one of the required fields. It is also so if it has any field of a request, in upper or
// lower case, and has no other known kind.
func (s shape) isRequest() bool {
	if s.hasAny("InstanceId", "SSLEnabled") {
		return true
	}
	for _, m := range s {
		for _, field := range []string{"InstanceId", "SSLEnabled", "RegionId", "RenewBefore", "SSLExpiredTime", "DryRun"} {
			if strings.EqualFold(m.name, field) {
				return looksLike(s) == ""
			}
		}
	}
	return false
}
