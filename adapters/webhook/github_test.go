package webhook_test

import (
	"net/http"
	"net/url"
	"testing"

	"tairssl/adapters/webhook"
)

func TestPingsAndFormsOfGitHubAreAccepted(t *testing.T) {
	form := url.Values{"payload": {direct}}.Encode()
	const formMedia = "application/x-www-form-urlencoded"
	signed := func(body, media, event string) http.Header {
		h := with(webhook.SignGitHub(github, []byte(body)), "Content-Type", media)
		if event != "" {
			h["X-Github-Event"] = []string{event}
		}
		return h
	}
	ping := `{"zen":"Keep it logically awesome.","hook_id":1}`
	for name, test := range map[string]struct {
		knock
		code, through int
	}{
		"a ping":                              {knock{path: "/ssl", body: ping, header: signed(ping, "application/json", "ping")}, 200, 0},
		"a ping as a form":                    {knock{path: "/ssl", body: form, header: signed(form, formMedia, "ping")}, 200, 0},
		"a form":                              {knock{path: "/ssl", body: form, header: signed(form, formMedia, "push")}, 202, 1},
		"JSON":                                {knock{path: "/ssl", body: direct, header: signed(direct, "application/json", "")}, 202, 1},
		"another form":                        {knock{path: "/ssl", body: "a=b", header: signed("a=b", formMedia, "")}, 415, 0},
		"a doubled field":                     {knock{path: "/ssl", body: form + "&" + form, header: signed(form+"&"+form, formMedia, "")}, 415, 0},
		"an unsigned ping":                    {knock{path: "/ssl", body: ping, header: http.Header{"X-Github-Event": {"ping"}}}, 401, 0},
		"a form, signed as Standard Webhooks": {knock{path: "/ssl", body: form, header: with(standard(form), "Content-Type", formMedia)}, 415, 0},
		"a ping, signed as Standard Webhooks": {knock{path: "/ssl", body: direct, header: with(standard(direct), "X-Github-Event", "ping")}, 202, 1},
	} {
		d := newDoor()
		if w := d.knock(test.knock); w.Code != test.code || len(d.through) != test.through {
			t.Errorf("%s is answered %d %s, and %d requests got through; want %d and %d", name, w.Code, w.Body, len(d.through), test.code, test.through)
		}
	}
}
