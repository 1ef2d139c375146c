package tair

import (
	"context"
	"log/slog"

	"tairssl/handler"
)

// Credential is an access key. A temporary access key has a security token.
type Credential struct {
	AccessKeyID     string
	AccessKeySecret string
	SecurityToken   string // "" for a long-lived key
}

// LogValue keeps a credential out of all logs.
func (Credential) LogValue() slog.Value { return slog.StringValue("[credential]") }

// String keeps a credential out of formatted text.
func (Credential) String() string { return "[credential]" }

// GoString keeps a credential out of %#v.
func (Credential) GoString() string { return "[credential]" }

// Redact removes a credential from a text, both as plain text and as encoded in a URL. It
// also shortens the text.
func (c Credential) Redact(text string) string { return handler.ClipTo(redact(c, text), longest) }

// Credentials returns the credential that signs the next call. It is called for every
// call, because temporary credentials end. It may be called concurrently.
type Credentials func(ctx context.Context) (Credential, error)

// EnvironmentCredentials reads the environment variables that all of Alibaba's clients
// read: ALIBABA_CLOUD_ACCESS_KEY_ID, ALIBABA_CLOUD_ACCESS_KEY_SECRET and, for temporary
// keys, ALIBABA_CLOUD_SECURITY_TOKEN.
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
