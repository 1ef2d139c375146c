package webhook_test

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"strings"
	"testing"
	"time"

	"tairssl/adapters/webhook"
	"tairssl/adapters/webhook/webhooktest"
)

// authentic has one message for each scheme and route. All of them must be accepted.
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

func TestAuthenticMessagesAreAccepted(t *testing.T) {
	for name, k := range authentic() {
		d := newDoor()
		if w := d.knock(k); w.Code/100 != 2 || len(d.through) != 1 {
			t.Errorf("%s is answered %d %s, and %d requests got through, want 1", name, w.Code, w.Body, len(d.through))
		}
	}
}

// forgeries makes messages that must be refused from an authentic message.
func forgeries(k knock) map[string]knock {
	all := map[string]knock{}
	for name, f := range webhooktest.Forgeries(k.header, k.body) {
		c := k
		c.header, c.body = f.Header, f.Body
		all[name] = c
	}
	change := func(name string, f func(*knock)) {
		c := k
		c.header = k.header.Clone()
		f(&c)
		all[name] = c
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
				t.Errorf("%s: the forgery %s is answered %d %s, want 401", scheme, name, w.Code, w.Body)
			}
			if body == "" {
				body = w.Body.String()
			}
			if w.Body.String() != body {
				t.Errorf("%s: the forgery %s has another answer than the first one: %s", scheme, name, w.Body)
			}
			if !strings.Contains(d.log.String(), `"denied"`) {
				t.Errorf("%s: the forgery %s has no reason in the log", scheme, name)
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

// A request on any route gets through only if its sender has a secret.
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
			t.Fatalf("the answer is %d %s, want a status from 200 to 599 and JSON", status, answer)
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
		t.Fatalf("%q on %s got through without a secret", body, path)
	})
}
