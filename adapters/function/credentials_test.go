package function_test

import (
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"tairssl/adapters/function"
	"tairssl/adapters/tair"
	"tairssl/handler"
)

const (
	role     = "ALIBABA_CLOUD_ROLE_ARN=acs:ram::1234567890123456:role/tairssl"
	provider = "ALIBABA_CLOUD_OIDC_PROVIDER_ARN=acs:ram::1234567890123456:oidc-provider/aws"
)

// The environment selects the source of the credentials. If a part is missing, the error
// names its variable.
func TestTheEnvironmentSelectsTheCredentials(t *testing.T) {
	path := filepath.Join(t.TempDir(), "token")
	if err := os.WriteFile(path, []byte("token-of-the-file"), 0o600); err != nil {
		t.Fatal(err)
	}
	file := "ALIBABA_CLOUD_OIDC_TOKEN_FILE=" + path
	sts := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = fmt.Fprintf(w, `{"Credentials":{"AccessKeyId":%q,"AccessKeySecret":"s","SecurityToken":"t","Expiration":%q}}`,
			r.PostFormValue("OIDCToken")+" "+r.PostFormValue("RoleSessionName"), time.Now().Add(time.Hour).UTC().Format(time.RFC3339))
	}))
	defer sts.Close()
	federation := func(audience string, _ *x509.CertPool) tair.TokenSource {
		return func(context.Context) (string, error) { return "token-for-" + audience, nil }
	}
	for name, test := range map[string]struct {
		environ    []string
		federation function.Federation
		key, fault string
	}{
		"key":                {[]string{"ALIBABA_CLOUD_ACCESS_KEY_ID=id", "ALIBABA_CLOUD_ACCESS_KEY_SECRET=s", role, provider, file}, federation, "id", ""},
		"half a key":         {[]string{"ALIBABA_CLOUD_ACCESS_KEY_ID=id", role, provider, file}, federation, "", "ALIBABA_CLOUD_ACCESS_KEY_SECRET"},
		"file":               {[]string{"ALIBABA_CLOUD_ACCESS_KEY_ID=", role, provider, file}, federation, "token-of-the-file tairssl", ""},
		"federation":         {[]string{role, provider}, federation, "token-for-sts.aliyuncs.com tairssl", ""},
		"audience, session":  {[]string{role, provider, "TAIRSSL_OIDC_AUDIENCE=tair", "ALIBABA_CLOUD_ROLE_SESSION_NAME=prod@aws"}, federation, "token-for-tair prod@aws", ""},
		"no token":           {[]string{role, provider}, nil, "", "ALIBABA_CLOUD_OIDC_TOKEN_FILE"},
		"no file":            {[]string{role, provider, file + "x"}, nil, "", "ALIBABA_CLOUD_OIDC_TOKEN_FILE"},
		"no role":            {[]string{provider}, federation, "", "ALIBABA_CLOUD_ROLE_ARN"},
		"no provider":        {[]string{role}, federation, "", "ALIBABA_CLOUD_OIDC_PROVIDER_ARN"},
		"AWS's role":         {[]string{"ALIBABA_CLOUD_ROLE_ARN=arn:aws:iam::123456789012:role/x", provider}, federation, "", "ALIBABA_CLOUD_ROLE_ARN"},
		"bad session":        {[]string{role, provider, "ALIBABA_CLOUD_ROLE_SESSION_NAME=a b"}, federation, "", "ALIBABA_CLOUD_ROLE_SESSION_NAME"},
		"nothing: a key":     {nil, federation, "", "ALIBABA_CLOUD_ACCESS_KEY_ID"},
		"nothing: or a role": {nil, federation, "", "ALIBABA_CLOUD_ROLE_ARN and ALIBABA_CLOUD_OIDC_PROVIDER_ARN"},
	} {
		t.Run(name, func(t *testing.T) {
			environ := append(test.environ, "TAIRSSL_STS_ENDPOINT="+sts.URL)
			s, _, err := function.ParseSettings(environ)
			if err != nil {
				t.Fatal(err)
			}
			c, err := s.Credentials(environ, test.federation)(context.Background())
			if c.AccessKeyID != test.key || test.fault == "" && err != nil {
				t.Errorf("the access key is %q, %v; want %q", c.AccessKeyID, err, test.key)
			}
			if test.fault != "" && (!errors.Is(err, handler.Forbidden) || !strings.Contains(err.Error(), test.fault)) {
				t.Errorf("the error is %v, want one that names %s", err, test.fault)
			}
		})
	}
}
