package webhook

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"strings"
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
			signature, err := m.header(githubSignature)
			if err != nil {
				return err
			}
			encoded, ok := strings.CutPrefix(signature, "sha256=")
			got, err := hex.DecodeString(encoded)
			if !ok || err != nil {
				return errWrong
			}
			return secrets.any(func(secret string) bool {
				return hmac.Equal(got, mac(sha256.New, []byte(secret), string(m.Body)))
			})
		},
	}
}

// SignGitHub gives the header of GitHub's webhooks for a body.
func SignGitHub(secret string, body []byte) http.Header {
	return http.Header{githubSignature: {"sha256=" + hex.EncodeToString(mac(sha256.New, []byte(secret), string(body)))}}
}
