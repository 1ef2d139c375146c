package chatops_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"

	"tairssl/adapters/chatops"
	"tairssl/handler"
	"tairssl/handler/handlertest"
)

func TestNobodyElseCanMakeHandedWork(t *testing.T) {
	d := newDesk(newCloud(id))
	code := d.plan(t)
	for range 2 {
		d.say(t.Context(), annaInSlack, "confirm "+code)
		d.advance(time.Second)
		code = d.plan(t) // the code of the next plan
	}
	payload := string(d.handed[0])
	if payload == string(d.handed[1]) {
		t.Error("two payloads are sealed with the same nonce")
	}
	for _, secret := range []string{"hooks.slack.com", "confirm", "User", id} {
		if strings.Contains(payload, secret) {
			t.Errorf("the payload shows %s: %s", secret, payload)
		}
	}
	plain, _ := json.Marshal(annaInSlack)
	forged := map[string]string{
		"nothing": "", "no JSON": "x", "an array": "[" + payload + "]", "JSON text": fmt.Sprintf("%q", payload), "null": `{"Handed":null}`, "empty": `{"Handed":""}`,
		"a number": `{"Handed":7}`, "not sealed": fmt.Sprintf(`{"Handed":%q}`, plain), "cut": payload[:len(payload)-6] + `"}`, "short": `{"Handed":"AAAA"}`,
		"another name": strings.Replace(payload, "Handed", "handed", 1), "something beside it": strings.Replace(payload, "{", `{"SSLEnabled":"Update",`, 1),
		"another behind it": strings.TrimSuffix(payload, "}") + `,"Handed":"AAAA"}`, "in another alphabet": strings.Replace(payload, `":"`, `":"+`, 1),
	}
	for name, f := range forged {
		mustNotOpen(t, name, d.Bot, f)
	}
	mustNotOpen(t, "by another key", newDesk(newCloud(id), func(o *chatops.Options) { o.Key = []byte("another key of confirmation codes") }).Bot, payload)
	mustNotOpen(t, "without a key", newDesk(newCloud(id), func(o *chatops.Options) { o.Key = nil }).Bot, payload)
	start := strings.Index(payload, `":"`) + 3
	handlertest.Check(t, func(rt *rapid.T) {
		altered := []byte(payload)
		at := rapid.IntRange(start, len(altered)-3).Draw(rt, "at")
		altered[at] = rapid.SampledFrom([]byte("abcXYZ019-_")).Draw(rt, "byte")
		if string(altered) != payload {
			mustNotOpen(t, "altered", d.Bot, string(altered))
		}
	})
}

func mustNotOpen(t *testing.T, name string, b *chatops.Bot, payload string) {
	t.Helper()
	m, err := b.Open([]byte(payload))
	if !errors.Is(err, handler.Unauthorized) || m != (chatops.Message{}) || handler.AsError(err).Retryable {
		t.Errorf("handed work that is %s opens as %v, %v", name, m, err)
	}
}

func TestAnAddressIsNeverPrinted(t *testing.T) {
	var log bytes.Buffer
	slog.New(slog.NewJSONHandler(&log, nil)).Info("x", "address", annaInSlack.Reply)
	fmt.Fprintf(&log, "%v %+v %#v %s %q", annaInSlack, annaInSlack, annaInSlack, annaInSlack.Reply, annaInSlack.Reply)
	if strings.Contains(log.String(), "secret") || strings.Contains(log.String(), "hooks") {
		t.Errorf("the address is printed in %s", log.String())
	}
}
