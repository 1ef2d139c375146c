package cli_test

import (
	"bytes"
	"context"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"tairssl/adapters/cli"
	"tairssl/adapters/cli/localruntime/runtimetest"
	"tairssl/adapters/cli/rehearsal"
	"tairssl/adapters/tair/tairtest"
	"tairssl/handler"
	"tairssl/handler/fleet"
)

func TestMain(m *testing.M) {
	if os.Getenv(asCommand) != "" {
		os.Exit(runCommand())
	}
	runtimetest.Main(m, 8)
}

const id = "r-bp1zxszhcgatnx01"

// quick is a cloud in which a change shows soon, and soon is complete.
var quick = tairtest.Options{Lag: 100 * time.Millisecond, ChangeTime: 100 * time.Millisecond}

// fast are the intervals of a rehearsal before a quick cloud.
var fast = rehearsal.Options{Poll: 50 * time.Millisecond, PingEvery: 20 * time.Millisecond, Settle: 500 * time.Millisecond}

// shell is a terminal, or none, before an emulated cloud.
type shell struct {
	t *testing.T
	*tairtest.Emulator
	environ   []string
	ask       bool
	rehearsal rehearsal.Options
}

func newShell(t *testing.T) *shell {
	t.Helper()
	e, err := tairtest.New(quick)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = e.Close() })
	if err := e.Put(tairtest.SampleFleet(e.Now())...); err != nil {
		t.Fatal(err)
	}
	url, err := e.ListenHTTP("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	return &shell{t: t, Emulator: e, environ: []string{"TAIRSSL_ENDPOINT=" + url, "ALIBABA_CLOUD_ECS_METADATA_DISABLED=true", "TAIRSSL_LEASE_PAUSE=50ms",
		"ALIBABA_CLOUD_ACCESS_KEY_ID=emulator", "ALIBABA_CLOUD_ACCESS_KEY_SECRET=emulator-secret"}}
}

func (s *shell) run(input string, args ...string) (code int, stdout, stderr string) {
	s.t.Helper()
	var out, errs bytes.Buffer
	code = cli.Run(context.Background(), cli.Environment{Args: args, Environ: s.environ, Emulated: quick, Rehearsal: s.rehearsal, Stdin: strings.NewReader(input), Stdout: &out, Stderr: &errs, Ask: s.ask, Version: "v1"})
	return code, out.String(), errs.String()
}

func (s *shell) restarts() int {
	i, _ := s.Instance(id)
	return i.Restarts
}

func TestUpdateFromAScript(t *testing.T) {
	t.Parallel()
	s := newShell(t)
	if code, out, _ := s.run("", "update", id); code != 3 || !strings.Contains(out, "--yes") || s.restarts() != 0 {
		t.Errorf("without --yes it ends %d after %d restarts:\n%s", code, s.restarts(), out)
	}
	if code, out, _ := s.run("", "update", id, "--dry-run"); code != 0 || !strings.Contains(out, "planned") || s.restarts() != 0 {
		t.Errorf("--dry-run ends %d after %d restarts:\n%s", code, s.restarts(), out)
	}
	code, out, _ := s.run("", "update", id, "--yes", "-o", "json")
	var r handler.Result
	if err := json.Unmarshal([]byte(out), &r); err != nil || code != 0 || r.Outcome != handler.Verified || s.restarts() != 1 {
		t.Fatalf("it ends %d after %d restarts, %v:\n%s", code, s.restarts(), err, out)
	}
	if code, out, _ := s.run("", "update", id, "--yes"); code != 0 || !strings.Contains(out, "unchanged") || s.restarts() != 1 {
		t.Errorf("the second time it ends %d after %d restarts:\n%s", code, s.restarts(), out)
	}
	if code, out, _ := s.run("", "update", id, "--yes", "--force", "--wait", "0s"); code != 0 || !strings.Contains(out, "accepted") || s.restarts() != 2 {
		t.Errorf("--force ends %d after %d restarts:\n%s", code, s.restarts(), out)
	}
}

func TestUpdateOnATerminal(t *testing.T) {
	t.Parallel()
	s := newShell(t)
	s.ask = true
	code, out, prompt := s.run("n\n", "update", id)
	if code != 3 || s.restarts() != 0 || !strings.Contains(prompt, "Go on?") || !strings.Contains(prompt, "expires in 12d") || !strings.Contains(out, "not confirmed") {
		t.Errorf("declined, it ends %d after %d restarts:\n%s\n%s", code, s.restarts(), prompt, out)
	}
	if code, out, _ := s.run("y\n", "update", id); code != 0 || s.restarts() != 1 || !strings.Contains(out, "verified") {
		t.Errorf("confirmed, it ends %d after %d restarts:\n%s", code, s.restarts(), out)
	}
}

func TestSeveralInstancesEndWithTheWorst(t *testing.T) {
	t.Parallel()
	s := newShell(t)
	code, out, _ := s.run("", "update", id, "r-bp1zxszhcgatnx02", "r-gonegone", "--yes", "-o", "json")
	var results []handler.Result
	if err := json.Unmarshal([]byte(out), &results); err != nil || code != 4 || len(results) != 3 {
		t.Fatalf("it ends %d, %v:\n%s", code, err, out)
	}
	for n, want := range []handler.Outcome{handler.Verified, handler.Unchanged, handler.Failed} {
		if results[n].Outcome != want {
			t.Errorf("result %d is %s (%s), want %s", n, results[n].Outcome, results[n].Reason, want)
		}
	}
}

func TestEnableAndDisableNeedAGrant(t *testing.T) {
	t.Parallel()
	s := newShell(t)
	if code, out, _ := s.run("", "disable", id, "--yes"); code != 3 || !strings.Contains(out, "TAIRSSL_ACTIONS") {
		t.Errorf("disable ends %d:\n%s", code, out)
	}
	s.environ = append(s.environ, "TAIRSSL_ACTIONS=Enable,Disable")
	if code, out, _ := s.run("", "disable", id, "--yes"); code != 0 || !strings.Contains(out, "verified") {
		t.Errorf("disable, granted, ends %d:\n%s", code, out)
	}
	if code, out, _ := s.run("", "enable", id, "--yes"); code != 0 || !strings.Contains(out, "verified") {
		t.Errorf("enable, granted, ends %d:\n%s", code, out)
	}
}

func TestStatus(t *testing.T) {
	t.Parallel()
	s := newShell(t)
	code, out, _ := s.run("", "status", id, "r-bp1zxszhcgatnx03")
	if code != 0 || !strings.Contains(out, "in 12d") || !strings.Contains(out, "encryption is off") {
		t.Errorf("it ends %d:\n%s", code, out)
	}
	code, out, _ = s.run("", "status", id, "-o", "json")
	var one struct {
		InstanceId, SSLEnabled string
		DaysLeft               int
		Due                    bool
	}
	if err := json.Unmarshal([]byte(out), &one); err != nil || code != 0 || one.InstanceId != id || one.DaysLeft != 12 || !one.Due {
		t.Errorf("it ends %d, %v:\n%s", code, err, out)
	}
	if code, out, _ := s.run("", "status", "r-gonegone"); code != 4 || !strings.Contains(out, "not_found") {
		t.Errorf("of an instance that is not there it ends %d:\n%s", code, out)
	}
	if code, out, _ := s.run("", "status", "r/x"); code != 2 || !strings.Contains(out, "not an instance id") {
		t.Errorf("of what is no id it ends %d:\n%s", code, out)
	}
}

func TestWrongUsage(t *testing.T) {
	t.Parallel()
	s := newShell(t)
	for _, args := range [][]string{{"update"}, {"restart", id}, {"update", id, "--colour"}, {"status", id, "-o", "yaml"}, {"invoke", "x.json"}, {"invoke", "--on", "azure", "x.json"}, {"update", id, "--wait", "long"}} {
		if code, _, stderr := s.run("", args...); code != 2 || !strings.Contains(stderr, "--help") {
			t.Errorf("tairssl %v ends %d:\n%s", args, code, stderr)
		}
	}
	s.environ = append(s.environ, "TAIRSSL_RATE=fast")
	if code, _, stderr := s.run("", "status", id); code != 2 || !strings.Contains(stderr, "TAIRSSL_RATE") {
		t.Errorf("with a bad setting it ends %d:\n%s", code, stderr)
	}
}

func TestEmulateFlagNeedsNoAccount(t *testing.T) {
	t.Parallel()
	s := newShell(t)
	s.environ = []string{"ALIBABA_CLOUD_ACCESS_KEY_ID=real", "ALIBABA_CLOUD_ACCESS_KEY_SECRET=real-secret", "TAIRSSL_LEASE_PAUSE=50ms"}
	if code, out, stderr := s.run("", "update", id, "--emulate", "--yes", "--wait", "0s"); code != 0 || !strings.Contains(out, "accepted") {
		t.Errorf("it ends %d:\n%s%s", code, out, stderr)
	}
}

func TestHelpVersionAndCompletion(t *testing.T) {
	t.Parallel()
	s := newShell(t)
	if code, out, _ := s.run("", "--help"); code != 0 || !strings.Contains(out, "--emulate") {
		t.Errorf("help ends %d:\n%s", code, out)
	}
	if code, out, _ := s.run("", "version"); code != 0 || out != "v1\n" {
		t.Errorf("version ends %d: %q", code, out)
	}
	for _, sh := range []string{"bash", "zsh", "fish", "powershell"} {
		if code, out, _ := s.run("", "completion", sh); code != 0 || !strings.Contains(out, "tairssl") {
			t.Errorf("completion %s ends %d", sh, code)
		}
	}
}

func TestEmulateCommand(t *testing.T) {
	dir := t.TempDir()
	fleet, ca := filepath.Join(dir, "fleet.json"), filepath.Join(dir, "ca.pem")
	if err := os.WriteFile(fleet, []byte(`[{"InstanceId":"r-abcd"}]`), 0o600); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	lines := &until{want: 4, reached: cancel}
	code := cli.Run(ctx, cli.Environment{Args: []string{"emulate", "--addr", "127.0.0.1:0", "--instances", fleet, "--cert-out", ca}, Stdout: lines, Stderr: &bytes.Buffer{}})
	out := strings.Split(strings.TrimSpace(lines.String()), "\n")
	if code != 0 || len(out) != 4 || out[2] != "export TAIRSSL_ENDPOINT="+out[0]+" TAIRSSL_STS_ENDPOINT="+out[0] ||
		out[3] != "export ALIBABA_CLOUD_ACCESS_KEY_ID=emulator ALIBABA_CLOUD_ACCESS_KEY_SECRET=emulator-secret" || !strings.HasPrefix(out[0], "http://127.0.0.1:") || !strings.HasPrefix(out[1], "https://127.0.0.1:") {
		t.Errorf("it ends %d and prints\n%s", code, lines)
	}
	if pem, err := os.ReadFile(ca); err != nil || !bytes.Contains(pem, []byte("BEGIN CERTIFICATE")) {
		t.Errorf("--cert-out holds %s, %v", pem, err)
	}
	if err := os.WriteFile(fleet, []byte(`[{"InstanceId":"r-abcd","Colour":1}]`), 0o600); err != nil {
		t.Fatal(err)
	}
	var stderr bytes.Buffer
	if code := cli.Run(context.Background(), cli.Environment{Args: []string{"emulate", "--instances", fleet}, Stdout: &bytes.Buffer{}, Stderr: &stderr}); code != 2 || !strings.Contains(stderr.String(), "Colour") {
		t.Errorf("a bad fleet ends %d: %s", code, &stderr)
	}
}

// until calls back once it has taken so many lines.
type until struct {
	bytes.Buffer
	want    int
	reached func()
}

func (u *until) Write(b []byte) (int, error) {
	n, err := u.Buffer.Write(b)
	if strings.Count(u.String(), "\n") >= u.want {
		u.reached()
	}
	return n, err
}

func TestSweepAndTheWholeFleet(t *testing.T) {
	t.Parallel()
	s := newShell(t)
	s.environ = append(s.environ, "TAIRSSL_REGION=cn-hangzhou,cn-shanghai", "TAIRSSL_WINDOW=any", "TAIRSSL_RATE=0")
	if code, out, _ := s.run("", "sweep", "--dry-run"); code != 0 || !strings.Contains(out, "11 seen, 4 due, 2 of a type without TLS, 3 planned, 1 refused, 7 unchanged") || s.restarts() != 0 {
		t.Errorf("a dry run ends %d:\n%s", code, out)
	}
	if code, _, stderr := s.run("", "sweep"); code != 3 || !strings.Contains(stderr, "--yes") {
		t.Errorf("without --yes it ends %d:\n%s", code, stderr)
	}
	code, out, _ := s.run("", "sweep", "--yes", "--max-targets", "2", "-o", "json")
	var swept fleet.Result
	if err := json.Unmarshal([]byte(out), &swept); err != nil || code != 0 || s.restarts() != 1 || swept.Summary.Outcomes[handler.Deferred] != 1 {
		t.Errorf("it ends %d, %v:\n%s", code, err, out)
	}
	page := filepath.Join(t.TempDir(), "fleet.html")
	if code, out, stderr := s.run("", "status", "--all", "--html", page); code != 0 {
		t.Errorf("the page ends %d:\n%s%s", code, out, stderr)
	}
	if html, err := os.ReadFile(page); err != nil || !strings.Contains(string(html), "r-uf6zxszhcgatnx07") {
		t.Errorf("the page is %.80s, %v", html, err)
	}
	code, out, _ = s.run("", "status", "--all", "-o", "json")
	var rows []struct{ InstanceId string }
	if err := json.Unmarshal([]byte(out), &rows); err != nil || code != 0 || len(rows) != 11 || rows[0].InstanceId != "tt-bp1zxszhcgatnx05" {
		t.Errorf("the fleet ends %d, %v:\n%s", code, err, out)
	}
	if code, out, _ := s.run("", "status", "--all", "--tag", "env=prod"); code != 0 || strings.Contains(out, id) || !strings.Contains(out, "r-uf6zxszhcgatnx07") {
		t.Errorf("the tagged ones end %d:\n%s", code, out)
	}
	for _, args := range [][]string{{"status"}, {"status", id, "--all"}, {"status", id, "--html", page}, {"status", id, "--tag", "env=prod"}, {"status", "--all", "--tag", "=prod"},
		{"sweep", "--yes", "--renew-before", "9999h"}, {"sweep", "--yes", "--tag", "=prod"}, {"sweep", "--yes", "--max-targets", "-1"}} {
		if code, _, stderr := s.run("", args...); code != 2 {
			t.Errorf("tairssl %v ends %d:\n%s", args, code, stderr)
		}
	}
}

// What keeps the sweep away from an instance is said of it, and Alibaba's own
// renewals are shown before they are due.
func TestStatusOfTheWholeFleetLooksAhead(t *testing.T) {
	t.Parallel()
	s := newShell(t)
	now := s.Now() // once, for seconds go by
	in := func(days int) string { return handler.At(now.AddDate(0, 0, days)).String() }
	if err := s.Put(
		tairtest.Instance{InstanceID: "r-scheduled", SSLExpiredTime: in(60), ActiveOperationTasks: []tairtest.Task{{TaskType: "rds_apsaradb_ssl_update", Status: 3, StartTime: in(40)}}},
		tairtest.Instance{InstanceID: "r-overdue", SSLExpiredTime: in(20), ActiveOperationTasks: []tairtest.Task{{TaskType: "rds_apsaradb_ssl_update", Status: 3, StartTime: in(-3)}}},
		tairtest.Instance{InstanceID: "r-excluded", SSLExpiredTime: in(9)},
		tairtest.Instance{InstanceID: "r-busybusy", SSLExpiredTime: in(9), InstanceStatus: "Migrating"},
	); err != nil {
		t.Fatal(err)
	}
	s.environ = append(s.environ, "TAIRSSL_WINDOW=any", "TAIRSSL_INSTANCES=!r-excluded")
	code, out, stderr := s.run("", "status", "--all", "-o", "json")
	type row struct{ InstanceId, Reason, DeferredUntil, ScheduledTime string }
	var rows []row
	if err := json.Unmarshal([]byte(out), &rows); err != nil || code != 0 || stderr != "" {
		t.Fatalf("it ends %d, %v:\n%s%s", code, err, out, stderr)
	}
	for id, want := range map[string]struct{ reason, scheduled string }{
		"r-scheduled":         {"not within 30d", in(40)},
		"r-overdue":           {"within 30d", ""},
		"r-excluded":          {"within 30d, but r-excluded is not among the allowed instances", ""},
		"r-busybusy":          {"the instance is Migrating", ""},
		"tt-bp1zxszhcgatnx05": {"tagged tairssl=off", ""},
	} {
		n := slices.IndexFunc(rows, func(r row) bool { return r.InstanceId == id })
		if n < 0 || !strings.Contains(rows[n].Reason, want.reason) || rows[n].ScheduledTime != want.scheduled || rows[n].DeferredUntil != "" {
			t.Errorf("of %s it says %+v", id, rows[max(n, 0)])
		}
	}
}

// The printed commands work as they are, against the server that runs, on every
// platform: whatever its settings are, and where a secret is a reference.
func TestServeAndSign(t *testing.T) {
	t.Parallel()
	s := newShell(t)
	secret := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(secret, []byte("s3cret\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	s.environ = append(s.environ, "TAIRSSL_SLACK_SIGNING_SECRETS=s3cret", "TAIRSSL_DINGTALK_APP_SECRETS=file:"+secret,
		"TAIRSSL_FEISHU_ENCRYPT_KEYS=s3cret", "TAIRSSL_FEISHU_VERIFICATION_TOKEN=t0ken", "TAIRSSL_TEAMS_SECRETS=czNjcmV0", "TAIRSSL_MATTERMOST_TOKENS=mm-token",
		"TAIRSSL_WECOM_CALLBACKS=QDG6eK:jWmYm7qr5nMoAUwZRjGtBxmz3KA1tkAj3ykkR6q2B2C",
		"TAIRSSL_CHAT_ALLOW=slack:T1/U1 * *; dingtalk:T1/U1 status *; feishu:T1/U1 status *; teams:T1/U1 status *; mattermost:T1/U1 status *; wecom:T1/U1 status *", "TAIRSSL_CONFIRM_KEY=0123456789abcdef")
	ctx, stop := context.WithCancel(context.Background())
	listening := make(chan struct{})
	lines := &until{want: 2, reached: func() { close(listening) }}
	done := make(chan int)
	go func() {
		done <- cli.Run(ctx, cli.Environment{Args: []string{"serve", "--addr", "127.0.0.1:0"}, Environ: s.environ, Stdout: lines, Stderr: &bytes.Buffer{}})
	}()
	<-listening
	out := strings.Split(lines.String(), "\n")
	if !strings.Contains(out[1], "/slack") || strings.Contains(out[1], "/grafana") {
		t.Errorf("it says %q", out[1])
	}
	for scheme, want := range map[string]string{"slack": "until", "dingtalk": "markdown", "feishu": "plain_text", "teams": "message", "mattermost": "ephemeral", "wecom": ""} {
		code, curl, stderr := s.run("", "sign", scheme, "--text", "status "+id, "--curl", out[0])
		if code != 0 || !strings.HasPrefix(curl, "curl ") || strings.Contains(curl, "s3cret") {
			t.Fatalf("sign %s ends %d:\n%s%s", scheme, code, curl, stderr)
		}
		curl, reads, encrypted := strings.Cut(curl, " |\n  ")
		answer, err := exec.Command("sh", "-c", curl).CombinedOutput()
		if encrypted != (scheme == "wecom") || strings.Contains(string(answer), id) == encrypted {
			t.Errorf("the answer to %s is encrypted: %v\n%s", scheme, !encrypted, answer)
		}
		if encrypted {
			if reads != "'tairssl' sign wecom --answer\n" {
				t.Errorf("the answer is read by %q", reads)
			}
			_, said, errs := s.run(string(answer), "sign", scheme, "--answer")
			answer = []byte(said + errs)
		}
		if err != nil || !strings.Contains(string(answer), want) || !strings.Contains(string(answer), id+": until") {
			t.Errorf("the command of %s is answered %s, %v", scheme, answer, err)
		}
	}
	stop()
	if code := <-done; code != 0 {
		t.Errorf("interrupted, it ends %d", code)
	}
	for _, args := range [][]string{{"sign", "irc"}, {"sign", "github"}, {"sign", "slack", "--answer"}, {"sign", "wecom", "--secret", "x", "--text", "a"}, {"sign", "wecom", "--answer"}, {"sign", "slack", "--secret", "x", "--text", "a", "b.json"}, {"serve", "--addr", "nowhere"}} {
		if code, _, stderr := s.run("", args...); code != 2 {
			t.Errorf("tairssl %v ends %d:\n%s", args, code, stderr)
		}
	}
}

func TestWrongUsageSaysWhatIsRight(t *testing.T) {
	t.Parallel()
	s := newShell(t)
	for _, test := range []struct {
		args []string
		want string
	}{
		{[]string{"update"}, "name at least one instance"},
		{[]string{"invoke"}, "name at least one event's file"},
		{[]string{"sign"}, "one of dingtalk, "},
		{[]string{"sign", "slack", "body", "more"}, "at most 2"},
		{[]string{"status"}, "name instances, or add --all"},
		{[]string{"status", "--all", id}, "do not name instances as well"},
		{[]string{"status", id, "--region", "Nowhere"}, `--region takes a region id such as cn-hangzhou, not "Nowhere"`},
	} {
		if code, out, errs := s.run("", test.args...); code != 2 || out != "" || !strings.Contains(errs, test.want) || strings.Contains(errs, "TAIRSSL_") {
			t.Errorf("%q ends %d, and says no %q but\n%s%s", test.args, code, test.want, errs, out)
		}
	}
}
