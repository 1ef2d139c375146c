package webhook

import (
	"encoding/base64"
	"errors"
	"net/http"
	"strings"
)

// Authorization gives the credential in the header Authorization for a scheme. The name of
// the scheme is not case-sensitive (RFC 9110).
func (m Message) Authorization(scheme string) (string, error) {
	value, err := m.Only("Authorization")
	if err != nil {
		return "", err
	}
	name, credential, _ := strings.Cut(value, " ")
	if !strings.EqualFold(name, scheme) || credential == "" {
		return "", ErrWrong
	}
	return credential, nil
}

// claims reports whether a header Authorization names the scheme.
func claims(h http.Header, scheme string) bool {
	for _, value := range h.Values("Authorization") {
		if name, _, _ := strings.Cut(value, " "); strings.EqualFold(name, scheme) {
			return true
		}
	}
	return false
}

// Bearer is the scheme of a token in the header Authorization. The token does not cover
// the message.
func Bearer(tokens Secrets) Scheme {
	return Scheme{
		Name:      "bearer",
		presented: func(h http.Header) bool { return claims(h, "Bearer") },
		verify: func(m Message) error {
			token, err := m.Authorization("Bearer")
			if err != nil {
				return err
			}
			return tokens.Any(func(secret string) bool { return Same(secret, token) })
		},
	}
}

// BasicSecrets is a list of user:password pairs.
type BasicSecrets struct{ Secrets }

// UnmarshalText reads a comma-separated list.
func (s *BasicSecrets) UnmarshalText(text []byte) error {
	if err := s.Secrets.UnmarshalText(text); err != nil {
		return err
	}
	for _, pair := range s.Secrets {
		if user, password, ok := strings.Cut(pair, ":"); !ok || user == "" || password == "" {
			return errors.New("an entry is not user:password")
		}
	}
	return nil
}

// Basic is the scheme of a user and password in the header Authorization. They do not
// cover the message.
func Basic(pairs BasicSecrets) Scheme {
	return Scheme{
		Name:      "basic",
		presented: func(h http.Header) bool { return claims(h, "Basic") },
		verify: func(m Message) error {
			encoded, err := m.Authorization("Basic")
			if err != nil {
				return err
			}
			pair, err := base64.StdEncoding.DecodeString(encoded)
			if err != nil {
				return ErrWrong
			}
			return pairs.Any(func(secret string) bool { return Same(secret, string(pair)) })
		},
	}
}
