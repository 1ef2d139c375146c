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
	"regexp"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"tairssl/adapters/cli"
	"tairssl/adapters/cli/doctor"
	"tairssl/adapters/tair/tairtest"
	"tairssl/handler"
)

// practice is a deployment that a doctor looks at: a cloud over HTTPS, and what
// it is told of it.
type practice struct {
	t *testing.T
	*tairtest.Emulator
	environ   []string
	transport http.RoundTripper
	secrets   []string // that may never be shown
	changed   bool     // instances were restarted before the doctor came
}

func newPractice(t *testing.T, o tairtest.Options) *practice {
	t.Helper()
	e, err := tairtest.New(o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = e.Close() })
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
		"ALIBABA_CLOUD_ECS_METADATA_DISABLED=true", // or one without a key asks the network
		"TAIRSSL_ENDPOINT=" + url, "TAIRSSL_STS_ENDPOINT=" + url, "TAIRSSL_CA_FILE=" + ca, "TAIRSSL_REGION=cn-hangzhou", "TAIRSSL_WINDOW=any", "TAIRSSL_RATE=0",
		"ALIBABA_CLOUD_ACCESS_KEY_ID=emulator", "ALIBABA_CLOUD_ACCESS_KEY_SECRET=emulator-secret"}}
}

// set adds to the environment.
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

// examine gives the findings by check and what they are on. No instance may
// ever restart for it.
func (p *practice) examine(args ...string) (code int, found map[string]doctor.Finding) {
	p.t.Helper()
	code, out := p.run(context.Background(), append(args, "-o", "json")...)
	var findings []doctor.Finding
	if err := json.Unmarshal([]byte(out), &findings); err != nil || len(findings) == 0 {
		p.t.Fatalf("doctor %v ends %d with no findings, %v:\n%s", args, code, err, out)
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

// expect compares one finding; want is the state and words of what was found or
// of the fix.
func (p *practice) expect(found map[string]doctor.Finding, what string, state doctor.State, words ...string) {
	p.t.Helper()
	f, ok := found[what]
	if !ok || f.State != state {
		p.t.Errorf("%q is %+v, want it %s", what, f, state)
	}
	for _, w := range words {
		if !strings.Contains(f.Found+" → "+f.Fix, w) {
			p.t.Errorf("%q does not say %q: %s → %s", what, w, f.Found, f.Fix)
		}
	}
}

func (p *practice) policy(document string) {
	p.t.Helper()
	if err := p.Policy([]byte(document)); err != nil {
		p.t.Fatal(err)
	}
}

// denying is a policy that allows everything but some actions.
func denying(actions ...string) string {
	return fmt.Sprintf(`{"Version":"1","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"},{"Effect":"Deny","Action":["kvstore:%s"],"Resource":"*"}]}`, strings.Join(actions, `","kvstore:`))
}

// people is a host that takes messages, and remembers what it was asked.
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

// nobody is an address at which nobody listens. The near end of a connection holds
// it, so that no other process can take it meanwhile.
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

// listen lets a practice tell these people.
func (p *practice) listen(h *people) {
	roots := x509.NewCertPool()
	roots.AddCert(h.Certificate())
	p.transport = &http.Transport{DisableKeepAlives: true, TLSClientConfig: &tls.Config{RootCAs: roots}}
	p.set("TAIRSSL_NOTIFY_URLS=webhook://" + strings.TrimPrefix(h.URL, "https://") + "/very-secret-path?secret=" + peopleSecret)
	p.secrets = append(p.secrets, "very-secret-path", peopleSecret, strings.TrimPrefix(peopleSecret, "whsec_"))
}

func TestDoctorOfAHealthyDeployment(t *testing.T) {
	p, people := newPractice(t, tairtest.Options{}), newPeople(t)
	p.listen(people)
	p.policy(`{"Version":"1","Statement":[{"Effect":"Allow","Action":"kvstore:Describe*","Resource":"*"},
		{"Effect":"Allow","Action":["kvstore:TagResources","kvstore:UntagResources"],"Resource":"acs:kvstore:*:*:instance/*"},
		{"Effect":"Allow","Action":"kvstore:ModifyInstanceSSL","Resource":"acs:kvstore:*:*:instance/*","Condition":{"StringEquals":{"kvstore:SSLEnabled":["Update"]}}}]}`)
	p.set("TAIRSSL_ALERT_TOKENS=token-of-alerts")
	p.secrets = append(p.secrets, "token-of-alerts")
	before := p.Instances()
	code, out := p.run(context.Background(), "--instance", id, "--tag-probe", "-v")
	if code != 0 {
		t.Errorf("it ends %d", code)
	}
	// What differs from run to run.
	for pattern, as := range map[string]string{`127\.0\.0\.1:\d+`: "HOST", `\d{4}-\d\d-\d\d( \d\d:\d\d UTC)?`: "DATE", `\b\d+(\.\d+)?(µs|ms)`: "TIME"} {
		out = regexp.MustCompile(pattern).ReplaceAllString(out, as)
	}
	// The closed routes are the same sentence six times.
	out = regexp.MustCompile(`(?m)^–  route .*\n.*→ to open it, set .*\n`).ReplaceAllString(out, "")
	const want = `   CHECK         ON                            FOUND
✓  settings                                    8 set, the rest by default
✓  credentials                                 acs:ram::1234567890123456:user/emulator, a RAMUser of account 1234567890123456, by the access key in ALIBABA_CLOUD_ACCESS_KEY_ID
✓  clock                                       within 1s of the endpoint's
✓  endpoint      cn-hangzhou                   HOST, TLS 1.3, certificate until DATE, connected in TIME, answers in TIME
✓  permission    DescribeInstances             10 instances in cn-hangzhou
✓  permission    DescribeInstanceAttribute     r-bp1zxszhcgatnx01 is Normal, with 0 tags
✓  permission    DescribeInstanceSSL           of r-bp1zxszhcgatnx01
✓  permission    DescribeActiveOperationTasks  for r-bp1zxszhcgatnx01
✓  permission    ModifyInstanceSSL             Update is allowed on ids like r-bp1*, what is no Update is denied
✓  permission    TagResources                  a tag of r-bp1zxszhcgatnx01 was set
✓  permission    UntagResources                on r-bp1zxszhcgatnx01, of a tag that it does not have
✓  region        cn-hangzhou                   2 of 10 instances have no TLS, 1 of 10 instances is Inactive
✓  instance      r-bp1zxszhcgatnx01            an unattended Update now would be planned: certificate expires in 12d, within 30d: Update would restart the instance
✓  handshake     r-bp1zxszhcgatnx01            TLS 1.3, certificate until DATE, as the API says
–  ca                                          TAIRSSL_CA_CHECK is not set: that the CA changed is not noticed
✓  route         /ssl                          open by TAIRSSL_ALERT_TOKENS
✓  route         /alertmanager                 open by TAIRSSL_ALERT_TOKENS
✓  route         /grafana                      open by TAIRSSL_ALERT_TOKENS
✓  route         /cloudevents                  open by TAIRSSL_ALERT_TOKENS
✓  route         /healthz                      always open
✓  window        any                           always open
✓  window        r-bp1zxszhcgatnx01            due since DATE, and the window is open now; the certificate expires DATE
✓  lease         TAIRSSL_LEASE_PAUSE           2s; a tag of r-bp1zxszhcgatnx01 showed within TIME, the slowest of 5 times
✓  notification  webhook, entry 1              HOST answers, TLS 1.3, certificate until DATE; whether it takes a message shows --notify

All is well: 23 fine, 7 skipped
`
	if out != want {
		t.Errorf("the table is\n%s\nwant\n%s", out, want)
	}
	if after := p.Instances(); fmt.Sprint(after) != fmt.Sprint(before) {
		t.Errorf("an instance was changed:\n%v\nwas\n%v", after, before)
	}
	people.mu.Lock()
	defer people.mu.Unlock()
	if !slices.Equal(people.asked, []string{"HEAD / "}) {
		t.Errorf("the people were asked %q", people.asked)
	}
}

func TestDoctorOfSettings(t *testing.T) {
	t.Parallel()
	p := newPractice(t, tairtest.Options{})
	p.set("TAIRSSL_RATE=fast", "TAIRSSL_MAX_TARGETS=0", "TAIRSSL_SLACK_SIGNING_SECRETS=file:/nowhere")
	code, found := p.examine()
	p.expect(found, "settings TAIRSSL_RATE", doctor.Failed, "API calls a second")
	p.expect(found, "settings TAIRSSL_MAX_TARGETS", doctor.Failed, "0 is not between 1 and 1000")
	p.expect(found, "settings TAIRSSL_SLACK_SIGNING_SECRETS", doctor.Failed, "cannot be read")
	for _, check := range doctor.Checks[1:] {
		p.expect(found, check, doctor.Skipped, "settings")
	}
	if code != 2 || p.Calls("GetCallerIdentity") != 0 {
		t.Errorf("with wrong settings it ends %d, after asking who it is %d times", code, p.Calls("GetCallerIdentity"))
	}

	p = newPractice(t, tairtest.Options{})
	p.set("TAIRSSL_REGION=", "TAIRSSL_PAUSE=1", "TAIRSSL_ACTIONS=Update,Disable", "TAIRSSL_LEASE_PAUSE=100ms", "TAIRSSL_FEISHU_ENCRYPT_KEYS=k", "TAIRSSL_RENEWBEFORE=1h")
	code, found = p.examine()
	for what, word := range map[string]string{"REGION": "only cn-hangzhou", "PAUSE": "stops every change", "ACTIONS": "Disable", "LEASE_PAUSE": "--tag-probe",
		"FEISHU_APP_ID": "not answered", "CHAT_ALLOW": "nobody", "CONFIRM_KEY": "only reads", "NOTIFY_URLS": "nobody is told", "RENEWBEFORE": "no setting"} {
		p.expect(found, "settings TAIRSSL_"+what, doctor.Warning, word)
	}
	if code != 0 {
		t.Errorf("advice alone ends %d", code)
	}
	p.set("TAIRSSL_LEASE=none", "TAIRSSL_CONFIRM_KEY=short")
	_, found = p.examine()
	p.expect(found, "settings TAIRSSL_LEASE", doctor.Warning, "two writers")
	p.expect(found, "settings TAIRSSL_CONFIRM_KEY", doctor.Warning, "guessed")
	p.expect(found, "permission TagResources", doctor.Skipped, "TAIRSSL_LEASE")
	p.expect(found, "lease TAIRSSL_LEASE_PAUSE", doctor.Skipped, "TAIRSSL_LEASE")
	p.listen(newPeople(t))
	_, found = p.examine()
	p.expect(found, "permission TagResources", doctor.Unknown, "what people were told", "policy.json")
	p.expect(found, "permission UntagResources", doctor.Skipped, "TAIRSSL_LEASE")
}

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
			t.Errorf("with %s it ends %d, want %d", c.what, code, c.code)
		}
		if c.state == doctor.Failed {
			p.expect(found, "permission reads in cn-hangzhou", doctor.Skipped, "credential")
			p.expect(found, "permission writes in cn-hangzhou", doctor.Skipped, "credential")
			p.expect(found, "instance "+id, doctor.Skipped, "credential")
			p.expect(found, "endpoint cn-hangzhou", doctor.OK) // which needs none
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
		{time.Hour, doctor.Failed, "NTP", 5}, // then every call fails as well
	} {
		t.Run(c.off.String(), func(t *testing.T) {
			t.Parallel() // a call that fails is repeated after a pause
			p := newPractice(t, tairtest.Options{Now: func() time.Time { return time.Now().Add(c.off) }})
			code, found := p.examine()
			p.expect(found, "clock", c.state, c.words)
			if code != c.code {
				t.Errorf("with a clock that is %s off it ends %d, want %d", c.off, code, c.code)
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
			t.Parallel() // a call that fails is repeated after a pause
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
				t.Errorf("with %s it ends %d, want 5", c.what, code)
			}
		})
	}
}

func TestDoctorOfASlowEndpoint(t *testing.T) {
	t.Parallel()
	slow := newPractice(t, tairtest.Options{Latency: 250 * time.Millisecond})
	code, found := slow.examine()
	slow.expect(found, "endpoint cn-hangzhou", doctor.Warning, "lease may not be had in time")
	if code != 0 {
		t.Errorf("with a slow endpoint it ends %d", code)
	}
}

func TestDoctorOfTwoRegions(t *testing.T) {
	p := newPractice(t, tairtest.Options{})
	p.set("TAIRSSL_REGION=cn-shanghai,cn-beijing")
	code, found := p.examine()
	p.expect(found, "endpoint cn-shanghai", doctor.OK)
	p.expect(found, "endpoint cn-beijing", doctor.OK)
	p.expect(found, "permission reads of an instance", doctor.Skipped, "none with TLS in cn-beijing")
	p.expect(found, "region cn-shanghai", doctor.OK, "1 instance")
	p.expect(found, "region cn-beijing", doctor.Warning, "has no instance", "TAIRSSL_REGION")
	p.expect(found, "permission DescribeInstanceSSL", doctor.OK, "r-uf6zxszhcgatnx07")
	if code != 0 {
		t.Errorf("with two regions it ends %d", code)
	}
}

func TestDoctorOfReads(t *testing.T) {
	t.Parallel()
	for _, action := range []string{"DescribeInstances", "DescribeInstanceAttribute", "DescribeInstanceSSL", "DescribeActiveOperationTasks"} {
		p := newPractice(t, tairtest.Options{})
		p.policy(denying(action))
		code, found := p.examine("--instance", id)
		p.expect(found, "permission "+action, doctor.Failed, "denied", "allow kvstore:"+action+" on acs:kvstore:cn-hangzhou:1234567890123456:instance/", "to acs:ram::1234567890123456:user/emulator")
		if action == "DescribeInstanceAttribute" || action == "DescribeInstanceSSL" {
			p.expect(found, "instance "+id, doctor.Failed, "cannot be read", "permissions above")
		}
		if f := found["permission "+action]; code != 3 || f.Kind != handler.Forbidden || f.Code != "Forbidden.RAM" || f.RequestID == "" {
			t.Errorf("without %s it ends %d with %+v", action, code, f)
		}
	}
}

func TestDoctorOfWrites(t *testing.T) {
	t.Parallel()
	named, err := os.ReadFile("../tair/policy.json")
	if err != nil {
		t.Fatal(err)
	}
	type states map[string]doctor.State
	for _, c := range []struct {
		what   string
		o      tairtest.Options
		policy string
		args   []string
		want   states
		code   int
	}{
		{"all rights, none of them proven", tairtest.Options{}, denying("Nothing"), nil,
			states{"ModifyInstanceSSL": doctor.Unknown, "TagResources": doctor.Unknown, "UntagResources": doctor.Unknown}, 0},
		{"the policy that names its instances", tairtest.Options{}, string(named), []string{"--instance", id, "--tag-probe"},
			states{"ModifyInstanceSSL": doctor.Unknown, "TagResources": doctor.OK, "UntagResources": doctor.OK}, 0},
		{"an instance that the policy does not name", tairtest.Options{}, string(named), []string{"--instance", "r-bp1zxszhcgatnx04", "--tag-probe"},
			states{"ModifyInstanceSSL": doctor.Unknown, "TagResources": doctor.Failed, "UntagResources": doctor.Failed}, 3},
		{"no right to change", tairtest.Options{}, denying("ModifyInstanceSSL"), nil,
			states{"ModifyInstanceSSL": doctor.Unknown}, 0},
		{"no right to tag", tairtest.Options{}, denying("TagResources"), []string{"--instance", id, "--tag-probe"},
			states{"TagResources": doctor.Failed, "UntagResources": doctor.OK}, 3},
		{"no right to remove tags", tairtest.Options{}, denying("UntagResources"), []string{"--instance", id},
			states{"TagResources": doctor.Unknown, "UntagResources": doctor.Failed}, 3},
		{"a gateway that looks for the instance first", tairtest.Options{ExistenceFirst: true}, `{"Version":"1","Statement":[{"Effect":"Allow","Action":"kvstore:Describe*","Resource":"*"}]}`, []string{"--instance", id},
			states{"ModifyInstanceSSL": doctor.Unknown, "TagResources": doctor.Unknown, "UntagResources": doctor.Failed}, 3},
		{"reads of named instances alone", tairtest.Options{}, `{"Version":"1","Statement":[{"Effect":"Allow","Action":"kvstore:*","Resource":["acs:kvstore:*:*:instance/` + id + `"]},{"Effect":"Allow","Action":["kvstore:DescribeInstances","kvstore:DescribeActiveOperationTasks"],"Resource":"*"}]}`, []string{"--instance", id},
			states{"ModifyInstanceSSL": doctor.Unknown, "TagResources": doctor.Unknown, "UntagResources": doctor.OK}, 0},
	} {
		p := newPractice(t, c.o)
		p.policy(c.policy)
		code, found := p.examine(c.args...)
		for action, state := range c.want {
			p.expect(found, "permission "+action, state)
		}
		if code != c.code {
			t.Errorf("with %s it ends %d, want %d", c.what, code, c.code)
		}
		if i, _ := p.Instance(id); len(i.Tags) != 0 && !strings.Contains(c.what, "remove") {
			t.Errorf("with %s the tags %v are left", c.what, i.Tags)
		}
		if strings.HasPrefix(c.what, "reads of named") && p.Calls("ModifyInstanceSSL") != 0 {
			t.Errorf("ModifyInstanceSSL was sent although the API never said that the instance is not there")
		}
	}
}

// The right to move Alibaba's own renewals is asked about only where it is needed, and
// nothing is moved for that.
func TestDoctorOfTheRightToMove(t *testing.T) {
	t.Parallel()
	const what = "permission ModifyActiveOperationTasks"
	for name, test := range map[string]struct {
		policy, setting string
		state           doctor.State // "" for no finding
		says            string
		code            int
	}{
		"leave, and no right":  {denying("ModifyActiveOperationTasks"), "leave", "", "", 0},
		"window, and no right": {denying("ModifyActiveOperationTasks"), "window", doctor.Failed, "allow kvstore:ModifyActiveOperationTasks on * to", 3},
		"window":               {denying("Nothing"), "window", doctor.OK, "refused as such", 0},
	} {
		p := newPractice(t, tairtest.Options{})
		at := p.Now().Add(48 * time.Hour).UTC().Format("2006-01-02T15:04:05Z")
		i, _ := p.Instance(id)
		i.ActiveOperationTasks = []tairtest.Task{{TaskType: "rds_apsaradb_ssl_update", SwitchTime: at}}
		if err := p.Put(i); err != nil {
			t.Fatal(err)
		}
		p.policy(test.policy)
		p.set("TAIRSSL_ALIBABA_RENEWAL=" + test.setting)
		code, found := p.examine()
		if _, ok := found[what]; ok != (test.state != "") {
			t.Errorf("%s: that it is looked at is %v", name, ok)
		} else if ok {
			p.expect(found, what, test.state, test.says)
		}
		if i, _ = p.Instance(id); code != test.code || i.ActiveOperationTasks[0].SwitchTime != at {
			t.Errorf("%s: it ends %d, want %d; the task is at %s, it was at %s", name, code, test.code, i.ActiveOperationTasks[0].SwitchTime, at)
		}
	}
}

func TestDoctorOfAnInstance(t *testing.T) {
	t.Parallel()
	p := newPractice(t, tairtest.Options{})
	code, found := p.examine("--instance", "r-gonegone")
	p.expect(found, "permission DescribeInstanceAttribute", doctor.Failed, "no")
	p.expect(found, "instance r-gonegone", doctor.Failed, "TAIRSSL_REGION")
	if code != 4 {
		t.Errorf("with an instance that is not there it ends %d, want 4", code)
	}
	_, found = p.examine("--instance", "r-bp1zxszhcgatnx06")
	p.expect(found, "instance r-bp1zxszhcgatnx06", doctor.Warning, "tairssl update r-bp1zxszhcgatnx06 --force")
	_, found = p.examine("--instance", "r-bp1zxszhcgatnx03")
	p.expect(found, "window r-bp1zxszhcgatnx03", doctor.Skipped, "encryption is off")
	code, found = p.examine("--instance", "tt-bp1zxszhcgatnx05")
	p.expect(found, "instance tt-bp1zxszhcgatnx05", doctor.Failed, "tairssl=off")
	if code != 3 {
		t.Errorf("with an instance that is off it ends %d, want 3", code)
	}
	if err := p.Put(tairtest.Instance{InstanceID: "r-later", Tags: map[string]string{"tairssl": "off"}}); err != nil {
		t.Fatal(err)
	}
	_, found = p.examine("--instance", "r-later")
	p.expect(found, "instance r-later", doctor.Warning, "tairssl=off", "remove the tag")
	p.set("TAIRSSL_INSTANCES=r-uf6*")
	code, found = p.examine("--instance", id)
	p.expect(found, "instance "+id, doctor.Failed, "TAIRSSL_INSTANCES")
	if code != 3 {
		t.Errorf("with an instance that the settings leave out it ends %d, want 3", code)
	}
}

// Each setting that is said to open a route opens it.
func TestDoctorOfRoutes(t *testing.T) {
	t.Parallel()
	p := newPractice(t, tairtest.Options{})
	p.secrets = append(p.secrets, "c2VjcmV0LXNlY3JldC1zZWNyZXQ")
	environ := p.environ
	_, closed := p.examine()
	routes := 0
	for name, f := range closed {
		if f.Check != doctor.Route || f.On == "/healthz" {
			continue
		}
		routes++
		settings := regexp.MustCompile(`TAIRSSL_\w+`).FindAllString(f.Fix, -1)
		if f.State != doctor.Skipped || len(settings) == 0 {
			t.Errorf("without a secret %s is %+v", name, f)
		}
		for _, setting := range settings {
			value := "c2VjcmV0LXNlY3JldC1zZWNyZXQtc2VjcmV0"
			switch setting {
			case "TAIRSSL_WEBHOOK_SECRETS":
				value = "whsec_" + value
			case "TAIRSSL_ALERT_BASIC":
				value = "user:" + value
			case "TAIRSSL_WECOM_CALLBACKS":
				value = "token:jWmYm7qr5nMoAUwZRjGtBxmz3KA1tkAj3ykkR6q2B2C"
			}
			p.environ = append(slices.Clip(environ), setting+"="+value)
			_, found := p.examine()
			p.expect(found, name, doctor.OK, "open by "+setting)
		}
	}
	if routes != 10 {
		t.Errorf("%d routes beside /healthz are shown", routes)
	}
}

func TestDoctorOfWindows(t *testing.T) {
	t.Parallel()
	p := newPractice(t, tairtest.Options{})
	inThreeDays := time.Now().UTC().AddDate(0, 0, 3).Format("Mon")
	soon := func(id string, left time.Duration) {
		if err := p.Put(tairtest.Instance{InstanceID: id, SSLExpiredTime: time.Now().Add(left).UTC().Format("2006-01-02T15:04:05Z")}); err != nil {
			t.Fatal(err)
		}
	}
	soon("r-soon", 36*time.Hour)
	soon("r-later", 800*time.Hour)
	for _, c := range []struct {
		what, environ, on string
		args              []string
		state             doctor.State
		words             string
		code              int
	}{
		{"no instance to ask about its own", "TAIRSSL_WINDOW=instance", "instance", nil, doctor.Skipped, "--instance", 0},
		{"its own", "TAIRSSL_WINDOW=instance", "r-later", []string{"--instance", "r-later"}, doctor.OK, "the window then opens", 0},
		{"a zone", "TAIRSSL_WINDOW=" + inThreeDays + " 12:00-12:30 Asia/Shanghai", inThreeDays + " 12:00-12:30 Asia/Shanghai", nil, doctor.OK, "04:00 UTC (" + inThreeDays + " 12:00 Asia/Shanghai)", 0},
		{"a week for what is due three days before", "TAIRSSL_WINDOW=Sat 02:00-03:00|TAIRSSL_RENEW_BEFORE=72h", "Sat 02:00-03:00", nil, doctor.Failed, "raise TAIRSSL_RENEW_BEFORE to 191h or more", 1},
		{"the same, and acting without", "TAIRSSL_WINDOW=Sat 02:00-03:00|TAIRSSL_RENEW_BEFORE=72h|TAIRSSL_WINDOW_MISSED=act", "Sat 02:00-03:00", nil, doctor.Warning, "renews at once", 0},
		{"one that opens too late for an instance", "TAIRSSL_WINDOW=" + inThreeDays + " 00:00-24:00", "r-soon", []string{"--instance", "r-soon"}, doctor.Failed, "tairssl update r-soon", 1},
		{"one in time", "TAIRSSL_WINDOW=" + inThreeDays + " 00:00-24:00", "r-later", []string{"--instance", "r-later"}, doctor.OK, "the window then opens", 0},
	} {
		environ := p.environ
		p.set(strings.Split(c.environ, "|")...)
		code, found := p.examine(c.args...)
		p.environ = environ
		p.expect(found, "window "+c.on, c.state, c.words)
		if code != c.code {
			t.Errorf("with %s it ends %d, want %d", c.what, code, c.code)
		}
	}
}

func TestDoctorOfFreezes(t *testing.T) {
	t.Parallel()
	p := newPractice(t, tairtest.Options{})
	day := func(n int) string { return time.Now().UTC().AddDate(0, 0, n).Format(time.DateOnly) }
	if err := p.Put(tairtest.Instance{InstanceID: "r-soon", SSLExpiredTime: handler.At(time.Now().AddDate(0, 0, 5)).String(), Tags: map[string]string{"tairssl-approved": "yes"}}); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		freeze, window string
		args           []string
		on             string
		state          doctor.State
		words          string
		code           int
	}{
		"to come":                      {day(10) + "/" + day(12), "any", nil, "TAIRSSL_FREEZE", doctor.OK, "on next from " + day(10) + " 00:00 UTC to " + day(13) + " 00:00 UTC", 0},
		"on":                           {day(-1) + "/" + day(2), "any", nil, "TAIRSSL_FREEZE", doctor.OK, "on until " + day(3) + " 00:00 UTC", 0},
		"over":                         {day(-3) + "/" + day(-2) + ", " + day(10) + "/" + day(12), "any", nil, day(-3) + "/" + day(-2), doctor.Warning, "is over", 0},
		"longer than RENEW_BEFORE":     {day(10) + "/" + day(60), "any", nil, day(10) + "/" + day(60), doctor.Warning, "lasts 51d", 0},
		"every window":                 {"Fri 16:00-Mon 08:00", "Sat 02:00-05:00", nil, "TAIRSSL_FREEZE", doctor.Failed, "nothing is ever renewed by itself", 1},
		"an instance that is too late": {day(-1) + "/" + day(6), "any", []string{"--instance", "r-soon"}, "r-soon", doctor.Failed, "tairssl update r-soon", 1},
		"an instance in time":          {day(-1) + "/" + day(2), "any", []string{"--instance", "r-soon"}, "r-soon", doctor.OK, "frozen until " + day(3), 0},
		"each its own":                 {day(10) + "/" + day(12), "instance", nil, "TAIRSSL_FREEZE", doctor.OK, "on next from", 0},
	} {
		environ := p.environ
		p.set("TAIRSSL_FREEZE="+c.freeze, "TAIRSSL_WINDOW="+c.window)
		code, found := p.examine(c.args...)
		p.environ = environ
		p.expect(found, "window "+c.on, c.state, c.words)
		if code != c.code {
			t.Errorf("%s: it ends %d, want %d", name, code, c.code)
		}
	}
	_, found := p.examine()
	p.expect(found, "region tairssl-approved in cn-hangzhou", doctor.Warning, "r-soon cannot be read", "tairssl approve r-soon")
	p.set("TAIRSSL_APPROVAL=required")
	_, found = p.examine()
	p.expect(found, "settings TAIRSSL_APPROVAL", doctor.Warning, "nobody is told what waits for an approval")
}

func TestDoctorOfTheLeasesPause(t *testing.T) {
	t.Parallel()
	p := newPractice(t, tairtest.Options{TagLag: 150 * time.Millisecond})
	for pause, want := range map[string]struct {
		state doctor.State
		code  int
	}{"50ms": {doctor.Failed, 1}, "10s": {doctor.OK, 0}} {
		environ := p.environ
		p.set("TAIRSSL_LEASE_PAUSE=" + pause)
		code, found := p.examine("--instance", id, "--tag-probe")
		p.environ = environ
		p.expect(found, "lease TAIRSSL_LEASE_PAUSE", want.state, "slowest of 5")
		if code != want.code {
			t.Errorf("with a pause of %s it ends %d, want %d", pause, code, want.code)
		}
		if i, _ := p.Instance(id); len(i.Tags) != 0 {
			t.Errorf("the tags %v are left", i.Tags)
		}
	}
	tags := p.Calls("TagResources")
	_, found := p.examine("--instance", id)
	p.expect(found, "lease TAIRSSL_LEASE_PAUSE", doctor.Skipped, "--tag-probe --instance ID")
	if got := p.Calls("TagResources") - tags; got != 1 { // for the instance that is not there
		t.Errorf("without --tag-probe TagResources was called %d times", got)
	}
}

func TestDoctorOfNotices(t *testing.T) {
	t.Parallel()
	p, people := newPractice(t, tairtest.Options{}), newPeople(t)
	p.listen(people)
	people.status = http.StatusInternalServerError // which a host may be that is there
	code, found := p.examine()
	p.expect(found, "notification webhook, entry 1", doctor.OK, "--notify")
	if code != 0 {
		t.Errorf("with people who are there it ends %d", code)
	}
	code, found = p.examine("--notify")
	p.expect(found, "notification webhook, entry 1", doctor.Failed, "status 500", "TAIRSSL_NOTIFY_URLS")
	if code != 5 {
		t.Errorf("with people who take no message it ends %d, want 5", code)
	}
	people.status = http.StatusOK
	_, found = p.examine("--notify")
	p.expect(found, "notification webhook, entry 1", doctor.OK, "took a test message")
	people.mu.Lock()
	if last := people.asked[len(people.asked)-1]; !strings.HasPrefix(last, "POST /very-secret-path") || !strings.Contains(last, "a test message") {
		t.Errorf("the people were sent %q", last)
	}
	people.mu.Unlock()
	people.Close()
	code, found = p.examine()
	p.expect(found, "notification webhook, entry 1", doctor.Failed, "no connection")
	if code != 5 {
		t.Errorf("with people who are not there it ends %d, want 5", code)
	}
}

func TestDoctorIsInterruptedAndLimited(t *testing.T) {
	t.Parallel()
	tagging := make(chan struct{})
	once := sync.OnceFunc(func() { close(tagging) })
	p := newPractice(t, tairtest.Options{TagLag: time.Hour, Logf: func(format string, args ...any) {
		if strings.Contains(fmt.Sprintf(format, args...), "TagResources") {
			once()
		}
	}})
	ctx, interrupt := context.WithCancel(context.Background())
	ended := make(chan int)
	var out string
	go func() {
		code, printed := p.run(ctx, "--instance", id, "--tag-probe", "-v")
		out = printed
		ended <- code
	}()
	<-tagging
	interrupt()
	if code := <-ended; code != 130 || !strings.Contains(out, "interrupted") || !strings.Contains(out, "✓  credentials") {
		t.Errorf("interrupted it ends %d and shows\n%s", code, out)
	}
	if i, _ := p.Instance(id); len(i.Tags) != 0 {
		t.Errorf("interrupted it leaves the tags %v", i.Tags)
	}
	code, found := p.examine("--instance", id, "--tag-probe", "--timeout", "1s")
	p.expect(found, "lease TAIRSSL_LEASE_PAUSE", doctor.Failed, "time limit of 1s", "--timeout")
	if i, _ := p.Instance(id); code != 5 || len(i.Tags) != 0 {
		t.Errorf("limited it ends %d and leaves the tags %v", code, i.Tags)
	}
}

func TestDoctorUsage(t *testing.T) {
	t.Parallel()
	p := newPractice(t, tairtest.Options{})
	for _, args := range [][]string{{"--tag-probe"}, {"--instance", "r/x"}, {"--timeout", "0s"}, {id}} {
		if code, out := p.run(context.Background(), args...); code != 2 || !strings.Contains(out, "--help") {
			t.Errorf("doctor %v ends %d:\n%s", args, code, out)
		}
	}
	bad := filepath.Join(t.TempDir(), "policy.json")
	if err := os.WriteFile(bad, []byte(`{"Version":"1","Statement":[{"Effect":"Perhaps"}]}`), 0o600); err != nil {
		t.Fatal(err)
	}
	var stderr bytes.Buffer
	if code := cli.Run(context.Background(), cli.Environment{Args: []string{"emulate", "--policy", bad}, Stdout: io.Discard, Stderr: &stderr}); code != 2 || !strings.Contains(stderr.String(), "Perhaps") {
		t.Errorf("an emulated cloud with a bad policy ends %d: %s", code, &stderr)
	}
	p.environ = []string{"ALIBABA_CLOUD_ACCESS_KEY_ID=real", "ALIBABA_CLOUD_ACCESS_KEY_SECRET=real-secret", "TAIRSSL_STS_ENDPOINT=https://" + nobody(t)}
	p.secrets = append(p.secrets, "real-secret")
	if code, out := p.run(context.Background(), "--emulate", "--region", "cn-shanghai", "-v"); code != 0 || !strings.Contains(out, "1 instances in cn-shanghai") {
		t.Errorf("emulated it ends %d:\n%s", code, out)
	}
}

func TestDoctorShowsWhatNeedsAttentionTheMostImportantFirst(t *testing.T) {
	t.Parallel()
	p := newPractice(t, tairtest.Options{})
	p.set("TAIRSSL_CONCURRENCY=16", "TAIRSSL_ENDPOINT=http://"+nobody(t))
	code, out := p.run(context.Background())
	lines := strings.Split(out, "\n")
	if code == 0 || !strings.HasPrefix(lines[1], "✗") || strings.Contains(out, "✓") || strings.Contains(out, "–  ") || !strings.Contains(out, "(-v shows all)") {
		t.Errorf("it ends %d and shows\n%s", code, out)
	}
	last := 0
	for _, line := range lines[1:] {
		for rank, mark := range []string{"✗", "?", "!"} {
			if strings.HasPrefix(line, mark) && rank < last {
				t.Errorf("%q stands below what is less important:\n%s", line, out)
			} else if strings.HasPrefix(line, mark) {
				last = rank
			}
		}
	}
}
