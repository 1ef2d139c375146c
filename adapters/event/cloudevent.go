package event

import (
	"cmp"
	"encoding/json"
	"strings"

	"tairssl/handler"
)

// Expiring is the type of this project's own CloudEvents: the certificate of the instance
// in the subject expires.
const Expiring = "com.aliyun.tair.certificate.expiring"

// messageEvents lists the types of Alibaba's events that carry a message of a queue, and
// the field of their data that contains it.
var messageEvents = []struct{ prefix, name, field string }{
	{"mns:Queue:", "mns-queue", "messageBody"},
	{"mq:Topic:", "rocketmq", "body"},
	{"alikafka:Topic:", "kafka", "value"},
	{"amqp:Queue:", "rabbitmq", "body"},
}

// cloudEvent is the trigger of a CloudEvent in the JSON format of version 1.0.
var cloudEvent = trigger{"cloudevent", "a CloudEvent", isCloudEvent, (*reader).cloudEvent}

func isCloudEvent(s shape) bool { return s.has("specversion") }

func (r *reader) cloudEvent(s shape) Asked {
	asked := r.cloudEventOf(s)
	asked.ID = s.text("source") + " " + s.text("id")
	return asked
}

func (r *reader) cloudEventOf(s shape) Asked {
	typ, subject, data := s.text("type"), s.text("subject"), s.raw("data")
	if v := s.text("specversion"); v != "1.0" || typ == "" || s.text("id") == "" || s.text("source") == "" {
		return one("cloudevent", handler.Invalidf("the CloudEvent lacks one of id, source, type, or its specversion is not 1.0"))
	}
	if encoded := s.raw("data_base64"); encoded != nil && data != nil {
		return one("cloudevent", handler.Invalidf("the CloudEvent has both data and data_base64: send one of them"))
	} else if encoded != nil {
		data = encoded
	}
	for _, m := range messageEvents {
		if strings.HasPrefix(typ, m.prefix) {
			return r.inner(m.name, opened(data).raw(m.field))
		}
	}
	source := strings.ReplaceAll(s.text("source"), ":", ".") // senders write acs:x and acs.x
	switch {
	case typ == Expiring:
		return r.expiring(subject, s.text("aliyunregionid"))
	case strings.HasPrefix(typ, "kvstore:CloudMonitor:"):
		return scheduled("cloudmonitor", typ, subject)
	case strings.Contains(typ, ":CertKeyExpired"):
		return r.certificate("slb", r.names(data, subject)...)
	case source == "acs.kvstore" || source == "acs.slb" || source == "acs.cas":
		return one("cloudevent", handler.Unchangedf("events of type %q ask for nothing", typ))
	case !isNothing(data) && r.knows(data):
		return r.inner("cloudevent", data)
	}
	return one("cloudevent", handler.Invalidf("events of type %q are not accepted, and this one carries no request: send the type %s, or a request as its data", typ, Expiring))
}

// expiring asks to renew the instance in an event's subject.
func (r *reader) expiring(subject, region string) Asked {
	instance, ok := ofResource(subject)
	if !ok {
		// The subject contains only an instance, so it may be an old id.
		if instance, ok = handler.ParseInstance(subject); !ok {
			return one("cloudevent", handler.Invalidf("the subject %q of the event names no instance: it must be an id or an endpoint", handler.Quoted(subject)))
		}
		instance.Region = cmp.Or(region, instance.Region)
	}
	return one("cloudevent", automatic(instance))
}

var certificateNames = []string{"CommonName", "commonName", "certName", "domain", "Domain"}

// names lists all fields in which an event of SLB or CAS may name its certificate.
// Alibaba does not document all fields of these events.
func (r *reader) names(data json.RawMessage, subject string) (names []string) {
	fields := opened(data)
	for _, key := range certificateNames {
		if name := fields.text(key); name != "" {
			names = append(names, name)
		}
	}
	content := opened(fields.raw("content"))
	for _, key := range certificateNames {
		if name := content.text(key); name != "" {
			names = append(names, name)
		}
	}
	if subject != "" {
		names = append(names, subject[strings.LastIndexAny(subject, "/:")+1:])
	}
	return names
}
