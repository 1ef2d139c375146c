package function

import (
	"fmt"

	"tairssl/adapters/tair"
	"tairssl/adapters/tair/served"
	"tairssl/handler"
)

// Verify says what has to show a change before it counts as verified.
type Verify string

const (
	VerifyAPI Verify = "api" // what the API says
	VerifyTLS Verify = "tls" // and what a TLS client is served
)

// UnmarshalText takes one of them.
func (v *Verify) UnmarshalText(text []byte) error {
	switch *v = Verify(text); *v {
	case VerifyAPI, VerifyTLS:
		return nil
	}
	return fmt.Errorf("%.20q is neither api nor tls", text)
}

// Probe makes handshakes with the instances behind the settings' endpoint.
func (s Settings) Probe() served.Probe { return served.At(s.Endpoint.URL(s.Region[0])) }

// prove adds to the options what shows that a change came true, and that clients
// can still connect.
func (s Settings) prove(o *handler.Options, client *tair.Client) {
	if s.Verify == VerifyTLS {
		o.Served = s.Probe().Certificate
	}
	if s.CACheck {
		o.CA, o.CAAccept = client.CAFingerprint, s.CAAccept
	}
}
