// Package event reads what a payload asks for: a request that somebody wrote,
// or one derived from the news that a certificate expires.
//
// [Decoder.Decode] looks at a payload's shape and asks a table of triggers, one
// file each, which of them it is. They are the same inside any envelope, and
// open one another: a direct request may be the detail of an EventBridge event,
// or JSON text inside a queue message inside an SNS notification. What is
// recognised but bad is refused there; it never falls through to a decoder that
// trusts its input.
//
// A request that somebody wrote into a carrier stays what it says. What is
// derived from an event is an Automatic Update, which acts only when the
// certificate is due.
package event

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"slices"
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
	// Trigger names what it was, for the log: "direct", "acm", "alertmanager" …
	Trigger string
	// ID is the event's own id, if it has one.
	ID string
}

// Decoder reads payloads.
type Decoder struct {
	// Certificates says which instances serve a certificate that an event names.
	Certificates CertMap
}

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

// object is a member that is an object, or nothing.
func (s shape) object(name string) shape { return shapeOf(s.raw(name)) }

func (s shape) has(names ...string) bool {
	for _, name := range names {
		if s.raw(name) == nil {
			return false
		}
	}
	return true
}

// triggers is every kind of object but the direct request, which is what none
// of them knows. The first that recognises an object decodes it.
var triggers []trigger

type trigger struct {
	name string
	is   func(shape) bool
	read func(*reader, shape) Asked
}

func init() {
	// Not a literal, for carriers refer back to the table.
	triggers = []trigger{
		{"handed", isHanded, (*reader).handed}, // before any that would take it
		{"sweep", isSweep, (*reader).sweep},
		{"cloudevent", isCloudEvent, (*reader).cloudEvent},
		{"eventbridge", isEventBridge, (*reader).eventBridge},
		{"cloudwatch-alarm", isAlarm, (*reader).alarm},
		{"cloudwatch-alarm", isAlarmMessage, (*reader).alarmMessage},
		{"alertmanager", isAlerts, (*reader).alerts},
		{"sns", isNotification, (*reader).notification},
		{"mns-topic", isTopicMessage, (*reader).topicMessage},
		{"timer", isTimer, (*reader).timer},
		{"cloudmonitor", isCloudMonitor, (*reader).cloudMonitor},
	}
}

const (
	// maxDepth is how deep carriers may be nested: a notification in a queue
	// message in an event is three.
	maxDepth = 5
	// MaxPayload bounds a payload: Function Compute's limit is the largest, but
	// no trigger needs more than a queue's full batch.
	MaxPayload = 6 << 20
)

// reader is one payload's way through its carriers.
type reader struct {
	*Decoder
	depth int
}

// Decode reads a payload. It never fails: what is wrong with a payload is an
// answer to give.
func (d *Decoder) Decode(payload []byte) Asked {
	return (&reader{Decoder: d}).read(payload)
}

// one is an Asked of a single request.
func one(name string, d handler.Delivery) Asked {
	return Asked{Requests: []handler.Delivery{d}, Trigger: name}
}

func (r *reader) read(payload []byte) Asked {
	if r.depth++; r.depth > maxDepth {
		return one("unknown", handler.Invalidf("the payload is nested more than %d deep", maxDepth))
	}
	defer func() { r.depth-- }()
	payload = bytes.TrimSpace(payload)
	switch {
	case len(payload) > MaxPayload:
		return one("unknown", handler.Invalidf("the payload is %d bytes long, more than the %d allowed", len(payload), MaxPayload))
	case len(payload) == 0 || payload[0] != '{' && payload[0] != '[' || !utf8.Valid(payload):
		return direct(payload)
	case payload[0] == '[':
		return r.list(payload)
	}
	if !json.Valid(payload) {
		return direct(payload) // names what is wrong with it
	}
	return r.object(payload, shapeOf(payload))
}

// object asks the table.
func (r *reader) object(payload []byte, s shape) Asked {
	for _, t := range triggers {
		if t.is(s) {
			asked := t.read(r, s)
			if asked.Trigger == "" {
				asked.Trigger = t.name
			}
			return asked
		}
	}
	return direct(payload)
}

// inner reads what a carrier carries. Nothing at all is a fault of its sender.
func (r *reader) inner(name string, payload []byte) Asked {
	if len(bytes.TrimSpace(payload)) == 0 {
		return one(name, handler.Invalidf("the %s carries nothing: put a request into it", name))
	}
	// A carrier may hold its content as JSON or as JSON text.
	if payload[0] == '"' {
		payload = []byte(handler.Unquote(payload))
		// Some producers of queues encode whatever they send.
		if decoded, err := base64.StdEncoding.DecodeString(string(payload)); err == nil && json.Valid(decoded) {
			payload = decoded
		}
	}
	asked := r.read(payload)
	asked.Trigger = name + "/" + asked.Trigger
	return asked
}

// list reads an array: events of a stream, each an object or JSON text, or a
// batch of direct requests.
func (r *reader) list(payload []byte) Asked {
	var items []json.RawMessage
	if json.Unmarshal(payload, &items) != nil || len(items) == 0 {
		return direct(payload)
	}
	if slices.ContainsFunc(items, func(item json.RawMessage) bool { return isHanded(shapeOf(item)) }) {
		return r.each("handed", items, func([]byte) Asked { return r.handed(nil) })
	}
	if !slices.ContainsFunc(items, func(item json.RawMessage) bool { return item[0] == '"' || isCloudEvent(shapeOf(item)) }) {
		return direct(payload)
	}
	return r.each("stream", items, func(item []byte) Asked { return r.inner("stream", item) })
}

// each reads several events together; what one asks for keeps its place.
func (r *reader) each(name string, items []json.RawMessage, read func([]byte) Asked) Asked {
	all := Asked{Batch: true, Trigger: name}
	for _, item := range items {
		asked := read(item)
		if asked.Sweep != nil {
			asked.Requests = []handler.Delivery{handler.Refusedf("a sweep does not go with other events: send it alone")}
		}
		all.Requests = append(all.Requests, asked.Requests...)
		if all.ID == "" {
			all.ID = asked.ID // of the first, so that the rest can be found
		}
	}
	return all
}

// direct reads the request of handler's contract.
func direct(payload []byte) Asked {
	requests, batch, err := handler.Decode(payload)
	if err != nil {
		return one("direct", handler.Unreadable(err))
	}
	return Asked{Requests: requests, Batch: batch, Trigger: "direct"}
}

// isRequest recognises a direct request or a sweep order among an event's data,
// and handed work, which is refused as such.
func isRequest(raw []byte) bool {
	if raw = bytes.TrimSpace(raw); len(raw) > 0 && raw[0] == '"' {
		if raw = bytes.TrimSpace([]byte(handler.Unquote(raw))); !json.Valid(raw) {
			return len(raw) > 0 && (raw[0] == '{' || raw[0] == '[') // meant for one: its fault will be named
		}
	}
	var items []json.RawMessage
	if len(raw) > 0 && raw[0] == '[' && json.Unmarshal(raw, &items) == nil && len(items) > 0 {
		raw = items[0]
	}
	s := shapeOf(raw)
	return s.has("SSLEnabled") || s.has("InstanceId") || isSweep(s) || isHanded(s)
}
