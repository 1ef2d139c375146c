package webhook

import (
	"net/http"
	"testing"
)

// A message with any of a scheme's headers presents this scheme.
func TestAMessagePresentsASchemeByAnyOfItsHeaders(t *testing.T) {
	for _, h := range []string{standardID, standardTime, standardSignature} {
		if !Standard(StandardSecrets{}).presented(http.Header{h: {"x"}}) {
			t.Errorf("a message that has only %s does not present the scheme standard", h)
		}
	}
	for name, want := range map[string]string{"Bearer x": "bearer", "BASIC x": "basic", "Digest x": ""} {
		for _, s := range []Scheme{Bearer(nil), Basic(BasicSecrets{})} {
			if got := s.presented(http.Header{"Authorization": {name}}); got != (s.Name == want) {
				t.Errorf("the header Authorization: %s presents the scheme %s: %t", name, s.Name, got)
			}
		}
	}
}
