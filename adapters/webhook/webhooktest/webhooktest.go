// Package webhooktest has the checks that every signature scheme must pass.
package webhooktest

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"tairssl/adapters/webhook"
)

// Now is the time at which the messages of the checks arrive.
var Now = time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)

// Fixture is a scheme and the way its sender signs. The checks ask the scheme directly,
// without a route. Each check changes one thing in an authentic message.
type Fixture struct {
	New func(webhook.Secrets) webhook.Scheme
	// Secret is the sender's secret. Other is another valid secret.
	Secret, Other string
	// Sign gives the headers for a body that is sent at a time. With the secret "", it
	// gives the headers of a sender without a secret.
	Sign   func(secret string, at time.Time, body string) http.Header
	Body   string
	Timed  bool // the signature covers the time
	Covers bool // the signature covers the body
}

// Scheme is the scheme with the fixture's secret.
func (f Fixture) Scheme() webhook.Scheme { return f.New(webhook.Secrets{f.Secret}) }

// Signed gives the headers of the fixture's own message.
func (f Fixture) Signed() http.Header { return f.Sign(f.Secret, Now, f.Body) }

// Takes reports whether a scheme accepts a message that arrives Now.
func Takes(s webhook.Scheme, h http.Header, body string) bool {
	return s.Verify(webhook.Message{Header: h, Body: []byte(body), Now: Now}) == nil
}

// Run runs all checks on each scheme.
func Run(t *testing.T, fixtures map[string]Fixture) {
	if len(fixtures) == 0 {
		t.Fatal("there is no scheme to check")
	}
	for _, check := range []struct {
		name string
		body func(t *testing.T, f Fixture)
	}{
		{"accepts its own message", acceptsItsOwn},
		{"accepts a time for five minutes", acceptsATime},
		{"accepts nothing without a secret", acceptsNothingWithoutASecret},
		{"accepts each of its secrets", acceptsEachSecret},
	} {
		for name, f := range fixtures {
			t.Run(name+" "+check.name, func(t *testing.T) { check.body(t, f) })
		}
	}
}

func acceptsItsOwn(t *testing.T, f Fixture) {
	scheme := f.Scheme()
	if !Takes(scheme, f.Signed(), f.Body) {
		t.Error("the scheme refuses its own message")
	}
	if other := strings.Replace(f.Body, "U", "u", 1) + " "; Takes(scheme, f.Signed(), other) == f.Covers {
		t.Errorf("a signature that covers the body (%t) is accepted for another body: %t", f.Covers, f.Covers)
	}
	for header := range f.Signed() {
		for what, values := range map[string][]string{"no": nil, "an empty": {""}, "a doubled": {"x", "x"}} {
			h := f.Signed()
			if h[header] = values; Takes(scheme, h, f.Body) {
				t.Errorf("the scheme accepts a message with %s %s", what, header)
			}
		}
		h := f.Signed()
		if h[header] = append(h[header], h[header]...); Takes(scheme, h, f.Body) {
			t.Errorf("the scheme accepts a message that has %s twice", header)
		}
	}
}

// A message is accepted for five minutes after its time. If the sender's clock is ahead,
// it is also accepted five minutes before its time.
func acceptsATime(t *testing.T, f Fixture) {
	for off, want := range map[time.Duration]bool{
		-webhook.Window - time.Second: false, -webhook.Window: true, 0: true, webhook.Window: true, webhook.Window + time.Second: false,
		-100 * 365 * 24 * time.Hour: false,
	} {
		if got := Takes(f.Scheme(), f.Sign(f.Secret, Now.Add(off), f.Body), f.Body); got != (want || !f.Timed) {
			t.Errorf("a message whose time is %s off is accepted: %t", off, got)
		}
	}
}

// Without a secret, no message is authentic, even if it has a signature.
func acceptsNothingWithoutASecret(t *testing.T, f Fixture) {
	for _, secrets := range []webhook.Secrets{nil, {""}} {
		if Takes(f.New(secrets), f.Sign("", Now, f.Body), f.Body) {
			t.Errorf("with the secrets %q the scheme accepts a message that was signed without a secret", []string(secrets))
		}
	}
}

// While a new secret replaces an old one, both are valid, in any order.
func acceptsEachSecret(t *testing.T, f Fixture) {
	for _, secrets := range []webhook.Secrets{{f.Secret, f.Other}, {f.Other, f.Secret}} {
		for _, secret := range secrets {
			if !Takes(f.New(secrets), f.Sign(secret, Now, f.Body), f.Body) {
				t.Errorf("with the secrets %q the scheme refuses a message that %q signed", []string(secrets), secret)
			}
		}
	}
	if Takes(f.Scheme(), f.Sign(f.Other, Now, f.Body), f.Body) {
		t.Error("the scheme accepts a message that another secret signed")
	}
}
