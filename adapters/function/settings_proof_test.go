package function

import (
	"log/slog"
	"slices"
	"strings"
	"testing"

	"tairssl/adapters/tair"
)

// Only the API proves a change, unless the settings ask for more.
func TestTheSettingsSayHowAChangeIsProved(t *testing.T) {
	ca := strings.Repeat("ab", 32)
	for name, test := range map[string]struct {
		environ    []string
		served, ca bool
		accept     []string
	}{
		"by default":              {nil, false, false, nil},
		"by the API":              {[]string{"TAIRSSL_VERIFY=api"}, false, false, nil},
		"by a handshake":          {[]string{"TAIRSSL_VERIFY=tls"}, true, false, nil},
		"the CA":                  {[]string{"TAIRSSL_CA_CHECK=1"}, false, true, nil},
		"a CA that is accepted":   {[]string{"TAIRSSL_CA_CHECK=true", "TAIRSSL_CA_ACCEPT=" + strings.ToUpper(ca) + ", "}, false, true, []string{ca}},
		"both":                    {[]string{"TAIRSSL_CA_CHECK=1", "TAIRSSL_VERIFY=tls"}, true, true, nil},
		"accepted, but not asked": {[]string{"TAIRSSL_CA_CHECK=0", "TAIRSSL_CA_ACCEPT=" + ca}, false, false, nil},
	} {
		s, _, err := ParseSettings(test.environ)
		if err != nil {
			t.Fatal(err)
		}
		f, client := s.Fleet(tair.EnvironmentCredentials(func(string) string { return "" }), slog.New(slog.DiscardHandler))
		client.Close()
		if (f.Served != nil) != test.served || (f.CA != nil) != test.ca || !slices.Equal(f.CAAccept, test.accept) {
			t.Errorf("%s: a handshake is made: %t, the CA is compared: %t, the accepted CAs are %v", name, f.Served != nil, f.CA != nil, f.CAAccept)
		}
	}
}

// A handshake goes to the endpoint that the API names. With an emulator, it goes to the
// emulator's machine.
func TestHandshakesAreMadeWithTheInstancesOfTheEndpoint(t *testing.T) {
	for endpoint, want := range map[string]string{
		"": "", "vpc": "", "https://r-kvstore.{region}.example.com": "", "https://127.0.0.1:8443": "127.0.0.1", "http://localhost:8080": "localhost",
	} {
		s, _, err := ParseSettings([]string{"TAIRSSL_ENDPOINT=" + endpoint})
		if err != nil {
			t.Fatal(err)
		}
		if got := s.Probe().Host; got != want {
			t.Errorf("with the endpoint %q the handshakes go to %q, want %q", endpoint, got, want)
		}
	}
}
