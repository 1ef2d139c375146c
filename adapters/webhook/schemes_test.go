package webhook_test

import (
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"maps"
	"net/http"
	"strings"
	"testing"
	"time"

	"tairssl/adapters/webhook"
	"tairssl/adapters/webhook/webhooktest"
)

const otherWhsec = "whsec_MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="

// schemes has a fixture for each scheme of programs.
func schemes() map[string]webhooktest.Fixture {
	return map[string]webhooktest.Fixture{
		"standard": {
			New:    func(s webhook.Secrets) webhook.Scheme { return webhook.Standard(webhook.StandardSecrets{Secrets: s}) },
			Secret: whsec, Other: otherWhsec, Body: direct, Timed: true, Covers: true,
			Sign: func(secret string, at time.Time, body string) http.Header {
				return standardAt(secret, "msg_1", at, body)
			},
		},
		"grafana": {
			New: webhook.Grafana, Secret: "s", Other: "new", Body: direct, Timed: true, Covers: true,
			Sign: func(secret string, at time.Time, body string) http.Header {
				return webhook.SignGrafana(secret, at, []byte(body))
			},
		},
		"github": {
			New: webhook.GitHub, Secret: "s", Other: "new", Body: direct, Covers: true,
			Sign: func(secret string, _ time.Time, body string) http.Header {
				return webhook.SignGitHub(secret, []byte(body))
			},
		},
		"bearer": {
			New: webhook.Bearer, Secret: "s", Other: "new", Body: direct,
			Sign: func(secret string, _ time.Time, _ string) http.Header { return bearer(secret) },
		},
		"basic": {
			New:    func(s webhook.Secrets) webhook.Scheme { return webhook.Basic(webhook.BasicSecrets{Secrets: s}) },
			Secret: "user:s", Other: "user:new", Body: direct,
			Sign: func(secret string, _ time.Time, _ string) http.Header { return basic(secret) },
		},
	}
}

// standardAt signs as Standard Webhooks. SignStandard accepts no empty secret, so the
// signature of a sender without a secret is made here.
func standardAt(secret, id string, at time.Time, body string) http.Header {
	if secret == "" {
		seconds := fmt.Sprint(at.Unix())
		sum := webhook.MAC(sha256.New, nil, id, ".", seconds, ".", body)
		return http.Header{"Webhook-Id": {id}, "Webhook-Timestamp": {seconds}, "Webhook-Signature": {"v1," + base64.StdEncoding.EncodeToString(sum)}}
	}
	h, err := webhook.SignStandard(secret, id, at, []byte(body))
	if err != nil {
		panic(err)
	}
	return h
}

func TestEverySchemePassesTheChecks(t *testing.T) { webhooktest.Run(t, schemes()) }

func TestStandardWebhooksAcceptOneFormOfSignature(t *testing.T) {
	f := schemes()["standard"]
	good := f.Signed()
	signature := good.Get("Webhook-Signature")
	bare := strings.TrimPrefix(signature, "v1,")
	for text, want := range map[string]bool{
		signature:                               true,
		"v1,AAAA " + signature:                  true,
		signature + " v1,AAAA":                  true,
		"v2,AAAA  " + signature:                 true,
		"v1a," + bare:                           false,
		"v1" + bare:                             false,
		"V1," + bare:                            false,
		bare:                                    false,
		"v1,":                                   false,
		"v1," + bare[:len(bare)-1]:              false,
		"v1,v1," + bare:                         false,
		strings.Replace(signature, ",", " ", 1): false,
	} {
		if h := with(good, "Webhook-Signature", text); webhooktest.Takes(f.Scheme(), h, f.Body) != want {
			t.Errorf("the signature %q is accepted: %t", text, !want)
		}
	}
	for name, value := range map[string]string{"Webhook-Id": "msg_2", "Webhook-Timestamp": fmt.Sprint(webhooktest.Now.Unix() + 1)} {
		if webhooktest.Takes(f.Scheme(), with(good, name, value), f.Body) {
			t.Errorf("the signature is accepted for another %s, too", name)
		}
	}
}

// The id is part of the signature. Even with a correct signature, an empty or very long
// id is refused.
func TestStandardWebhooksLimitTheLengthOfTheirID(t *testing.T) {
	f := schemes()["standard"]
	for id, want := range map[string]bool{"": false, "m": true, strings.Repeat("m", 4<<10): true, strings.Repeat("m", 4<<10+1): false} {
		if got := webhooktest.Takes(f.Scheme(), standardAt(f.Secret, id, webhooktest.Now, f.Body), f.Body); got != want {
			t.Errorf("an id of %d bytes is accepted: %t", len(id), got)
		}
	}
}

func TestASignatureOfGitHubNeedsItsPrefix(t *testing.T) {
	f := schemes()["github"]
	_, sum, _ := strings.Cut(f.Signed().Get("X-Hub-Signature-256"), "=")
	for text, want := range map[string]bool{
		"sha256=" + sum: true, sum: false, "=" + sum: false, "sha1=" + sum: false, "sha256=": false, "sha256=" + sum + "00": false, "sha256=xx" + sum[2:]: false,
	} {
		if webhooktest.Takes(f.Scheme(), http.Header{"X-Hub-Signature-256": {text}}, f.Body) != want {
			t.Errorf("the signature %q is accepted: %t", text, !want)
		}
	}
}

func TestAMessageOfGrafanaHasExactlyOneTime(t *testing.T) {
	f := schemes()["grafana"]
	good := f.Signed()
	other := good.Clone()
	other["X-Grafana-Alerting-Signature-Timestamp"] = other["X-Grafana-Alerting-Timestamp"]
	delete(other, "X-Grafana-Alerting-Timestamp")
	if !webhooktest.Takes(f.Scheme(), other, f.Body) {
		t.Error("a message with the other name of the time is refused")
	}
	maps.Copy(other, good)
	if webhooktest.Takes(f.Scheme(), other, f.Body) {
		t.Error("a message with two times is accepted, although only one is signed")
	}
	sum := fmt.Sprintf("%x", webhook.MAC(sha256.New, []byte(f.Secret), f.Body))
	if webhooktest.Takes(f.Scheme(), http.Header{"X-Grafana-Alerting-Signature": {sum}}, f.Body) {
		t.Error("a signature without a time is accepted")
	}
}

func TestCredentialsMustMatchExactly(t *testing.T) {
	encode := func(pair string) string { return base64.StdEncoding.EncodeToString([]byte(pair)) }
	for name, values := range map[string]map[string]bool{
		"bearer": {"Bearer s": true, "bearer s": true, "Bearer S": false, "Bearer": false, "Bearer ": false, "Bearers": false, "Basic s": false, "s": false, "Bearer s ": false, "Bearer  s": false},
		"basic":  {"Basic " + encode("user:s"): true, "basic " + encode("user:s"): true, "Basic user:s": false, "Basic " + encode("user:t"): false, "Basic " + encode("s"): false, "Bearer " + encode("user:s"): false},
	} {
		f := schemes()[name]
		for value, want := range values {
			if got := webhooktest.Takes(f.Scheme(), http.Header{"Authorization": {value}}, f.Body); got != want {
				t.Errorf("the scheme %s accepts %q: %t", name, value, got)
			}
		}
	}
}

// The vendors publish these examples.
func TestSignaturesAreThoseOfTheVendorsExamples(t *testing.T) {
	at := time.Unix(1614265330, 0)
	h, err := webhook.SignStandard(whsec, "msg_p5jXN8AQM9LWM0D4loKWxJek", at, []byte(`{"test": 2432232314}`))
	if got := h.Get("Webhook-Signature"); err != nil || got != "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=" {
		t.Errorf("the signature of Standard Webhooks is %s, %v", got, err)
	}
	if got := webhook.SignGitHub(github, []byte("Hello, World!")).Get("X-Hub-Signature-256"); got != "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17" {
		t.Errorf("the signature of GitHub is %s", got)
	}
}
