package function

import (
	"context"
	"crypto/x509"
	"regexp"
	"strings"

	"tairssl/adapters/tair"
	"tairssl/handler"
)

// Federation makes identity tokens for an audience. With such a token, the function's own
// cloud confirms the identity of the function. roots are the certificate authorities to
// trust; nil for the authorities of the system.
type Federation func(audience string, roots *x509.CertPool) tair.TokenSource

// The variables that all clients of Alibaba Cloud read.
const (
	accessKeyID     = "ALIBABA_CLOUD_ACCESS_KEY_ID"
	accessKeySecret = "ALIBABA_CLOUD_ACCESS_KEY_SECRET"
	roleARN         = "ALIBABA_CLOUD_ROLE_ARN"
	providerARN     = "ALIBABA_CLOUD_OIDC_PROVIDER_ARN"
	tokenFile       = "ALIBABA_CLOUD_OIDC_TOKEN_FILE"
	sessionName     = "ALIBABA_CLOUD_ROLE_SESSION_NAME"
)

// Getenv looks a variable up in an environment in the form of os.Environ. If the variable
// occurs twice, the last value counts.
func Getenv(environ []string) func(key string) string {
	return func(key string) (value string) {
		for _, entry := range environ {
			if v, ok := strings.CutPrefix(entry, key+"="); ok {
				value = v
			}
		}
		return value
	}
}

// Source says where credentials come from.
type Source string

// The sources, in the order in which they are tried.
const (
	FromKey        Source = "access key in " + accessKeyID
	FromTokenFile  Source = "identity token in the file of " + tokenFile
	FromFederation Source = "identity token of the cloud that the function runs on"
)

// NamesCredential reports whether an environment contains any part of a credential.
func NamesCredential(environ []string) bool {
	get := Getenv(environ)
	return get(accessKeyID) != "" || get(accessKeySecret) != "" || get(roleARN) != "" || get(providerARN) != ""
}

// CredentialSource is the source of the credentials in an environment.
func CredentialSource(environ []string) Source {
	get := Getenv(environ)
	switch {
	case get(accessKeyID) != "" || get(accessKeySecret) != "" || get(roleARN) == "" && get(providerARN) == "":
		return FromKey
	case get(tokenFile) != "":
		return FromTokenFile
	default:
		return FromFederation
	}
}

// Credentials are the credentials that an environment names: its access key, or the
// credentials of its role. For the role, the identity token comes from the token file, or
// otherwise from federation. federation is nil if the cloud has no federation. If a
// variable is wrong, every call fails with an error that names it.
func (s Settings) Credentials(environ []string, federation Federation) tair.Credentials {
	get := Getenv(environ)
	source := CredentialSource(environ)
	if source == FromKey {
		return tair.EnvironmentCredentials(get) // its error names both ways
	}
	var token tair.TokenSource
	switch {
	case !regexp.MustCompile(`^acs:ram::\d+:role/\S+$`).MatchString(get(roleARN)):
		return none("%s is no role: set it to acs:ram::ACCOUNT:role/NAME", roleARN)
	case !regexp.MustCompile(`^acs:ram::\d+:oidc-provider/\S+$`).MatchString(get(providerARN)):
		return none("%s is no identity provider: set it to acs:ram::ACCOUNT:oidc-provider/NAME", providerARN)
	case !regexp.MustCompile(`^([a-zA-Z0-9.@_-]{2,64})?$`).MatchString(get(sessionName)):
		return none("%s takes 2 to 64 letters, digits and .@_-", sessionName)
	case source == FromTokenFile:
		token = tair.TokenFile(get(tokenFile))
	case federation != nil:
		token = federation(string(s.OIDCAudience), s.Roots())
	default:
		return none("%s is not set, and this machine gives no identity token without it", tokenFile)
	}
	return tair.OIDC(token, tair.OIDCOptions{
		RoleARN: get(roleARN), ProviderARN: get(providerARN), SessionName: get(sessionName),
		Region: s.Region[0], Endpoint: s.STSEndpoint, RootCAs: s.Roots(),
	})
}

func none(format string, args ...any) tair.Credentials {
	err := handler.Errorf(handler.Forbidden, "no credentials: "+format, args...)
	return func(context.Context) (tair.Credential, error) { return tair.Credential{}, err }
}

// credentials returns the credentials of the options, or otherwise the credentials of the
// environment.
func (f *Function) credentials(s Settings, environ []string) tair.Credentials {
	named, first := s.Credentials(environ, f.options.Federation), f.options.Credentials
	if first == nil {
		return named
	}
	return func(ctx context.Context) (tair.Credential, error) {
		if c, err := first(ctx); err != nil || c != (tair.Credential{}) {
			return c, err
		}
		return named(ctx)
	}
}
