// Package event reads what a payload asks for: a request that somebody wrote, or a
// request derived from the news that a certificate expires.
//
// Two tables hold everything that is known. [carriers] lists the objects that carry a
// content: queue records, topic messages, timers and more. Each row names the one field
// with the content. [triggers] lists the objects that ask for something: alerts,
// CloudEvents, EventBridge events and more. Some of them can carry a content, too. One
// opener ([open]) reads the content of every carrier, at every depth, and looks it up in
// the same tables. So a payload that is understood directly is understood in every
// carrier. An object that is in no table is read as a direct request.
//
// A payload that is recognised but bad is refused at once. It never falls through to a
// decoder that trusts its input. The answer to an unknown payload says what it looks
// like (strangers.go) and which payloads are accepted.
//
// A request that somebody wrote is carried out as it is written, in a carrier as well. A
// request that is derived from an event is an Automatic Update, which acts only when the
// certificate is due.
package event

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"
	"unicode/utf8"

	"tairssl/handler"
	"tairssl/handler/fleet"
)

// Asked holds the requests of a payload as deliveries. A part that asks for nothing, or
// that cannot be understood, is a delivery whose answer is already known. The caller has
// to set how far the sender is trusted. Until then the trust is the lowest.
type Asked struct {
	Requests []handler.Delivery
	// Sweep is a sweep order; nil if the payload asks for requests.
	Sweep *fleet.Order
	// Batch says that the answer is an array, because the payload was an array.
	Batch bool
	// Trigger names the kind of payload and its carriers, for the log: "direct", "acm",
	// "sqs/sns/alertmanager" …
	Trigger string
	// ID is the event's own id; "" if it has none.
	ID string
	// Queued says that the payload came from a queue or a stream. A queue or a stream
	// delivers a message again if its invocation ends with an error. Until then it may
	// hold up the following messages.
	Queued bool
	// Direct says that the payload itself is a request, a batch or a sweep order, so that
	// its author reads the answer.
	Direct bool
	// LeftOut says that a part of the payload was not read: the sender cut it off, or it
	// is too long. It is "" if the whole payload was read.
	LeftOut string
}

// Unread reports whether no part of a payload could be read. Then another delivery cannot
// help.
func (a Asked) Unread() bool {
	unread := func(d handler.Delivery) bool { return d.Settled() && d.Validate() != nil }
	return a.Sweep == nil && len(a.Requests) > 0 && !slices.ContainsFunc(a.Requests, func(d handler.Delivery) bool { return !unread(d) })
}

// Decoder reads payloads.
type Decoder struct {
	// Certificates says which instances serve a certificate that an event names.
	Certificates CertMap
}

// reader reads one payload through its carriers.
type reader struct {
	*Decoder
	depth int // number of carriers opened
}

// Decode reads a payload. It never fails: a fault of the payload is in the result.
func (d *Decoder) Decode(payload []byte) Asked {
	return d.Message(Message{Content: payload})
}

func (r *reader) payload(payload []byte) Asked {
	if len(payload) > MaxPayload {
		return one("unknown", handler.Invalidf("the payload is %d bytes long, more than the %d allowed", len(payload), MaxPayload))
	}
	return r.read(payload)
}

// one is an Asked with a single request.
func one(name string, d handler.Delivery) Asked {
	return Asked{Requests: []handler.Delivery{d}, Trigger: name}
}

// read opens a content and reads the payload in it.
func (r *reader) read(content []byte) Asked {
	content = open(content)
	switch {
	case len(content) == 0 || content[0] != '{' && content[0] != '[' || !utf8.Valid(content) || !json.Valid(content):
		return direct(content) // its answer has the fault of the content
	case content[0] == '[':
		return r.list(content)
	}
	return r.object(content, shapeOf(content))
}

// object looks an object up in the tables.
func (r *reader) object(content []byte, s shape) Asked {
	if isHanded(s) { // handed work is refused before any row can accept it
		return r.handed(s)
	}
	if c := carrierOf(s); c != nil {
		return r.message(c.message(s))
	}
	if b := batchOf(s); b != nil {
		return r.records(*b)
	}
	for _, t := range triggers {
		if t.is(s) {
			asked := t.read(r, s)
			if asked.Trigger == "" {
				asked.Trigger = t.name
			}
			return asked
		}
	}
	return direct(content)
}

// knows reports whether a content is in one of the tables or is a direct request.
// Carriers that often carry other contents ask this first.
func (r *reader) knows(content []byte) bool {
	content = open(content)
	if len(content) == 0 || !json.Valid(content) {
		return len(content) > 0 && (content[0] == '{' || content[0] == '[') // probably meant as JSON: its fault will be named
	}
	var items []json.RawMessage
	if content[0] == '[' && json.Unmarshal(content, &items) == nil && len(items) > 0 {
		content = open(items[0])
	}
	s := shapeOf(content)
	return s.known() || s.has("SSLEnabled") || s.has("InstanceId")
}

// known reports whether an object is in one of the tables.
func (s shape) known() bool {
	if len(s) == 0 {
		return false
	}
	return isHanded(s) || carrierOf(s) != nil || isBatch(s) || slices.ContainsFunc(triggers, func(t trigger) bool { return t.is(s) })
}

// inner reads the content of a carrier. An empty content is the sender's fault.
func (r *reader) inner(name string, content []byte) Asked {
	switch {
	case r.depth == maxDepth:
		return one(name, handler.Invalidf("the content is nested more than %d deep", maxDepth))
	case isNothing(content):
		return one(name, handler.Invalidf("the %s carries nothing: put a request into it", name))
	case len(content) > MaxContent && len(open(content)) > MaxContent:
		return one(name, handler.Invalidf("the content of the %s is longer than the %d bytes allowed", name, MaxContent))
	}
	r.depth++
	defer func() { r.depth-- }()
	asked := r.read(content)
	asked.Trigger = name + "/" + asked.Trigger
	asked.Queued, asked.Direct = false, false // the outermost carrier decides this
	return asked
}

// list reads an array: events of a stream (each an object or JSON text), or a batch of
// direct requests.
func (r *reader) list(content []byte) Asked {
	if records, ok := RecordsOf(content); ok {
		return r.records(records)
	}
	var items []json.RawMessage
	if json.Unmarshal(content, &items) != nil || len(items) == 0 {
		return direct(content)
	}
	if slices.ContainsFunc(items, func(item json.RawMessage) bool { return isHanded(shapeOf(item)) }) {
		return each(items, func(json.RawMessage) Asked { return r.handed(nil) })
	}
	if !slices.ContainsFunc(items, func(item json.RawMessage) bool { return item[0] == '"' || shapeOf(item).known() }) {
		return direct(content)
	}
	return each(items, func(item json.RawMessage) Asked { return r.inner("stream", item) })
}

// each reads several events together. The requests keep the order of the events.
func each[T any](items []T, read func(T) Asked) Asked {
	all := Asked{Batch: true}
	var names []string
	for _, item := range items {
		asked := read(item)
		if asked.Sweep != nil && len(items) > 1 {
			asked.Requests = []handler.Delivery{handler.Refusedf("a sweep order cannot be sent together with other events: send it alone")}
			asked.Sweep = nil
		}
		all.Sweep = asked.Sweep
		all.Requests = append(all.Requests, asked.Requests...)
		if all.ID == "" {
			all.ID = asked.ID // the id of the first event; it is enough to find the other events
		}
		if len(names) < 5 && !slices.Contains(names, asked.Trigger) { // a few are enough for the log
			names = append(names, asked.Trigger)
		}
	}
	all.Trigger = strings.Join(names, ",")
	return all
}

// isNothing reports whether a content is missing or empty.
func isNothing(content []byte) bool {
	content = bytes.TrimSpace(content)
	return len(content) == 0 || string(content) == `""` || string(content) == "null"
}
