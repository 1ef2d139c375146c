package profile_test

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"tairssl/adapters/tair"
	"tairssl/adapters/tair/profile"
	"tairssl/handler"
)

// written writes a configuration of the aliyun command.
func written(t *testing.T, current string, profiles ...string) string {
	t.Helper()
	file := filepath.Join(t.TempDir(), "config.json")
	content := fmt.Sprintf(`{"current":%q,"profiles":[%s],"meta_path":""}`, current, strings.Join(profiles, ","))
	if err := os.WriteFile(file, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return file
}

const (
	ak  = `{"name":"default","mode":"AK","access_key_id":"LTAI-person","access_key_secret":"person-secret","region_id":"cn-beijing","output_format":"json"}`
	sts = `{"name":"short","mode":"StsToken","access_key_id":"STS.person","access_key_secret":"short-secret","sts_token":"short-token"}`
)

func get(t *testing.T, file, name string) (tair.Credential, error) {
	t.Helper()
	p, err := profile.Read(file, name)
	if err != nil {
		t.Fatalf("the profile %q is unreadable: %v", name, err)
	}
	return p.Credentials()(context.Background())
}

func TestCurrentProfileCountsUnlessOneIsNamed(t *testing.T) {
	file := written(t, "default", ak, sts)
	if c, err := get(t, file, ""); err != nil || c != (tair.Credential{AccessKeyID: "LTAI-person", AccessKeySecret: "person-secret"}) {
		t.Errorf("the current profile gives %#v, %v", c, err)
	}
	if c, err := get(t, file, "short"); err != nil || c.AccessKeyID != "STS.person" || c.SecurityToken != "short-token" {
		t.Errorf("the named profile does not give its token: %v", err)
	}
	p, err := profile.Read(file, "")
	if err != nil || p.Region != "cn-beijing" || p.Mode != "AK" || p.String() != "profile default (AK) of "+file {
		t.Errorf("the profile is %s in %q, %v", p, p.Region, err)
	}
}

func TestAnUnreadableProfileSaysWhatToDoAndShowsNoKey(t *testing.T) {
	dir := t.TempDir()
	broken := filepath.Join(dir, "broken.json")
	large := filepath.Join(dir, "large.json")
	for file, content := range map[string]string{broken: `{"profiles":[{"access_key_secret":"person-secret"`, large: strings.Repeat(" ", 2<<20)} {
		if err := os.WriteFile(file, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	circle := `{"name":"circle","mode":"ChainableRamRoleArn","source_profile":"circle","ram_role_arn":"acs:ram::1:role/a"}`
	for name, c := range map[string]struct{ file, profile, wants string }{
		"no file":             {filepath.Join(dir, "none.json"), "", "run aliyun configure"},
		"a folder":            {dir, "", "is a directory"},
		"half a file":         {broken, "", "is not the JSON that aliyun configure writes"},
		"a huge file":         {large, "", "is larger than"},
		"no current profile":  {written(t, "", ak), "", "choose one with --profile"},
		"no such profile":     {written(t, "default", ak, sts), "prod", "it has default, short"},
		"no profile at all":   {written(t, "default"), "", "there is no profile"},
		"a circle of sources": {written(t, "circle", circle), "", "build on each other"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := profile.Read(c.file, c.profile)
			if !errors.Is(err, handler.Invalid) || !strings.Contains(err.Error(), c.wants) || strings.Contains(err.Error(), "secret") {
				t.Errorf("the error is %v, want invalid and %q", err, c.wants)
			}
			if missing := name == "no file"; errors.Is(err, fs.ErrNotExist) != missing {
				t.Errorf("the error does not say that the file is missing: %v", err)
			}
		})
	}
}

func TestProfileWithoutAUsableModeGivesNoCredential(t *testing.T) {
	for name, c := range map[string]struct{ entry, wants string }{
		"half a key":        {`{"name":"x","mode":"AK","access_key_id":"LTAI-person"}`, "x (AK)"},
		"a mode of later":   {`{"name":"x","mode":"CloudSSO"}`, "export ALIBABA_CLOUD_ACCESS_KEY_ID"},
		"no mode":           {`{"name":"x"}`, "is unknown"},
		"no role":           {`{"name":"x","mode":"RamRoleArn","access_key_id":"LTAI-person","access_key_secret":"person-secret"}`, "x (RamRoleArn)"},
		"a file as a URI":   {`{"name":"x","mode":"CredentialsURI","credentials_uri":"file:///etc/passwd"}`, "not an http or https URL"},
		"no token file":     {`{"name":"x","mode":"OIDC","ram_role_arn":"acs:ram::1:role/a","oidc_provider_arn":"acs:ram::1:oidc-provider/b","oidc_token_file":"/nowhere/token"}`, "/nowhere/token"},
		"a source with one": {`{"name":"x","mode":"ChainableRamRoleArn","source_profile":"y","ram_role_arn":"acs:ram::1:role/a"},{"name":"y","mode":"CloudSSO"}`, "CloudSSO"},
	} {
		t.Run(name, func(t *testing.T) {
			got, err := get(t, written(t, "x", c.entry), "")
			if !errors.Is(err, handler.Forbidden) || !strings.Contains(err.Error(), c.wants) || strings.Contains(err.Error(), "person-secret") || got != (tair.Credential{}) {
				t.Errorf("the error is %v, want forbidden and %q", err, c.wants)
			}
		})
	}
}

// answering leads every HTTP and HTTPS request of the SDK's own clients to a server of
// this test.
func answering(t *testing.T, answer http.HandlerFunc) {
	t.Helper()
	plain, secure := httptest.NewServer(answer), httptest.NewTLSServer(answer)
	t.Cleanup(plain.Close)
	t.Cleanup(secure.Close)
	transport := http.DefaultTransport.(*http.Transport)
	proxy, dial := transport.Proxy, transport.DialTLSContext
	t.Cleanup(func() { transport.Proxy, transport.DialTLSContext = proxy, dial })
	to, err := url.Parse(plain.URL)
	if err != nil {
		t.Fatal(err)
	}
	transport.Proxy = func(r *http.Request) (*url.URL, error) {
		if r.URL.Scheme == "https" {
			return nil, nil
		}
		return to, nil
	}
	transport.DialTLSContext = func(ctx context.Context, network, _ string) (net.Conn, error) {
		d := tls.Dialer{Config: &tls.Config{InsecureSkipVerify: true}} // the server of this test
		return d.DialContext(ctx, network, secure.Listener.Addr().String())
	}
}

const role = `{"name":"ops","mode":"RamRoleArn","access_key_id":"LTAI-person","access_key_secret":"person-secret","ram_role_arn":"acs:ram::1:role/ops","sts_region":"cn-beijing","expired_seconds":900}`

func TestRoleIsAssumedWithTheProfilesKey(t *testing.T) {
	asked := 0
	answering(t, func(w http.ResponseWriter, r *http.Request) {
		asked++
		if r.Host != "sts.cn-beijing.aliyuncs.com" || r.FormValue("Action") != "AssumeRole" || r.FormValue("AccessKeyId") != "LTAI-person" ||
			r.FormValue("RoleArn") != "acs:ram::1:role/ops" || r.FormValue("RoleSessionName") != "tairssl" || r.FormValue("DurationSeconds") != "900" {
			t.Errorf("%s is asked for %v", r.Host, r.Form["Action"])
		}
		fmt.Fprintf(w, `{"Credentials":{"AccessKeyId":"STS.role","AccessKeySecret":"role-secret","SecurityToken":"role-token","Expiration":%q}}`, time.Now().Add(time.Hour).UTC().Format(time.RFC3339))
	})
	p, err := profile.Read(written(t, "ops", role), "")
	if err != nil {
		t.Fatal(err)
	}
	credentials := p.Credentials()
	for range 3 {
		if c, err := credentials(context.Background()); err != nil || c != (tair.Credential{AccessKeyID: "STS.role", AccessKeySecret: "role-secret", SecurityToken: "role-token"}) {
			t.Fatalf("it gives %v", err)
		}
	}
	if asked != 1 {
		t.Errorf("the role was assumed %d times for three calls", asked)
	}
}

func TestRefusedRoleSaysWhyAndShowsNoKey(t *testing.T) {
	answering(t, func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(http.StatusForbidden)
		fmt.Fprint(w, `{"RequestId":"A","Code":"NoPermission","Message":"LTAI-person with person-secret may not assume the role"}`)
	})
	_, err := get(t, written(t, "ops", role), "")
	if !errors.Is(err, handler.Forbidden) || !strings.Contains(err.Error(), "NoPermission") || !strings.Contains(err.Error(), "profile ops (RamRoleArn)") {
		t.Errorf("the error does not say which profile was refused, and why: %v", err)
	}
	if strings.Contains(err.Error(), "person-secret") || strings.Contains(err.Error(), "LTAI-person") {
		t.Errorf("the error shows the key: %v", err)
	}
}

func TestECSInstanceGivesItsRole(t *testing.T) {
	answering(t, func(w http.ResponseWriter, r *http.Request) {
		switch r.URL.Path {
		case "/latest/api/token":
			fmt.Fprint(w, "metadata-token")
		case "/latest/meta-data/ram/security-credentials/":
			fmt.Fprint(w, "tairssl-role")
		case "/latest/meta-data/ram/security-credentials/tairssl-role":
			fmt.Fprintf(w, `{"Code":"Success","AccessKeyId":"STS.ecs","AccessKeySecret":"ecs-secret","SecurityToken":"ecs-token","Expiration":%q}`, time.Now().Add(time.Hour).UTC().Format(time.RFC3339))
		default:
			http.NotFound(w, r)
		}
	})
	if c, err := profile.ECSRole("")(context.Background()); err != nil || c.AccessKeyID != "STS.ecs" || c.SecurityToken != "ecs-token" {
		t.Errorf("the instance's role gives %v, %v", c, err)
	}
	if c, err := get(t, written(t, "ecs", `{"name":"ecs","mode":"EcsRamRole","ram_role_name":"tairssl-role"}`), ""); err != nil || c.AccessKeyID != "STS.ecs" {
		t.Errorf("the profile gives %v, %v", c, err)
	}
}

func TestCredentialServer(t *testing.T) {
	body, status := "", http.StatusOK
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.WriteHeader(status)
		fmt.Fprint(w, body)
	}))
	defer server.Close()
	file := written(t, "uri", fmt.Sprintf(`{"name":"uri","mode":"CredentialsURI","credentials_uri":%q}`, server.URL))
	body = fmt.Sprintf(`{"Code":"Success","AccessKeyId":"STS.uri","AccessKeySecret":"uri-secret","SecurityToken":"uri-token","Expiration":%q}`, time.Now().Add(time.Hour).UTC().Format(time.RFC3339))
	if c, err := get(t, file, ""); err != nil || c.AccessKeyID != "STS.uri" {
		t.Errorf("the server's credential is %v, %v", c, err)
	}
	for _, bad := range []string{"", "{}", `["uri-secret"]`, `{"AccessKeySecret":"uri-secret"}`, `{"AccessKeySecret":"uri-secret`} {
		body = bad
		if _, err := get(t, file, ""); !errors.Is(err, handler.Forbidden) || strings.Contains(err.Error(), "uri-secret") {
			t.Errorf("the answer %s ends with %v", bad, err)
		}
	}
	status, body = http.StatusInternalServerError, "uri-secret"
	if _, err := get(t, file, ""); !errors.Is(err, handler.Forbidden) || !strings.Contains(err.Error(), "status 500") || strings.Contains(err.Error(), "uri-secret") {
		t.Errorf("status 500 ends with %v", err)
	}
	server.Close()
	if _, err := get(t, file, ""); !errors.Is(err, handler.Unavailable) || strings.Contains(err.Error(), server.URL) {
		t.Errorf("a server that is gone ends with %v", err)
	}
}

func TestCallerDoesNotWaitLongerThanItsContext(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan struct{})
	answering(t, func(http.ResponseWriter, *http.Request) {
		cancel()
		<-ended
	})
	t.Cleanup(func() { close(ended) })
	p, err := profile.Read(written(t, "ops", role), "")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := p.Credentials()(ctx); !errors.Is(err, handler.Unavailable) {
		t.Errorf("a cancelled call ends with %v", err)
	}
}
