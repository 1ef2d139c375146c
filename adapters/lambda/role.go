package lambda

import (
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"encoding/hex"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"

	"tairssl/adapters/function"
	"tairssl/adapters/tair"
	"tairssl/handler"
)

// role holds the credential of the function's role, which Lambda puts into the
// environment, and the region. The function calls AWS's own APIs with them.
type role struct {
	get    func(string) string
	key    tair.Credential
	region string
	now    func() time.Time
}

func roleOf(environ []string, now func() time.Time) role {
	get := function.Getenv(environ)
	return role{
		get: get, region: get("AWS_REGION"), now: now,
		key: tair.Credential{AccessKeyID: get("AWS_ACCESS_KEY_ID"), AccessKeySecret: get("AWS_SECRET_ACCESS_KEY"), SecurityToken: get("AWS_SESSION_TOKEN")},
	}
}

// endpoint returns the URL of a service's API. It is override if override is set;
// otherwise the value of AWS_ENDPOINT_URL_<SERVICE>, the variable of AWS's own clients;
// otherwise the URL of the region. An error names the wrong variable.
func (r role) endpoint(service string, override *url.URL) (*url.URL, error) {
	if !handler.ValidRegion(r.region) {
		return nil, errors.New("AWS_REGION is not a region's id; Lambda sets it")
	}
	if r.key.AccessKeyID == "" || r.key.AccessKeySecret == "" {
		return nil, errors.New("AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY are not set; Lambda sets them for a function with a role")
	}
	if override != nil {
		return override, nil
	}
	variable := "AWS_ENDPOINT_URL_" + strings.ToUpper(service)
	if set := r.get(variable); set != "" {
		u, err := tair.ParseURL(set)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", variable, err)
		}
		return u, nil
	}
	domain := ".amazonaws.com"
	if strings.HasPrefix(r.region, "cn-") {
		domain += ".cn"
	}
	return &url.URL{Scheme: "https", Host: service + "." + r.region + domain}, nil
}

// sign signs a request with Signature Version 4. Source: AWS IAM User Guide, Signature
// Version 4 for API requests.
func (r role) sign(req *http.Request, body []byte, service string) error {
	req.Header.Set("User-Agent", handler.UserAgent())
	hash := sha256.Sum256(body)
	credentials := aws.Credentials{AccessKeyID: r.key.AccessKeyID, SecretAccessKey: r.key.AccessKeySecret, SessionToken: r.key.SecurityToken}
	return v4.NewSigner().SignHTTP(req.Context(), credentials, req, hex.EncodeToString(hash[:]), service, r.region, r.now())
}

// newTransport returns a transport for AWS's APIs. It keeps no connection open, because
// calls are rare and the process may be frozen between two calls.
func newTransport(roots *x509.CertPool) *http.Transport {
	return &http.Transport{
		Proxy:                  http.ProxyFromEnvironment,
		DialContext:            (&net.Dialer{Timeout: 3 * time.Second}).DialContext,
		TLSClientConfig:        &tls.Config{RootCAs: roots, MinVersion: tls.VersionTLS12},
		TLSHandshakeTimeout:    3 * time.Second,
		MaxResponseHeaderBytes: 64 << 10,
		DisableKeepAlives:      true,
	}
}
