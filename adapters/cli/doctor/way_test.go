package doctor

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/url"
	"strings"
	"testing"
	"time"
)

// Each step that can fail on the way to a host has its own description and advice.
func TestStagesOnTheWay(t *testing.T) {
	dialled := func(err error) error { return &net.OpError{Op: "dial", Net: "tcp", Err: err} }
	for want, err := range map[string]error{
		"(DNS)":                  dialled(&net.DNSError{Err: "no such host", Name: "nowhere.invalid", IsNotFound: true}),
		"no connection":          dialled(errors.New("connection refused")),
		"not trusted":            fmt.Errorf("tls: %w", x509.UnknownAuthorityError{}),
		"for another name":       x509.HostnameError{Certificate: &x509.Certificate{}, Host: "x"},
		"not valid now":          x509.CertificateInvalidError{Reason: x509.Expired},
		"no answer within":       context.DeadlineExceeded,
		"no answer: broken":      errors.New("broken"),
		"not a valid address":    errProxy,
		"no answer: went astray": &url.Error{Op: "Get", URL: "https://user:password@example.com", Err: errors.New("went astray")},
	} {
		at, found := stage(err)
		fix := mends[at].of(Endpoint)
		if !strings.Contains(found, want) || fix == "" || mends[at].of(Notification) == "" || strings.Contains(found, "password") {
			t.Errorf("%v is described as %q, with the advice %q", err, found, fix)
		}
	}
}

func TestClockWithoutADate(t *testing.T) {
	if f := judgeClock(answer{skew: time.Hour}); f.State != Unknown {
		t.Errorf("an answer without a date gives the finding %+v, want it unknown", f)
	}
}
