package event

import (
	"encoding/json"
	"strings"
)

// Message is one content with the carrier that it came in.
type Message struct {
	// Carrier is the carrier's name; "" if the content is the payload itself.
	Carrier string
	// ID is what a queue or a stream knows the message by, for the log and for
	// the answer.
	ID string
	// Group names the messages that keep their order; "" for none.
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

// carrier is a kind of object that carries something else in one of its fields.
type carrier struct {
	name  string
	title string // as people say
	is    func(shape) bool
	// open says where the content is.
	open func(shape) Message
}

func (c *carrier) message(s shape) Message {
	m := c.open(s)
	m.Carrier = c.name
	return m
}

// carriers is every kind of object that does nothing but carry. The first that
// recognises an object opens it. CloudEvents, events of EventBridge and alarms
// are triggers that may carry a content, too; see [triggers].
var carriers = []carrier{
	// Records of Lambda's event sources and of EventBridge Pipes; Pipes put the
	// members of a Kinesis record beside its source.
	{"sqs", "a message of SQS", from("aws:sqs"), func(s shape) Message {
		return Message{ID: s.text("messageId"), Group: s.object("attributes").text("MessageGroupId"), Content: s.raw("body")}
	}},
	{"sns", "a record of SNS", from("aws:sns"), func(s shape) Message {
		sns := s.object("Sns")
		return Message{ID: sns.text("MessageId"), Content: sns.raw("Message")}
	}},
	{"kinesis", "a record of Kinesis", from("aws:kinesis"), func(s shape) Message {
		// A stream answers to sequence numbers, a pipe to the ids of its events.
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
	// An SNS notification as it stands in a queue message, when raw delivery is
	// off: {"Type":"Notification","MessageId","TopicArn","Message":"<text>",…}.
	{"sns", "a notification of SNS", func(s shape) bool { return s.is("Type", "Notification") && s.has("TopicArn") }, func(s shape) Message {
		return Message{ID: s.text("MessageId"), Content: s.raw("Message")}
	}},
	// A message of an MNS topic in JSON format. PublishTime is in milliseconds,
	// which events.MnsTopicEvent of Function Compute's SDK cannot decode.
	{"mns-topic", "a message of an MNS topic", func(s shape) bool { return s.has("TopicName", "Message", "MessageId") }, func(s shape) Message {
		return Message{ID: s.text("MessageId"), Content: s.raw("Message")}
	}},
	// The same in STREAM format, if the message has attributes. Without them the
	// payload is the message.
	{"mns-topic", "a message of an MNS topic", func(s shape) bool { return len(s) == 2 && s.has("body", "attrs") }, func(s shape) Message {
		return Message{Content: s.raw("body")}
	}},
	// Function Compute's timer: {"triggerTime","triggerName","payload":"<text>"}.
	{"timer", "a timer's event", func(s shape) bool { return s.has("triggerTime", "triggerName") }, func(s shape) Message {
		return Message{Content: s.raw("payload")}
	}},
	// What Lambda and Function Compute send to a destination when an asynchronous
	// invocation has ended. Driven back into the queue, the payload is tried again.
	{"destination", "the record of an invocation that ended", isDestination, func(s shape) Message {
		return Message{ID: s.object("requestContext").text("requestId"), Content: s.raw("requestPayload")}
	}},
}

// carrierOf is the row that recognises an object, or nil.
func carrierOf(s shape) *carrier {
	for i := range carriers {
		if carriers[i].is(s) {
			return &carriers[i]
		}
	}
	return nil
}

// isFrom reports where a record comes from. SNS spells the field with a capital.
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

// isMQ recognises a message of a broker: a batch of them has the same source.
func isMQ(member string, sources ...string) func(shape) bool {
	return func(s shape) bool { return s.hasAny(member, "data") && s.isFrom(sources...) }
}

var kafkaSources = []string{"aws:kafka", "SelfManagedKafka"}

func isKafkaRecord(s shape) bool { return s.has("topic") && s.isFrom(kafkaSources...) }

// kafkaRecord reads a record, which says where it comes from only in a pipe.
// Records of one key keep their order.
func kafkaRecord(s shape) Message {
	partition := s.text("topic") + "-" + string(s.raw("partition"))
	m := Message{ID: partition + "@" + string(s.raw("offset")), Content: s.raw("value")}
	if key := s.text("key"); key != "" {
		m.Group = partition + "/" + key
	}
	return m
}

func isDestination(s shape) bool {
	return s.has("requestContext", "requestPayload") && s.object("requestContext").has("condition") &&
		!strings.EqualFold(s.object("requestContext").text("condition"), "success")
}
