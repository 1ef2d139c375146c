package webhook

import (
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"errors"
	"fmt"
	"hash"
	"log/slog"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"tairssl/handler"
)

// Message is the part of a request that a scheme verifies: headers, raw body, query, and
// the time of arrival.
type Message struct {
	Header http.Header
	Body   []byte
	Now    time.Time
	Query  url.Values
}

// Scheme verifies that a message comes from a sender with a secret.
type Scheme struct {
	// Name appears in the log.
	Name string
	// Trust says how far a sender with this scheme is trusted: Weak if the signature does
	// not cover the body and a time.
	Trust handler.Trust
	// presented reports whether a message claims to use this scheme. It is nil for a
	// scheme that never shares a route.
	presented func(http.Header) bool
	// verify returns nil for an authentic message. Only the log shows the error.
	verify func(Message) error
}

// NewScheme returns a scheme for a route that accepts no other. verify returns nil for an
// authentic message. Only the log shows its error.
func NewScheme(name string, trust handler.Trust, verify func(Message) error) Scheme {
	return Scheme{Name: name, Trust: trust, verify: verify}
}

// Verify returns nil for an authentic message. Only the log shows the error.
func (s Scheme) Verify(m Message) error { return s.verify(m) }

// Window is the greatest age of a signed message. The sender's clock may also be ahead by
// this time.
const Window = 5 * time.Minute

var (
	errMissing = errors.New("missing, empty or doubled")
	// ErrWrong says that the signature matches none of the secrets.
	ErrWrong = errors.New("the signature or secret matches none of the configured secrets")
)

// Only gives the value of a header that occurs exactly once and is not empty.
func (m Message) Only(name string) (string, error) {
	values := m.Header.Values(name)
	if len(values) != 1 || values[0] == "" || len(values[0]) > 4<<10 {
		return "", fmt.Errorf("the header %s is %w", name, errMissing)
	}
	return values[0], nil
}

// Fresh reads a header with a Unix time in the given unit, and compares it with the
// clock.
func (m Message) Fresh(name string, unit time.Duration) (string, error) {
	text, err := m.Only(name)
	if err != nil {
		return "", err
	}
	return text, m.Within(name, text, unit)
}

// Within compares a Unix time in the given unit with the clock. name says where the time
// came from, for errors.
func (m Message) Within(name, text string, unit time.Duration) error {
	n, err := strconv.ParseUint(text, 10, 53) // accepts only digits, and only what a time.Time can hold
	if err != nil {
		return fmt.Errorf("the time in %s is not a number", name)
	}
	at := time.Unix(int64(n), 0)
	if unit == time.Millisecond {
		at = time.UnixMilli(int64(n))
	}
	if off := m.Now.Sub(at); off.Abs() > Window {
		return fmt.Errorf("the time in %s is %s off, more than %s", name, off.Round(time.Second), Window)
	}
	return nil
}

// Secrets is a list of secrets that are all valid. There are two secrets while a new
// secret replaces an old one.
type Secrets []string

// UnmarshalText reads a comma-separated list without empty entries.
func (s *Secrets) UnmarshalText(text []byte) error {
	*s = nil
	for _, secret := range strings.Split(string(text), ",") {
		if secret = strings.TrimSpace(secret); secret == "" {
			return errors.New("an entry is empty")
		}
		*s = append(*s, secret)
	}
	return nil
}

// LogValue, String and GoString keep the secrets out of logs and texts.
func (Secrets) LogValue() slog.Value { return slog.StringValue("[secrets]") }
func (Secrets) String() string       { return "[secrets]" }
func (Secrets) GoString() string     { return "[secrets]" }

// Any returns nil if one of the secrets fits. An empty secret never fits.
func (s Secrets) Any(fits func(secret string) bool) error {
	for _, secret := range s {
		if secret != "" && fits(secret) {
			return nil
		}
	}
	return ErrWrong
}

// MAC is the HMAC of the concatenated parts.
func MAC(h func() hash.Hash, key []byte, parts ...string) []byte {
	m := hmac.New(h, key)
	for _, part := range parts {
		m.Write([]byte(part))
	}
	return m.Sum(nil)
}

// Same compares two texts. Its duration does not reveal where they differ, or their
// lengths.
func Same(a, b string) bool {
	x, y := sha256.Sum256([]byte(a)), sha256.Sum256([]byte(b))
	return subtle.ConstantTimeCompare(x[:], y[:]) == 1
}
