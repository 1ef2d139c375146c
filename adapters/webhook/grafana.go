package webhook

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"net/http"
	"strconv"
	"time"

	"tairssl/handler"
)

const grafanaSignature = "X-Grafana-Alerting-Signature"

// grafanaTimes are the usual names of the header with the time, in Grafana's
// documentation and among its users. Grafana has no default name.
var grafanaTimes = []string{"X-Grafana-Alerting-Timestamp", "X-Grafana-Alerting-Signature-Timestamp"}

// Grafana is the scheme of the HMAC option of Grafana's webhooks: an HMAC-SHA256 over the
// time and the body. The time is optional in Grafana, but required here. Source:
// Grafana, Configure the webhook notifier.
func Grafana(secrets Secrets) Scheme {
	return Scheme{
		Name:      "grafana",
		Trust:     handler.Signed,
		presented: func(h http.Header) bool { return h.Values(grafanaSignature) != nil },
		verify: func(m Message) error {
			name := grafanaTimes[0]
			if m.Header.Values(name) == nil {
				name = grafanaTimes[1]
			} else if m.Header.Values(grafanaTimes[1]) != nil {
				return errors.New("there are two times")
			}
			at, err := m.Fresh(name, time.Second)
			if err != nil {
				return err
			}
			signature, err := m.Only(grafanaSignature)
			if err != nil {
				return err
			}
			return secrets.Any(func(secret string) bool {
				return hmac.Equal([]byte(signature), []byte(grafanaSign(secret, at, m.Body)))
			})
		},
	}
}

// grafanaSign covers only the body if at is "".
func grafanaSign(secret, at string, body []byte) string {
	if at != "" {
		at += ":"
	}
	return hex.EncodeToString(MAC(sha256.New, []byte(secret), at, string(body)))
}

// SignGrafana gives Grafana's headers for a body.
func SignGrafana(secret string, now time.Time, body []byte) http.Header {
	at := strconv.FormatInt(now.Unix(), 10)
	return http.Header{grafanaTimes[0]: {at}, grafanaSignature: {grafanaSign(secret, at, body)}}
}
