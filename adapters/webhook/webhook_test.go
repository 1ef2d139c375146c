package webhook_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"tairssl/adapters/event"
	"tairssl/adapters/webhook"
	"tairssl/handler"
	"tairssl/handler/fleet"
)

const (
	id       = "r-bp1zxszhcgatnx01"
	whsec    = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
	github   = "It's a Secret to Everybody"
	token    = "a-bearer-token"
	pair     = "alertmanager:a-password"
	direct   = `{"InstanceId":"` + id + `","SSLEnabled":"Update"}`
	disable  = `{"InstanceId":"` + id + `","SSLEnabled":"Disable"}`
	alert    = `{"version":"4","status":"firing","alerts":[{"status":"firing","labels":{"alertname":"x","instance_id":"` + id + `"}}]}`
	grafana  = `{"version":"1","status":"firing","alerts":[{"status":"firing","labels":{"alertname":"x","instance_id":"` + id + `"}}]}`
	expiring = `{"specversion":"1.0","id":"1","source":"probe","type":"com.aliyun.tair.certificate.expiring","subject":"` + id + `"}`
)

var now = time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)

// door is a handler before which somebody knocks; it counts what gets through.
type door struct {
	*webhook.Handler
	through []event.Asked
	log     *bytes.Buffer
	outcome handler.Outcome
}

func newDoor(change ...func(*webhook.Options)) *door {
	d := &door{log: &bytes.Buffer{}, outcome: handler.Accepted}
	o := webhook.Options{
		Standard: webhook.StandardSecrets{Secrets: webhook.Secrets{whsec}}, GitHub: webhook.Secrets{github},
		Tokens: webhook.Secrets{token}, Basic: webhook.BasicSecrets{Secrets: webhook.Secrets{pair}},
		Decoder: &event.Decoder{}, Now: func() time.Time { return now }, Log: slog.New(slog.NewJSONHandler(d.log, nil)),
		Answer: d.answer,
	}
	for _, f := range change {
		f(&o)
	}
	d.Handler = webhook.New(o)
	return d
}

// answer lets a valid request through, as handler would, and judges the rest.
func (d *door) answer(ctx context.Context, asked event.Asked) event.Answer {
	h := handler.New(nil, handler.Options{Policy: handler.Policy{Actions: []handler.Action{handler.Update, handler.Disable}}})
	a := event.Answer{Asked: asked}
	for _, r := range asked.Requests {
		switch {
		case r.Settled() || r.Validate() != nil:
			a.Results = append(a.Results, h.Handle(ctx, []handler.Delivery{r})...)
		case r.Trust == handler.Weak && (r.SSLEnabled != handler.Update || r.Force):
			a.Results = append(a.Results, h.Handle(ctx, []handler.Delivery{r})...)
		default:
			d.through = append(d.through, asked)
			a.Results = append(a.Results, handler.Result{InstanceID: r.InstanceID, Outcome: d.outcome})
		}
	}
	return a
}

type knock struct {
	method, path, body string
	header             http.Header
}

func (d *door) knock(k knock) *httptest.ResponseRecorder {
	if k.method == "" {
		k.method = http.MethodPost
	}
	r := httptest.NewRequest(k.method, k.path, strings.NewReader(k.body))
	maps.Copy(r.Header, k.header)
	w := httptest.NewRecorder()
	d.ServeHTTP(w, r)
	return w
}

func standard(body string) http.Header {
	h, err := webhook.SignStandard(whsec, "msg_1", now, []byte(body))
	if err != nil {
		panic(err)
	}
	return h
}

func bearer(token string) http.Header { return http.Header{"Authorization": {"Bearer " + token}} }

func basic(pair string) http.Header {
	return http.Header{"Authorization": {"Basic " + base64.StdEncoding.EncodeToString([]byte(pair))}}
}

// with is a copy with one header set anew; no value takes it away.
func with(h http.Header, name string, values ...string) http.Header {
	h = h.Clone()
	h[name] = values
	if len(values) == 0 {
		delete(h, name)
	}
	return h
}

// authentic is one message for each scheme and route that must pass.
func authentic() map[string]knock {
	return map[string]knock{
		"standard":              {path: "/ssl", body: direct, header: standard(direct)},
		"github":                {path: "/ssl", body: direct, header: webhook.SignGitHub(github, []byte(direct))},
		"ssl, bearer":           {path: "/ssl", body: direct, header: bearer(token)},
		"ssl, basic":            {path: "/ssl", body: direct, header: basic(pair)},
		"alertmanager, bearer":  {path: "/alertmanager", body: alert, header: bearer(token)},
		"alertmanager, basic":   {path: "/alertmanager", body: alert, header: basic(pair)},
		"grafana, bearer":       {path: "/grafana", body: grafana, header: bearer(token)},
		"cloudevents, bearer":   {path: "/cloudevents", body: expiring, header: with(bearer(token), "Content-Type", "application/cloudevents+json")},
		"cloudevents, standard": {path: "/cloudevents", body: expiring, header: with(standard(expiring), "Content-Type", "application/cloudevents+json; charset=utf-8")},
	}
}

func TestAuthenticMessagesPass(t *testing.T) {
	for name, k := range authentic() {
		d := newDoor()
		if w := d.knock(k); w.Code/100 != 2 || len(d.through) != 1 {
			t.Errorf("%s is answered %d %s; %d got through", name, w.Code, w.Body, len(d.through))
		}
	}
}

// forgeries are what must not pass, made of a message that would.
func forgeries(k knock) map[string]knock {
	all := map[string]knock{}
	change := func(name string, f func(*knock)) {
		c := k
		c.header = k.header.Clone()
		f(&c)
		all[name] = c
	}
	flipped := func(s string) string {
		if s == "" {
			return "x"
		}
		b := []byte(s)
		b[len(b)/2] ^= 1
		return string(b)
	}
	for name := range k.header {
		if name == "Content-Type" {
			continue
		}
		value := k.header.Get(name)
		change("without "+name, func(c *knock) { c.header.Del(name) })
		change("empty "+name, func(c *knock) { c.header[name] = []string{""} })
		change("doubled "+name, func(c *knock) { c.header[name] = []string{value, value} })
		change("malformed "+name, func(c *knock) { c.header[name] = []string{"%%% \x00"} })
		change("cut "+name, func(c *knock) { c.header[name] = []string{value[:len(value)-1]} })
		change("longer "+name, func(c *knock) { c.header[name] = []string{value + "0"} })
		change("one bit of "+name, func(c *knock) { c.header[name] = []string{flipped(value)} })
		change("huge "+name, func(c *knock) { c.header[name] = []string{strings.Repeat(value, 1000)} })
	}
	if k.header.Get("Authorization") == "" {
		change("one bit of the body", func(c *knock) { c.body = flipped(c.body) })
		change("a byte more", func(c *knock) { c.body += " " })
	}
	if at := k.header.Get("Webhook-Timestamp"); at != "" {
		for name, t := range map[string]time.Time{"stale": now.Add(-webhook.Window - time.Second), "future": now.Add(webhook.Window + time.Second)} {
			h, _ := webhook.SignStandard(whsec, "msg_1", t, []byte(k.body))
			change(name, func(c *knock) { maps.Copy(c.header, h) })
		}
		for _, text := range []string{"-1", "+1795521600", "1e9", " 1795521600", "99999999999999999999", "0x6b"} {
			change("a time of "+text, func(c *knock) { c.header["Webhook-Timestamp"] = []string{text} })
		}
		h, _ := webhook.SignStandard("whsec_AAAA", "msg_1", now, []byte(k.body))
		change("another's secret", func(c *knock) { maps.Copy(c.header, h) })
		change("another version", func(c *knock) {
			c.header["Webhook-Signature"] = []string{strings.Replace(c.header.Get("Webhook-Signature"), "v1,", "v2,", 1)}
		})
	}
	change("both schemes at once", func(c *knock) {
		maps.Copy(c.header, standard(c.body))
		maps.Copy(c.header, webhook.SignGitHub(github, []byte(c.body)))
		c.header["Authorization"] = []string{"Bearer " + token}
	})
	change("another scheme", func(c *knock) { c.header = http.Header{"Authorization": {"Digest x"}} })
	change("nothing at all", func(c *knock) { c.header = nil })
	return all
}

func TestForgeriesAllGetTheSame401(t *testing.T) {
	var body string
	n := 0
	for scheme, k := range authentic() {
		for name, forged := range forgeries(k) {
			n++
			d := newDoor()
			w := d.knock(forged)
			if w.Code != http.StatusUnauthorized || len(d.through) > 0 {
				t.Errorf("%s: %s is answered %d %s", scheme, name, w.Code, w.Body)
			}
			if body == "" {
				body = w.Body.String()
			}
			if w.Body.String() != body {
				t.Errorf("%s: %s tells itself apart: %s", scheme, name, w.Body)
			}
			if !strings.Contains(d.log.String(), `"denied"`) {
				t.Errorf("%s: %s leaves no reason in the log", scheme, name)
			}
		}
	}
	if n < 60 {
		t.Fatalf("only %d forgeries were tried", n)
	}
}

func TestSecretsAndBodiesStayOutOfTheLog(t *testing.T) {
	for scheme, k := range authentic() {
		d := newDoor()
		d.knock(k)
		for _, forged := range forgeries(k) {
			d.knock(forged)
		}
		for _, secret := range []string{token, "a-password", github, "MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "SSLEnabled", "firing", k.header.Get("Webhook-Signature"), k.header.Get("X-Hub-Signature-256")} {
			if secret != "" && strings.Contains(d.log.String(), secret) {
				t.Errorf("%s: the log shows %q:\n%s", scheme, secret, d.log)
			}
		}
	}
}

func TestRotatedSecrets(t *testing.T) {
	d := newDoor(func(o *webhook.Options) {
		o.Standard.Secrets = webhook.Secrets{"whsec_bmV3", whsec}
		o.GitHub = webhook.Secrets{"new", github}
		o.Tokens = webhook.Secrets{"new", token}
		o.Basic.Secrets = webhook.Secrets{"new:new", pair}
	})
	for name, k := range authentic() {
		if w := d.knock(k); w.Code/100 != 2 {
			t.Errorf("%s by the previous secret is answered %d", name, w.Code)
		}
	}
	if w := d.knock(knock{path: "/alertmanager", body: alert, header: bearer("new")}); w.Code != 200 {
		t.Errorf("the new token is answered %d", w.Code)
	}
}

func TestClosedRoutes(t *testing.T) {
	closed := newDoor(func(o *webhook.Options) {
		o.Standard, o.GitHub, o.Tokens, o.Basic = webhook.StandardSecrets{}, nil, nil, webhook.BasicSecrets{}
	})
	for name, k := range authentic() {
		if w := closed.knock(k); w.Code != http.StatusNotFound || len(closed.through) > 0 {
			t.Errorf("%s on a closed route is answered %d", name, w.Code)
		}
	}
	half := newDoor(func(o *webhook.Options) { o.GitHub = nil })
	if w := half.knock(authentic()["github"]); w.Code != http.StatusUnauthorized {
		t.Errorf("a scheme that is not set, on an open route, is answered %d", w.Code)
	}
	empty := newDoor(func(o *webhook.Options) { o.GitHub = webhook.Secrets{""} })
	if w := empty.knock(knock{path: "/ssl", body: direct, header: webhook.SignGitHub("", []byte(direct))}); w.Code != http.StatusUnauthorized {
		t.Errorf("a signature by an empty secret is answered %d", w.Code)
	}
	for _, path := range []string{"/", "/ssl/", "/SSL", "/nothing", "//ssl"} {
		if w := newDoor().knock(knock{path: path, body: direct, header: standard(direct)}); w.Code != http.StatusNotFound {
			t.Errorf("%s is answered %d", path, w.Code)
		}
	}
}

func TestMethodSizeAndMediaType(t *testing.T) {
	d := newDoor()
	if w := d.knock(knock{method: "GET", path: "/ssl"}); w.Code != http.StatusMethodNotAllowed || w.Header().Get("Allow") != "POST" {
		t.Errorf("GET /ssl is answered %d, allowing %q", w.Code, w.Header().Get("Allow"))
	}
	large := strings.Repeat(" ", 10<<20)
	if w := d.knock(knock{path: "/ssl", body: large, header: standard(large)}); w.Code != http.StatusRequestEntityTooLarge {
		t.Errorf("10 MB are answered %d", w.Code)
	}
	if w := d.knock(knock{path: "/ssl", body: direct, header: with(standard(direct), "Content-Type", "text/plain")}); w.Code != http.StatusUnsupportedMediaType {
		t.Errorf("text/plain is answered %d", w.Code)
	}
	if w := d.knock(knock{path: "/cloudevents", body: expiring, header: with(bearer(token), "Content-Type", "application/cloudevents+xml")}); w.Code != http.StatusUnsupportedMediaType {
		t.Errorf("a CloudEvent in XML is answered %d", w.Code)
	}
	if len(d.through) > 0 {
		t.Errorf("%d got through", len(d.through))
	}
	if w := d.knock(knock{method: "GET", path: "/healthz"}); w.Code != 200 || !json.Valid(w.Body.Bytes()) {
		t.Errorf("GET /healthz is answered %d %s", w.Code, w.Body)
	}
}

// A route takes its own payloads only: what belongs elsewhere is bad here, and
// never reaches a decoder that trusts it. Its sender learns what was expected and
// what came.
func TestRoutesTakeTheirOwnPayloadsOnly(t *testing.T) {
	d := newDoor()
	const wanted, request = "want {\\\"status\\\"", "/ssl takes a request"
	for name, test := range map[string]struct {
		k    knock
		says []string
	}{
		"an alert on /ssl":             {knock{path: "/ssl", body: alert, header: standard(alert)}, []string{"Alertmanager", request}},
		"a CloudEvent on /ssl":         {knock{path: "/ssl", body: expiring, header: standard(expiring)}, []string{"a CloudEvent", request}},
		"no JSON":                      {knock{path: "/ssl", body: "{", header: standard("{")}, []string{"not JSON"}},
		"an empty body":                {knock{path: "/ssl", header: standard("")}, []string{"empty"}},
		"a bare request as CloudEvent": {knock{path: "/cloudevents", body: direct, header: bearer(token)}, []string{"application/cloudevents+json"}},
		"a request on /alertmanager":   {knock{path: "/alertmanager", body: direct, header: bearer(token)}, []string{"a direct request", wanted}},
		"a word on /alertmanager":      {knock{path: "/alertmanager", body: "hello", header: bearer(token)}, []string{"no JSON", wanted}},
		"a list on /alertmanager":      {knock{path: "/alertmanager", body: "[" + alert + "]", header: bearer(token)}, []string{"a list", wanted}},
		"nothing on /grafana":          {knock{path: "/grafana", header: bearer(token)}, []string{"an empty body", wanted}},
		"a webhook of GitHub":          {knock{path: "/grafana", body: `{"action":"opened","repository":{},"sender":{}}`, header: bearer(token)}, []string{"a webhook of GitHub", wanted}},
		"a webhook of nobody":          {knock{path: "/grafana", body: `{"text":"certificate expires"}`, header: bearer(token)}, []string{"the fields text", wanted}},
		"alerts that are none":         {knock{path: "/alertmanager", body: `{"status":"firing","alerts":"none"}`, header: bearer(token)}, []string{"no alerts"}},
		"an alert of a web server":     {knock{path: "/alertmanager", body: `{"status":"firing","alerts":[{"status":"firing","labels":{"alertname":"x","instance":"www.example.com:443"}}]}`, header: bearer(token)}, []string{"instance_id", "www.example.com=INSTANCE to TAIRSSL_CERT_MAP"}},
	} {
		w := d.knock(test.k)
		if !strings.Contains(w.Body.String(), `"invalid"`) || len(d.through) > 0 || w.Code != 400 {
			t.Errorf("%s is answered %d %s", name, w.Code, w.Body)
		}
		for _, says := range test.says {
			if !strings.Contains(w.Body.String(), says) {
				t.Errorf("%s is not told %s but %s", name, says, w.Body)
			}
		}
	}
}

// Alertmanager, Grafana and those who follow them send one shape, with versions
// and other fields of their own.
func TestAlertRoutesTakeEveryWebhookOfTheShape(t *testing.T) {
	labels := `"labels":{"alertname":"x","instance_id":"` + id + `"}`
	for name, k := range map[string]knock{
		"Grafana's on /alertmanager":   {path: "/alertmanager", body: grafana},
		"Alertmanager's on /grafana":   {path: "/grafana", body: alert},
		"by PUT":                       {method: http.MethodPut, path: "/grafana", body: grafana},
		"of ARMS, without a version":   {path: "/alertmanager", body: `{"status":"firing","receiver":"r","alerts":[{"status":"firing",` + labels + `}]}`},
		"of a version to come":         {path: "/alertmanager", body: `{"version":"5","status":"firing","alerts":[{"status":"firing",` + labels + `}]}`},
		"of a template with less":      {path: "/grafana", body: `{"alerts":[{"status":"firing",` + labels + `}]}`},
		"the status once for all":      {path: "/grafana", body: `{"status":"firing","alerts":[{` + labels + `}]}`},
		"in base64":                    {path: "/grafana", body: base64.StdEncoding.EncodeToString([]byte(grafana))},
		"with a version that is none":  {path: "/alertmanager", body: `{"version":4,"status":"firing","alerts":[{"status":"firing",` + labels + `}]}`},
		"with a label that is no text": {path: "/alertmanager", body: `{"status":"firing","alerts":[{"status":"firing","labels":{"port":6379,"instance_id":"` + id + `"}}]}`},
	} {
		d := newDoor()
		k.header = bearer(token)
		if w := d.knock(k); w.Code != 200 || len(d.through) != 1 || !d.through[0].Requests[0].Automatic {
			t.Errorf("a webhook %s is answered %d %s", name, w.Code, w.Body)
		}
	}
	if w := newDoor().knock(knock{method: http.MethodPut, path: "/alertmanager", body: alert, header: bearer(token)}); w.Code != http.StatusMethodNotAllowed {
		t.Errorf("PUT /alertmanager is answered %d", w.Code)
	}
}

// One HTTP message causes at most 100 requests.
func TestOneMessageAsksForAHundredChangesAtMost(t *testing.T) {
	var alerts, events []string
	for n := range 150 {
		alerts = append(alerts, fmt.Sprintf(`{"status":"firing","labels":{"instance_id":"r-many%04d"}}`, n))
		events = append(events, strings.Replace(expiring, id, fmt.Sprintf("r-many%04d", n), 1))
	}
	d := newDoor()
	w := d.knock(knock{path: "/alertmanager", body: `{"status":"firing","alerts":[` + strings.Join(alerts, ",") + `]}`, header: bearer(token)})
	if w.Code != 200 || len(d.through) != 100 || !strings.Contains(w.Body.String(), "50 more alerts were not looked at, for one message causes at most 100 requests: the next sweep looks at every instance") {
		t.Errorf("150 alerts are answered %d %s; %d got through, want 100", w.Code, w.Body, len(d.through))
	}
	d = newDoor()
	w = d.knock(knock{path: "/cloudevents", body: "[" + strings.Join(events, ",") + "]", header: with(bearer(token), "Content-Type", "application/cloudevents-batch+json")})
	if w.Code != 400 || len(d.through) != 0 || !strings.Contains(w.Body.String(), "150 changes") {
		t.Errorf("150 CloudEvents are answered %d %s; %d got through, want none", w.Code, w.Body, len(d.through))
	}
}

// Monitors that can send nothing but a token have /ssl, too, for an Update that
// is due.
func TestStaticTokensOnSSL(t *testing.T) {
	for name, h := range map[string]http.Header{"bearer": bearer(token), "basic": basic(pair)} {
		d := newDoor()
		if w := d.knock(knock{path: "/ssl", body: direct, header: h}); w.Code != 202 || len(d.through) != 1 || d.through[0].Requests[0].Trust != handler.Weak || !d.through[0].Requests[0].Unattended() {
			t.Errorf("an Update by %s is answered %d %s", name, w.Code, w.Body)
		}
		d = newDoor()
		for _, body := range []string{
			disable, strings.Replace(disable, "Disable", "Enable", 1), "[" + disable + "]", `{"Sweep":{}}`,
			`{"InstanceId":"` + id + `","SSLEnabled":"Update","Force":true,"SSLExpiredTime":"2026-12-01T00:00:00Z"}`,
		} {
			if w := d.knock(knock{path: "/ssl", body: body, header: h}); w.Code != http.StatusForbidden || len(d.through) > 0 || !strings.Contains(w.Body.String(), "Standard Webhooks") {
				t.Errorf("%s by %s is answered %d %s", body, name, w.Code, w.Body)
			}
		}
	}
	for name, h := range map[string]http.Header{"a wrong token": bearer("x"), "a wrong password": basic("alertmanager:x"), "nothing": {}, "two schemes": with(standard(direct), "Authorization", "Bearer "+token)} {
		d := newDoor()
		if w := d.knock(knock{path: "/ssl", body: direct, header: h}); w.Code != http.StatusUnauthorized || len(d.through) > 0 {
			t.Errorf("%s is answered %d", name, w.Code)
		}
	}
}

func TestWeakSchemesCanOnlyAskForADueUpdate(t *testing.T) {
	inEvent := `{"specversion":"1.0","id":"1","source":"x","type":"x","data":` + disable + `}`
	for name, k := range map[string]knock{
		"github":  {path: "/ssl", body: disable, header: webhook.SignGitHub(github, []byte(disable))},
		"bearer":  {path: "/cloudevents", body: inEvent, header: with(bearer(token), "Content-Type", "application/cloudevents+json")},
		"a batch": {path: "/ssl", body: "[" + disable + "]", header: webhook.SignGitHub(github, []byte("["+disable+"]"))},
	} {
		d := newDoor()
		if w := d.knock(k); w.Code != http.StatusForbidden || len(d.through) > 0 {
			t.Errorf("Disable by %s is answered %d %s", name, w.Code, w.Body)
		}
	}
	d := newDoor()
	if w := d.knock(knock{path: "/ssl", body: disable, header: standard(disable)}); w.Code != http.StatusAccepted || d.through[0].Requests[0].Trust == handler.Weak {
		t.Errorf("Disable, signed and fresh, is answered %d %s", w.Code, w.Body)
	}
}

// Attributes in headers are covered by no signature, so a message in binary mode
// is weak by whatever scheme it comes.
func TestBinaryCloudEventsAreWeak(t *testing.T) {
	d := newDoor()
	h := standard(disable)
	for name, value := range map[string]string{"Ce-Specversion": "1.0", "Ce-Id": "1", "Ce-Source": "x", "Ce-Type": "x"} {
		h[name] = []string{value}
	}
	if w := d.knock(knock{path: "/cloudevents", body: disable, header: h}); w.Code != http.StatusForbidden || len(d.through) > 0 {
		t.Errorf("Disable in binary mode is answered %d %s", w.Code, w.Body)
	}
}

func TestARepeatedBatchDoesWhatWasLeft(t *testing.T) {
	d := newDoor()
	n := 0
	d.Answer = func(_ context.Context, a event.Asked) event.Answer {
		n++
		a.Batch = true
		return event.Answer{Asked: a, Results: []handler.Result{{Outcome: handler.Accepted}, {Outcome: handler.Failed, Error: handler.Errorf(handler.Throttled, "x")}}}
	}
	k := knock{path: "/ssl", body: "[" + direct + "," + direct + "]", header: standard("[" + direct + "," + direct + "]")}
	for range 2 {
		if w := d.knock(k); w.Code != http.StatusServiceUnavailable {
			t.Errorf("it is answered %d", w.Code)
		}
	}
	if n != 2 {
		t.Errorf("what was throttled was tried %d times, want 2", n)
	}
}

func TestAMessagePlayedBackChangesNothing(t *testing.T) {
	d := newDoor()
	k := knock{path: "/ssl", body: disable, header: standard(disable)}
	if w := d.knock(k); w.Code != http.StatusAccepted {
		t.Fatalf("the first is answered %d", w.Code)
	}
	w := d.knock(k)
	if w.Code != http.StatusOK || !strings.Contains(w.Body.String(), `"unchanged"`) || len(d.through) != 1 {
		t.Errorf("played back it is answered %d %s; %d got through", w.Code, w.Body, len(d.through))
	}
	again := with(k.header, "Webhook-Signature", k.header.Get("Webhook-Signature")+" v1,AAAA")
	if w := d.knock(knock{path: "/ssl", body: disable, header: again}); w.Code != http.StatusOK || len(d.through) != 1 {
		t.Errorf("played back with a signature more it is answered %d %s", w.Code, w.Body)
	}
	// What changed nothing may come again, with the same signature even.
	d = newDoor()
	d.outcome = handler.Unchanged
	d.knock(k)
	if d.knock(k); len(d.through) != 2 {
		t.Errorf("a message that changed nothing was taken %d times, want 2", len(d.through))
	}
}

// The second of two deliveries at the same time waits for the first to end.
func TestAMessageThatIsBeingCarriedOutIsNotBegunAgain(t *testing.T) {
	d := newDoor()
	k := knock{path: "/ssl", body: disable, header: standard(disable)}
	inner := d.Answer
	n := 0
	d.Answer = func(ctx context.Context, a event.Asked) event.Answer {
		if n++; n == 1 {
			if w := d.knock(k); w.Code != http.StatusConflict || !strings.Contains(w.Body.String(), `"in_progress"`) {
				t.Errorf("the second is answered %d %s", w.Code, w.Body)
			}
		}
		return inner(ctx, a)
	}
	if w := d.knock(k); w.Code != http.StatusAccepted || n != 1 {
		t.Errorf("the first is answered %d; %d were carried out", w.Code, n)
	}
	if w := d.knock(k); w.Code != http.StatusOK || len(d.through) != 1 {
		t.Errorf("afterwards it is answered %d", w.Code)
	}
}

func TestAMessageThatFailedMayComeAgain(t *testing.T) {
	d := newDoor()
	k := knock{path: "/ssl", body: disable, header: standard(disable)}
	inner := d.Answer
	d.Answer = func(context.Context, event.Asked) event.Answer { panic("boom") }
	if w := d.knock(k); w.Code != 500 {
		t.Fatalf("a panic is answered %d", w.Code)
	}
	d.Answer = func(_ context.Context, a event.Asked) event.Answer {
		return event.Answer{Asked: a, Results: []handler.Result{{Outcome: handler.Unknown}}}
	}
	if w := d.knock(k); w.Code != 502 {
		t.Fatalf("a lost answer is answered %d", w.Code)
	}
	d.Answer = inner
	if w := d.knock(k); w.Code != http.StatusAccepted || len(d.through) != 1 {
		t.Errorf("the third time it is answered %d %s", w.Code, w.Body)
	}
}

func TestASweepOrderPlayedBackSweepsOnce(t *testing.T) {
	const order = `{"Sweep":{}}`
	d := newDoor()
	n := 0
	inner := d.Answer
	d.Answer = func(ctx context.Context, a event.Asked) event.Answer {
		if a.Sweep == nil {
			return inner(ctx, a)
		}
		n++
		return event.Answer{Asked: a, Swept: &fleet.Result{Results: []handler.Result{{Outcome: handler.Accepted}}}}
	}
	for range 3 {
		if w := d.knock(knock{path: "/ssl", body: order, header: standard(order)}); w.Code != 200 {
			t.Errorf("it is answered %d %s", w.Code, w.Body)
		}
	}
	if n != 1 {
		t.Errorf("one order swept %d times", n)
	}
}

func TestAnswersByStatus(t *testing.T) {
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
		"accepted":                {[]handler.Result{result(handler.Accepted, "")}, 202, 200},
		"refused":                 {[]handler.Result{result(handler.Refused, "")}, 403, 200},
		"unknown":                 {[]handler.Result{result(handler.Unknown, "")}, 502, 503},
		"throttled":               {[]handler.Result{throttled}, 429, 503},
		"invalid":                 {[]handler.Result{invalid}, 400, 200},
		"all throttled":           {[]handler.Result{throttled, throttled}, 429, 503},
		"one of two throttled":    {[]handler.Result{done, throttled}, 503, 503},
		"one of two never will":   {[]handler.Result{done, invalid}, 200, 200},
		"throttled and never may": {[]handler.Result{invalid, throttled}, 503, 503},
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

func TestCloudEventsInAllThreeModes(t *testing.T) {
	second := strings.Replace(expiring, id, "r-bp1zxszhcgatnx04", 1)
	ce := http.Header{"Ce-Specversion": {"1.0"}, "Ce-Id": {"1"}, "Ce-Source": {"probe%20one"}, "Ce-Type": {"com.aliyun.tair.certificate.expiring"}, "Ce-Subject": {id}}
	own := with(ce, "Ce-Type", "com.example.renew")
	for name, test := range map[string]struct {
		body   string
		header http.Header
		want   int
	}{
		"structured":                 {expiring, http.Header{"Content-Type": {"Application/CloudEvents+JSON"}}, 1},
		"batch":                      {"[" + expiring + "," + second + "]", http.Header{"Content-Type": {"application/cloudevents-batch+json"}}, 2},
		"an empty batch":             {"[]", http.Header{"Content-Type": {"application/cloudevents-batch+json"}}, 0},
		"binary":                     {"", ce, 1},
		"binary with data":           {direct, with(own, "Content-Type", "application/json"), 1},
		"binary with text":           {"hello", with(own, "Content-Type", "text/plain"), 0},
		"binary of another age":      {"", with(ce, "Ce-Specversion", "0.3"), 0},
		"binary, data in a header":   {"", with(own, "Ce-Data", disable), 0},
		"binary, base64 in a header": {"", with(own, "Ce-Data_base64", base64.StdEncoding.EncodeToString([]byte(direct))), 0},
		"an attribute of no value":   {"", with(ce, "Ce-Dataschema", []string{}...), 1},
		"a doubled attribute":        {"", with(ce, "Ce-Subject", id, id), 0},
		"a batch of requests":        {"[" + direct + "]", http.Header{"Content-Type": {"application/cloudevents-batch+json"}}, 0},
	} {
		d := newDoor()
		h := test.header.Clone()
		h.Set("Authorization", "Bearer "+token)
		w := d.knock(knock{path: "/cloudevents", body: test.body, header: h})
		if len(d.through) != test.want {
			t.Errorf("%s is answered %d %s; %d got through, want %d", name, w.Code, w.Body, len(d.through), test.want)
		}
	}
}

// The vendors' own examples.
func TestVectors(t *testing.T) {
	at := time.Unix(1614265330, 0)
	h, err := webhook.SignStandard(whsec, "msg_p5jXN8AQM9LWM0D4loKWxJek", at, []byte(`{"test": 2432232314}`))
	if got := h.Get("Webhook-Signature"); err != nil || got != "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=" {
		t.Errorf("Standard Webhooks signs %s, %v", got, err)
	}
	if got := webhook.SignGitHub(github, []byte("Hello, World!")).Get("X-Hub-Signature-256"); got != "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17" {
		t.Errorf("GitHub signs %s", got)
	}
}

func TestSecretsInSettings(t *testing.T) {
	var s webhook.Secrets
	if err := s.UnmarshalText([]byte(" a , b")); err != nil || len(s) != 2 || s[0] != "a" || s[1] != "b" {
		t.Errorf("two secrets are read as %d, %v", len(s), err)
	}
	if text := fmt.Sprintf("%v %s %+v %#v %v", s, s, s, s, webhook.StandardSecrets{Secrets: s}); strings.ContainsAny(text, "ab") {
		t.Errorf("secrets print as %s", text)
	}
	for _, bad := range []string{"", ",", "a,,b", " "} {
		if s.UnmarshalText([]byte(bad)) == nil {
			t.Errorf("%q is taken", bad)
		}
	}
	var std webhook.StandardSecrets
	for _, bad := range []string{"whsec_", "whsec_!", "x"} {
		if err := std.UnmarshalText([]byte(bad)); err == nil || strings.Contains(err.Error(), "!") {
			t.Errorf("%q gives %v", bad, err)
		}
	}
	var b webhook.BasicSecrets
	for _, bad := range []string{"user", ":x", "user:"} {
		if b.UnmarshalText([]byte(bad)) == nil {
			t.Errorf("%q is taken", bad)
		}
	}
}

func TestForwardedRequests(t *testing.T) {
	d := newDoor()
	serve := func(f webhook.Forwarded) (int, string) {
		f.Method = "POST"
		status, _, body := f.Serve(context.Background(), d)
		return status, string(body)
	}
	if status, body := serve(webhook.Forwarded{Path: "/ssl", Header: standard(direct), Body: base64.StdEncoding.EncodeToString([]byte(direct)), Base64: true}); status != 202 {
		t.Errorf("in base64 it is answered %d %s", status, body)
	}
	for name, f := range map[string]webhook.Forwarded{
		"flagged base64 but none":     {Path: "/ssl", Header: standard(direct), Body: direct, Base64: true},
		"an envelope with odd fields": {Path: "/ssl", Header: standard(direct), Body: direct, Bad: true},
	} {
		if status, body := serve(f); status != 400 {
			t.Errorf("%s is answered %d %s", name, status, body)
		}
	}
	for _, path := range []string{"", "ssl", "%zz", "/%2Fssl", "http://[::1", "/\x00"} {
		if status, _ := serve(webhook.Forwarded{Path: path}); status != 404 {
			t.Errorf("the path %q is answered %d", path, status)
		}
	}
	if len(d.through) != 1 {
		t.Errorf("%d got through, want 1", len(d.through))
	}
}

type brokenBody struct{}

func (brokenBody) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }

func TestABodyThatBreaksOff(t *testing.T) {
	w := httptest.NewRecorder()
	d := newDoor()
	d.ServeHTTP(w, httptest.NewRequest("POST", "/ssl", brokenBody{}))
	if w.Code != 400 {
		t.Errorf("it is answered %d", w.Code)
	}
}

func TestAPanicIsAnswered(t *testing.T) {
	d := newDoor(func(o *webhook.Options) { o.Answer = func(context.Context, event.Asked) event.Answer { panic("boom") } })
	if w := d.knock(knock{path: "/ssl", body: direct, header: standard(direct)}); w.Code != 500 || strings.Contains(w.Body.String(), "boom") {
		t.Errorf("it is answered %d %s", w.Code, w.Body)
	}
}

// Nobody gets in who does not hold a secret, whatever is sent where.
func FuzzServeHTTP(f *testing.F) {
	for _, k := range authentic() {
		f.Add(k.path, k.body, k.header.Get("Webhook-Signature"), k.header.Get("X-Hub-Signature-256"), k.header.Get("Authorization"), k.header.Get("Content-Type"))
	}
	own := map[string]bool{}
	for _, k := range authentic() {
		own[k.body] = true
	}
	f.Fuzz(func(t *testing.T, path, body, signature, hub, authorization, media string) {
		d := newDoor()
		h := http.Header{"Webhook-Id": {"msg_1"}, "Webhook-Timestamp": {fmt.Sprint(now.Unix())}}
		for name, value := range map[string]string{"Webhook-Signature": signature, "X-Hub-Signature-256": hub, "Authorization": authorization, "Content-Type": media} {
			if value != "" {
				h[name] = []string{value}
			}
		}
		if signature == "" {
			h.Del("Webhook-Id")
			h.Del("Webhook-Timestamp")
		}
		status, header, answer := webhook.Forwarded{Method: "POST", Path: path, Header: h, Body: body}.Serve(context.Background(), d)
		if status < 200 || status > 599 || !json.Valid(answer) || header.Get("Content-Type") == "" {
			t.Fatalf("answered %d %s", status, answer)
		}
		if len(d.through) == 0 || own[body] {
			return
		}
		want := []string{"Bearer " + token, "Basic " + base64.StdEncoding.EncodeToString([]byte(pair)), webhook.SignGitHub(github, []byte(body)).Get("X-Hub-Signature-256"), standard(body).Get("Webhook-Signature")}
		for _, credential := range want {
			if strings.EqualFold(authorization, credential) || strings.EqualFold(hub, credential) || strings.Contains(signature, credential) {
				return
			}
		}
		t.Fatalf("%q on %s got through", body, path)
	})
}
