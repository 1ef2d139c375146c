package event

import (
	"bytes"
	"encoding/json"
	"mime"
	"net/http"
	"net/url"
	"strings"

	"tairssl/handler"
)

// Direct reads what the route /ssl takes: the direct request or a sweep order,
// and nothing else.
func (d *Decoder) Direct(body []byte) Asked {
	return d.only(body, "sweep")
}

// Alerts reads the webhook of a sender, "alertmanager" or "grafana".
func (d *Decoder) Alerts(sender string, body []byte) Asked {
	asked := d.only(body, "alertmanager")
	if asked.Trigger != sender {
		return one(sender, handler.Invalidf("this is not the webhook of %s", sender))
	}
	return asked
}

// only reads an object by one row of the table, or as the direct request.
func (d *Decoder) only(body []byte, name string) Asked {
	if trimmed := bytes.TrimSpace(body); json.Valid(trimmed) {
		s := shapeOf(trimmed)
		for _, t := range triggers {
			if (t.name == name || t.name == "handed") && t.is(s) {
				return t.read(&reader{Decoder: d}, s)
			}
		}
	}
	return direct(body)
}

// IsBinary reports whether a request is of the binary mode of CloudEvents, whose
// attributes stand in headers: no signature over a body covers those.
func IsBinary(header http.Header) bool {
	media, _, _ := mime.ParseMediaType(header.Get("Content-Type"))
	return !strings.HasPrefix(media, "application/cloudevents")
}

// CloudEvents reads an HTTP request in any of the three modes of the HTTP
// binding of CloudEvents 1.0: structured and batch by their content type, else
// binary, with the attributes in headers that begin with ce-.
func (d *Decoder) CloudEvents(header http.Header, body []byte) Asked {
	r := &reader{Decoder: d}
	media, _, _ := mime.ParseMediaType(header.Get("Content-Type"))
	switch {
	case strings.HasPrefix(media, "application/cloudevents-batch"):
		var items []json.RawMessage
		if json.Unmarshal(body, &items) != nil {
			return one("cloudevent", handler.Invalidf("the batch of CloudEvents is not a JSON array"))
		}
		if len(items) == 0 {
			return one("cloudevent", handler.Unchangedf("the batch of CloudEvents is empty"))
		}
		return r.each("cloudevent", items, r.onlyCloudEvent)
	case strings.HasPrefix(media, "application/cloudevents"):
		return r.onlyCloudEvent(body)
	case header.Get("Ce-Specversion") == "":
		return one("cloudevent", handler.Invalidf("no CloudEvent: send content type application/cloudevents+json, application/cloudevents-batch+json, or ce- headers"))
	}
	var s shape
	for name, values := range header {
		attribute, ok := strings.CutPrefix(strings.ToLower(name), "ce-")
		if !ok || attribute == "data" || attribute == "data_base64" { // the body's business
			continue
		}
		if len(values) == 0 {
			continue
		}
		value, err := url.PathUnescape(values[0])
		if err != nil || len(values) > 1 {
			return one("cloudevent", handler.Invalidf("the header Ce-%s can not be read", attribute))
		}
		s = append(s, member{attribute, quoted(value)})
	}
	if body = bytes.TrimSpace(body); json.Valid(body) {
		s = append(s, member{"data", body})
	} else if len(body) > 0 {
		s = append(s, member{"data", quoted(string(body))})
	}
	return r.cloudEvent(s)
}

func quoted(text string) json.RawMessage {
	value, _ := json.Marshal(text) // a string always encodes
	return value
}

// onlyCloudEvent reads a CloudEvent in JSON and nothing else.
func (r *reader) onlyCloudEvent(body []byte) Asked {
	body = bytes.TrimSpace(body)
	if !json.Valid(body) || !isCloudEvent(shapeOf(body)) {
		return one("cloudevent", handler.Invalidf("this is not a CloudEvent in JSON"))
	}
	return r.cloudEvent(shapeOf(body))
}
