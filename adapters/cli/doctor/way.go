package doctor

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/url"

	"tairssl/handler"
)

// longest is the greatest length, in bytes, of a foreign text in a finding.
const longest = 200

// unreached is the finding of a host that could not be reached. It says which step
// on the way failed, and what to do about it.
func (x *examination) unreached(check, on, host string, err error) Finding {
	if why := x.over(); why != "" {
		return x.cutShort(check, on, why)
	}
	step, found := stage(err)
	return fail(check, on, handler.Unavailable, host+": "+found, mends[step].of(check))
}

// step is a step on the way to a host.
type step int

const (
	byProxy step = iota
	byName
	byConnecting
	byAuthority
	byHost
	byValidity
	byTLS
	byTime
	byAnything
)

// mend is the advice for a failed step. endpoint, if set, is the advice if the host
// is an endpoint of the API.
type mend struct{ anywhere, endpoint string }

func (m mend) of(check string) string {
	if check == Endpoint && m.endpoint != "" {
		return m.endpoint
	}
	return m.anywhere
}

var mends = [...]mend{
	byProxy:      {"correct or unset HTTPS_PROXY and HTTP_PROXY", ""},
	byName:       {"check the host name and this network's DNS", "check TAIRSSL_REGION, TAIRSSL_ENDPOINT and this network's DNS"},
	byConnecting: {"let this network connect to the host, through a NAT gateway or a proxy (HTTPS_PROXY)", "let this network connect to the host, through a NAT gateway or a proxy (HTTPS_PROXY); inside Alibaba's network set TAIRSSL_ENDPOINT=vpc"},
	byAuthority:  {"if the authority is yours, for example that of a proxy that opens TLS, let this machine trust it", "if the authority is yours, for example that of a proxy that opens TLS, set TAIRSSL_CA_FILE to its PEM"},
	byHost:       {"check whether a proxy answers instead of the host", "check TAIRSSL_ENDPOINT: its host name has to be in the certificate"},
	byValidity:   {"check this machine's clock, then the certificate", ""},
	byTLS:        {"check the port, and whether a proxy answers instead of the host", ""},
	byTime:       {"let this network connect to the host, then try again", ""},
	byAnything:   {"check whether a proxy or firewall stands in between, then try again", ""},
}

// stage returns the step that failed, and describes the error.
func stage(err error) (at step, found string) {
	var name *net.DNSError
	var authority x509.UnknownAuthorityError
	var other x509.HostnameError
	var invalid x509.CertificateInvalidError
	var record tls.RecordHeaderError
	var dial *net.OpError
	var wrapped *url.Error
	for errors.As(err, &wrapped) { // the text of a url.Error contains the whole URL, with secrets
		err = wrapped.Err
	}
	switch {
	case errors.Is(err, errProxy):
		return byProxy, err.Error()
	case errors.As(err, &name):
		return byName, "the host name cannot be resolved (DNS)"
	case errors.As(err, &authority):
		return byAuthority, "its certificate is from an authority that is not trusted here (TLS)"
	case errors.As(err, &other):
		return byHost, "its certificate is for another name (TLS)"
	case errors.As(err, &invalid):
		return byValidity, "its certificate is not valid now (TLS)"
	case errors.As(err, &record):
		return byTLS, "it does not speak TLS"
	case errors.As(err, &dial) && dial.Op == "dial":
		return byConnecting, "no connection: " + handler.ClipTo(dial.Err.Error(), longest)
	case errors.Is(err, context.DeadlineExceeded):
		return byTime, fmt.Sprintf("no answer within %s", askTimeout)
	}
	return byAnything, "no answer: " + handler.ClipTo(err.Error(), longest)
}
