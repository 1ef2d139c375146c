package webhook_test

import (
	"bytes"
	"context"
	"encoding/base64"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"strings"
	"time"

	"tairssl/adapters/event"
	"tairssl/adapters/webhook"
	"tairssl/handler"
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

// door is a handler that records the requests which get through to the core.
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

// answer records a valid request. The core answers the other requests.
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

// with copies headers and replaces one of them. Without a value, it removes the header.
func with(h http.Header, name string, values ...string) http.Header {
	h = h.Clone()
	h[name] = values
	if len(values) == 0 {
		delete(h, name)
	}
	return h
}
