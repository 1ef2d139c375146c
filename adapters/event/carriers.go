package event

import (
	"encoding/json"
	"strings"
)

// Message is one content, and the carrier that brought it.
type Message struct {
	// Carrier is the carrier's name; "" if the content is the payload itself.
	Carrier string
	// ID is the message's id in its queue or stream, for the log and for the answer.
	ID string
	// Group is the key of the messages that have to stay in order; "" for none.
	Group   string
	Content json.RawMessage
}

// Message reads one message.
func (d *Decoder) Message(m Message) Asked { return (&reader{Decoder: d}).message(m) }

func (r *reader) message(m Message) Asked {
	if m.Carrier == "" {
		return r.payload(m.Content)
	}
	asked := r.inner(m.Carrier, m.Content)
	if m.ID != "" && m.ID != asked.ID {
		asked.ID = strings.TrimSpace(m.ID + " " + asked.ID)
	}
	return asked
}

// carrier is a kind of object that carries a content in one of its fields.
type carrier struct {
	name  string
	title string // the name in messages
	is    func(shape) bool
	// open finds the content.
	open func(shape) Message
}

func (c *carrier) message(s shape) Message {
	m := c.open(s)
	m.Carrier = c.name
	return m
}

// carriers lists every kind of object that only carries a content. The first row that
// recognises an object opens it. CloudEvents, EventBridge events and alarms are triggers
// that may carry a content, too; see [triggers].
var carriers = []carrier{
	// Records of Lambda's event sources and of EventBridge Pipes. In a pipe, a Kinesis
	// record and its source are in one object.
	{"sqs", "a message of SQS", from("aws:sqs"), func(s shape) Message {
		return Message{ID: s.text("messageId"), Group: s.object("attributes").text("MessageGroupId"), Content: s.raw("body")}
	}},
	{"sns", "a record of SNS", from("aws:sns"), func(s shape) Message {
		sns := s.object("Sns")
		return Message{ID: sns.text("MessageId"), Content: sns.raw("Message")}
	}},
	{"kinesis", "a record of Kinesis", from("aws:kinesis"), func(s shape) Message {
		// A stream is answered by sequence numbers, a pipe by the ids of its events.
		if record := s.object("kinesis"); record != nil {
			return Message{ID: record.text("sequenceNumber"), Group: record.text("partitionKey"), Content: record.raw("data")}
		}
		return Message{ID: s.text("eventID"), Group: s.text("partitionKey"), Content: s.raw("data")}
	}},
	{"kafka", "a record of Kafka", isKafkaRecord, kafkaRecord},
	{"activemq", "a message of ActiveMQ", isMQ("messageID", "aws:mq", "aws:amq"), func(s shape) Message {
		return Message{ID: s.text("messageID"), Content: s.raw("data")}
	}},
	{"rabbitmq", "a message of RabbitMQ", isMQ("basicProperties", "aws:rmq"), func(s shape) Message {
		return Message{ID: s.object("basicProperties").text("messageId"), Content: s.raw("data")}
	}},
	// An SNS notification inside a queue message, if raw delivery is off:
	// {"Type":"Notification","MessageId","TopicArn","Message":"<text>",…}.
	{"sns", "a notification of SNS", func(s shape) bool { return s.is("Type", "Notification") && s.has("TopicArn") }, func(s shape) Message {
		return Message{ID: s.text("MessageId"), Content: s.raw("Message")}
	}},
	// A message of an MNS topic in JSON format. PublishTime is in milliseconds, so
	// events.MnsTopicEvent of Function Compute's SDK cannot decode it.
	{"mns-topic", "a message of an MNS topic", func(s shape) bool { return s.has("TopicName", "Message", "MessageId") }, func(s shape) Message {
		return Message{ID: s.text("MessageId"), Content: s.raw("Message")}
	}},
	// A message of an MNS topic in STREAM format, if the message has attributes. Without
	// attributes, the payload is the message itself.
	{"mns-topic", "a message of an MNS topic", func(s shape) bool { return len(s) == 2 && s.has("body", "attrs") }, func(s shape) Message {
		return Message{Content: s.raw("body")}
	}},
	// Function Compute's timer: {"triggerTime","triggerName","payload":"<text>"}.
	{"timer", "a timer's event", func(s shape) bool { return s.has("triggerTime", "triggerName") }, func(s shape) Message {
		return Message{Content: s.raw("payload")}
	}},
	// The record that Lambda and Function Compute send to a destination when an
	// asynchronous invocation has ended. If the record is sent to the queue again, its
	// payload is tried again.
	{"destination", "the record of an invocation that ended", isDestination, func(s shape) Message {
		return Message{ID: s.object("requestContext").text("requestId"), Content: s.raw("requestPayload")}
	}},
}

// carrierOf is the row that recognises an object; nil if no row recognises it.
func carrierOf(s shape) *carrier {
	for i := range carriers {
		if carriers[i].is(s) {
			return &carriers[i]
		}
	}
	return nil
}

// isFrom reports whether a record comes from one of the sources. SNS writes the field
// with a capital letter.
func (s shape) isFrom(sources ...string) bool {
	for _, source := range sources {
		if s.is("eventSource", source) || s.is("EventSource", source) {
			return true
		}
	}
	return false
}

func from(source string) func(shape) bool {
	return func(s shape) bool { return s.isFrom(source) }
}

// isMQ recognises a message of a broker. A batch of messages has the same source.
func isMQ(member string, sources ...string) func(shape) bool {
	return func(s shape) bool { return s.hasAny(member, "data") && s.isFrom(sources...) }
}

var kafkaSources = []string{"aws:kafka", "SelfManagedKafka"}

func isKafkaRecord(s shape) bool { return s.has("topic") && s.isFrom(kafkaSources...) }

// kafkaRecord reads a record. A record names its source only in a pipe. Records with the
// same key stay in order.
func kafkaRecord(s shape) Message {
	partition := s.text("topic") + "-" + string(s.raw("partition"))
	m := Message{ID: partition + "@" + string(s.raw("offset")), Content: s.raw("value")}
	if key := s.text("key"); key != "" {
		m.Group = partition + "/" + key
	}
	return m
}
