package event

import (
	"strings"

	"tairssl/handler"
)

// isDestination recognises the record of an invocation that failed.
func isDestination(s shape) bool { return isEnded(s) && !succeeded(s) }

// success is the trigger of the record of an invocation that succeeded. It asks for
// nothing.
var success = trigger{"destination", "the record of an invocation that succeeded", isSuccess, (*reader).success}

func isSuccess(s shape) bool { return isEnded(s) && succeeded(s) }

func (r *reader) success(shape) Asked {
	return one("destination", handler.Unchangedf("the invocation in this record has succeeded"))
}

// isEnded recognises a record that Lambda or Function Compute sends to a destination when
// an asynchronous invocation has ended.
func isEnded(s shape) bool {
	return s.has("requestContext", "requestPayload") && s.object("requestContext").has("condition")
}

// succeeded reports how the invocation of a record ended.
func succeeded(s shape) bool {
	return strings.EqualFold(s.object("requestContext").text("condition"), "success")
}
