package tair

import (
	"context"
	"log/slog"

	"tairssl/handler"
)

// Credential is an access key, or a temporary one with its token.
type Credential struct {
	AccessKeyID     string
	AccessKeySecret string
	SecurityToken   string // "" for a long-lived key
}

// LogValue keeps a credential out of any log.
func (Credential) LogValue() slog.Value { return slog.StringValue("[credential]") }

// String keeps a credential out of any text.
func (Credential) String() string { return "[credential]" }

// GoString keeps a credential out of %#v.
func (Credential) GoString() string { return "[credential]" }

// Redact takes a credential out of a text, plain or as it stands in a URL, and
// bounds its length.
func (c Credential) Redact(text string) string { return handler.ClipTo(redact(c, text), longest) }

// Credentials gives the credential to sign a call with. It is asked for each
// call, since temporary ones end; it may be called concurrently.
type Credentials func(ctx context.Context) (Credential, error)

// EnvironmentCredentials reads the variables that all of Alibaba's clients
// read, through getenv: ALIBABA_CLOUD_ACCESS_KEY_ID, _ACCESS_KEY_SECRET and,
// for temporary keys, ALIBABA_CLOUD_SECURITY_TOKEN.
func EnvironmentCredentials(getenv func(string) string) Credentials {
	return func(context.Context) (Credential, error) {
		c := Credential{
			AccessKeyID:     getenv("ALIBABA_CLOUD_ACCESS_KEY_ID"),
			AccessKeySecret: getenv("ALIBABA_CLOUD_ACCESS_KEY_SECRET"),
			SecurityToken:   getenv("ALIBABA_CLOUD_SECURITY_TOKEN"),
		}
		if c.AccessKeyID == "" || c.AccessKeySecret == "" {
			return Credential{}, handler.Errorf(handler.Forbidden, "no credentials: set ALIBABA_CLOUD_ACCESS_KEY_ID and ALIBABA_CLOUD_ACCESS_KEY_SECRET, or, to need no long-lived key, ALIBABA_CLOUD_ROLE_ARN and ALIBABA_CLOUD_OIDC_PROVIDER_ARN")
		}
		return c, nil
	}
}
