package cli

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"

	"tairssl/adapters/function"
	"tairssl/adapters/tair"
	"tairssl/adapters/tair/profile"
	"tairssl/handler"
)

// identity is the credential that signs the calls, and where it comes from.
type identity struct {
	source string // describes for people where the credential comes from
	region string // the region of the profile; "" for none
	// credentials are nil if the environment names the credential.
	credentials tair.Credentials
}

// identity looks for a credential in the order of Alibaba's own clients: the environment,
// a profile of the aliyun command, the role of the ECS instance. --profile comes before
// all of them.
func (c *command) identity(environ []string) (identity, error) {
	get := function.Getenv(environ)
	named := c.profile
	if named == "" && function.NamesCredential(environ) {
		return identity{source: "the " + string(function.CredentialSource(environ))}, nil
	}
	if named == "" {
		named = get("ALIBABA_CLOUD_PROFILE")
	}
	if home := homeOf(get); home != "" && (c.profile != "" || !strings.EqualFold(get("ALIBABA_CLOUD_CLI_PROFILE_DISABLED"), "true")) {
		p, err := profile.Read(filepath.Join(home, ".aliyun", "config.json"), named)
		switch {
		case err == nil:
			return identity{source: p.String(), region: p.Region, credentials: p.Credentials()}, nil
		case named != "" || !errors.Is(err, fs.ErrNotExist):
			return identity{}, usagef("%s", handler.AsError(err).Message)
		}
	} else if c.profile != "" {
		return identity{}, usagef("--profile %s: there is no home directory to find .aliyun/config.json in; set HOME", c.profile)
	}
	if strings.EqualFold(get("ALIBABA_CLOUD_ECS_METADATA_DISABLED"), "true") {
		return identity{source: "nowhere", credentials: none}, nil
	}
	return identity{source: profile.ECS, credentials: lastResort(profile.ECSRole(get("ALIBABA_CLOUD_ECS_METADATA")))}, nil
}

// homeOf is the home directory, also on Windows.
func homeOf(get func(string) string) string {
	if home := get("HOME"); home != "" {
		return home
	}
	return get("USERPROFILE")
}

// none fails, and names all ways to give a credential.
func none(context.Context) (tair.Credential, error) {
	return tair.Credential{}, handler.Errorf(handler.Forbidden, "no credentials: run aliyun configure, or set ALIBABA_CLOUD_ACCESS_KEY_ID and ALIBABA_CLOUD_ACCESS_KEY_SECRET, or add --emulate to try without an account")
}

// lastResort wraps the credentials that are tried last. If they fail, there is no
// credential, and the error names all ways to give a credential.
func lastResort(last tair.Credentials) tair.Credentials {
	return func(ctx context.Context) (tair.Credential, error) {
		credential, err := last(ctx)
		if err != nil {
			return none(ctx)
		}
		return credential, nil
	}
}

// settled is the environment with the regions to use, and the identity. --region comes
// first, then the environment's regions, then the profile's region.
func (c *command) settled(environ []string) ([]string, identity, error) {
	who, err := c.identity(environ)
	if err != nil {
		return nil, identity{}, err
	}
	region := c.region
	if region == "" && function.Getenv(environ)(function.Prefix+"REGION") == "" {
		region = who.region
	}
	return withRegion(environ, region), who, nil
}

// exported is the environment for a function's process. It holds the present credential
// in variables. Without a credential, the process itself names the missing variables.
func (c *command) exported(ctx context.Context, environ []string, who identity) []string {
	if who.credentials == nil {
		return environ
	}
	credential, err := who.credentials(ctx)
	if err != nil {
		fmt.Fprintf(c.Stderr, "tairssl: the function runs without a credential: %s\n", handler.AsError(err).Message)
		return environ
	}
	return append(slices.Clip(environ),
		"ALIBABA_CLOUD_ACCESS_KEY_ID="+credential.AccessKeyID,
		"ALIBABA_CLOUD_ACCESS_KEY_SECRET="+credential.AccessKeySecret,
		"ALIBABA_CLOUD_SECURITY_TOKEN="+credential.SecurityToken)
}

// nameSource says where the credential comes from if the API refused it, because people
// have several credentials.
func (c *command) nameSource(results []handler.Result) {
	refused := func(r handler.Result) bool {
		return r.Error != nil && r.Error.Kind == handler.Forbidden && r.Error.Code != ""
	}
	if c.source != "" && slices.ContainsFunc(results, refused) {
		fmt.Fprintf(c.Stderr, "tairssl: the credential in use is that of %s\n", c.source)
	}
}
