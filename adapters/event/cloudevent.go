package event

import (
	"bytes"
	"cmp"
	"encoding/base64"
	"encoding/json"
	"strings"

	"tairssl/handler"
)

// Expiring is the type of the CloudEvents that this project documents: the
// certificate of the instance that is the subject expires.
const Expiring = "com.aliyun.tair.certificate.expiring"

// A CloudEvent in the JSON format of version 1.0.
func isCloudEvent(s shape) bool { return s.has("specversion") }

func (r *reader) cloudEvent(s shape) Asked {
	asked := r.cloudEventOf(s)
	asked.ID = s.text("source") + " " + s.text("id")
	return asked
}

func (r *reader) cloudEventOf(s shape) Asked {
	typ, subject := s.text("type"), s.text("subject")
	if v := s.text("specversion"); v != "1.0" || typ == "" || s.text("id") == "" || s.text("source") == "" {
		return one("cloudevent", handler.Invalidf("the CloudEvent lacks one of id, source, type, or its specversion is not 1.0"))
	}
	data := s.raw("data")
	if encoded := s.text("data_base64"); encoded != "" {
		decoded, err := base64.StdEncoding.DecodeString(encoded)
		if err != nil || !json.Valid(decoded) {
			return one("cloudevent", handler.Invalidf("data_base64 is not JSON in base64"))
		}
		data = bytes.TrimSpace(decoded)
	}
	source := strings.ReplaceAll(s.text("source"), ":", ".") // acs:x and acs.x are both seen
	switch {
	case typ == Expiring:
		instance, ok := ofResource(subject)
		if !ok {
			if instance, ok = handler.ParseInstance(subject); !ok {
				instance.ID = subject // the answer says what is wrong with it
			}
			instance.Region = cmp.Or(s.text("aliyunregionid"), instance.Region)
		}
		return one("cloudevent", automatic(instance))
	case typ == "mns:Queue:SendMessage":
		return r.inner("mns-queue", shapeOf(data).raw("messageBody"))
	case strings.HasPrefix(typ, "mq:Topic:"):
		return r.inner("rocketmq", shapeOf(data).raw("body"))
	case strings.HasPrefix(typ, "alikafka:Topic:"):
		return r.inner("kafka", shapeOf(data).raw("value"))
	case strings.HasPrefix(typ, "amqp:Queue:"):
		return r.inner("rabbitmq", shapeOf(data).raw("body"))
	case strings.HasPrefix(typ, "kvstore:CloudMonitor:"):
		return scheduled("cloudmonitor", typ, subject)
	case strings.Contains(typ, ":CertKeyExpired"):
		return r.certificate("slb", r.names(data, subject)...)
	case source == "acs.kvstore":
		return one("cloudevent", handler.Unchangedf("events of type %q ask for nothing", typ))
	case isRequest(data):
		return r.inner("cloudevent", data)
	}
	return one("cloudevent", handler.Unchangedf("events of type %q ask for nothing", typ))
}

var certificateNames = []string{"CommonName", "commonName", "certName", "domain", "Domain"}

// opened is an object, as JSON or as JSON text.
func opened(value []byte) shape {
	if text := []byte(handler.Unquote(value)); len(text) > 0 && json.Valid(text) {
		value = bytes.TrimSpace(text)
	}
	return shapeOf(value)
}

// names are all that an event of SLB or CAS may name its certificate by; its
// fields are not documented in full.
func (r *reader) names(data json.RawMessage, subject string) (names []string) {
	fields := opened(data)
	for _, key := range certificateNames {
		if name := fields.text(key); name != "" {
			names = append(names, name)
		}
	}
	for _, key := range certificateNames {
		if name := opened(fields.raw("content")).text(key); name != "" {
			names = append(names, name)
		}
	}
	if subject != "" {
		names = append(names, subject[strings.LastIndexAny(subject, "/:")+1:])
	}
	return names
}
