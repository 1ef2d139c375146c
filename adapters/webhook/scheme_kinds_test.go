package webhook

import (
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"
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
	scheme Scheme
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
		"standard": {Standard(StandardSecrets{Secrets{"whsec_" + kindsKey}}), func(at time.Time, body string) http.Header {
			return standardHeader(at, "msg_1", body)
		}, kindsBody, true, true},
		"slack": {Slack(Secrets{"s"}), func(at time.Time, body string) http.Header { return SignSlack("s", at, []byte(body)) }, kindsBody, true, true},
		"feishu": {Feishu(FeishuOptions{Keys: Secrets{"s"}, Token: kindsToken}), func(at time.Time, body string) http.Header {
			return SignFeishu("s", "abc", at, []byte(body))
		}, event, true, true},
		"grafana":  {Grafana(Secrets{"s"}), func(at time.Time, body string) http.Header { return SignGrafana("s", at, []byte(body)) }, kindsBody, true, true},
		"dingtalk": {DingTalk(Secrets{"s"}), func(at time.Time, _ string) http.Header { return SignDingTalk("s", at) }, kindsBody, true, false},
		"github":   {GitHub(Secrets{"s"}), func(_ time.Time, body string) http.Header { return SignGitHub("s", []byte(body)) }, kindsBody, false, true},
		"teams": {Teams(TeamsSecrets{Secrets{kindsKey}}), func(_ time.Time, body string) http.Header {
			h, err := SignTeams(kindsKey, []byte(body))
			if err != nil {
				panic(err)
			}
			return h
		}, kindsBody, false, true},
		"mattermost": {Mattermost(Secrets{"s"}), fixed(SignMattermost("s")), "text=help", false, false},
		"bearer":     {Bearer(Secrets{"s"}), fixed(http.Header{"Authorization": {"Bearer s"}}), kindsBody, false, false},
		"basic": {Basic(BasicSecrets{Secrets{"user:s"}}), fixed(http.Header{
			"Authorization": {"Basic " + base64.StdEncoding.EncodeToString([]byte("user:s"))},
		}), kindsBody, false, false},
	}
}

func standardHeader(at time.Time, id, body string) http.Header {
	h, err := SignStandard("whsec_"+kindsKey, id, at, []byte(body))
	if err != nil {
		panic(err)
	}
	return h
}

func (s Scheme) takes(h http.Header, body string) bool {
	return s.verify(Message{h, []byte(body), kindsNow}) == nil
}

func TestSchemesTakeWhatTheirSecretSigned(t *testing.T) {
	for name, s := range samples() {
		if !s.scheme.takes(s.sign(kindsNow, s.body), s.body) {
			t.Errorf("%s refuses its own message", name)
		}
		if other := strings.Replace(s.body, "U", "u", 1) + " "; s.scheme.takes(s.sign(kindsNow, s.body), other) == s.covers {
			t.Errorf("%s, another body: it has to be refused: %v", name, s.covers)
		}
		for header := range s.sign(kindsNow, s.body) {
			for what, values := range map[string][]string{"no": nil, "an empty": {""}, "a doubled": {"x", "x"}} {
				h := s.sign(kindsNow, s.body)
				if h[header] = values; s.scheme.takes(h, s.body) {
					t.Errorf("%s takes a message with %s %s", name, what, header)
				}
			}
			h := s.sign(kindsNow, s.body)
			if h[header] = append(h[header], h[header]...); s.scheme.takes(h, s.body) {
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
			-Window - time.Second: false, -Window: true, 0: true, Window: true, Window + time.Second: false,
			-100 * 365 * 24 * time.Hour: false,
		} {
			h := s.sign(kindsNow.Add(off), s.body)
			if got := s.scheme.takes(h, s.body); got != (want || !s.timed) {
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
	if ding.scheme.takes(ding.sign(kindsNow.Add(-Window-time.Millisecond), ""), "") {
		t.Error("dingtalk takes a time that is a millisecond too old")
	}
}

// An empty or a very long header could be signed as well as any other.
func TestSchemesBoundTheirHeaders(t *testing.T) {
	standard, feishu := samples()["standard"], samples()["feishu"]
	for id, want := range map[string]bool{"": false, "m": true, strings.Repeat("m", 4<<10): true, strings.Repeat("m", 4<<10+1): false} {
		if got := standard.scheme.takes(standardHeader(kindsNow, id, kindsBody), kindsBody); got != want {
			t.Errorf("standard takes an id of %d bytes: %v", len(id), got)
		}
		if got := feishu.scheme.takes(SignFeishu("s", id, kindsNow, []byte(feishu.body)), feishu.body); got != want {
			t.Errorf("feishu takes a nonce of %d bytes: %v", len(id), got)
		}
	}
}

// Without a secret nothing is authentic, whatever signs it.
func TestSchemesWithoutASecretTakeNothing(t *testing.T) {
	for _, secrets := range []Secrets{nil, {""}} {
		body := []byte(kindsBody)
		token, _ := SignTeams("", body)
		for name, m := range map[string]struct {
			scheme Scheme
			header http.Header
		}{
			"standard":   {Standard(StandardSecrets{secrets}), http.Header{standardID: {"1"}, standardTime: {fmt.Sprint(kindsNow.Unix())}, standardSignature: {"v1," + base64.StdEncoding.EncodeToString(mac(sha256.New, nil, "1.", fmt.Sprint(kindsNow.Unix()), ".", kindsBody))}}},
			"slack":      {Slack(secrets), SignSlack("", kindsNow, body)},
			"feishu":     {Feishu(FeishuOptions{Keys: secrets}), SignFeishu("", "abc", kindsNow, body)},
			"grafana":    {Grafana(secrets), SignGrafana("", kindsNow, body)},
			"dingtalk":   {DingTalk(secrets), SignDingTalk("", kindsNow)},
			"github":     {GitHub(secrets), SignGitHub("", body)},
			"teams":      {Teams(TeamsSecrets{secrets}), token},
			"mattermost": {Mattermost(secrets), http.Header{}},
			"bearer":     {Bearer(secrets), http.Header{"Authorization": {"Bearer "}}},
			"basic":      {Basic(BasicSecrets{secrets}), http.Header{"Authorization": {"Basic "}}},
		} {
			if m.scheme.takes(m.header, kindsBody) {
				t.Errorf("%s with the secrets %q takes a message signed by nothing", name, []string(secrets))
			}
		}
	}
}

// While one secret takes the other's place, both hold, wherever each stands.
func TestSchemesTakeEachOfTheirSecrets(t *testing.T) {
	for _, secrets := range []Secrets{{"s", "new"}, {"new", "s"}} {
		for name, scheme := range map[string]Scheme{
			"slack": Slack(secrets), "grafana": Grafana(secrets), "dingtalk": DingTalk(secrets), "github": GitHub(secrets),
			"mattermost": Mattermost(secrets), "bearer": Bearer(secrets), "feishu": Feishu(FeishuOptions{Keys: secrets, Token: kindsToken}),
		} {
			if s := samples()[name]; !scheme.takes(s.sign(kindsNow, s.body), s.body) {
				t.Errorf("%s with the secrets %q refuses what the older one signed", name, []string(secrets))
			}
		}
	}
}
