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

// Message is what a scheme checks: a request's headers, raw body and query, and
// when it came.
type Message struct {
	Header http.Header
	Body   []byte
	Now    time.Time
	Query  url.Values
}

// Scheme tells whether a message comes from who holds a secret.
type Scheme struct {
	// Name is for the log.
	Name string
	// Trust says what the scheme proves: Weak if it does not cover the body or has
	// no time in it.
	Trust handler.Trust
	// presented reports whether a message claims to be of this scheme; nil for
	// one that never shares a route.
	presented func(http.Header) bool
	// verify says what is wrong with a message, to the log alone.
	verify func(Message) error
}

// NewScheme returns a scheme of a route that takes no other. verify says what is
// wrong with a message, to the log alone.
func NewScheme(name string, trust handler.Trust, verify func(Message) error) Scheme {
	return Scheme{Name: name, Trust: trust, verify: verify}
}

// Verify says what is wrong with a message, to the log alone.
func (s Scheme) Verify(m Message) error { return s.verify(m) }

// Window is how old a signed message may be, or how far ahead its clock.
const Window = 5 * time.Minute

var (
	errMissing = errors.New("missing, empty or doubled")
	// ErrWrong says that a signature is not of any of the secrets.
	ErrWrong = errors.New("the signature is not of any of the secrets")
)

// Only gives a header that is there exactly once and holds something.
func (m Message) Only(name string) (string, error) {
	values := m.Header.Values(name)
	if len(values) != 1 || values[0] == "" || len(values[0]) > 4<<10 {
		return "", fmt.Errorf("the header %s is %w", name, errMissing)
	}
	return values[0], nil
}

// Fresh reads a header that holds a Unix time in units, and holds it against
// the clock.
func (m Message) Fresh(name string, unit time.Duration) (string, error) {
	text, err := m.Only(name)
	if err != nil {
		return "", err
	}
	return text, m.Within(name, text, unit)
}

// Within holds a Unix time in units, which came under a name, against the clock.
func (m Message) Within(name, text string, unit time.Duration) error {
	n, err := strconv.ParseUint(text, 10, 53) // takes digits only, and what a time.Time can hold
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

// Secrets are those that count at once: two while one takes the other's place.
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

// LogValue, String and GoString keep secrets out of any log or text.
func (Secrets) LogValue() slog.Value { return slog.StringValue("[secrets]") }
func (Secrets) String() string       { return "[secrets]" }
func (Secrets) GoString() string     { return "[secrets]" }

// Any reports, by a nil error, whether one of the secrets fits; an empty one never does.
func (s Secrets) Any(fits func(secret string) bool) error {
	for _, secret := range s {
		if secret != "" && fits(secret) {
			return nil
		}
	}
	return ErrWrong
}

// MAC is the HMAC of the parts put together.
func MAC(h func() hash.Hash, key []byte, parts ...string) []byte {
	m := hmac.New(h, key)
	for _, part := range parts {
		m.Write([]byte(part))
	}
	return m.Sum(nil)
}

// Same compares in a time that tells nothing of where, or of how long, they
// differ.
func Same(a, b string) bool {
	x, y := sha256.Sum256([]byte(a)), sha256.Sum256([]byte(b))
	return subtle.ConstantTimeCompare(x[:], y[:]) == 1
}
