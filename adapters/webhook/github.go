package webhook

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"mime"
	"net/http"
	"strings"

	"tairssl/handler"
)

const githubSignature = "X-Hub-Signature-256"

// GitHub is the scheme of GitHub's webhooks, which many others use too: an
// HMAC-SHA256 over the body. It has no freshness. Source: GitHub Docs,
// Validating webhook deliveries.
func GitHub(secrets Secrets) Scheme {
	return Scheme{
		Name:      "github",
		presented: func(h http.Header) bool { return h.Values(githubSignature) != nil },
		verify: func(m Message) error {
			signature, err := m.Only(githubSignature)
			if err != nil {
				return err
			}
			encoded, ok := strings.CutPrefix(signature, "sha256=")
			got, err := hex.DecodeString(encoded)
			if !ok || err != nil {
				return ErrWrong
			}
			return secrets.Any(func(secret string) bool {
				return hmac.Equal(got, MAC(sha256.New, []byte(secret), string(m.Body)))
			})
		},
	}
}

// SignGitHub gives the header of GitHub's webhooks for a body.
func SignGitHub(secret string, body []byte) http.Header {
	return http.Header{githubSignature: {"sha256=" + hex.EncodeToString(MAC(sha256.New, []byte(secret), string(body)))}}
}

// githubEvent names the event of a delivery. It is not signed, so it may only say
// that there is nothing to do.
const githubEvent = "X-GitHub-Event"

// isJSONOrForm takes what GitHub may be told to send.
func isJSONOrForm(media string) bool { return isJSON(media) || IsForm(media) }

// content makes the body what the sender means by it: of a form of GitHub, which
// has the JSON in a field, that field. It reports false if the request is answered:
// a ping, by which GitHub tries a new webhook, asks for nothing.
func (q *request) content() bool {
	fromGitHub := q.scheme.Name == "github"
	if fromGitHub && q.http.Header.Get(githubEvent) == "ping" {
		q.write(http.StatusOK, []byte(`{"Status":"ok"}`))
		return false
	}
	if media, _, _ := mime.ParseMediaType(q.http.Header.Get("Content-Type")); !IsForm(media) {
		return true
	}
	values, err := Form(q.body)
	if !fromGitHub || err != nil || values.Get("payload") == "" {
		q.refuse(handler.Errorf(handler.Invalid, "this route takes JSON, and of GitHub a form with JSON in the field payload"), http.StatusUnsupportedMediaType, err)
		return false
	}
	q.body = []byte(values.Get("payload"))
	return true
}
