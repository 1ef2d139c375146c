// Package webhooktest is what any signature scheme must satisfy.
package webhooktest

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"tairssl/adapters/webhook"
)

// Now is when the messages of the checks come.
var Now = time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)

// Fixture is a scheme and how its sender signs. A scheme is asked without any route,
// so that each reason to refuse a message stands alone: but for it the message would
// be authentic.
type Fixture struct {
	New func(webhook.Secrets) webhook.Scheme
	// Secret is the one that Sign is given; Other is another that New takes.
	Secret, Other string
	// Sign gives the headers of a body at a time. With the secret "" it gives what
	// somebody sends who has none.
	Sign   func(secret string, at time.Time, body string) http.Header
	Body   string
	Timed  bool // the signature covers the time
	Covers bool // the signature covers the body
}

// Scheme is the one of the fixture's secret.
func (f Fixture) Scheme() webhook.Scheme { return f.New(webhook.Secrets{f.Secret}) }

// Signed are the headers of the fixture's own message.
func (f Fixture) Signed() http.Header { return f.Sign(f.Secret, Now, f.Body) }

// Takes reports whether a scheme takes a message that comes Now.
func Takes(s webhook.Scheme, h http.Header, body string) bool {
	return s.Verify(webhook.Message{Header: h, Body: []byte(body), Now: Now}) == nil
}

// Run checks schemes, each by all checks.
func Run(t *testing.T, fixtures map[string]Fixture) {
	if len(fixtures) == 0 {
		t.Fatal("there is no scheme to check")
	}
	for _, check := range []struct {
		name string
		body func(t *testing.T, f Fixture)
	}{
		{"takes what its secret signed", takesItsOwn},
		{"takes a time for five minutes", takesATime},
		{"takes nothing without a secret", takesNothingWithoutASecret},
		{"takes each of its secrets", takesEachSecret},
	} {
		for name, f := range fixtures {
			t.Run(name+" "+check.name, func(t *testing.T) { check.body(t, f) })
		}
	}
}

func takesItsOwn(t *testing.T, f Fixture) {
	scheme := f.Scheme()
	if !Takes(scheme, f.Signed(), f.Body) {
		t.Error("it refuses its own message")
	}
	if other := strings.Replace(f.Body, "U", "u", 1) + " "; Takes(scheme, f.Signed(), other) == f.Covers {
		t.Errorf("another body has to be refused: %v", f.Covers)
	}
	for header := range f.Signed() {
		for what, values := range map[string][]string{"no": nil, "an empty": {""}, "a doubled": {"x", "x"}} {
			h := f.Signed()
			if h[header] = values; Takes(scheme, h, f.Body) {
				t.Errorf("it takes a message with %s %s", what, header)
			}
		}
		h := f.Signed()
		if h[header] = append(h[header], h[header]...); Takes(scheme, h, f.Body) {
			t.Errorf("it takes a message that says %s twice", header)
		}
	}
}

// A message holds for five minutes after its time and, where the sender's clock is
// ahead, before it.
func takesATime(t *testing.T, f Fixture) {
	for off, want := range map[time.Duration]bool{
		-webhook.Window - time.Second: false, -webhook.Window: true, 0: true, webhook.Window: true, webhook.Window + time.Second: false,
		-100 * 365 * 24 * time.Hour: false,
	} {
		if got := Takes(f.Scheme(), f.Sign(f.Secret, Now.Add(off), f.Body), f.Body); got != (want || !f.Timed) {
			t.Errorf("a time that is %s off is taken: %v", off, got)
		}
	}
}

// Without a secret nothing is authentic, whatever signs it.
func takesNothingWithoutASecret(t *testing.T, f Fixture) {
	for _, secrets := range []webhook.Secrets{nil, {""}} {
		if Takes(f.New(secrets), f.Sign("", Now, f.Body), f.Body) {
			t.Errorf("with the secrets %q it takes a message that nothing signed", []string(secrets))
		}
	}
}

// While one secret takes the other's place, both hold, wherever each stands.
func takesEachSecret(t *testing.T, f Fixture) {
	for _, secrets := range []webhook.Secrets{{f.Secret, f.Other}, {f.Other, f.Secret}} {
		for _, secret := range secrets {
			if !Takes(f.New(secrets), f.Sign(secret, Now, f.Body), f.Body) {
				t.Errorf("with the secrets %q it refuses what %q signed", []string(secrets), secret)
			}
		}
	}
	if Takes(f.Scheme(), f.Sign(f.Other, Now, f.Body), f.Body) {
		t.Error("it takes what another secret signed")
	}
}
