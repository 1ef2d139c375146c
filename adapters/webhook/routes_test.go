package webhook_test

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"tairssl/adapters/event"
	"tairssl/adapters/webhook"
	"tairssl/handler"
)

func TestARouteWithoutASecretIsClosed(t *testing.T) {
	closed := newDoor(func(o *webhook.Options) {
		o.Standard, o.GitHub, o.Tokens, o.Basic = webhook.StandardSecrets{}, nil, nil, webhook.BasicSecrets{}
	})
	for name, k := range authentic() {
		if w := closed.knock(k); w.Code != http.StatusNotFound || len(closed.through) > 0 {
			t.Errorf("%s on a closed route is answered %d, want 404", name, w.Code)
		}
	}
	half := newDoor(func(o *webhook.Options) { o.GitHub = nil })
	if w := half.knock(authentic()["github"]); w.Code != http.StatusUnauthorized {
		t.Errorf("a scheme without a secret, on an open route, is answered %d, want 401", w.Code)
	}
	empty := newDoor(func(o *webhook.Options) { o.GitHub = webhook.Secrets{""} })
	if w := empty.knock(knock{path: "/ssl", body: direct, header: webhook.SignGitHub("", []byte(direct))}); w.Code != http.StatusUnauthorized {
		t.Errorf("a signature with an empty secret is answered %d, want 401", w.Code)
	}
	for _, path := range []string{"/", "/ssl/", "/SSL", "/nothing", "//ssl"} {
		if w := newDoor().knock(knock{path: path, body: direct, header: standard(direct)}); w.Code != http.StatusNotFound {
			t.Errorf("the path %s is answered %d, want 404", path, w.Code)
		}
	}
}

func TestEachRouteLimitsMethodSizeAndMediaType(t *testing.T) {
	d := newDoor()
	if w := d.knock(knock{method: "GET", path: "/ssl"}); w.Code != http.StatusMethodNotAllowed || w.Header().Get("Allow") != "POST" {
		t.Errorf("GET /ssl is answered %d and allows %q, want 405 and POST", w.Code, w.Header().Get("Allow"))
	}
	large := strings.Repeat(" ", 10<<20)
	if w := d.knock(knock{path: "/ssl", body: large, header: standard(large)}); w.Code != http.StatusRequestEntityTooLarge {
		t.Errorf("a body of 10 MB is answered %d, want 413", w.Code)
	}
	if w := d.knock(knock{path: "/ssl", body: direct, header: with(standard(direct), "Content-Type", "text/plain")}); w.Code != http.StatusUnsupportedMediaType {
		t.Errorf("text/plain is answered %d, want 415", w.Code)
	}
	if w := d.knock(knock{path: "/cloudevents", body: expiring, header: with(bearer(token), "Content-Type", "application/cloudevents+xml")}); w.Code != http.StatusUnsupportedMediaType {
		t.Errorf("a CloudEvent in XML is answered %d, want 415", w.Code)
	}
	if len(d.through) > 0 {
		t.Errorf("%d requests got through, want none", len(d.through))
	}
	if w := d.knock(knock{method: "GET", path: "/healthz"}); w.Code != 200 || !json.Valid(w.Body.Bytes()) {
		t.Errorf("GET /healthz is answered %d %s, want 200 and JSON", w.Code, w.Body)
	}
}

// Each route accepts only its own kind of payload. Another kind never reaches a decoder
// that trusts it. The answer says what the route accepts and what arrived.
func TestRoutesAcceptOnlyTheirOwnPayloads(t *testing.T) {
	d := newDoor()
	const wanted, request = "want {\\\"status\\\"", "/ssl takes a request"
	for name, test := range map[string]struct {
		k    knock
		says []string
	}{
		"an alert on /ssl":               {knock{path: "/ssl", body: alert, header: standard(alert)}, []string{"Alertmanager", request}},
		"a CloudEvent on /ssl":           {knock{path: "/ssl", body: expiring, header: standard(expiring)}, []string{"a CloudEvent", request}},
		"no JSON":                        {knock{path: "/ssl", body: "{", header: standard("{")}, []string{"not JSON"}},
		"an empty body":                  {knock{path: "/ssl", header: standard("")}, []string{"empty"}},
		"a bare request as CloudEvent":   {knock{path: "/cloudevents", body: direct, header: bearer(token)}, []string{"application/cloudevents+json"}},
		"a request on /alertmanager":     {knock{path: "/alertmanager", body: direct, header: bearer(token)}, []string{"a direct request", wanted}},
		"a word on /alertmanager":        {knock{path: "/alertmanager", body: "hello", header: bearer(token)}, []string{"no JSON", wanted}},
		"a list on /alertmanager":        {knock{path: "/alertmanager", body: "[" + alert + "]", header: bearer(token)}, []string{"a list", wanted}},
		"nothing on /grafana":            {knock{path: "/grafana", header: bearer(token)}, []string{"an empty body", wanted}},
		"a webhook of GitHub":            {knock{path: "/grafana", body: `{"action":"opened","repository":{},"sender":{}}`, header: bearer(token)}, []string{"a webhook of GitHub", wanted}},
		"a webhook of an unknown sender": {knock{path: "/grafana", body: `{"text":"certificate expires"}`, header: bearer(token)}, []string{"the fields text", wanted}},
		"alerts that are no list":        {knock{path: "/alertmanager", body: `{"status":"firing","alerts":"none"}`, header: bearer(token)}, []string{"no alerts"}},
		"an alert of a web server":       {knock{path: "/alertmanager", body: `{"status":"firing","alerts":[{"status":"firing","labels":{"alertname":"x","instance":"www.example.com:443"}}]}`, header: bearer(token)}, []string{"instance_id", "www.example.com=INSTANCE to TAIRSSL_CERT_MAP"}},
	} {
		w := d.knock(test.k)
		if !strings.Contains(w.Body.String(), `"invalid"`) || len(d.through) > 0 || w.Code != 400 {
			t.Errorf("%s is answered %d %s, want 400", name, w.Code, w.Body)
		}
		for _, says := range test.says {
			if !strings.Contains(w.Body.String(), says) {
				t.Errorf("the answer to %s does not contain %q: %s", name, says, w.Body)
			}
		}
	}
}

// Alertmanager, Grafana and similar senders use one format, with different versions and
// further fields.
func TestAlertRoutesAcceptEveryWebhookInTheFormatOfAlertmanager(t *testing.T) {
	labels := `"labels":{"alertname":"x","instance_id":"` + id + `"}`
	for name, k := range map[string]knock{
		"Grafana's on /alertmanager":        {path: "/alertmanager", body: grafana},
		"Alertmanager's on /grafana":        {path: "/grafana", body: alert},
		"by PUT":                            {method: http.MethodPut, path: "/grafana", body: grafana},
		"of ARMS, without a version":        {path: "/alertmanager", body: `{"status":"firing","receiver":"r","alerts":[{"status":"firing",` + labels + `}]}`},
		"of a later version":                {path: "/alertmanager", body: `{"version":"5","status":"firing","alerts":[{"status":"firing",` + labels + `}]}`},
		"of a template without most fields": {path: "/grafana", body: `{"alerts":[{"status":"firing",` + labels + `}]}`},
		"with one status for all alerts":    {path: "/grafana", body: `{"status":"firing","alerts":[{` + labels + `}]}`},
		"in base64":                         {path: "/grafana", body: base64.StdEncoding.EncodeToString([]byte(grafana))},
		"with a number as its version":      {path: "/alertmanager", body: `{"version":4,"status":"firing","alerts":[{"status":"firing",` + labels + `}]}`},
		"with a number as a label":          {path: "/alertmanager", body: `{"status":"firing","alerts":[{"status":"firing","labels":{"port":6379,"instance_id":"` + id + `"}}]}`},
	} {
		d := newDoor()
		k.header = bearer(token)
		if w := d.knock(k); w.Code != 200 || len(d.through) != 1 || !d.through[0].Requests[0].Automatic {
			t.Errorf("a webhook %s is answered %d %s, want 200 and an automatic request", name, w.Code, w.Body)
		}
	}
	if w := newDoor().knock(knock{method: http.MethodPut, path: "/alertmanager", body: alert, header: bearer(token)}); w.Code != http.StatusMethodNotAllowed {
		t.Errorf("PUT /alertmanager is answered %d, want 405", w.Code)
	}
}

func TestOneMessageCausesAtMostAHundredRequests(t *testing.T) {
	var alerts, events []string
	for n := range 150 {
		alerts = append(alerts, fmt.Sprintf(`{"status":"firing","labels":{"instance_id":"r-many%04d"}}`, n))
		events = append(events, strings.Replace(expiring, id, fmt.Sprintf("r-many%04d", n), 1))
	}
	d := newDoor()
	w := d.knock(knock{path: "/alertmanager", body: `{"status":"firing","alerts":[` + strings.Join(alerts, ",") + `]}`, header: bearer(token)})
	if w.Code != 200 || len(d.through) != 100 || !strings.Contains(w.Body.String(), "50 more alerts were not looked at, because one message causes at most 100 requests; the next sweep looks at every instance") {
		t.Errorf("150 alerts are answered %d %s; %d requests got through, want 100", w.Code, w.Body, len(d.through))
	}
	d = newDoor()
	w = d.knock(knock{path: "/cloudevents", body: "[" + strings.Join(events, ",") + "]", header: with(bearer(token), "Content-Type", "application/cloudevents-batch+json")})
	if w.Code != 400 || len(d.through) != 0 || !strings.Contains(w.Body.String(), "150 changes") {
		t.Errorf("150 CloudEvents are answered %d %s; %d requests got through, want none", w.Code, w.Body, len(d.through))
	}
}

func TestTheStatusOfAnAnswerComesFromItsResults(t *testing.T) {
	result := func(o handler.Outcome, kind handler.Kind) handler.Result {
		r := handler.Result{InstanceID: id, Outcome: o}
		if o == handler.Failed {
			r.Error = handler.Errorf(kind, "x")
		}
		return r
	}
	throttled, invalid := result(handler.Failed, handler.Throttled), result(handler.Failed, handler.Invalid)
	done := result(handler.Unchanged, "")
	for name, test := range map[string]struct {
		results    []handler.Result
		ssl, alert int
	}{
		"accepted":                   {[]handler.Result{result(handler.Accepted, "")}, 202, 200},
		"refused":                    {[]handler.Result{result(handler.Refused, "")}, 403, 200},
		"unknown":                    {[]handler.Result{result(handler.Unknown, "")}, 502, 503},
		"throttled":                  {[]handler.Result{throttled}, 429, 503},
		"invalid":                    {[]handler.Result{invalid}, 400, 200},
		"all throttled":              {[]handler.Result{throttled, throttled}, 429, 503},
		"one of two throttled":       {[]handler.Result{done, throttled}, 503, 503},
		"one of two invalid":         {[]handler.Result{done, invalid}, 200, 200},
		"one throttled, one invalid": {[]handler.Result{invalid, throttled}, 503, 503},
	} {
		d := newDoor(func(o *webhook.Options) {
			o.Answer = func(_ context.Context, a event.Asked) event.Answer {
				a.Batch = len(test.results) > 1
				return event.Answer{Asked: a, Results: test.results}
			}
		})
		if w := d.knock(knock{path: "/ssl", body: direct, header: standard(direct)}); w.Code != test.ssl {
			t.Errorf("%s: /ssl is answered %d, want %d", name, w.Code, test.ssl)
		}
		if w := d.knock(knock{path: "/alertmanager", body: alert, header: bearer(token)}); w.Code != test.alert {
			t.Errorf("%s: /alertmanager is answered %d, want %d", name, w.Code, test.alert)
		}
	}
}

func TestAPanicIsAnsweredWithoutItsText(t *testing.T) {
	d := newDoor(func(o *webhook.Options) { o.Answer = func(context.Context, event.Asked) event.Answer { panic("boom") } })
	if w := d.knock(knock{path: "/ssl", body: direct, header: standard(direct)}); w.Code != 500 || strings.Contains(w.Body.String(), "boom") {
		t.Errorf("a panic is answered %d %s, want 500 without its text", w.Code, w.Body)
	}
}
