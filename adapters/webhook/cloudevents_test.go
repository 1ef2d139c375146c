package webhook_test

import (
	"encoding/base64"
	"net/http"
	"strings"
	"testing"

	"tairssl/adapters/webhook"
)

func TestCloudEventsInAllThreeModes(t *testing.T) {
	second := strings.Replace(expiring, id, "r-bp1zxszhcgatnx04", 1)
	ce := http.Header{"Ce-Specversion": {"1.0"}, "Ce-Id": {"1"}, "Ce-Source": {"probe%20one"}, "Ce-Type": {"com.aliyun.tair.certificate.expiring"}, "Ce-Subject": {id}}
	own := with(ce, "Ce-Type", "com.example.renew")
	for name, test := range map[string]struct {
		body   string
		header http.Header
		want   int
	}{
		"structured":                   {expiring, http.Header{"Content-Type": {"Application/CloudEvents+JSON"}}, 1},
		"batch":                        {"[" + expiring + "," + second + "]", http.Header{"Content-Type": {"application/cloudevents-batch+json"}}, 2},
		"an empty batch":               {"[]", http.Header{"Content-Type": {"application/cloudevents-batch+json"}}, 0},
		"binary":                       {"", ce, 1},
		"binary with data":             {direct, with(own, "Content-Type", "application/json"), 1},
		"binary with text":             {"hello", with(own, "Content-Type", "text/plain"), 0},
		"binary, of version 0.3":       {"", with(ce, "Ce-Specversion", "0.3"), 0},
		"binary, data in a header":     {"", with(own, "Ce-Data", disable), 0},
		"binary, base64 in a header":   {"", with(own, "Ce-Data_base64", base64.StdEncoding.EncodeToString([]byte(direct))), 0},
		"an attribute without a value": {"", with(ce, "Ce-Dataschema", []string{}...), 1},
		"a doubled attribute":          {"", with(ce, "Ce-Subject", id, id), 0},
		"a batch of requests":          {"[" + direct + "]", http.Header{"Content-Type": {"application/cloudevents-batch+json"}}, 0},
	} {
		d := newDoor()
		h := test.header.Clone()
		h.Set("Authorization", "Bearer "+token)
		w := d.knock(knock{path: "/cloudevents", body: test.body, header: h})
		if len(d.through) != test.want {
			t.Errorf("%s is answered %d %s, and %d requests got through, want %d", name, w.Code, w.Body, len(d.through), test.want)
		}
	}
}

func TestHandshakeOfCloudEvents(t *testing.T) {
	d := newDoor(func(o *webhook.Options) { o.Origins = []string{"eventgrid.example.net"} })
	for origin, want := range map[string]int{"eventgrid.example.net": 200, "EventGrid.example.net": 200, "evil.example.net": 403, "": 403} {
		w := d.knock(knock{method: "OPTIONS", path: "/cloudevents", header: http.Header{"Webhook-Request-Origin": {origin}}})
		if w.Code != want || (w.Header().Get("WebHook-Allowed-Origin") != "") != (want == 200) {
			t.Errorf("the origin %q is answered %d with the headers %v, want %d", origin, w.Code, w.Header(), want)
		}
	}
	if w := newDoor().knock(knock{method: "OPTIONS", path: "/cloudevents"}); w.Code != 405 {
		t.Errorf("OPTIONS on a route without origins is answered %d, want 405", w.Code)
	}
}
