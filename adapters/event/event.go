// Package event reads what a payload asks for: a request that somebody wrote,
// or one derived from the news that a certificate expires.
//
// Two tables hold all that is known. [carriers] are what carries something else:
// queue records, topic messages, timers and more. Each names the one field that
// holds its content. [triggers] are what asks for something: alerts, CloudEvents,
// events of a bus and more; some of them can carry a content, too. One opener
// ([open]) reads the content of every carrier, at every depth, and what it finds
// goes to the same tables. So a payload that is understood directly is understood
// in every carrier. What no table knows is the direct request of the contract.
//
// What is recognised but bad is refused there; it never falls through to a
// decoder that trusts its input. What nobody knows is told what it looks like
// (kinds.go), and what would be served.
//
// A request that somebody wrote into a carrier stays what it says. What is
// derived from an event is an Automatic Update, which acts only when the
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

// Asked is what a payload asks for, in handler's words. What asks for nothing,
// or cannot be understood, is a delivery that handler answers so. How far its
// sender is trusted is for the caller to set: nobody is, until then.
type Asked struct {
	Requests []handler.Delivery
	// Sweep, if set, is what is asked for instead.
	Sweep *fleet.Order
	// Batch says that the answer is an array, as the question was.
	Batch bool
	// Trigger names what it was, with the carriers that it came in, for the log:
	// "direct", "acm", "sqs/sns/alertmanager" …
	Trigger string
	// ID is the event's own id, if it has one.
	ID string
	// Queued says that it came from a queue or a stream, which delivers again
	// whatever ends in an error, and holds up all that is behind it meanwhile.
	Queued bool
	// Direct says that the payload itself is a request, a batch or a sweep order:
	// who wrote it reads the answer.
	Direct bool
	// LeftOut says, if set, that the payload did not name all that it is about, or
	// more than is looked at.
	LeftOut string
}

// Unread reports that nothing of a payload could be read: no other delivery of
// it can help.
func (a Asked) Unread() bool {
	unread := func(d handler.Delivery) bool { return d.Settled() && d.Validate() != nil }
	return a.Sweep == nil && len(a.Requests) > 0 && !slices.ContainsFunc(a.Requests, func(d handler.Delivery) bool { return !unread(d) })
}

// Decoder reads payloads.
type Decoder struct {
	// Certificates says which instances serve a certificate that an event names.
	Certificates CertMap
}

// reader is one payload's way through its carriers.
type reader struct {
	*Decoder
	depth int // how many carriers were opened
}

// Decode reads a payload. It never fails: what is wrong with a payload is an
// answer to give.
func (d *Decoder) Decode(payload []byte) Asked {
	return d.Message(Message{Content: payload})
}

func (r *reader) payload(payload []byte) Asked {
	if len(payload) > MaxPayload {
		return one("unknown", handler.Invalidf("the payload is %d bytes long, more than the %d allowed", len(payload), MaxPayload))
	}
	return r.read(payload)
}

// one is an Asked of a single request.
func one(name string, d handler.Delivery) Asked {
	return Asked{Requests: []handler.Delivery{d}, Trigger: name}
}

// read opens a content and reads what is in it.
func (r *reader) read(content []byte) Asked {
	content = open(content)
	switch {
	case len(content) == 0 || content[0] != '{' && content[0] != '[' || !utf8.Valid(content) || !json.Valid(content):
		return direct(content) // names what is wrong with it
	case content[0] == '[':
		return r.list(content)
	}
	return r.object(content, shapeOf(content))
}

// object asks the tables.
func (r *reader) object(content []byte, s shape) Asked {
	if isHanded(s) { // before any that would take it
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

// knows reports whether a content is of one of the tables, or is a direct
// request: a carrier that may as well carry anything else asks first.
func (r *reader) knows(content []byte) bool {
	content = open(content)
	if len(content) == 0 || !json.Valid(content) {
		return len(content) > 0 && (content[0] == '{' || content[0] == '[') // meant for one: its fault will be named
	}
	var items []json.RawMessage
	if content[0] == '[' && json.Unmarshal(content, &items) == nil && len(items) > 0 {
		content = open(items[0])
	}
	s := shapeOf(content)
	return s.known() || s.has("SSLEnabled") || s.has("InstanceId")
}

// known reports whether an object is of one of the tables.
func (s shape) known() bool {
	if len(s) == 0 {
		return false
	}
	return isHanded(s) || carrierOf(s) != nil || isBatch(s) || slices.ContainsFunc(triggers, func(t trigger) bool { return t.is(s) })
}

// inner reads what a carrier carries. Nothing at all is a fault of its sender.
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
	asked.Queued, asked.Direct = false, false // the outermost carrier decides
	return asked
}

// list reads an array: events of a stream, each an object or JSON text, or a
// batch of direct requests.
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

// each reads several events together; what one asks for keeps its place.
func each[T any](items []T, read func(T) Asked) Asked {
	all := Asked{Batch: true}
	var names []string
	for _, item := range items {
		asked := read(item)
		if asked.Sweep != nil && len(items) > 1 {
			asked.Requests = []handler.Delivery{handler.Refusedf("a sweep does not go with other events: send it alone")}
			asked.Sweep = nil
		}
		all.Sweep = asked.Sweep
		all.Requests = append(all.Requests, asked.Requests...)
		if all.ID == "" {
			all.ID = asked.ID // of the first, so that the rest can be found
		}
		if len(names) < 5 && !slices.Contains(names, asked.Trigger) { // some are enough for the log
			names = append(names, asked.Trigger)
		}
	}
	all.Trigger = strings.Join(names, ",")
	return all
}

// isNothing reports whether a content is not there, or empty.
func isNothing(content []byte) bool {
	content = bytes.TrimSpace(content)
	return len(content) == 0 || string(content) == `""` || string(content) == "null"
}
