package profile

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"time"

	"github.com/aliyun/alibaba-cloud-sdk-go/sdk/auth/credentials"

	"tairssl/adapters/tair"
)

// uri reads the credential from a credential server at an address. The answer has
// Alibaba's form: AccessKeyId, AccessKeySecret, SecurityToken and Expiration. (The SDK's
// own provider prints to standard output, and its errors show the answer with the
// secrets.)
type uri struct {
	address string
	held    credentials.Credentials
	renew   time.Time
}

const (
	uriTimeout  = 10 * time.Second
	uriAnswer   = 64 << 10
	renewBefore = 3 * time.Minute // the same as in the SDK
)

func newURI(address string) (*uri, error) {
	parsed, err := url.Parse(address)
	if err != nil || parsed.Host == "" || parsed.Scheme != "http" && parsed.Scheme != "https" {
		return nil, errors.New("its credentials_uri is not an http or https URL")
	}
	return &uri{address: address}, nil
}

// GetCredentials implements the SDK's CredentialsProvider.
func (u *uri) GetCredentials() (*credentials.Credentials, error) {
	if time.Now().Before(u.renew) {
		return &u.held, nil
	}
	transport := tair.NewTransport(nil)
	defer transport.CloseIdleConnections()
	client := http.Client{Transport: transport, Timeout: uriTimeout, CheckRedirect: func(*http.Request, []*http.Request) error {
		return http.ErrUseLastResponse
	}}
	response, err := client.Get(u.address)
	if err != nil {
		return nil, err
	}
	defer func() { _ = response.Body.Close() }()
	if response.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("its credentials_uri answers with status %d", response.StatusCode)
	}
	var given struct {
		AccessKeyID     string `json:"AccessKeyId"`
		AccessKeySecret string
		SecurityToken   string
		Expiration      time.Time
	}
	body, err := io.ReadAll(io.LimitReader(response.Body, uriAnswer))
	if err != nil {
		return nil, err
	}
	if json.Unmarshal(body, &given) != nil || given.AccessKeyID == "" || given.AccessKeySecret == "" || given.SecurityToken == "" {
		return nil, errors.New("its credentials_uri does not answer with AccessKeyId, AccessKeySecret, SecurityToken and Expiration")
	}
	u.held = credentials.Credentials{AccessKeyId: given.AccessKeyID, AccessKeySecret: given.AccessKeySecret, SecurityToken: given.SecurityToken, ProviderName: u.GetProviderName()}
	u.renew = given.Expiration.Add(-renewBefore)
	return &u.held, nil
}

// GetProviderName implements the SDK's CredentialsProvider.
func (*uri) GetProviderName() string { return "credentials_uri" }
