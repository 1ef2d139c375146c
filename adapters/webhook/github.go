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

// GitHub is the scheme of GitHub's webhooks, which many other senders use: an HMAC-SHA256
// over the body. It covers no time. Source: GitHub Docs, Validating webhook deliveries.
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

// SignGitHub gives GitHub's header for a body.
func SignGitHub(secret string, body []byte) http.Header {
	return http.Header{githubSignature: {"sha256=" + hex.EncodeToString(MAC(sha256.New, []byte(secret), string(body)))}}
}

// githubEvent is the header that names the event of a delivery. It is not signed. So it
// may only prevent a change and never cause one.
const githubEvent = "X-GitHub-Event"

// isJSONOrForm accepts the two media types that GitHub can send.
func isJSONOrForm(media string) bool { return isJSON(media) || IsForm(media) }

// content replaces the body of a GitHub form by the JSON in its field. It returns false
// if the request has been answered: GitHub tests a new webhook with a ping, which asks
// for nothing.
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
		q.refuse(handler.Errorf(handler.Invalid, "this route accepts JSON, and from GitHub also a form with JSON in the field payload"), http.StatusUnsupportedMediaType, err)
		return false
	}
	q.body = []byte(values.Get("payload"))
	return true
}
