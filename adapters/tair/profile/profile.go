// Package profile gives credentials to a person at a terminal. They come from a profile of
// the aliyun command ([Read]), or from the role of the ECS instance that the person works
// on ([ECSRole]).
//
// The functions in the cloud do not use this package. Their cloud gives them a role.
package profile

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"

	"tairssl/handler"
)

// Profile is one profile of the configuration that `aliyun configure` writes.
type Profile struct {
	Name   string
	Mode   string // the kind of its credential; see [Modes]
	Region string // the owner's default region; may be empty
	File   string // the file that the profile comes from

	entry  entry
	source *Profile // the source profile of ChainableRamRoleArn; its credential assumes the role
}

// entry is a profile in the file's form.
type entry struct {
	Name            string `json:"name"`
	Mode            string `json:"mode"`
	AccessKeyID     string `json:"access_key_id"`
	AccessKeySecret string `json:"access_key_secret"`
	SecurityToken   string `json:"sts_token"`
	Region          string `json:"region_id"`
	RoleARN         string `json:"ram_role_arn"`
	SessionName     string `json:"ram_session_name"`
	Seconds         int    `json:"expired_seconds"`
	STSRegion       string `json:"sts_region"`
	VPC             bool   `json:"enable_vpc"`
	SourceProfile   string `json:"source_profile"`
	RoleName        string `json:"ram_role_name"`
	TokenFile       string `json:"oidc_token_file"`
	ProviderARN     string `json:"oidc_provider_arn"`
	CredentialsURI  string `json:"credentials_uri"`
	Policy          string `json:"policy"`
	ExternalID      string `json:"external_id"`
}

const (
	maxFile    = 1 << 20
	maxSources = 5 // the greatest length of a chain of source profiles
)

// Read reads a profile by its name. If name is empty, it reads the file's current
// profile. The errors are Invalid. They show the names of profiles and no other text of
// the file. If there is no file, the error is also fs.ErrNotExist.
func Read(file, name string) (*Profile, error) {
	content, err := read(file)
	if errors.Is(err, fs.ErrNotExist) {
		missing := handler.Errorf(handler.Invalid, "there is no file %s: run aliyun configure", file)
		missing.Err = fs.ErrNotExist
		return nil, missing
	}
	if err != nil {
		return nil, handler.Errorf(handler.Invalid, "%v", err)
	}
	var written struct {
		Current  string  `json:"current"`
		Profiles []entry `json:"profiles"`
	}
	if json.Unmarshal(content, &written) != nil { // the error of json may quote a secret
		return nil, handler.Errorf(handler.Invalid, "%s is not the JSON that aliyun configure writes", file)
	}
	if name == "" {
		name = written.Current
	}
	if name == "" {
		return nil, handler.Errorf(handler.Invalid, "%s has no current profile: choose one with --profile or ALIBABA_CLOUD_PROFILE", file)
	}
	return find(file, name, written.Profiles, maxSources)
}

func read(file string) ([]byte, error) {
	f, err := os.Open(file)
	if err != nil {
		return nil, err
	}
	defer func() { _ = f.Close() }()
	content, err := io.ReadAll(io.LimitReader(f, maxFile+1))
	if len(content) > maxFile {
		return nil, fmt.Errorf("%s is larger than %d bytes", file, maxFile)
	}
	return content, err
}

// find returns a profile together with its source profiles. most is the longest chain of
// source profiles.
func find(file, name string, entries []entry, most int) (*Profile, error) {
	var names []string
	for _, e := range entries {
		if names = append(names, e.Name); e.Name != name {
			continue
		}
		p := &Profile{Name: name, Mode: e.Mode, Region: e.Region, File: file, entry: e}
		if e.Mode != chained {
			return p, nil
		}
		if most == 0 {
			return nil, handler.Errorf(handler.Invalid, "more than %d profiles in %s build on each other: see source_profile of %s", maxSources, file, name)
		}
		source, err := find(file, e.SourceProfile, entries, most-1)
		p.source = source
		return p, err
	}
	return nil, handler.Errorf(handler.Invalid, "there is no profile %q in %s; it has %s", handler.Clip(name), file, strings.Join(names, ", "))
}

// String names the profile without its keys.
func (p *Profile) String() string {
	return fmt.Sprintf("profile %s (%s) of %s", p.Name, p.Mode, p.File)
}

// GoString keeps the keys out of %#v.
func (p *Profile) GoString() string { return p.String() }
