package chatops

import (
	"bytes"
	"crypto/aes"
	"crypto/cipher"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"net/http"
	"strings"
	"testing"
	"time"

	"tairssl/adapters/webhook"
	"tairssl/adapters/webhook/webhooktest"
)

const (
	teamsKey    = "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="
	feishuToken = "verification-token"
	feishuBody  = `{"header":{"event_type":"im.message.receive_v1","token":"` + feishuToken + `"}}`
	someBody    = `{"text":"Update"}`
)

// schemes are the signature schemes with the signature in headers. WeCom has its signature
// in the query.
func schemes() map[string]webhooktest.Fixture {
	return map[string]webhooktest.Fixture{
		"slack": {
			New: slackScheme, Secret: "s", Other: "new", Body: someBody, Timed: true, Covers: true,
			Sign: func(secret string, at time.Time, body string) http.Header { return SignSlack(secret, at, []byte(body)) },
		},
		"feishu": {
			New: func(s webhook.Secrets) webhook.Scheme {
				return feishuScheme(FeishuSettings{FeishuEncryptKeys: s, FeishuVerificationToken: feishuToken})
			},
			Secret: "s", Other: "new", Body: feishuBody, Timed: true, Covers: true,
			Sign: func(secret string, at time.Time, body string) http.Header {
				return SignFeishu(secret, "abc", at, []byte(body))
			},
		},
		"dingtalk": {
			New: dingTalkScheme, Secret: "s", Other: "new", Body: someBody, Timed: true,
			Sign: func(secret string, at time.Time, _ string) http.Header { return SignDingTalk(secret, at) },
		},
		"teams": {
			New:    func(s webhook.Secrets) webhook.Scheme { return teamsScheme(TeamsSecrets{s}) },
			Secret: teamsKey, Other: "bmV3", Body: someBody, Covers: true,
			Sign: func(secret string, _ time.Time, body string) http.Header {
				h, _ := SignTeams(secret, []byte(body)) // an empty secret gives an empty signature
				return h
			},
		},
		"mattermost": {
			New: mattermostScheme, Secret: "s", Other: "new", Body: "text=Update",
			Sign: func(secret string, _ time.Time, _ string) http.Header {
				if secret == "" {
					return http.Header{}
				}
				return SignMattermost(secret)
			},
		},
	}
}

func TestSchemes(t *testing.T) { webhooktest.Run(t, schemes()) }

// DingTalk gives the time in milliseconds. One millisecond more than five minutes is too old.
func TestSchemeOfDingTalkCountsMilliseconds(t *testing.T) {
	f := schemes()["dingtalk"]
	if webhooktest.Takes(f.Scheme(), f.Sign(f.Secret, webhooktest.Now.Add(-webhook.Window-time.Millisecond), ""), "") {
		t.Error("a time that is a millisecond too old is taken")
	}
}

// A signature over an empty or a very long header would be valid, too.
func TestSchemeOfFeishuBoundsItsNonce(t *testing.T) {
	f := schemes()["feishu"]
	for nonce, want := range map[string]bool{"": false, "m": true, strings.Repeat("m", 4<<10): true, strings.Repeat("m", 4<<10+1): false} {
		if got := webhooktest.Takes(f.Scheme(), SignFeishu(f.Secret, nonce, webhooktest.Now, []byte(f.Body)), f.Body); got != want {
			t.Errorf("a nonce of %d bytes is taken: %v", len(nonce), got)
		}
	}
}

func TestSchemeOfSlackNeedsThePrefixOfItsSignature(t *testing.T) {
	f := schemes()["slack"]
	good := f.Signed()
	_, sum, _ := strings.Cut(good.Get(slackSignature), "=")
	for text, want := range map[string]bool{
		"v0=" + sum: true, sum: false, "=" + sum: false, "sha1=" + sum: false, "v0=": false, "v0=" + sum + "00": false, "v0=xx" + sum[2:]: false,
	} {
		h := good.Clone()
		if h.Set(slackSignature, text); webhooktest.Takes(f.Scheme(), h, f.Body) != want {
			t.Errorf("the signature %q is taken: %v", text, !want)
		}
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
		"an unsigned challenge":                                  {feishuToken, fmt.Sprintf(challenge, feishuToken), true, true},
		"an unsigned challenge, sealed":                          {feishuToken, feishuSealed(fmt.Sprintf(challenge, feishuToken)), true, true},
		"an unsigned challenge, another token":                   {feishuToken, fmt.Sprintf(challenge, "other"), true, false},
		"an unsigned challenge, no token":                        {feishuToken, fmt.Sprintf(challenge, ""), true, false},
		"an unsigned challenge, without a token in the settings": {"", fmt.Sprintf(challenge, ""), true, false},
		"an unsigned event":                                      {feishuToken, fmt.Sprintf(`{"header":{"token":%q}}`, feishuToken), true, false},
		"an unsigned event that says challenge":                  {feishuToken, fmt.Sprintf(`{"type":"","token":%q}`, feishuToken), true, false},
		"an event":                                               {feishuToken, fmt.Sprintf(`{"header":{"token":%q}}`, feishuToken), false, true},
		"an event, sealed":                                       {feishuToken, feishuSealed(fmt.Sprintf(`{"header":{"token":%q}}`, feishuToken)), false, true},
		"an event of the old form":                               {feishuToken, fmt.Sprintf(`{"token":%q}`, feishuToken), false, true},
		"an event, another token":                                {feishuToken, `{"header":{"token":"other"}}`, false, false},
		"an event, another token, sealed":                        {feishuToken, feishuSealed(`{"header":{"token":"other"}}`), false, false},
		"an event, the other place's token":                      {feishuToken, fmt.Sprintf(`{"token":%q,"header":{"token":"other"}}`, feishuToken), false, false},
		"an event, no token":                                     {feishuToken, `{}`, false, false},
		"an event, without a token in the settings":              {"", `{"header":{"token":"other"}}`, false, true},
		"a signed challenge, another token":                      {feishuToken, fmt.Sprintf(challenge, "other"), false, false},
		"no JSON":                                                {"", `x`, false, false},
		"encrypted with another key":                             {"", `{"encrypt":"P37w+VZImNgPEO1RBhJ6RtKl7n6zymIbEG1pReEzghk="}`, false, false},
	} {
		var h http.Header
		if !test.unsigned {
			h = SignFeishu("s", "abc", webhooktest.Now, []byte(test.body))
		}
		if got := webhooktest.Takes(with(test.token), h, test.body); got != test.want {
			t.Errorf("%s is taken: %v", name, got)
		}
	}
}

// feishuSealed encrypts a body in the way of Feishu.
func feishuSealed(plain string) string {
	n := aes.BlockSize - len(plain)%aes.BlockSize
	return feishuSealedRaw(append([]byte(plain), bytes.Repeat([]byte{byte(n)}, n)...))
}

func feishuSealedRaw(padded []byte) string {
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
		"one byte":           {`{"type":"abcd"}` + "\x01", true},
		"a whole block":      {`{"type":"abcde"}` + strings.Repeat("\x10", 16), true},
		"none":               {`{"type":"abcde"}`, false},
		"of nothing":         {`{"type":"abcd"}` + "\x00", false},
		"more than a block":  {`{"type":"abcde"}` + strings.Repeat("\x11", 16), false},
		"with unequal bytes": {`{"type":"ab"}` + "\x01\x02\x03", false},
	} {
		body := feishuSealedRaw([]byte(test.plain))
		if got := webhooktest.Takes(scheme, SignFeishu("s", "abc", webhooktest.Now, []byte(body)), body); got != test.want {
			t.Errorf("a body with a padding, %s, is taken: %v", name, got)
		}
	}
	for name, text := range map[string]string{
		"no base64": "%", "no IV and block": base64.StdEncoding.EncodeToString(make([]byte, aes.BlockSize)), "half a block": base64.StdEncoding.EncodeToString(make([]byte, 40)),
	} {
		body := fmt.Sprintf(`{"encrypt":%q}`, text)
		if webhooktest.Takes(scheme, SignFeishu("s", "abc", webhooktest.Now, []byte(body)), body) {
			t.Errorf("a sealed body that is %s is taken", name)
		}
	}
}

func TestSchemeOfTeamsNeedsItsKindOfAuthorization(t *testing.T) {
	f := schemes()["teams"]
	for _, value := range []string{"HMAC", "HMAC ", "Bearer x"} {
		if webhooktest.Takes(f.Scheme(), http.Header{"Authorization": {value}}, f.Body) {
			t.Errorf("%q is taken", value)
		}
	}
}

func TestSchemeOfMattermostTakesATokenOfHeaderOrForm(t *testing.T) {
	f := schemes()["mattermost"]
	for name, test := range map[string]struct {
		header http.Header
		body   string
		want   bool
	}{
		"in the form":                      {nil, "token=s&text=help", true},
		"another in the form":              {nil, "token=t", false},
		"none":                             {nil, "text=help", false},
		"an empty one":                     {nil, "token=", false},
		"doubled":                          {nil, "token=s&token=s", false},
		"in a body that is not a form":     {nil, "token=s&%zz", false},
		"another in the header":            {http.Header{"Authorization": {"Token t"}}, "token=s", false},
		"in a header of another kind":      {http.Header{"Authorization": {"Bearer s"}}, "", false},
		"in the form, and an empty header": {http.Header{"Authorization": {""}}, "token=s", false},
		"in the header, without a token in the form": {http.Header{"Authorization": {"Token s"}}, "", true},
	} {
		if got := webhooktest.Takes(f.Scheme(), test.header, test.body); got != test.want {
			t.Errorf("a token, %s, is taken: %v", name, got)
		}
	}
}
