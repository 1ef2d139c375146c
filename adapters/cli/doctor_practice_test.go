package cli_test

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"tairssl/adapters/cli"
	"tairssl/adapters/cli/doctor"
	"tairssl/adapters/tair/tairtest"
)

// practice is a deployment for the doctor to examine: an emulated cloud over HTTPS, and
// an environment with its settings.
type practice struct {
	t *testing.T
	*tairtest.Emulator
	environ   []string
	transport http.RoundTripper
	secrets   []string // the doctor must never print these
	changed   bool     // the test itself restarted instances before the doctor ran
}

func newPractice(t *testing.T, o tairtest.Options) *practice {
	t.Helper()
	e := tairtest.Emulate(t, o)
	if err := e.Put(tairtest.SampleFleet(e.Now())...); err != nil {
		t.Fatal(err)
	}
	url, err := e.ListenHTTPS("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ca := filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(ca, e.CAPEM(), 0o600); err != nil {
		t.Fatal(err)
	}
	return &practice{t: t, Emulator: e, secrets: []string{"emulator-secret"}, environ: []string{
		"ALIBABA_CLOUD_ECS_METADATA_DISABLED=true", // otherwise a run without a key calls the metadata service
		"TAIRSSL_ENDPOINT=" + url, "TAIRSSL_STS_ENDPOINT=" + url, "TAIRSSL_CA_FILE=" + ca, "TAIRSSL_REGION=cn-hangzhou", "TAIRSSL_WINDOW=any", "TAIRSSL_RATE=0",
		"ALIBABA_CLOUD_ACCESS_KEY_ID=emulator", "ALIBABA_CLOUD_ACCESS_KEY_SECRET=emulator-secret"}}
}

// set adds variables to the environment.
func (p *practice) set(entries ...string) { p.environ = append(p.environ, entries...) }

func (p *practice) run(ctx context.Context, args ...string) (code int, out string) {
	p.t.Helper()
	var stdout, stderr bytes.Buffer
	code = cli.Run(ctx, cli.Environment{Args: append([]string{"doctor"}, args...), Environ: p.environ, Stdin: strings.NewReader(""), Stdout: &stdout, Stderr: &stderr, Transport: p.transport})
	for _, secret := range p.secrets {
		if strings.Contains(stdout.String()+stderr.String(), secret) {
			p.t.Errorf("doctor %v shows the secret %s:\n%s%s", args, secret, &stdout, &stderr)
		}
	}
	if stderr.Len() > 0 {
		return code, stderr.String()
	}
	return code, stdout.String()
}

// examine runs the doctor, and gives the findings by their check and their object. It
// fails if an instance restarted.
func (p *practice) examine(args ...string) (code int, found map[string]doctor.Finding) {
	p.t.Helper()
	code, out := p.run(context.Background(), append(args, "-o", "json")...)
	var findings []doctor.Finding
	if err := json.Unmarshal([]byte(out), &findings); err != nil || len(findings) == 0 {
		p.t.Fatalf("doctor %v exits with %d with no findings, %v:\n%s", args, code, err, out)
	}
	found, last := map[string]doctor.Finding{}, 0
	for _, f := range findings {
		if at := slices.Index(doctor.Checks, f.Check); at < last {
			p.t.Errorf("%s is shown after %s", f.Check, doctor.Checks[last])
		} else {
			last = at
		}
		found[strings.TrimSpace(f.Check+" "+f.On)] = f
		if f.Found == "" || f.State == doctor.Failed && (f.Fix == "" || f.Kind == "") {
			p.t.Errorf("a finding says too little: %+v", f)
		}
	}
	for _, i := range p.Instances() {
		if i.Restarts != 0 && !p.changed {
			p.t.Errorf("%s was restarted", i.InstanceID)
		}
	}
	return code, found
}

// expect checks the state of one finding, and words of its text or its fix.
func (p *practice) expect(found map[string]doctor.Finding, name string, state doctor.State, words ...string) {
	p.t.Helper()
	f, ok := found[name]
	if !ok || f.State != state {
		p.t.Errorf("%q is %+v, want it %s", name, f, state)
	}
	for _, w := range words {
		if !strings.Contains(f.Found+" → "+f.Fix, w) {
			p.t.Errorf("%q does not say %q: %s → %s", name, w, f.Found, f.Fix)
		}
	}
}

func (p *practice) policy(document string) {
	p.t.Helper()
	if err := p.Policy([]byte(document)); err != nil {
		p.t.Fatal(err)
	}
}

// denying is a policy that allows every action except these.
func denying(actions ...string) string {
	return fmt.Sprintf(`{"Version":"1","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"},{"Effect":"Deny","Action":["kvstore:%s"],"Resource":"*"}]}`, strings.Join(actions, `","kvstore:`))
}

// people is a host that accepts messages and records its requests.
type people struct {
	*httptest.Server
	mu     sync.Mutex
	asked  []string
	status int
}

func newPeople(t *testing.T) *people {
	h := &people{status: http.StatusOK}
	h.Server = httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		h.mu.Lock()
		defer h.mu.Unlock()
		h.asked = append(h.asked, r.Method+" "+r.URL.Path+" "+string(body))
		w.WriteHeader(h.status)
	}))
	t.Cleanup(h.Close)
	return h
}

// nobody is an address without a server. It is the local address of an open connection,
// so that no other process can listen on it.
func nobody(t *testing.T) string {
	t.Helper()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	connection, err := net.Dial("tcp", listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = connection.Close()
		_ = listener.Close()
	})
	return connection.LocalAddr().String()
}

const peopleSecret = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"

// listen makes the practice send its notices to these people.
func (p *practice) listen(h *people) {
	roots := x509.NewCertPool()
	roots.AddCert(h.Certificate())
	p.transport = &http.Transport{DisableKeepAlives: true, TLSClientConfig: &tls.Config{RootCAs: roots}}
	p.set("TAIRSSL_NOTIFY_URLS=webhook://" + strings.TrimPrefix(h.URL, "https://") + "/very-secret-path?secret=" + peopleSecret)
	p.secrets = append(p.secrets, "very-secret-path", peopleSecret, strings.TrimPrefix(peopleSecret, "whsec_"))
}
