package event

import (
	"bytes"
	"encoding/json"
	"slices"

	"tairssl/handler"
)

// Records are messages of a queue, a stream or a topic that arrive together.
type Records struct {
	// Source is the name of their carrier: "sqs", "sns", "kinesis", "kafka",
	// "activemq" or "rabbitmq".
	Source string
	// Pipe says that EventBridge Pipes sent the records, as a bare array.
	Pipe     bool
	Messages []Message
}

// RecordsOf reads the records of a payload. ok is false if the payload has no known
// records. An unknown record among known records keeps its place.
func RecordsOf(payload []byte) (records Records, ok bool) {
	// This avoids a second reading of most payloads.
	if !bytes.Contains(payload, []byte(`ventSource"`)) || len(payload) > MaxPayload {
		return Records{}, false
	}
	if payload = bytes.TrimSpace(payload); !json.Valid(payload) {
		return Records{}, false
	}
	if payload[0] == '[' {
		var items []json.RawMessage
		_ = json.Unmarshal(payload, &items) // the payload is valid JSON
		records = ofItems(items)
		records.Pipe = true
		for i := range records.Messages {
			if m := &records.Messages[i]; m.Carrier != "" {
				m.Carrier = "pipe/" + m.Carrier
			}
		}
		return records, records.Source != ""
	}
	if b := batchOf(shapeOf(payload)); b != nil {
		return *b, true
	}
	return Records{}, false
}

// isBatch reports whether an object contains several records.
func isBatch(s shape) bool { return batchOf(s) != nil }

// batchOf reads an object that contains several records: {"Records":[…]}, or a batch of
// Kafka or of one of Amazon MQ's two brokers. It returns nil for every other object.
func batchOf(s shape) *Records {
	switch {
	case s.has("Records"):
		if b := ofItems(s.list("Records")); b.Source != "" {
			return &b
		}
	case s.has("records") && s.isFrom(kafkaSources...):
		// By topic and partition: {"topic-0":[{"topic","partition","offset","value"}]}.
		return grouped("kafka", s.object("records"), kafkaRecord)
	case s.has("messages") && s.isFrom("aws:mq"):
		b := Records{Source: "activemq"}
		for _, item := range s.list("messages") {
			m := shapeOf(item)
			b.Messages = append(b.Messages, Message{Carrier: b.Source, ID: m.text("messageID"), Content: m.raw("data")})
		}
		return &b
	case s.has("rmqMessagesByQueue"):
		// By queue: {"queue::/":[{"basicProperties","data"}]}.
		return grouped("rabbitmq", s.object("rmqMessagesByQueue"), func(m shape) Message {
			return Message{ID: m.object("basicProperties").text("messageId"), Content: m.raw("data")}
		})
	}
	return nil
}

func grouped(source string, lists shape, read func(shape) Message) *Records {
	b := Records{Source: source}
	for _, l := range lists {
		for _, item := range lists.list(l.name) {
			m := read(shapeOf(item))
			m.Carrier = source
			b.Messages = append(b.Messages, m)
		}
	}
	return &b
}

// ofItems reads records in which each record names its source.
func ofItems(items []json.RawMessage) (b Records) {
	for _, item := range items {
		s := shapeOf(item)
		c := carrierOf(s)
		if c == nil || !s.hasAny("eventSource", "EventSource") {
			b.Messages = append(b.Messages, Message{Content: item})
			continue
		}
		if b.Source == "" {
			b.Source = c.name
		}
		b.Messages = append(b.Messages, c.message(s))
	}
	return b
}

// records reads several records together. SNS sends a single record, so an unreadable
// record ends with an error. In queues and streams such an error would hold up the
// following records.
func (r *reader) records(b Records) Asked {
	if len(b.Messages) == 0 {
		return one(b.Source, handler.Invalidf("the event of %s has no records", b.Source))
	}
	var asked Asked
	if len(b.Messages) == 1 && !b.Pipe {
		asked = r.message(b.Messages[0])
	} else {
		asked = each(slices.Clone(b.Messages), func(m Message) Asked { return r.message(m) })
	}
	asked.Queued = b.Source != "sns"
	return asked
}
