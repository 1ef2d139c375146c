package cli_test

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"tairssl/adapters/cli"
	"tairssl/adapters/cli/doctor"
	"tairssl/adapters/tair/tairtest"
)

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
		t.Errorf("the exit code is %d", code)
	}
	// Replace values that differ from run to run.
	for pattern, as := range map[string]string{`127\.0\.0\.1:\d+`: "HOST", `\d{4}-\d\d-\d\d( \d\d:\d\d UTC)?`: "DATE", `\b\d+(\.\d+)?(µs|ms)`: "TIME"} {
		out = regexp.MustCompile(pattern).ReplaceAllString(out, as)
	}
	// Remove the closed routes, which all have the same text.
	out = regexp.MustCompile(`(?m)^–  route .*\n.*→ to open it, set .*\n`).ReplaceAllString(out, "")
	const want = `   CHECK         ON                            FOUND
✓  settings                                    8 set, the rest by default
✓  credentials                                 acs:ram::1234567890123456:user/emulator, a RAMUser of account 1234567890123456, by the access key in ALIBABA_CLOUD_ACCESS_KEY_ID
✓  clock                                       within 1s of the endpoint's
✓  endpoint      cn-hangzhou                   HOST, TLS 1.3, certificate until DATE, connected in TIME, answers in TIME
✓  permission    DescribeInstances             10 instances in cn-hangzhou
✓  permission    DescribeInstanceAttribute     r-bp1zxszhcgatnx01 is Normal, with 0 tags
✓  permission    DescribeInstanceSSL           read r-bp1zxszhcgatnx01
✓  permission    DescribeActiveOperationTasks  read for r-bp1zxszhcgatnx01
✓  permission    ModifyInstanceSSL             Update is allowed on ids like r-bp1*, other actions are denied
✓  permission    TagResources                  a tag of r-bp1zxszhcgatnx01 was set
✓  permission    UntagResources                on r-bp1zxszhcgatnx01, of a tag that it does not have
✓  region        cn-hangzhou                   2 of 10 instances have no TLS, 1 of 10 instances is Inactive
✓  instance      r-bp1zxszhcgatnx01            an unattended Update now would end as planned: certificate expires in 12d, within 30d: Update would restart the instance
✓  handshake     r-bp1zxszhcgatnx01            TLS 1.3, certificate until DATE, as the API says
–  ca                                          TAIRSSL_CA_CHECK is not set: a change of the CA is not noticed
✓  route         /ssl                          open by TAIRSSL_ALERT_TOKENS
✓  route         /alertmanager                 open by TAIRSSL_ALERT_TOKENS
✓  route         /grafana                      open by TAIRSSL_ALERT_TOKENS
✓  route         /cloudevents                  open by TAIRSSL_ALERT_TOKENS
✓  route         /healthz                      always open
✓  window        any                           always open
✓  window        r-bp1zxszhcgatnx01            due since DATE, and the window is open now; the certificate expires DATE
✓  lease         TAIRSSL_LEASE_PAUSE           2s; a new tag of r-bp1zxszhcgatnx01 was visible within TIME, the slowest of 5 times
✓  notification  webhook, entry 1              HOST answers, TLS 1.3, certificate until DATE; run with --notify to send it a test message

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
		t.Errorf("the host for notices received %q", people.asked)
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
		t.Errorf("with wrong settings the exit code is %d, after %d calls of GetCallerIdentity", code, p.Calls("GetCallerIdentity"))
	}

	p = newPractice(t, tairtest.Options{})
	p.set("TAIRSSL_REGION=", "TAIRSSL_PAUSE=1", "TAIRSSL_ACTIONS=Update,Disable", "TAIRSSL_LEASE_PAUSE=100ms", "TAIRSSL_FEISHU_ENCRYPT_KEYS=k", "TAIRSSL_RENEWBEFORE=1h")
	code, found = p.examine()
	for what, word := range map[string]string{"REGION": "only cn-hangzhou", "PAUSE": "stops every change", "ACTIONS": "Disable", "LEASE_PAUSE": "--tag-probe",
		"FEISHU_APP_ID": "not answered", "CHAT_ALLOW": "nobody", "CONFIRM_KEY": "chat can read, but not change", "NOTIFY_URLS": "nobody is told", "RENEWBEFORE": "no setting"} {
		p.expect(found, "settings TAIRSSL_"+what, doctor.Warning, word)
	}
	if code != 0 {
		t.Errorf("advice alone exits with %d", code)
	}
	p.set("TAIRSSL_LEASE=none", "TAIRSSL_CONFIRM_KEY=short")
	_, found = p.examine()
	p.expect(found, "settings TAIRSSL_LEASE", doctor.Warning, "two writers")
	p.expect(found, "settings TAIRSSL_CONFIRM_KEY", doctor.Warning, "guessed")
	p.expect(found, "permission TagResources", doctor.Skipped, "TAIRSSL_LEASE")
	p.expect(found, "lease TAIRSSL_LEASE_PAUSE", doctor.Skipped, "TAIRSSL_LEASE")
	p.listen(newPeople(t))
	_, found = p.examine()
	p.expect(found, "permission TagResources", doctor.Unknown, "which notices were sent", "policy.json")
	p.expect(found, "permission UntagResources", doctor.Skipped, "TAIRSSL_LEASE")
}

func TestDoctorOfAnInstance(t *testing.T) {
	t.Parallel()
	p := newPractice(t, tairtest.Options{})
	code, found := p.examine("--instance", "r-gonegone")
	p.expect(found, "permission DescribeInstanceAttribute", doctor.Failed, "no")
	p.expect(found, "instance r-gonegone", doctor.Failed, "TAIRSSL_REGION")
	if code != 4 {
		t.Errorf("with an instance that does not exist the exit code is %d, want 4", code)
	}
	_, found = p.examine("--instance", "r-bp1zxszhcgatnx06")
	p.expect(found, "instance r-bp1zxszhcgatnx06", doctor.Warning, "tairssl update r-bp1zxszhcgatnx06 --force")
	_, found = p.examine("--instance", "r-bp1zxszhcgatnx03")
	p.expect(found, "window r-bp1zxszhcgatnx03", doctor.Skipped, "encryption is off")
	code, found = p.examine("--instance", "tt-bp1zxszhcgatnx05")
	p.expect(found, "instance tt-bp1zxszhcgatnx05", doctor.Failed, "tairssl=off")
	if code != 3 {
		t.Errorf("with an instance with the tag tairssl=off the exit code is %d, want 3", code)
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
		t.Errorf("with an instance that the settings exclude the exit code is %d, want 3", code)
	}
}

func TestDoctorUsage(t *testing.T) {
	t.Parallel()
	p := newPractice(t, tairtest.Options{})
	for _, args := range [][]string{{"--tag-probe"}, {"--instance", "r/x"}, {"--timeout", "0s"}, {id}} {
		if code, out := p.run(context.Background(), args...); code != 2 || !strings.Contains(out, "--help") {
			t.Errorf("doctor %v exits with %d:\n%s", args, code, out)
		}
	}
	bad := filepath.Join(t.TempDir(), "policy.json")
	if err := os.WriteFile(bad, []byte(`{"Version":"1","Statement":[{"Effect":"Perhaps"}]}`), 0o600); err != nil {
		t.Fatal(err)
	}
	var stderr bytes.Buffer
	if code := cli.Run(context.Background(), cli.Environment{Args: []string{"emulate", "--policy", bad}, Stdout: io.Discard, Stderr: &stderr}); code != 2 || !strings.Contains(stderr.String(), "Perhaps") {
		t.Errorf("an emulated cloud with a bad policy exits with %d: %s", code, &stderr)
	}
	p.environ = []string{"ALIBABA_CLOUD_ACCESS_KEY_ID=real", "ALIBABA_CLOUD_ACCESS_KEY_SECRET=real-secret", "TAIRSSL_STS_ENDPOINT=https://" + nobody(t)}
	p.secrets = append(p.secrets, "real-secret")
	if code, out := p.run(context.Background(), "--emulate", "--region", "cn-shanghai", "-v"); code != 0 || !strings.Contains(out, "1 instance in cn-shanghai") {
		t.Errorf("emulated the exit code is %d:\n%s", code, out)
	}
}

func TestDoctorShowsTheMostImportantFindingsFirst(t *testing.T) {
	t.Parallel()
	p := newPractice(t, tairtest.Options{})
	p.set("TAIRSSL_CONCURRENCY=16", "TAIRSSL_ENDPOINT=http://"+nobody(t))
	code, out := p.run(context.Background())
	lines := strings.Split(out, "\n")
	if code == 0 || !strings.HasPrefix(lines[1], "✗") || strings.Contains(out, "✓") || strings.Contains(out, "–  ") || !strings.Contains(out, "(-v shows all)") {
		t.Errorf("the exit code is %d and shows\n%s", code, out)
	}
	last := 0
	for _, line := range lines[1:] {
		for rank, mark := range []string{"✗", "?", "!"} {
			if strings.HasPrefix(line, mark) && rank < last {
				t.Errorf("%q stands below a less important finding:\n%s", line, out)
			} else if strings.HasPrefix(line, mark) {
				last = rank
			}
		}
	}
}
