package cli_test

import (
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"tairssl/adapters/cli/doctor"
	"tairssl/adapters/tair/tairtest"
)

func TestDoctorOfCredentials(t *testing.T) {
	t.Parallel()
	const roleAndProvider = "ALIBABA_CLOUD_ROLE_ARN=acs:ram::1:role/tairssl ALIBABA_CLOUD_OIDC_PROVIDER_ARN=acs:ram::1:oidc-provider/aws"
	const noKey = "ALIBABA_CLOUD_ACCESS_KEY_ID= ALIBABA_CLOUD_ACCESS_KEY_SECRET= "
	for _, c := range []struct {
		what    string
		environ string
		state   doctor.State
		words   string
		code    int
	}{
		{"a wrong secret", "ALIBABA_CLOUD_ACCESS_KEY_SECRET=another-secret", doctor.Failed, "signature is wrong", 3},
		{"a key that is not known", "ALIBABA_CLOUD_ACCESS_KEY_ID=stranger", doctor.Failed, "not found", 3},
		{"no credential", noKey, doctor.Failed, "export the two variables", 3},
		{"a token of the function's cloud alone", noKey + roleAndProvider, doctor.Failed, "ALIBABA_CLOUD_OIDC_TOKEN_FILE", 3},
		{"a token file that is not there", noKey + roleAndProvider + " ALIBABA_CLOUD_OIDC_TOKEN_FILE=/nowhere", doctor.Failed, "gave no identity token", 3},
		{"an STS that is not there", "TAIRSSL_STS_ENDPOINT=http://" + nobody(t), doctor.Unknown, "https://sts.aliyuncs.com", 0},
		{"a temporary key", "ALIBABA_CLOUD_SECURITY_TOKEN=very-secret-token", doctor.OK, "temporary access key", 0},
	} {
		p := newPractice(t, tairtest.Options{})
		p.set(strings.Fields(c.environ)...)
		p.secrets = append(p.secrets, "another-secret", "very-secret-token")
		code, found := p.examine("--instance", id)
		p.expect(found, "credentials", c.state, c.words)
		if code != c.code {
			t.Errorf("with %s the exit code is %d, want %d", c.what, code, c.code)
		}
		if c.state == doctor.Failed {
			p.expect(found, "permission reads in cn-hangzhou", doctor.Skipped, "credential")
			p.expect(found, "permission writes in cn-hangzhou", doctor.Skipped, "credential")
			p.expect(found, "instance "+id, doctor.Skipped, "credential")
			p.expect(found, "endpoint cn-hangzhou", doctor.OK) // this check needs no credential
		}
	}
	p := newPractice(t, tairtest.Options{})
	p.set(strings.Fields(roleAndProvider)...)
	_, found := p.examine()
	p.expect(found, "credentials ALIBABA_CLOUD_ROLE_ARN", doctor.Warning, "comes first")
	p.expect(found, "credentials", doctor.OK, "acs:ram::1234567890123456:user/emulator")
}

func TestDoctorOfClocks(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		off   time.Duration
		state doctor.State
		words string
		code  int
	}{
		{0, doctor.OK, "within", 0},
		{2 * time.Minute, doctor.Warning, "behind", 0},
		{-10 * time.Minute, doctor.Failed, "ahead", 1},
		{time.Hour, doctor.Failed, "NTP", 5}, // so far off that every call fails
	} {
		t.Run(c.off.String(), func(t *testing.T) {
			t.Parallel() // it waits, because failed calls are repeated
			p := newPractice(t, tairtest.Options{Now: func() time.Time { return time.Now().Add(c.off) }})
			code, found := p.examine()
			p.expect(found, "clock", c.state, c.words)
			if code != c.code {
				t.Errorf("with a clock that is %s off the exit code is %d, want %d", c.off, code, c.code)
			}
		})
	}
}

func TestDoctorOfEndpoints(t *testing.T) {
	t.Parallel()
	page := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) { _, _ = io.WriteString(w, "Welcome!") }))
	t.Cleanup(page.Close)
	elsewhere := httptest.NewServer(http.RedirectHandler("https://example.com/", http.StatusFound))
	t.Cleanup(elsewhere.Close)
	for _, c := range []struct {
		what, environ string
		state         doctor.State
		words         string
	}{
		{"nobody there", "TAIRSSL_ENDPOINT=https://" + nobody(t), doctor.Failed, "no connection"},
		{"an authority that is not trusted", "TAIRSSL_CA_FILE=", doctor.Failed, "TAIRSSL_CA_FILE"},
		{"no TLS", "TAIRSSL_ENDPOINT=https://PLAIN", doctor.Failed, "does not speak TLS"},
		{"plain HTTP on this machine", "TAIRSSL_ENDPOINT=http://PLAIN", doctor.OK, "without TLS"},
		{"a page that is not the API's", "TAIRSSL_ENDPOINT=" + page.URL, doctor.Warning, "proxy"},
		{"a redirect", "TAIRSSL_ENDPOINT=" + elsewhere.URL, doctor.Failed, "redirect"},
	} {
		t.Run(c.what, func(t *testing.T) {
			t.Parallel() // it waits, because failed calls are repeated
			p := newPractice(t, tairtest.Options{})
			plain, err := p.ListenHTTP("127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			p.set(strings.Replace(c.environ, "PLAIN", strings.TrimPrefix(plain, "http://"), 1))
			code, found := p.examine()
			p.expect(found, "endpoint cn-hangzhou", c.state, c.words)
			if c.state != doctor.Failed {
				return
			}
			p.expect(found, "clock", doctor.Skipped)
			p.expect(found, "permission reads in cn-hangzhou", doctor.Skipped, "does not answer")
			if code != 5 {
				t.Errorf("with %s the exit code is %d, want 5", c.what, code)
			}
		})
	}
}

func TestDoctorOfASlowEndpoint(t *testing.T) {
	t.Parallel()
	slow := newPractice(t, tairtest.Options{Latency: 250 * time.Millisecond})
	code, found := slow.examine()
	slow.expect(found, "endpoint cn-hangzhou", doctor.Warning, "lease may not be taken in time")
	if code != 0 {
		t.Errorf("with a slow endpoint the exit code is %d", code)
	}
}

func TestDoctorOfTwoRegions(t *testing.T) {
	p := newPractice(t, tairtest.Options{})
	p.set("TAIRSSL_REGION=cn-shanghai,cn-beijing")
	code, found := p.examine()
	p.expect(found, "endpoint cn-shanghai", doctor.OK)
	p.expect(found, "endpoint cn-beijing", doctor.OK)
	p.expect(found, "permission reads of an instance", doctor.Skipped, "no instance with TLS in cn-beijing")
	p.expect(found, "region cn-shanghai", doctor.OK, "1 instance")
	p.expect(found, "region cn-beijing", doctor.Warning, "has no instance", "TAIRSSL_REGION")
	p.expect(found, "permission DescribeInstanceSSL", doctor.OK, "r-uf6zxszhcgatnx07")
	if code != 0 {
		t.Errorf("with two regions the exit code is %d", code)
	}
}

func TestDoctorOfNotices(t *testing.T) {
	t.Parallel()
	p, people := newPractice(t, tairtest.Options{}), newPeople(t)
	p.listen(people)
	people.status = http.StatusInternalServerError // a host that answers with an error is reachable
	code, found := p.examine()
	p.expect(found, "notification webhook, entry 1", doctor.OK, "--notify")
	if code != 0 {
		t.Errorf("with a host that answers, the exit code is %d", code)
	}
	code, found = p.examine("--notify")
	p.expect(found, "notification webhook, entry 1", doctor.Failed, "status 500", "TAIRSSL_NOTIFY_URLS")
	if code != 5 {
		t.Errorf("with a host that accepts no message, the exit code is %d, want 5", code)
	}
	people.status = http.StatusOK
	_, found = p.examine("--notify")
	p.expect(found, "notification webhook, entry 1", doctor.OK, "took a test message")
	people.mu.Lock()
	if last := people.asked[len(people.asked)-1]; !strings.HasPrefix(last, "POST /very-secret-path") || !strings.Contains(last, "a test message") {
		t.Errorf("the host received %q", last)
	}
	people.mu.Unlock()
	people.Close()
	code, found = p.examine()
	p.expect(found, "notification webhook, entry 1", doctor.Failed, "no connection")
	if code != 5 {
		t.Errorf("with a host that does not answer, the exit code is %d, want 5", code)
	}
}
