package cli_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestKeyInAFile(t *testing.T) {
	t.Parallel()
	s := newShell(t)
	path := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(path, []byte("emulator-secret\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	s.environ = append(s.environ, "ALIBABA_CLOUD_ACCESS_KEY_SECRET=file:"+path)
	if code, out, stderr := s.run("", "status", id); code != 0 || !strings.Contains(out, id) {
		t.Errorf("the exit code is %d:\n%s%s", code, out, stderr)
	}
	s.environ = append(s.environ, "ALIBABA_CLOUD_ACCESS_KEY_SECRET=file:"+path+"x")
	if code, _, stderr := s.run("", "status", id); code != 2 || !strings.Contains(stderr, "ALIBABA_CLOUD_ACCESS_KEY_SECRET") {
		t.Errorf("a missing file exits with %d:\n%s", code, stderr)
	}
}

func TestIdentityTokenInAFile(t *testing.T) {
	t.Parallel()
	s := newShell(t)
	sts := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.PostFormValue("OIDCToken") != "token" {
			w.WriteHeader(http.StatusUnauthorized)
		}
		_, _ = fmt.Fprintf(w, `{"Credentials":{"AccessKeyId":"emulator","AccessKeySecret":"emulator-secret","SecurityToken":"t","Expiration":%q}}`, time.Now().Add(time.Hour).UTC().Format(time.RFC3339))
	}))
	defer sts.Close()
	path := filepath.Join(t.TempDir(), "token")
	if err := os.WriteFile(path, []byte("token\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	s.environ = append(s.environ, "ALIBABA_CLOUD_ACCESS_KEY_ID=", "ALIBABA_CLOUD_ACCESS_KEY_SECRET=", "TAIRSSL_STS_ENDPOINT="+sts.URL,
		"ALIBABA_CLOUD_ROLE_ARN=acs:ram::1:role/tairssl", "ALIBABA_CLOUD_OIDC_PROVIDER_ARN=acs:ram::1:oidc-provider/k8s")
	if code, out, stderr := s.run("", "status", id); code != 3 || !strings.Contains(out+stderr, "ALIBABA_CLOUD_OIDC_TOKEN_FILE") {
		t.Errorf("without a token the exit code is %d:\n%s%s", code, out, stderr)
	}
	s.environ = append(s.environ, "ALIBABA_CLOUD_OIDC_TOKEN_FILE="+path)
	if code, out, stderr := s.run("", "update", id, "--yes"); code != 0 || s.restarts() != 1 {
		t.Errorf("the exit code is %d after %d restarts:\n%s%s", code, s.restarts(), out, stderr)
	}
}

// aliyun writes a configuration of the aliyun command into a new home directory. The
// environment of the shell contains no credential.
func aliyun(t *testing.T, s *shell, config string) (home string) {
	t.Helper()
	home = t.TempDir()
	if err := os.Mkdir(filepath.Join(home, ".aliyun"), 0o700); err != nil {
		t.Fatal(err)
	}
	if config != "" {
		if err := os.WriteFile(filepath.Join(home, ".aliyun", "config.json"), []byte(config), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	s.environ = append(s.environ, "ALIBABA_CLOUD_ACCESS_KEY_ID=", "ALIBABA_CLOUD_ACCESS_KEY_SECRET=", "HOME="+home)
	return home
}

const aliyunConfig = `{"current":"default","profiles":[
 {"name":"default","mode":"AK","access_key_id":"emulator","access_key_secret":"emulator-secret","region_id":"cn-hangzhou"},
 {"name":"other","mode":"AK","access_key_id":"LTAI-other","access_key_secret":"other-secret","region_id":"cn-beijing"}]}`

func TestTheProfileOfTheAliyunCommandIsEnough(t *testing.T) {
	t.Parallel()
	s := newShell(t)
	aliyun(t, s, aliyunConfig)
	if code, out, stderr := s.run("", "status", id); code != 0 || !strings.Contains(out, id) {
		t.Errorf("the exit code is %d:\n%s%s", code, out, stderr)
	}
	if code, out, stderr := s.run("", "doctor", "-v"); !strings.Contains(out, "profile default (AK)") || strings.Contains(out+stderr, "emulator-secret") {
		t.Errorf("doctor exits with %d and does not name the profile:\n%s%s", code, out, stderr)
	}
}

func TestANamedProfileComesFirst(t *testing.T) {
	t.Parallel()
	s := newShell(t)
	key := slices.Clone(s.environ)
	aliyun(t, s, aliyunConfig)
	for name, c := range map[string]struct {
		environ []string
		args    []string
	}{
		"by the flag":                   {s.environ, []string{"--profile", "other"}},
		"by the variable":               {append(slices.Clone(s.environ), "ALIBABA_CLOUD_PROFILE=other"), nil},
		"by the flag, and a key is set": {append(slices.Clone(s.environ), key...), []string{"--profile", "other"}},
	} {
		t.Run(name, func(t *testing.T) {
			s.environ = c.environ
			code, out, stderr := s.run("", append([]string{"status", id}, c.args...)...)
			if code != 3 || !strings.Contains(stderr, "the credential in use is that of profile other (AK)") || strings.Contains(out+stderr, "other-secret") {
				t.Errorf("a key that the API does not know exits with %d:\n%s%s", code, out, stderr)
			}
		})
	}
}

func TestTheProfilesRegionIsTheDefault(t *testing.T) {
	t.Parallel()
	s := newShell(t)
	aliyun(t, s, strings.ReplaceAll(aliyunConfig, "cn-hangzhou", "cn-shanghai"))
	if code, out, _ := s.run("", "status", "--all"); code != 0 || !strings.Contains(out, "cn-shanghai") || strings.Contains(out, "cn-hangzhou") {
		t.Errorf("the profile's region is not used; the exit code is %d:\n%s", code, out)
	}
	if code, out, _ := s.run("", "status", "--all", "--region", "cn-hangzhou"); code != 0 || !strings.Contains(out, id) {
		t.Errorf("--region does not come first; the exit code is %d:\n%s", code, out)
	}
	s.environ = append(s.environ, "TAIRSSL_REGION=cn-hangzhou")
	if code, out, _ := s.run("", "status", "--all"); code != 0 || !strings.Contains(out, id) {
		t.Errorf("TAIRSSL_REGION does not come first; the exit code is %d:\n%s", code, out)
	}
}

func TestWithoutACredentialTheErrorNamesAllWays(t *testing.T) {
	t.Parallel()
	s := newShell(t)
	aliyun(t, s, "")
	if code, out, _ := s.run("", "status", id); code != 3 || !strings.Contains(out, "run aliyun configure") || !strings.Contains(out, "--emulate") {
		t.Errorf("the exit code is %d:\n%s", code, out)
	}
	for wants, args := range map[string][]string{"run aliyun configure": {"--profile", "x"}, "has its own credential": {"--profile", "x", "--emulate"}} {
		if code, _, stderr := s.run("", append([]string{"status", id}, args...)...); code != 2 || !strings.Contains(stderr, wants) {
			t.Errorf("%v exits with %d:\n%s", args, code, stderr)
		}
	}
}
