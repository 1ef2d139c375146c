package webhook

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"time"

	"tairssl/handler"
)

// StandardSecrets is a list of secrets of Standard Webhooks: base64, with or without
// whsec_ before it.
type StandardSecrets struct{ Secrets }

// UnmarshalText reads a comma-separated list.
func (s *StandardSecrets) UnmarshalText(text []byte) error {
	if err := s.Secrets.UnmarshalText(text); err != nil {
		return err
	}
	for _, secret := range s.Secrets {
		if _, err := standardKey(secret); err != nil {
			return err
		}
	}
	return nil
}

func standardKey(secret string) ([]byte, error) {
	key, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(secret, "whsec_"))
	if err != nil || len(key) == 0 {
		return nil, errors.New("an entry is not whsec_ and base64")
	}
	return key, nil
}

// The headers of Standard Webhooks.
const (
	standardID        = "Webhook-Id"
	standardTime      = "Webhook-Timestamp"
	standardSignature = "Webhook-Signature"
)

// Standard is the scheme of Standard Webhooks 1.0: an HMAC-SHA256 over the id, the time
// and the body. Source: the specification at standardwebhooks.com.
func Standard(secrets StandardSecrets) Scheme {
	return Scheme{
		Name:  "standard",
		Trust: handler.Signed,
		presented: func(h http.Header) bool {
			return h.Values(standardID) != nil || h.Values(standardTime) != nil || h.Values(standardSignature) != nil
		},
		verify: func(m Message) error {
			id, err := m.Only(standardID)
			if err != nil {
				return err
			}
			at, err := m.Fresh(standardTime, time.Second)
			if err != nil {
				return err
			}
			signatures, err := m.Only(standardSignature)
			if err != nil {
				return err
			}
			return secrets.Any(func(secret string) bool {
				key, err := standardKey(secret)
				if err != nil {
					return false
				}
				want := MAC(sha256.New, key, id, ".", at, ".", string(m.Body))
				ok := false
				for _, signature := range strings.Fields(signatures) {
					encoded, isV1 := strings.CutPrefix(signature, "v1,")
					got, err := base64.StdEncoding.DecodeString(encoded)
					ok = ok || isV1 && err == nil && hmac.Equal(got, want)
				}
				return ok
			})
		},
	}
}

// SignStandard gives the headers of Standard Webhooks for a body.
func SignStandard(secret, id string, now time.Time, body []byte) (http.Header, error) {
	key, err := standardKey(secret)
	if err != nil {
		return nil, err
	}
	at := strconv.FormatInt(now.Unix(), 10)
	return http.Header{
		standardID:        {id},
		standardTime:      {at},
		standardSignature: {"v1," + base64.StdEncoding.EncodeToString(MAC(sha256.New, key, id, ".", at, ".", string(body)))},
	}, nil
}
