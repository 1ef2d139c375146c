package webhook_test

import (
	"net/http"
	"strings"
	"testing"

	"tairssl/adapters/webhook"
	"tairssl/handler"
)

// Some monitors can only send a static token. On /ssl, it allows an Update that is due.
func TestAStaticTokenAllowsOnlyADueUpdate(t *testing.T) {
	for name, h := range map[string]http.Header{"bearer": bearer(token), "basic": basic(pair)} {
		d := newDoor()
		if w := d.knock(knock{path: "/ssl", body: direct, header: h}); w.Code != 202 || len(d.through) != 1 || d.through[0].Requests[0].Trust != handler.Weak || !d.through[0].Requests[0].Unattended() {
			t.Errorf("an Update with the scheme %s is answered %d %s, want 202", name, w.Code, w.Body)
		}
		d = newDoor()
		for _, body := range []string{
			disable, strings.Replace(disable, "Disable", "Enable", 1), "[" + disable + "]", `{"Sweep":{}}`,
			`{"InstanceId":"` + id + `","SSLEnabled":"Update","Force":true,"SSLExpiredTime":"2026-12-01T00:00:00Z"}`,
		} {
			if w := d.knock(knock{path: "/ssl", body: body, header: h}); w.Code != http.StatusForbidden || len(d.through) > 0 || !strings.Contains(w.Body.String(), "Standard Webhooks") {
				t.Errorf("%s with the scheme %s is answered %d %s, want 403", body, name, w.Code, w.Body)
			}
		}
	}
	for name, h := range map[string]http.Header{"a wrong token": bearer("x"), "a wrong password": basic("alertmanager:x"), "nothing": {}, "two schemes": with(standard(direct), "Authorization", "Bearer "+token)} {
		d := newDoor()
		if w := d.knock(knock{path: "/ssl", body: direct, header: h}); w.Code != http.StatusUnauthorized || len(d.through) > 0 {
			t.Errorf("%s is answered %d, want 401", name, w.Code)
		}
	}
}

func TestAWeakSchemeCannotDisable(t *testing.T) {
	inEvent := `{"specversion":"1.0","id":"1","source":"x","type":"x","data":` + disable + `}`
	for name, k := range map[string]knock{
		"github":  {path: "/ssl", body: disable, header: webhook.SignGitHub(github, []byte(disable))},
		"bearer":  {path: "/cloudevents", body: inEvent, header: with(bearer(token), "Content-Type", "application/cloudevents+json")},
		"a batch": {path: "/ssl", body: "[" + disable + "]", header: webhook.SignGitHub(github, []byte("["+disable+"]"))},
	} {
		d := newDoor()
		if w := d.knock(k); w.Code != http.StatusForbidden || len(d.through) > 0 {
			t.Errorf("Disable, sent as %s, is answered %d %s, want 403", name, w.Code, w.Body)
		}
	}
	d := newDoor()
	if w := d.knock(knock{path: "/ssl", body: disable, header: standard(disable)}); w.Code != http.StatusAccepted || d.through[0].Requests[0].Trust == handler.Weak {
		t.Errorf("Disable, signed as Standard Webhooks, is answered %d %s, want 202", w.Code, w.Body)
	}
}

// No signature covers the attributes in headers. So a message in binary mode is weak with
// every scheme.
func TestBinaryCloudEventsAreWeak(t *testing.T) {
	d := newDoor()
	h := standard(disable)
	for name, value := range map[string]string{"Ce-Specversion": "1.0", "Ce-Id": "1", "Ce-Source": "x", "Ce-Type": "x"} {
		h[name] = []string{value}
	}
	if w := d.knock(knock{path: "/cloudevents", body: disable, header: h}); w.Code != http.StatusForbidden || len(d.through) > 0 {
		t.Errorf("Disable in binary mode is answered %d %s, want 403", w.Code, w.Body)
	}
}
