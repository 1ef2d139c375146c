package chatops

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

	"tairssl/adapters/webhook"
)

func TestSchemeOfStandardWebhooks(t *testing.T) {
	scheme := samples()["standard"].scheme
	good := standardHeader(kindsNow, "msg_1", kindsBody)
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
		h := good.Clone()
		if h.Set("Webhook-Signature", text); takes(scheme, h, kindsBody) != want {
			t.Errorf("the signature %q is taken: %v", text, !want)
		}
	}
	for name, value := range map[string]string{"Webhook-Id": "msg_2", "Webhook-Timestamp": fmt.Sprint(kindsNow.Unix() + 1)} {
		h := good.Clone()
		if h.Set(name, value); takes(scheme, h, kindsBody) {
			t.Errorf("the signature holds for another %s as well", name)
		}
	}
}

func TestSchemesNeedThePrefixOfTheirSignature(t *testing.T) {
	for header, scheme := range map[string]string{"X-Hub-Signature-256": "github", slackSignature: "slack"} {
		s := samples()[scheme]
		good := s.sign(kindsNow, s.body)
		name, sum, _ := strings.Cut(good.Get(header), "=")
		for text, want := range map[string]bool{
			name + "=" + sum: true, sum: false, "=" + sum: false, "sha1=" + sum: false, name + "=": false, name + "=" + sum + "00": false, name + "=xx" + sum[2:]: false,
		} {
			h := good.Clone()
			if h.Set(header, text); takes(s.scheme, h, s.body) != want {
				t.Errorf("%s takes %q: %v", scheme, text, !want)
			}
		}
	}
}

func TestSchemeOfGrafanaTakesOneTime(t *testing.T) {
	s := samples()["grafana"]
	good := s.sign(kindsNow, s.body)
	other := good.Clone()
	other["X-Grafana-Alerting-Signature-Timestamp"] = other["X-Grafana-Alerting-Timestamp"]
	delete(other, "X-Grafana-Alerting-Timestamp")
	if !takes(s.scheme, other, s.body) {
		t.Error("the other name of the time is refused")
	}
	maps.Copy(other, good)
	if takes(s.scheme, other, s.body) {
		t.Error("two times are taken, of which only one is signed")
	}
	sum := fmt.Sprintf("%x", webhook.MAC(sha256.New, []byte("s"), s.body))
	untimed := http.Header{"X-Grafana-Alerting-Signature": {sum}}
	if takes(s.scheme, untimed, s.body) {
		t.Error("a signature without a time is taken")
	}
}

func TestSchemeOfFeishuWantsItsToken(t *testing.T) {
	const challenge = `{"type":"url_verification","challenge":"x","token":%q}`
	with := func(token string) webhook.Scheme {
		return feishuScheme(FeishuSettings{FeishuEncryptKeys: webhook.Secrets{"s"}, FeishuVerificationToken: Secret(token)})
	}
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
		if got := takes(with(test.token), h, test.body); got != test.want {
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
	scheme := feishuScheme(FeishuSettings{FeishuEncryptKeys: webhook.Secrets{"s"}})
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
		if got := takes(scheme, SignFeishu("s", "abc", kindsNow, []byte(body)), body); got != test.want {
			t.Errorf("a body with a padding, %s, is taken: %v", name, got)
		}
	}
	for name, text := range map[string]string{
		"no base64": "%", "no IV and block": base64.StdEncoding.EncodeToString(make([]byte, aes.BlockSize)), "half a block": base64.StdEncoding.EncodeToString(make([]byte, 40)),
	} {
		body := fmt.Sprintf(`{"encrypt":%q}`, text)
		if takes(scheme, SignFeishu("s", "abc", kindsNow, []byte(body)), body) {
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
			if got := takes(s.scheme, http.Header{"Authorization": {value}}, s.body); got != want {
				t.Errorf("%s takes %q: %v", scheme, value, got)
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
		if got := takes(mattermost.scheme, test.header, test.body); got != test.want {
			t.Errorf("a token, %s, is taken: %v", name, got)
		}
	}
}
