package webhook

import (
	"net/http"
	"testing"
)

// A message is of a scheme once it has one of the scheme's headers.
func TestSchemesTellTheirMessages(t *testing.T) {
	for _, h := range []string{standardID, standardTime, standardSignature} {
		if !Standard(StandardSecrets{}).presented(http.Header{h: {"x"}}) {
			t.Errorf("a message with nothing but %s is not told as one of standard", h)
		}
	}
	for name, want := range map[string]string{"Bearer x": "bearer", "BASIC x": "basic", "Digest x": ""} {
		for _, s := range []Scheme{Bearer(nil), Basic(BasicSecrets{})} {
			if got := s.presented(http.Header{"Authorization": {name}}); got != (s.Name == want) {
				t.Errorf("%q is told as of %s: %v", name, s.Name, got)
			}
		}
	}
}
