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

// identity is whose credential signs the calls.
type identity struct {
	source string // where the credential comes from, for people
	region string // the one that its owner works in; "" for none
	// credentials are nil if they are those that the environment names.
	credentials tair.Credentials
}

// identity looks where people keep their credentials, in the order of Alibaba's
// own clients: the environment, a profile of the aliyun command, the role of
// the ECS instance. A profile that was named comes before all.
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

// homeOf is where a person's files are, on this system and on Windows.
func homeOf(get func(string) string) string {
	if home := get("HOME"); home != "" {
		return home
	}
	return get("USERPROFILE")
}

// none says all ways to a credential: there is not one at hand.
func none(context.Context) (tair.Credential, error) {
	return tair.Credential{}, handler.Errorf(handler.Forbidden, "no credentials: run aliyun configure, or set ALIBABA_CLOUD_ACCESS_KEY_ID and ALIBABA_CLOUD_ACCESS_KEY_SECRET, or add --emulate to try without an account")
}

// lastResort are the credentials of a last resort: that they are not to be had
// means that there are none at all.
func lastResort(last tair.Credentials) tair.Credentials {
	return func(ctx context.Context) (tair.Credential, error) {
		credential, err := last(ctx)
		if err != nil {
			return none(ctx)
		}
		return credential, nil
	}
}

// settled is the environment with the region that counts, and the identity.
// --region comes first, then the environment's regions, then the profile's.
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

// exported is the environment for a process of its own: it holds the credential
// as variables, as of now. Without one, the process says what is missing.
func (c *command) exported(ctx context.Context, environ []string) ([]string, error) {
	environ, who, err := c.settled(environ)
	if err != nil || who.credentials == nil {
		return environ, err
	}
	credential, err := who.credentials(ctx)
	if err != nil {
		fmt.Fprintf(c.Stderr, "tairssl: the function runs without a credential: %s\n", handler.AsError(err).Message)
		return environ, nil
	}
	return append(slices.Clip(environ),
		"ALIBABA_CLOUD_ACCESS_KEY_ID="+credential.AccessKeyID,
		"ALIBABA_CLOUD_ACCESS_KEY_SECRET="+credential.AccessKeySecret,
		"ALIBABA_CLOUD_SECURITY_TOKEN="+credential.SecurityToken), nil
}

// nameSource says whose credential was refused, if one was: people have several.
func (c *command) nameSource(results []handler.Result) {
	refused := func(r handler.Result) bool {
		return r.Error != nil && r.Error.Kind == handler.Forbidden && r.Error.Code != ""
	}
	if c.source != "" && slices.ContainsFunc(results, refused) {
		fmt.Fprintf(c.Stderr, "tairssl: the credential in use is that of %s\n", c.source)
	}
}
