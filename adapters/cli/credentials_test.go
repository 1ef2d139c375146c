package cli_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

func TestKeyInAFile(t *testing.T) {
	s := newShell(t)
	path := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(path, []byte("emulator-secret\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	s.environ = append(s.environ, "ALIBABA_CLOUD_ACCESS_KEY_SECRET=file:"+path)
	if code, out, stderr := s.run("", "status", id); code != 0 || !strings.Contains(out, id) {
		t.Errorf("it ends %d:\n%s%s", code, out, stderr)
	}
	s.environ = append(s.environ, "ALIBABA_CLOUD_ACCESS_KEY_SECRET=file:"+path+"x")
	if code, _, stderr := s.run("", "status", id); code != 2 || !strings.Contains(stderr, "ALIBABA_CLOUD_ACCESS_KEY_SECRET") {
		t.Errorf("a missing file ends %d:\n%s", code, stderr)
	}
}

func TestIdentityTokenInAFile(t *testing.T) {
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
		t.Errorf("without a token it ends %d:\n%s%s", code, out, stderr)
	}
	s.environ = append(s.environ, "ALIBABA_CLOUD_OIDC_TOKEN_FILE="+path)
	if code, out, stderr := s.run("", "update", id, "--yes"); code != 0 || s.restarts() != 1 {
		t.Errorf("it ends %d after %d restarts:\n%s%s", code, s.restarts(), out, stderr)
	}
}
