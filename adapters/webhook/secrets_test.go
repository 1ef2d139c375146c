package webhook_test

import (
	"fmt"
	"strings"
	"testing"

	"tairssl/adapters/webhook"
)

func TestAllSecretsOfAListAreValid(t *testing.T) {
	d := newDoor(func(o *webhook.Options) {
		o.Standard.Secrets = webhook.Secrets{"whsec_bmV3", whsec}
		o.GitHub = webhook.Secrets{"new", github}
		o.Tokens = webhook.Secrets{"new", token}
		o.Basic.Secrets = webhook.Secrets{"new:new", pair}
	})
	for name, k := range authentic() {
		if w := d.knock(k); w.Code/100 != 2 {
			t.Errorf("%s, with the old secret, is answered %d, want 2xx", name, w.Code)
		}
	}
	if w := d.knock(knock{path: "/alertmanager", body: alert, header: bearer("new")}); w.Code != 200 {
		t.Errorf("the new token is answered %d, want 200", w.Code)
	}
}

func TestSecretsAreReadFromAListAndNeverPrinted(t *testing.T) {
	var s webhook.Secrets
	if err := s.UnmarshalText([]byte(" a , b")); err != nil || len(s) != 2 || s[0] != "a" || s[1] != "b" {
		t.Errorf("two secrets are read as %d secrets, %v", len(s), err)
	}
	if text := fmt.Sprintf("%v %s %+v %#v %v", s, s, s, s, webhook.StandardSecrets{Secrets: s}); strings.ContainsAny(text, "ab") {
		t.Errorf("the secrets are printed as %s", text)
	}
	for _, bad := range []string{"", ",", "a,,b", " "} {
		if s.UnmarshalText([]byte(bad)) == nil {
			t.Errorf("the bad list %q is accepted", bad)
		}
	}
	var std webhook.StandardSecrets
	for _, bad := range []string{"whsec_", "whsec_!", "x"} {
		if err := std.UnmarshalText([]byte(bad)); err == nil || strings.Contains(err.Error(), "!") {
			t.Errorf("the bad list %q ends with %v, want a fault without the value", bad, err)
		}
	}
	var b webhook.BasicSecrets
	for _, bad := range []string{"user", ":x", "user:"} {
		if b.UnmarshalText([]byte(bad)) == nil {
			t.Errorf("the bad list %q is accepted", bad)
		}
	}
}
