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

// Direct reads the body of the route /ssl. It accepts only direct requests and sweep
// orders.
func (d *Decoder) Direct(body []byte) Asked {
	r := &reader{Decoder: d}
	s := opened(body)
	switch {
	case isHanded(s):
		return r.handed(s)
	case isSweep(s):
		return r.sweep(s)
	case len(s) > 0 && !s.isRequest():
		return one("direct", unreadable("this is "+describe(body)+". /ssl takes a request, such as {\"InstanceId\":\"r-…\",\"SSLEnabled\":\"Update\"}, a list of them, or a sweep order"))
	}
	asked := direct(open(body))
	asked.Trigger = "direct"
	return asked
}

// Alerts reads the webhook of Alertmanager or Grafana, which have the same format. sender
// is "alertmanager" or "grafana".
func (d *Decoder) Alerts(sender string, body []byte) Asked {
	s := opened(body)
	if isHanded(s) || !isAlerts(s) {
		return one(sender, unreadable("this is "+describe(body)+", not a webhook of alerts: want {\"status\":\"firing\",\"alerts\":[{\"status\":\"firing\",\"labels\":{\"instance_id\":\"r-…\"}}]}"))
	}
	asked := (&reader{Decoder: d}).alerts(s).Limit(handler.MaxBatch)
	asked.Trigger = sender
	return asked
}

// IsBinary reports whether a request is in the binary mode of CloudEvents. Its attributes
// are in headers, which no signature over the body covers.
func IsBinary(header http.Header) bool {
	media, _, _ := mime.ParseMediaType(header.Get("Content-Type"))
	return !strings.HasPrefix(media, "application/cloudevents")
}

// CloudEvents reads an HTTP request in any of the three modes of CloudEvents 1.0. The
// content type shows structured and batch mode. All other requests are in binary mode,
// with the attributes in headers that begin with ce-.
func (d *Decoder) CloudEvents(header http.Header, body []byte) Asked {
	r := &reader{Decoder: d}
	media, _, _ := mime.ParseMediaType(header.Get("Content-Type"))
	switch {
	case strings.HasPrefix(media, "application/cloudevents-batch"):
		var items []json.RawMessage
		if json.Unmarshal(open(body), &items) != nil {
			return one("cloudevent", handler.Invalidf("the batch of CloudEvents is not a JSON array but %s", describe(body)))
		}
		if len(items) == 0 {
			return one("cloudevent", handler.Unchangedf("the batch of CloudEvents is empty"))
		}
		return each(items, func(item json.RawMessage) Asked { return r.onlyCloudEvent(item) })
	case strings.HasPrefix(media, "application/cloudevents"):
		return r.onlyCloudEvent(body)
	case header.Get("Ce-Specversion") == "":
		return one("cloudevent", handler.Invalidf("no CloudEvent: send content type application/cloudevents+json, application/cloudevents-batch+json, or ce- headers"))
	}
	s, fault := attributes(header)
	if fault != "" {
		return one("cloudevent", handler.Invalidf("the header Ce-%s cannot be read", fault))
	}
	if body = bytes.TrimSpace(body); json.Valid(body) {
		s = append(s, member{"data", body})
	} else if len(body) > 0 {
		s = append(s, member{"data", quoted(string(body))})
	}
	return r.cloudEvent(s)
}

// attributes reads the headers of the binary mode. If a header is bad, bad is its name.
func attributes(header http.Header) (s shape, bad string) {
	for name, values := range header {
		attribute, ok := strings.CutPrefix(strings.ToLower(name), "ce-")
		if !ok || len(values) == 0 || attribute == "data" || attribute == "data_base64" { // not an attribute: data and data_base64 belong to the body
			continue
		}
		value, err := url.PathUnescape(values[0])
		if err != nil || len(values) > 1 {
			return nil, attribute
		}
		s = append(s, member{attribute, quoted(value)})
	}
	return s, ""
}

func quoted(text string) json.RawMessage {
	value, _ := json.Marshal(text) // a string always encodes
	return value
}

// onlyCloudEvent reads a CloudEvent in JSON and refuses every other content.
func (r *reader) onlyCloudEvent(body []byte) Asked {
	s := opened(body)
	if !isCloudEvent(s) {
		return one("cloudevent", handler.Invalidf("this is not a CloudEvent in JSON but %s", describe(body)))
	}
	if isHanded(s) {
		return r.handed(s)
	}
	return r.cloudEvent(s)
}
