package profile

import (
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/aliyun/alibaba-cloud-sdk-go/sdk/auth/credentials"

	"tairssl/adapters/tair"
	"tairssl/handler"
)

// chained is the mode of a profile that uses the credential of another profile.
const chained = "ChainableRamRoleArn"

// provide is the SDK's interface for credentials.
type provide = credentials.CredentialsProvider

// modes maps the mode of a profile to its credentials. The modes oidc and chained are
// handled in provider.
var modes = map[string]func(*Profile) (provide, error){
	"AK": func(p *Profile) (provide, error) { return p.key() },
	"StsToken": func(p *Profile) (provide, error) {
		return credentials.NewStaticSTSCredentialsProviderBuilder().WithAccessKeyId(p.entry.AccessKeyID).
			WithAccessKeySecret(p.entry.AccessKeySecret).WithSecurityToken(p.entry.SecurityToken).Build()
	},
	"RamRoleArn": func(p *Profile) (provide, error) {
		key, err := p.key()
		if err != nil {
			return nil, err
		}
		return p.assume(key)
	},
	"EcsRamRole": func(p *Profile) (provide, error) {
		return credentials.NewECSRAMRoleCredentialsProviderBuilder().WithRoleName(p.entry.RoleName).Build()
	},
	"CredentialsURI": func(p *Profile) (provide, error) {
		return newURI(p.entry.CredentialsURI)
	},
}

const oidc = "OIDC"

// Modes lists the known modes, sorted.
func Modes() []string {
	return slices.Sorted(slices.Values(append(slices.Collect(maps.Keys(modes)), oidc, chained)))
}

func (p *Profile) key() (provide, error) {
	return credentials.NewStaticAKCredentialsProviderBuilder().WithAccessKeyId(p.entry.AccessKeyID).
		WithAccessKeySecret(p.entry.AccessKeySecret).Build()
}

// assume returns the credentials of the profile's role. by provides the credentials that
// call AssumeRole.
func (p *Profile) assume(by provide) (provide, error) {
	e := p.entry
	session := e.SessionName
	if session == "" {
		session = "tairssl"
	}
	return credentials.NewRAMRoleARNCredentialsProviderBuilder().WithCredentialsProvider(by).
		WithRoleArn(e.RoleARN).WithRoleSessionName(session).WithDurationSeconds(e.Seconds).
		WithStsRegion(e.STSRegion).WithEnableVpc(e.VPC).WithPolicy(e.Policy).WithExternalId(e.ExternalID).Build()
}

// provider returns the SDK's provider for this profile.
func (p *Profile) provider() (provide, error) {
	if p.Mode == oidc {
		return bridge{p.oidc()}, nil
	}
	if p.Mode == chained {
		by, err := p.source.provider()
		if err != nil {
			return nil, err
		}
		return p.assume(by)
	}
	mode, ok := modes[p.Mode]
	if !ok {
		return nil, fmt.Errorf("the mode %q is unknown; the known modes are %s. Another way is to export ALIBABA_CLOUD_ACCESS_KEY_ID and ALIBABA_CLOUD_ACCESS_KEY_SECRET",
			handler.Clip(p.Mode), strings.Join(Modes(), ", "))
	}
	return mode(p)
}

// oidc exchanges the identity token in the profile's file for a credential.
func (p *Profile) oidc() tair.Credentials {
	e := p.entry
	region := e.STSRegion
	if region == "" {
		region = e.Region
	}
	return tair.OIDC(tair.TokenFile(e.TokenFile), tair.OIDCOptions{RoleARN: e.RoleARN, ProviderARN: e.ProviderARN, SessionName: e.SessionName, Region: region})
}
