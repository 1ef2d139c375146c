package cli_test

import (
	"bytes"
	"context"
	"net/http"
	"net/http/httptest"
	"net/http/httputil"
	"net/url"
	"strings"
	"testing"
	"time"

	"tairssl/adapters/cli"
	"tairssl/adapters/cli/doctor"
	"tairssl/adapters/tair/tairtest"
	"tairssl/handler"
)

const shanghaiCarts = "r-uf6zxszhcgatnx07"

func TestDoctorShakesHands(t *testing.T) {
	t.Parallel()
	p := newPractice(t, tairtest.Options{})
	_, found := p.examine()
	p.expect(found, "handshake", doctor.Skipped, "TAIRSSL_VERIFY is api")
	code, found := p.examine("--instance", id)
	p.expect(found, "handshake "+id, doctor.OK, "TLS 1.3", "as the API says")
	if code != 0 {
		t.Errorf("the exit code is %d", code)
	}

	p.set("TAIRSSL_VERIFY=tls", "TAIRSSL_REGION=cn-hangzhou,cn-shanghai,cn-beijing", "TAIRSSL_WAIT=5m")
	code, found = p.examine()
	p.expect(found, "handshake "+id, doctor.OK, "as the API says")
	p.expect(found, "handshake "+shanghaiCarts, doctor.OK, "as the API says")
	p.expect(found, "handshake cn-beijing", doctor.Skipped, "no instance with a certificate")
	if code != 0 {
		t.Errorf("the exit code is %d", code)
	}
	_, found = p.examine("--instance", "sessions")
	p.expect(found, "handshake r-bp1zxszhcgatnx02", doctor.OK)
	p.expect(found, "handshake "+shanghaiCarts, doctor.OK)

	_, found = p.examine("--instance", "search-index") // the API reports a certificate with a wrong name
	p.expect(found, "handshake r-bp1zxszhcgatnx06", doctor.OK)
}

func TestDoctorSaysWhenTheHandshakeContradictsOrFails(t *testing.T) {
	t.Parallel()
	p := newPractice(t, tairtest.Options{Lag: -1, ChangeTime: -1})
	p.set("TAIRSSL_WAIT=5m", "TAIRSSL_ACTIONS=Enable,Update", "TAIRSSL_LEASE=none")
	const off = "r-bp1zxszhcgatnx03"
	p.StaleServing(time.Hour)
	for id, name := range map[string]string{id: "update", off: "enable"} {
		var out bytes.Buffer
		if code := cli.Run(context.Background(), cli.Environment{Args: []string{name, id, "--yes", "--wait", "0s"}, Environ: p.environ, Stdin: strings.NewReader(""), Stdout: &out, Stderr: &out}); code != 0 {
			t.Fatalf("%s exits with %d:\n%s", name, code, &out)
		}
	}
	p.changed = true
	_, found := p.examine("--instance", id)
	p.expect(found, "handshake "+id, doctor.Warning, "and not the one that expires", "status --tls")
	code, found := p.examine("--instance", off)
	p.expect(found, "handshake "+off, doctor.Skipped, "does not speak TLS", "Only TAIRSSL_VERIFY=tls")
	if code != 0 {
		t.Errorf("without TAIRSSL_VERIFY the exit code is %d", code)
	}
	p.set("TAIRSSL_VERIFY=tls")
	code, found = p.examine("--instance", off)
	p.expect(found, "handshake "+off, doctor.Failed, "does not speak TLS", "IP whitelist")
	if code != 5 {
		t.Errorf("with TAIRSSL_VERIFY the exit code is %d", code)
	}
}

func TestDoctorReadsTheCA(t *testing.T) {
	t.Parallel()
	p := newPractice(t, tairtest.Options{})
	_, found := p.examine()
	p.expect(found, "ca", doctor.Skipped, "TAIRSSL_CA_CHECK is not set")
	p.set("TAIRSSL_CA_ACCEPT=" + strings.Repeat("ab", 32))
	_, found = p.examine()
	p.expect(found, "settings TAIRSSL_CA_ACCEPT", doctor.Warning, "does nothing without TAIRSSL_CA_CHECK")

	p.set("TAIRSSL_CA_CHECK=1", "TAIRSSL_REGION=cn-hangzhou,cn-shanghai,cn-beijing")
	code, found := p.examine()
	p.expect(found, "ca "+id, doctor.OK, "SHA-256 ")
	p.expect(found, "ca "+shanghaiCarts, doctor.OK, "SHA-256 ")
	p.expect(found, "ca cn-beijing", doctor.Skipped, "no instance with a certificate")
	p.expect(found, "settings TAIRSSL_WAIT", doctor.Warning, "is 0s")
	if code != 0 {
		t.Errorf("the exit code is %d", code)
	}

	mark := func(value string) {
		if err := p.Put(tairtest.Instance{InstanceID: shanghaiCarts, RegionID: "cn-shanghai", Tags: map[string]string{handler.CAChangedTag: value}}); err != nil {
			t.Fatal(err)
		}
	}
	mark(strings.Repeat("cd", 32))
	_, found = p.examine()
	p.expect(found, "ca cn-shanghai", doctor.Warning, "nothing is changed unattended", shanghaiCarts, "TAIRSSL_CA_ACCEPT="+strings.Repeat("cd", 32))
	mark(strings.Repeat("ab", 32))
	if _, found = p.examine(); found["ca cn-shanghai"].Found != "" {
		t.Errorf("an accepted CA is reported: %+v", found["ca cn-shanghai"])
	}
}

// If the CA chain cannot be read, a function that compares CAs does not renew.
func TestDoctorSaysThatTheCACannotBeRead(t *testing.T) {
	t.Parallel()
	p := newPractice(t, tairtest.Options{})
	plain, err := p.ListenHTTP("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	to, err := url.Parse(plain)
	if err != nil {
		t.Fatal(err)
	}
	proxy := &httputil.ReverseProxy{Rewrite: func(r *httputil.ProxyRequest) { r.SetURL(to); r.Out.Host = r.In.Host }}
	before := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if strings.HasSuffix(r.URL.Path, ".zip") {
			w.WriteHeader(http.StatusForbidden)
			return
		}
		proxy.ServeHTTP(w, r)
	}))
	defer before.Close()
	p.set("TAIRSSL_CA_CHECK=1", "TAIRSSL_ENDPOINT="+before.URL, "TAIRSSL_WAIT=5m")
	code, found := p.examine()
	p.expect(found, "ca "+id, doctor.Failed, "answers with status 403", "until the last day before the expiry")
	if code != 5 {
		t.Errorf("the exit code is %d", code)
	}
}
