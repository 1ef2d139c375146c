package chatops

import (
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"tairssl/adapters/webhook"
)

// The schemes are asked here without any route, so that each reason to refuse a
// message stands alone: but for it the message would be authentic.

const (
	kindsBody  = `{"InstanceId":"r-bp1zxszhcgatnx01","SSLEnabled":"Update"}`
	kindsKey   = "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="
	kindsToken = "verification-token"
)

var kindsNow = time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)

// sample is a scheme and how its sender signs a body at a time.
type sample struct {
	scheme webhook.Scheme
	sign   func(at time.Time, body string) http.Header
	body   string
	timed  bool // the time is signed
	covers bool // the body is signed
}

func samples() map[string]sample {
	event := fmt.Sprintf(`{"header":{"event_type":"im.message.receive_v1","token":%q}}`, kindsToken)
	fixed := func(h http.Header) func(time.Time, string) http.Header {
		return func(time.Time, string) http.Header { return h.Clone() }
	}
	return map[string]sample{
		"standard": {webhook.Standard(webhook.StandardSecrets{Secrets: webhook.Secrets{"whsec_" + kindsKey}}), func(at time.Time, body string) http.Header {
			return standardHeader(at, "msg_1", body)
		}, kindsBody, true, true},
		"slack": {slackScheme(webhook.Secrets{"s"}), func(at time.Time, body string) http.Header { return SignSlack("s", at, []byte(body)) }, kindsBody, true, true},
		"feishu": {feishuScheme(FeishuSettings{FeishuEncryptKeys: webhook.Secrets{"s"}, FeishuVerificationToken: kindsToken}), func(at time.Time, body string) http.Header {
			return SignFeishu("s", "abc", at, []byte(body))
		}, event, true, true},
		"grafana":  {webhook.Grafana(webhook.Secrets{"s"}), func(at time.Time, body string) http.Header { return webhook.SignGrafana("s", at, []byte(body)) }, kindsBody, true, true},
		"dingtalk": {dingTalkScheme(webhook.Secrets{"s"}), func(at time.Time, _ string) http.Header { return SignDingTalk("s", at) }, kindsBody, true, false},
		"github":   {webhook.GitHub(webhook.Secrets{"s"}), func(_ time.Time, body string) http.Header { return webhook.SignGitHub("s", []byte(body)) }, kindsBody, false, true},
		"teams": {teamsScheme(TeamsSecrets{webhook.Secrets{kindsKey}}), func(_ time.Time, body string) http.Header {
			h, err := SignTeams(kindsKey, []byte(body))
			if err != nil {
				panic(err)
			}
			return h
		}, kindsBody, false, true},
		"mattermost": {mattermostScheme(webhook.Secrets{"s"}), fixed(SignMattermost("s")), "text=help", false, false},
		"bearer":     {webhook.Bearer(webhook.Secrets{"s"}), fixed(http.Header{"Authorization": {"Bearer s"}}), kindsBody, false, false},
		"basic": {webhook.Basic(webhook.BasicSecrets{Secrets: webhook.Secrets{"user:s"}}), fixed(http.Header{
			"Authorization": {"Basic " + base64.StdEncoding.EncodeToString([]byte("user:s"))},
		}), kindsBody, false, false},
	}
}

func standardHeader(at time.Time, id, body string) http.Header {
	h, err := webhook.SignStandard("whsec_"+kindsKey, id, at, []byte(body))
	if err != nil {
		panic(err)
	}
	return h
}

func takes(s webhook.Scheme, h http.Header, body string) bool {
	return s.Verify(webhook.Message{Header: h, Body: []byte(body), Now: kindsNow}) == nil
}

func TestSchemesTakeWhatTheirSecretSigned(t *testing.T) {
	for name, s := range samples() {
		if !takes(s.scheme, s.sign(kindsNow, s.body), s.body) {
			t.Errorf("%s refuses its own message", name)
		}
		if other := strings.Replace(s.body, "U", "u", 1) + " "; takes(s.scheme, s.sign(kindsNow, s.body), other) == s.covers {
			t.Errorf("%s, another body: it has to be refused: %v", name, s.covers)
		}
		for header := range s.sign(kindsNow, s.body) {
			for what, values := range map[string][]string{"no": nil, "an empty": {""}, "a doubled": {"x", "x"}} {
				h := s.sign(kindsNow, s.body)
				if h[header] = values; takes(s.scheme, h, s.body) {
					t.Errorf("%s takes a message with %s %s", name, what, header)
				}
			}
			h := s.sign(kindsNow, s.body)
			if h[header] = append(h[header], h[header]...); takes(s.scheme, h, s.body) {
				t.Errorf("%s takes a message that says %s twice", name, header)
			}
		}
	}
}

// A message holds for five minutes after its time and, where the sender's clock is
// ahead, before it.
func TestSchemesTakeATimeForFiveMinutes(t *testing.T) {
	timed := 0
	for name, s := range samples() {
		for off, want := range map[time.Duration]bool{
			-webhook.Window - time.Second: false, -webhook.Window: true, 0: true, webhook.Window: true, webhook.Window + time.Second: false,
			-100 * 365 * 24 * time.Hour: false,
		} {
			h := s.sign(kindsNow.Add(off), s.body)
			if got := takes(s.scheme, h, s.body); got != (want || !s.timed) {
				t.Errorf("%s, a time that is %s off: taken %v", name, off, got)
			}
		}
		if s.timed {
			timed++
		}
	}
	if timed != 5 {
		t.Errorf("%d schemes with a time were tried, want 5", timed)
	}
	// DingTalk counts in milliseconds: one more than five minutes is too old.
	ding := samples()["dingtalk"]
	if takes(ding.scheme, ding.sign(kindsNow.Add(-webhook.Window-time.Millisecond), ""), "") {
		t.Error("dingtalk takes a time that is a millisecond too old")
	}
}

// An empty or a very long header could be signed as well as any other.
func TestSchemesBoundTheirHeaders(t *testing.T) {
	standard, feishu := samples()["standard"], samples()["feishu"]
	for id, want := range map[string]bool{"": false, "m": true, strings.Repeat("m", 4<<10): true, strings.Repeat("m", 4<<10+1): false} {
		if got := takes(standard.scheme, standardHeader(kindsNow, id, kindsBody), kindsBody); got != want {
			t.Errorf("standard takes an id of %d bytes: %v", len(id), got)
		}
		if got := takes(feishu.scheme, SignFeishu("s", id, kindsNow, []byte(feishu.body)), feishu.body); got != want {
			t.Errorf("feishu takes a nonce of %d bytes: %v", len(id), got)
		}
	}
}

// Without a secret nothing is authentic, whatever signs it.
func TestSchemesWithoutASecretTakeNothing(t *testing.T) {
	for _, secrets := range []webhook.Secrets{nil, {""}} {
		body := []byte(kindsBody)
		token, _ := SignTeams("", body)
		for name, m := range map[string]struct {
			scheme webhook.Scheme
			header http.Header
		}{
			"standard":   {webhook.Standard(webhook.StandardSecrets{Secrets: secrets}), http.Header{"Webhook-Id": {"1"}, "Webhook-Timestamp": {fmt.Sprint(kindsNow.Unix())}, "Webhook-Signature": {"v1," + base64.StdEncoding.EncodeToString(webhook.MAC(sha256.New, nil, "1.", fmt.Sprint(kindsNow.Unix()), ".", kindsBody))}}},
			"slack":      {slackScheme(secrets), SignSlack("", kindsNow, body)},
			"feishu":     {feishuScheme(FeishuSettings{FeishuEncryptKeys: secrets}), SignFeishu("", "abc", kindsNow, body)},
			"grafana":    {webhook.Grafana(secrets), webhook.SignGrafana("", kindsNow, body)},
			"dingtalk":   {dingTalkScheme(secrets), SignDingTalk("", kindsNow)},
			"github":     {webhook.GitHub(secrets), webhook.SignGitHub("", body)},
			"teams":      {teamsScheme(TeamsSecrets{secrets}), token},
			"mattermost": {mattermostScheme(secrets), http.Header{}},
			"bearer":     {webhook.Bearer(secrets), http.Header{"Authorization": {"Bearer "}}},
			"basic":      {webhook.Basic(webhook.BasicSecrets{Secrets: secrets}), http.Header{"Authorization": {"Basic "}}},
		} {
			if takes(m.scheme, m.header, kindsBody) {
				t.Errorf("%s with the secrets %q takes a message signed by nothing", name, []string(secrets))
			}
		}
	}
}

// While one secret takes the other's place, both hold, wherever each stands.
func TestSchemesTakeEachOfTheirSecrets(t *testing.T) {
	for _, secrets := range []webhook.Secrets{{"s", "new"}, {"new", "s"}} {
		for name, scheme := range map[string]webhook.Scheme{
			"slack": slackScheme(secrets), "grafana": webhook.Grafana(secrets), "dingtalk": dingTalkScheme(secrets), "github": webhook.GitHub(secrets),
			"mattermost": mattermostScheme(secrets), "bearer": webhook.Bearer(secrets), "feishu": feishuScheme(FeishuSettings{FeishuEncryptKeys: secrets, FeishuVerificationToken: kindsToken}),
		} {
			if s := samples()[name]; !takes(scheme, s.sign(kindsNow, s.body), s.body) {
				t.Errorf("%s with the secrets %q refuses what the older one signed", name, []string(secrets))
			}
		}
	}
}
