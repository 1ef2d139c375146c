package profile

import (
	"context"
	"errors"
	"net"
	"net/url"
	"sync"

	"github.com/aliyun/alibaba-cloud-sdk-go/sdk/auth/credentials"
	sdkerrors "github.com/aliyun/alibaba-cloud-sdk-go/sdk/errors"

	"tairssl/adapters/tair"
	"tairssl/handler"
)

// Credentials returns the credentials of the profile. A temporary credential is replaced
// before it ends. Errors are Forbidden, or Unavailable if no server answered. They name
// the profile but none of its keys.
func (p *Profile) Credentials() tair.Credentials {
	if p.Mode == oidc {
		return p.oidc()
	}
	provider, err := p.provider()
	if err != nil {
		return none(p.String(), p.redact(message(err)))
	}
	return ask(p.String(), provider, p.redact)
}

// redact removes the keys of the profile, and of its source profiles, from a text.
func (p *Profile) redact(text string) string {
	if p.source != nil {
		text = p.source.redact(text)
	}
	return tair.Credential{AccessKeyID: p.entry.AccessKeyID, AccessKeySecret: p.entry.AccessKeySecret, SecurityToken: p.entry.SecurityToken}.Redact(text)
}

func none(source, why string) tair.Credentials {
	err := handler.Errorf(handler.Forbidden, "%s gives no credential: %s", source, why)
	return func(context.Context) (tair.Credential, error) { return tair.Credential{}, err }
}

// ECS is the name of [ECSRole] in messages.
const ECS = "the role of this ECS instance"

// ECSRole returns the credentials of the RAM role of the ECS instance on which this
// process runs. If name is empty, the instance's metadata names the role.
func ECSRole(name string) tair.Credentials {
	provider, err := credentials.NewECSRAMRoleCredentialsProviderBuilder().WithRoleName(name).Build()
	if err != nil {
		return none(ECS, message(err))
	}
	return ask(ECS, provider, tair.Credential{}.Redact)
}

// ask turns a provider of the SDK into Credentials. The provider knows no contexts and
// allows one caller at a time. redact removes secrets from errors.
func ask(source string, provider provide, redact func(string) string) tair.Credentials {
	var one sync.Mutex
	return func(ctx context.Context) (tair.Credential, error) {
		type answer struct {
			*credentials.Credentials
			err error
		}
		answered := make(chan answer, 1)
		go func() { // this goroutine ends by the SDK's own limits, after at most 15 s
			one.Lock()
			defer one.Unlock()
			c, err := provider.GetCredentials()
			answered <- answer{c, err}
		}()
		select {
		case <-ctx.Done():
			return tair.Credential{}, handler.Errorf(handler.Unavailable, "%s gave no credential in time", source)
		case a := <-answered:
			if a.err != nil {
				return tair.Credential{}, handler.Errorf(kind(a.err), "%s gives no credential: %s", source, redact(message(a.err)))
			}
			return tair.Credential{AccessKeyID: a.AccessKeyId, AccessKeySecret: a.AccessKeySecret, SecurityToken: a.SecurityToken}, nil
		}
	}
}

// bridge lets the SDK use a credential that does not come from the SDK.
type bridge struct{ tair.Credentials }

// GetCredentials implements the SDK's CredentialsProvider.
func (b bridge) GetCredentials() (*credentials.Credentials, error) {
	c, err := b.Credentials(context.Background())
	if err != nil {
		return nil, err
	}
	return &credentials.Credentials{AccessKeyId: c.AccessKeyID, AccessKeySecret: c.AccessKeySecret, SecurityToken: c.SecurityToken, ProviderName: b.GetProviderName()}, nil
}

// GetProviderName implements the SDK's CredentialsProvider.
func (bridge) GetProviderName() string { return "tairssl" }

// kind is Unavailable if no server answered, because a later try may succeed. A refusal is
// Forbidden.
func kind(err error) handler.Kind {
	var failed *handler.Error
	var network net.Error
	switch {
	case errors.As(err, &failed):
		return failed.Kind
	case errors.As(err, &network):
		return handler.Unavailable
	}
	return handler.Forbidden
}

// message is the text of an error without the signed URL in a transport's error and
// without the headers in the SDK's error.
func message(err error) string {
	var failed *handler.Error
	var server *sdkerrors.ServerError
	var transport *url.Error
	for errors.As(err, &transport) {
		err = transport.Err
	}
	switch {
	case errors.As(err, &failed):
		return failed.Message
	case errors.As(err, &server):
		return server.ErrorCode() + ": " + server.Message()
	}
	return err.Error()
}
