package event_test

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"tairssl/adapters/event"
)

// quoted encodes a text as JSON.
func quoted(text string) string {
	raw, _ := json.Marshal(text)
	return string(raw)
}

func encoded(text string) string { return base64.StdEncoding.EncodeToString([]byte(text)) }

// wraps lists the ways to write a JSON object into the field of a carrier.
var wraps = map[string]func(string) string{
	"an object":                   func(s string) string { return s },
	"JSON text":                   quoted,
	"JSON text, with space":       func(s string) string { return quoted("\n  " + s + "\n") },
	"JSON text in quotes":         func(s string) string { return quoted(quoted(s)) },
	"base64":                      func(s string) string { return quoted(encoded(s)) },
	"base64, unpadded":            func(s string) string { return quoted(strings.TrimRight(encoded(s), "=")) },
	"base64 of the URL alphabet":  func(s string) string { return quoted(base64.URLEncoding.EncodeToString([]byte(s))) },
	"the same, unpadded":          func(s string) string { return quoted(base64.RawURLEncoding.EncodeToString([]byte(s))) },
	"base64 in lines":             func(s string) string { e := encoded(s); return quoted(e[:20] + "\r\n" + e[20:] + "\n") },
	"base64 of JSON in quotes":    func(s string) string { return quoted(encoded(quoted(s))) },
	"base64 in quotes, in quotes": func(s string) string { return quoted(quoted(encoded(s))) },
	"base64 twice":                func(s string) string { return quoted(encoded(encoded(s))) },
}

// carriers has a payload for each carrier. %s is the place of the content.
var carriers = map[string]string{
	"sqs":              `{"Records":[{"eventSource":"aws:sqs","messageId":"m1","body":%s}]}`,
	"sns":              `{"Records":[{"EventSource":"aws:sns","Sns":{"MessageId":"m1","Message":%s}}]}`,
	"sns message":      `{"Type":"Notification","TopicArn":"a","MessageId":"m1","Message":%s}`,
	"kinesis":          `{"Records":[{"eventSource":"aws:kinesis","kinesis":{"sequenceNumber":"1","data":%s}}]}`,
	"kafka":            `{"eventSource":"aws:kafka","records":{"t-0":[{"topic":"t","partition":0,"offset":1,"value":%s}]}}`,
	"own kafka":        `{"eventSource":"SelfManagedKafka","records":{"t-0":[{"topic":"t","partition":0,"offset":1,"value":%s}]}}`,
	"activemq":         `{"eventSource":"aws:mq","messages":[{"messageID":"1","data":%s}]}`,
	"rabbitmq":         `{"eventSource":"aws:rmq","rmqMessagesByQueue":{"q::/":[{"basicProperties":{},"data":%s}]}}`,
	"pipe of SQS":      `[{"eventSource":"aws:sqs","messageId":"m1","body":%s}]`,
	"pipe of Kinesis":  `[{"eventSource":"aws:kinesis","eventID":"s:1","sequenceNumber":"1","data":%s}]`,
	"pipe of Kafka":    `[{"eventSource":"aws:kafka","topic":"t","partition":0,"offset":1,"value":%s}]`,
	"pipe of ActiveMQ": `[{"eventSource":"aws:amq","messageID":"1","data":%s}]`,
	"pipe of RabbitMQ": `[{"eventSource":"aws:rmq","basicProperties":{},"data":%s}]`,
	"bus":              `{"detail-type":"x","source":"com.example","id":"1","detail":%s}`,
	"scheduler":        `{"detail-type":"Scheduled Event","source":"aws.scheduler","id":"1","detail":%s}`,
	"partner":          `{"detail-type":"x","source":"aws.partner/example.com/x","id":"1","detail":%s}`,
	"cloudevent":       `{"specversion":"1.0","id":"1","source":"x","type":"com.example.renew","data":%s}`,
	"data_base64":      `{"specversion":"1.0","id":"1","source":"x","type":"com.example.renew","data_base64":%s}`,
	"mns-topic":        `{"TopicName":"t","MessageId":"1","Message":%s}`,
	"mns stream":       `{"body":%s,"attrs":{"k":"v"}}`,
	"mns-queue":        `{"specversion":"1.0","id":"1","source":"acs:mns","type":"mns:Queue:SendMessage","data":{"messageBody":%s}}`,
	"rocketmq":         `{"specversion":"1.0","id":"1","source":"acs:mq","type":"mq:Topic:SendMessage","data":{"body":%s}}`,
	"alikafka":         `{"specversion":"1.0","id":"1","source":"acs:alikafka","type":"alikafka:Topic:Message","data":{"value":%s}}`,
	"amqp":             `{"specversion":"1.0","id":"1","source":"acs:amqp","type":"amqp:Queue:SendMessage","data":{"body":%s}}`,
	"timer":            `{"triggerTime":"t","triggerName":"n","payload":%s}`,
	"stream":           `[%s,{"specversion":"1.0","id":"1","source":"acs.kvstore","type":"x"}]`,
	"lambda's failure": `{"version":"1.0","timestamp":"t","requestContext":{"requestId":"1","condition":"RetriesExhausted"},"requestPayload":%s,"responseContext":{}}`,
	"fc's failure":     `{"timestamp":1,"requestContext":{"requestId":"1","condition":"UnhandledInvocationError"},"requestPayload":%s,"responsePayload":"x"}`,
}

// contents has payloads that are accepted without a carrier.
var contents = map[string]string{
	"a request": `{"InstanceId":"` + id + `","SSLEnabled":"Update"}`,
	"an alert":  `{"status":"firing","alerts":[{"status":"firing","labels":{"alertname":">>>???ÿ>?~","instance_id":"` + id + `"}}]}`,
	"an event":  `{"specversion":"1.0","id":"1","source":"x","type":"` + event.Expiring + `","subject":"` + id + `"}`,
	"an alarm":  `{"AlarmName":"a","NewStateValue":"ALARM","AlarmDescription":"` + id + `"}`,
	"acm":       `{"detail-type":"ACM Certificate Expired","source":"aws.acm","id":"1","detail":{"CommonName":"` + id + `.redis.rds.aliyuncs.com"}}`,
}

// A payload that is accepted alone is accepted in every carrier and in every wrapping. It
// makes the same requests there.
func TestEveryCarrierOpensEveryContent(t *testing.T) {
	d := &event.Decoder{}
	for what, content := range contents {
		_, want, _ := strings.Cut(asks(d, []byte(content)), ": ")
		for carrier, form := range carriers {
			for how, wrap := range wraps {
				payload := fmt.Sprintf(form, wrap(content))
				way, got, _ := strings.Cut(asks(d, []byte(payload)), ": ")
				if got, _, _ = strings.Cut(got, ", "); got != want || !strings.Contains(way, "/") {
					t.Errorf("%s in %s, written as %s, asks for %q with the trigger %q; want %q: %s", what, carrier, how, got, way, want, payload)
				}
			}
		}
		for how, wrap := range wraps {
			if _, got, _ := strings.Cut(asks(d, []byte(wrap(content))), ": "); got != want {
				t.Errorf("%s without a carrier, written as %s, asks for %q, want %q", what, how, got, want)
			}
		}
	}
}

func TestEveryCarrierOpensEveryOtherCarrier(t *testing.T) {
	d := &event.Decoder{}
	for outer, out := range carriers {
		for inner, in := range carriers {
			payload := fmt.Sprintf(out, quoted(fmt.Sprintf(in, quoted(contents["a request"]))))
			if got := asks(d, []byte(payload)); !strings.Contains(got, ": Update "+id) {
				t.Errorf("a request in %s in %s asks for %s", inner, outer, got)
			}
		}
	}
}

// A carrier has one field for its content. No other field is opened.
func TestOtherFieldsAreNeverDecoded(t *testing.T) {
	request := contents["a request"]
	for name, payload := range map[string]string{
		"a label":               `{"status":"firing","alerts":[{"status":"firing","labels":{"alertname":"x","instance":` + quoted(request) + `,"request":` + quoted(request) + `}}]}`,
		"a label, in base64":    `{"status":"firing","alerts":[{"status":"firing","labels":{"instance":` + quoted(encoded(request)) + `}}]}`,
		"an annotation":         `{"status":"firing","alerts":[{"status":"firing","labels":{},"annotations":{"description":` + quoted(request) + `}}]}`,
		"the message of alerts": `{"status":"firing","message":` + quoted(request) + `,"alerts":[{"status":"firing","labels":{}}]}`,
		"the attributes of SQS": `{"Records":[{"eventSource":"aws:sqs","messageId":"m1","body":"hello","messageAttributes":{"r":{"stringValue":` + quoted(request) + `}}}]}`,
		"the subject of SNS":    `{"Type":"Notification","TopicArn":"a","MessageId":"1","Subject":` + quoted(request) + `,"Message":"hello"}`,
		"the key of Kafka":      `{"eventSource":"aws:kafka","records":{"t-0":[{"topic":"t","key":` + quoted(encoded(request)) + `,"value":"aGVsbG8="}]}}`,
		"a header of RabbitMQ":  `{"eventSource":"aws:rmq","rmqMessagesByQueue":{"q":[{"basicProperties":{"headers":{"r":` + request + `}},"data":"aGVsbG8="}]}}`,
		"attributes of MNS":     `{"body":"hello","attrs":{"r":` + quoted(request) + `}}`,
		"a response payload":    `{"requestContext":{"condition":"RetriesExhausted"},"requestPayload":"hello","responsePayload":` + request + `}`,
		"resources of a bus":    `{"detail-type":"x","source":"com.example","resources":[` + quoted(request) + `],"detail":{}}`,
		"an event of AWS":       `{"detail-type":"x","source":"aws.ssm","detail":` + request + `}`,
		"a subject":             `{"specversion":"1.0","id":"1","source":"x","type":"com.example","subject":` + quoted(request) + `}`,
		"two fields at once":    `{"specversion":"1.0","id":"1","source":"x","type":"com.example","data":` + request + `,"data_base64":` + quoted(encoded(request)) + `}`,
		"two of a field":        `{"triggerTime":"t","triggerName":"n","payload":"hello","payload":` + request + `}`,
	} {
		if asked := (&event.Decoder{}).Decode([]byte(payload)); !asked.Unread() {
			t.Errorf("a request in %s is carried out: %s", name, asks(&event.Decoder{}, []byte(payload)))
		}
	}
}

func TestCarriersAreOpenedFiveDeep(t *testing.T) {
	nested := func(depth int) []byte {
		content := contents["a request"]
		for range depth {
			content = fmt.Sprintf(carriers["timer"], content)
		}
		return []byte(content)
	}
	if got := asks(&event.Decoder{}, nested(5)); got != "timer/timer/timer/timer/timer/direct: Update "+id {
		t.Errorf("a request in five carriers asks for %s", got)
	}
	if asked := (&event.Decoder{}).Decode(nested(6)); !asked.Unread() || !strings.Contains(asked.Requests[0].Validate().Error(), "more than 5 deep") {
		t.Errorf("a request in six carriers asks for %s, want a fault", asks(&event.Decoder{}, nested(6)))
	}
}

func TestTheSizeOfAContentIsLimited(t *testing.T) {
	request := contents["a request"]
	padded := func(n int) string { return request[:len(request)-1] + strings.Repeat(" ", n-len(request)) + "}" }
	for name, wrap := range map[string]func(string) string{"text": quoted, "base64": func(s string) string { return quoted(encoded(s)) }, "an object": func(s string) string { return s }} {
		for n, want := range map[int]bool{event.MaxContent: true, event.MaxContent + 1: false} {
			asked := (&event.Decoder{}).Decode([]byte(fmt.Sprintf(carriers["sqs"], wrap(padded(n)))))
			if got := !asked.Unread(); got != want {
				t.Errorf("a content of %d bytes, written as %s, is accepted: %t, want %t: %v", n, name, got, want, asked.Requests[0].Validate())
			}
		}
	}
}

// A bad record keeps its place, and the other records are read.
func TestABadRecordDoesNotAffectTheOthers(t *testing.T) {
	good := `{"eventSource":"aws:sqs","messageId":"m2","body":` + quoted(contents["a request"]) + `}`
	for name, bad := range map[string]string{
		"of another source": `{"eventSource":"aws:s3","s3":{}}`, "of no source": `{}`, "a number": `7`, "null": `null`, "without a body": `{"eventSource":"aws:sqs","messageId":"m1"}`,
		"with a number as its body": `{"eventSource":"aws:sqs","messageId":7,"body":7}`, "that is too long": `{"eventSource":"aws:sqs","messageId":"m1","body":"` + strings.Repeat("x", 600<<10) + `"}`,
	} {
		for _, form := range []string{`{"Records":[%s,%s]}`, `[%s,%s]`} {
			if _, got, _ := strings.Cut(asks(&event.Decoder{}, []byte(fmt.Sprintf(form, bad, good))), ": "); got != "invalid, Update "+id {
				t.Errorf("with a bad record %s, the payload %s asks for %s", name, form, got)
			}
		}
	}
}

// An invocation that succeeded is not tried again.
func TestTheRecordOfASuccessAsksForNothing(t *testing.T) {
	payload := `{"requestContext":{"condition":"Success"},"requestPayload":` + contents["a request"] + `,"responsePayload":{}}`
	if got := asks(&event.Decoder{}, []byte(payload)); got != "destination: nothing" {
		t.Errorf("the record asks for %s, want nothing", got)
	}
}
