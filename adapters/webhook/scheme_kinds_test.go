package webhook

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"maps"
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

func TestSchemeOfStandardWebhooks(t *testing.T) {
	scheme := samples()["standard"].scheme
	good := standardHeader(kindsNow, "msg_1", kindsBody)
	signature := good.Get(standardSignature)
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
		h := good.Clone()
		if h.Set(standardSignature, text); scheme.takes(h, kindsBody) != want {
			t.Errorf("the signature %q is taken: %v", text, !want)
		}
	}
	for name, value := range map[string]string{standardID: "msg_2", standardTime: fmt.Sprint(kindsNow.Unix() + 1)} {
		h := good.Clone()
		if h.Set(name, value); scheme.takes(h, kindsBody) {
			t.Errorf("the signature holds for another %s as well", name)
		}
	}
	for _, h := range []string{standardID, standardTime, standardSignature} {
		if !scheme.presented(http.Header{h: {"x"}}) {
			t.Errorf("a message with nothing but %s is not told as one of the scheme", h)
		}
	}
}

func TestSchemesNeedThePrefixOfTheirSignature(t *testing.T) {
	for header, scheme := range map[string]string{githubSignature: "github", slackSignature: "slack"} {
		s := samples()[scheme]
		good := s.sign(kindsNow, s.body)
		name, sum, _ := strings.Cut(good.Get(header), "=")
		for text, want := range map[string]bool{
			name + "=" + sum: true, sum: false, "=" + sum: false, "sha1=" + sum: false, name + "=": false, name + "=" + sum + "00": false, name + "=xx" + sum[2:]: false,
		} {
			h := good.Clone()
			if h.Set(header, text); s.scheme.takes(h, s.body) != want {
				t.Errorf("%s takes %q: %v", scheme, text, !want)
			}
		}
	}
}

func TestSchemeOfGrafanaTakesOneTime(t *testing.T) {
	s := samples()["grafana"]
	good := s.sign(kindsNow, s.body)
	other := good.Clone()
	other[grafanaTimes[1]] = other[grafanaTimes[0]]
	delete(other, grafanaTimes[0])
	if !s.scheme.takes(other, s.body) {
		t.Error("the other name of the time is refused")
	}
	maps.Copy(other, good)
	if s.scheme.takes(other, s.body) {
		t.Error("two times are taken, of which only one is signed")
	}
	untimed := http.Header{grafanaSignature: {grafanaSign("s", "", []byte(s.body))}}
	if s.scheme.takes(untimed, s.body) {
		t.Error("a signature without a time is taken")
	}
}

func TestSchemeOfFeishuWantsItsToken(t *testing.T) {
	const challenge = `{"type":"url_verification","challenge":"x","token":%q}`
	with := func(token string) Scheme { return Feishu(FeishuOptions{Keys: Secrets{"s"}, Token: token}) }
	for name, test := range map[string]struct {
		token, body string
		unsigned    bool
		want        bool
	}{
		"an unsigned challenge":                     {kindsToken, fmt.Sprintf(challenge, kindsToken), true, true},
		"an unsigned challenge, sealed":             {kindsToken, larkSealed(fmt.Sprintf(challenge, kindsToken)), true, true},
		"an unsigned challenge, another token":      {kindsToken, fmt.Sprintf(challenge, "other"), true, false},
		"an unsigned challenge, no token":           {kindsToken, fmt.Sprintf(challenge, ""), true, false},
		"an unsigned challenge, none is configured": {"", fmt.Sprintf(challenge, ""), true, false},
		"an unsigned event":                         {kindsToken, fmt.Sprintf(`{"header":{"token":%q}}`, kindsToken), true, false},
		"an unsigned event that says challenge":     {kindsToken, fmt.Sprintf(`{"type":"","token":%q}`, kindsToken), true, false},
		"an event":                                  {kindsToken, fmt.Sprintf(`{"header":{"token":%q}}`, kindsToken), false, true},
		"an event, sealed":                          {kindsToken, larkSealed(fmt.Sprintf(`{"header":{"token":%q}}`, kindsToken)), false, true},
		"an event of the old form":                  {kindsToken, fmt.Sprintf(`{"token":%q}`, kindsToken), false, true},
		"an event, another token":                   {kindsToken, `{"header":{"token":"other"}}`, false, false},
		"an event, another token, sealed":           {kindsToken, larkSealed(`{"header":{"token":"other"}}`), false, false},
		"an event, the other place's token":         {kindsToken, fmt.Sprintf(`{"token":%q,"header":{"token":"other"}}`, kindsToken), false, false},
		"an event, no token":                        {kindsToken, `{}`, false, false},
		"an event, none is configured":              {"", `{"header":{"token":"other"}}`, false, true},
		"a signed challenge, another token":         {kindsToken, fmt.Sprintf(challenge, "other"), false, false},
		"no JSON":                                   {"", `x`, false, false},
		"sealed for somebody else":                  {"", `{"encrypt":"P37w+VZImNgPEO1RBhJ6RtKl7n6zymIbEG1pReEzghk="}`, false, false},
	} {
		var h http.Header
		if !test.unsigned {
			h = SignFeishu("s", "abc", kindsNow, []byte(test.body))
		}
		if got := with(test.token).takes(h, test.body); got != test.want {
			t.Errorf("%s is taken: %v", name, got)
		}
	}
}

// larkSealed encrypts as Feishu does.
func larkSealed(plain string) string {
	n := aes.BlockSize - len(plain)%aes.BlockSize
	return larkSealedRaw(append([]byte(plain), bytes.Repeat([]byte{byte(n)}, n)...))
}

func larkSealedRaw(padded []byte) string {
	key := sha256.Sum256([]byte("s"))
	block, err := aes.NewCipher(key[:])
	if err != nil {
		panic(err)
	}
	out := make([]byte, aes.BlockSize+len(padded))
	cipher.NewCBCEncrypter(block, out[:aes.BlockSize]).CryptBlocks(out[aes.BlockSize:], padded)
	return fmt.Sprintf(`{"encrypt":%q}`, base64.StdEncoding.EncodeToString(out))
}

func TestSchemeOfFeishuWantsItsPadding(t *testing.T) {
	scheme := Feishu(FeishuOptions{Keys: Secrets{"s"}})
	for name, test := range map[string]struct {
		plain string
		want  bool
	}{
		"one byte":                     {`{"type":"abcd"}` + "\x01", true},
		"a whole block":                {`{"type":"abcde"}` + strings.Repeat("\x10", 16), true},
		"none":                         {`{"type":"abcde"}`, false},
		"of nothing":                   {`{"type":"abcd"}` + "\x00", false},
		"more than a block":            {`{"type":"abcde"}` + strings.Repeat("\x11", 16), false},
		"whose bytes are not the same": {`{"type":"ab"}` + "\x01\x02\x03", false},
	} {
		body := larkSealedRaw([]byte(test.plain))
		if got := scheme.takes(SignFeishu("s", "abc", kindsNow, []byte(body)), body); got != test.want {
			t.Errorf("a body with a padding, %s, is taken: %v", name, got)
		}
	}
	for name, text := range map[string]string{
		"no base64": "%", "no IV and block": base64.StdEncoding.EncodeToString(make([]byte, aes.BlockSize)), "half a block": base64.StdEncoding.EncodeToString(make([]byte, 40)),
	} {
		body := fmt.Sprintf(`{"encrypt":%q}`, text)
		if scheme.takes(SignFeishu("s", "abc", kindsNow, []byte(body)), body) {
			t.Errorf("a sealed body that is %s is taken", name)
		}
	}
}

func TestSchemesOfCredentials(t *testing.T) {
	encode := func(pair string) string { return base64.StdEncoding.EncodeToString([]byte(pair)) }
	for scheme, values := range map[string]map[string]bool{
		"bearer": {"Bearer s": true, "bearer s": true, "Bearer S": false, "Bearer": false, "Bearer ": false, "Bearers": false, "Basic s": false, "s": false, "Bearer s ": false, "Bearer  s": false},
		"basic":  {"Basic " + encode("user:s"): true, "basic " + encode("user:s"): true, "Basic user:s": false, "Basic " + encode("user:t"): false, "Basic " + encode("s"): false, "Bearer " + encode("user:s"): false},
		"teams":  {"HMAC": false, "HMAC ": false, "Bearer x": false},
	} {
		s := samples()[scheme]
		for value, want := range values {
			if got := s.scheme.takes(http.Header{"Authorization": {value}}, s.body); got != want {
				t.Errorf("%s takes %q: %v", scheme, value, got)
			}
		}
	}
	for name, want := range map[string]string{"Bearer x": "bearer", "BASIC x": "basic", "Digest x": ""} {
		for _, s := range []Scheme{samples()["bearer"].scheme, samples()["basic"].scheme} {
			if got := s.presented(http.Header{"Authorization": {name}}); got != (s.Name == want) {
				t.Errorf("%q is told as of %s: %v", name, s.Name, got)
			}
		}
	}
	mattermost := samples()["mattermost"]
	for name, test := range map[string]struct {
		header http.Header
		body   string
		want   bool
	}{
		"in the form":                        {nil, "token=s&text=help", true},
		"another in the form":                {nil, "token=t", false},
		"none":                               {nil, "text=help", false},
		"an empty one":                       {nil, "token=", false},
		"doubled":                            {nil, "token=s&token=s", false},
		"in a form that is none":             {nil, "token=s&%zz", false},
		"another in the header":              {http.Header{"Authorization": {"Token t"}}, "token=s", false},
		"in a header of another kind":        {http.Header{"Authorization": {"Bearer s"}}, "", false},
		"in the form, and an empty header":   {http.Header{"Authorization": {""}}, "token=s", false},
		"in the header, and none the form's": {http.Header{"Authorization": {"Token s"}}, "", true},
	} {
		if got := mattermost.scheme.takes(test.header, test.body); got != test.want {
			t.Errorf("a token, %s, is taken: %v", name, got)
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
