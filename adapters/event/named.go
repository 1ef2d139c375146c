package event

import (
	"strings"

	"tairssl/handler"
)

// automatic is the request of an event: renew the instance if its certificate is due.
func automatic(n handler.Named) handler.Delivery {
	return handler.Delivery{OrID: n.OrID, Request: handler.Request{InstanceID: n.ID, RegionID: n.Region, SSLEnabled: handler.Update, Automatic: true}}
}

// named finds an instance in a text that may be about something else. Such a text cannot
// name an old id, because an old id looks like an ordinary word.
func named(text string) (handler.Named, bool) {
	if n, ok := handler.ParseInstance(text); ok && (handler.LooksLikeID(n.ID) || strings.Contains(text, ".")) {
		return n, true
	}
	return handler.Named{}, false
}

// ofEndpoint finds an instance by its endpoint.
func ofEndpoint(name string) (handler.Named, bool) {
	if !strings.Contains(name, ".") {
		return handler.Named{}, false
	}
	return handler.ParseInstance(name)
}

// ofResource reads acs:kvstore:<region>:<account>:instance/<id>.
func ofResource(resource string) (handler.Named, bool) {
	parts := strings.SplitN(resource, ":", 5)
	if len(parts) != 5 || parts[0] != "acs" || parts[1] != "kvstore" {
		return handler.Named{}, false
	}
	id, ok := strings.CutPrefix(parts[4], "instance/")
	return handler.Named{ID: id, Region: parts[2]}, ok
}
