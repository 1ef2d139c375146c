package function

import (
	"context"
	"crypto/x509"
	"regexp"
	"strings"

	"tairssl/adapters/tair"
	"tairssl/handler"
)

// Federation gives the tokens by which the cloud that the function runs on
// vouches for it, made for an audience. roots are trusted for asking; nil
// stands for the system's.
type Federation func(audience string, roots *x509.CertPool) tair.TokenSource

// The variables of all of Alibaba's clients that say where credentials are.
const (
	accessKeyID     = "ALIBABA_CLOUD_ACCESS_KEY_ID"
	accessKeySecret = "ALIBABA_CLOUD_ACCESS_KEY_SECRET"
	roleARN         = "ALIBABA_CLOUD_ROLE_ARN"
	providerARN     = "ALIBABA_CLOUD_OIDC_PROVIDER_ARN"
	tokenFile       = "ALIBABA_CLOUD_OIDC_TOKEN_FILE"
	sessionName     = "ALIBABA_CLOUD_ROLE_SESSION_NAME"
)

// Getenv reads an environment as os.Environ gives it; of two entries the last
// counts.
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

// The sources, in the order in which they are looked for in an environment.
const (
	FromKey        Source = "access key in " + accessKeyID
	FromTokenFile  Source = "identity token in the file of " + tokenFile
	FromFederation Source = "identity token of the cloud that the function runs on"
)

// NamesCredential reports that an environment names a credential, though it may
// be half of one.
func NamesCredential(environ []string) bool {
	get := Getenv(environ)
	return get(accessKeyID) != "" || get(accessKeySecret) != "" || get(roleARN) != "" || get(providerARN) != ""
}

// CredentialSource is the one that counts in an environment.
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

// Credentials are those that an environment names: its key; or those of its
// role, for the identity token in its file, or else for the one of federation,
// which is nil where there is none. What is wrong shows at the first call, so
// that every request is answered with it.
func (s Settings) Credentials(environ []string, federation Federation) tair.Credentials {
	get := Getenv(environ)
	source := CredentialSource(environ)
	if source == FromKey {
		return tair.EnvironmentCredentials(get) // whose error names both ways
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
		return none("%s is not set, and no identity token is at hand here without it", tokenFile)
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
