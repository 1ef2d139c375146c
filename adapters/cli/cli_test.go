package cli_test

import (
	"bytes"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"tairssl/adapters/cli"
)

func TestWrongUsage(t *testing.T) {
	t.Parallel()
	s := newShell(t)
	for _, args := range [][]string{{"update"}, {"restart", id}, {"update", id, "--colour"}, {"status", id, "-o", "yaml"}, {"invoke", "x.json"}, {"invoke", "--on", "azure", "x.json"}, {"update", id, "--wait", "long"}} {
		if code, _, stderr := s.run("", args...); code != 2 || !strings.Contains(stderr, "--help") {
			t.Errorf("tairssl %v exits with %d:\n%s", args, code, stderr)
		}
	}
	s.environ = append(s.environ, "TAIRSSL_RATE=fast")
	if code, _, stderr := s.run("", "status", id); code != 2 || !strings.Contains(stderr, "TAIRSSL_RATE") {
		t.Errorf("with a bad setting the exit code is %d:\n%s", code, stderr)
	}
}

func TestEmulateFlagNeedsNoAccount(t *testing.T) {
	t.Parallel()
	s := newShell(t)
	s.environ = []string{"ALIBABA_CLOUD_ACCESS_KEY_ID=real", "ALIBABA_CLOUD_ACCESS_KEY_SECRET=real-secret", "TAIRSSL_LEASE_PAUSE=50ms"}
	if code, out, stderr := s.run("", "update", id, "--emulate", "--yes", "--wait", "0s"); code != 0 || !strings.Contains(out, "accepted") {
		t.Errorf("the exit code is %d:\n%s%s", code, out, stderr)
	}
}

func TestHelpVersionAndCompletion(t *testing.T) {
	t.Parallel()
	s := newShell(t)
	if code, out, _ := s.run("", "--help"); code != 0 || !strings.Contains(out, "--emulate") {
		t.Errorf("help exits with %d:\n%s", code, out)
	}
	if code, out, _ := s.run("", "version"); code != 0 || out != "v1\n" {
		t.Errorf("version exits with %d: %q", code, out)
	}
	for _, sh := range []string{"bash", "zsh", "fish", "powershell"} {
		if code, out, _ := s.run("", "completion", sh); code != 0 || !strings.Contains(out, "tairssl") {
			t.Errorf("completion %s exits with %d", sh, code)
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
		t.Errorf("the exit code is %d and prints\n%s", code, lines)
	}
	if pem, err := os.ReadFile(ca); err != nil || !bytes.Contains(pem, []byte("BEGIN CERTIFICATE")) {
		t.Errorf("--cert-out holds %s, %v", pem, err)
	}
	if err := os.WriteFile(fleet, []byte(`[{"InstanceId":"r-abcd","Colour":1}]`), 0o600); err != nil {
		t.Fatal(err)
	}
	var stderr bytes.Buffer
	if code := cli.Run(context.Background(), cli.Environment{Args: []string{"emulate", "--instances", fleet}, Stdout: &bytes.Buffer{}, Stderr: &stderr}); code != 2 || !strings.Contains(stderr.String(), "Colour") {
		t.Errorf("a bad fleet exits with %d: %s", code, &stderr)
	}
}

// On every platform the printed commands work without a change against the running
// server, also if a secret is a reference.
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
			t.Fatalf("sign %s exits with %d:\n%s%s", scheme, code, curl, stderr)
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
		if err != nil || !strings.Contains(string(answer), want) || !strings.Contains(string(answer), id+": valid until") {
			t.Errorf("the command of %s is answered %s, %v", scheme, answer, err)
		}
	}
	stop()
	if code := <-done; code != 0 {
		t.Errorf("interrupted, the exit code is %d", code)
	}
	for _, args := range [][]string{{"sign", "irc"}, {"sign", "github"}, {"sign", "slack", "--answer"}, {"sign", "wecom", "--secret", "x", "--text", "a"}, {"sign", "wecom", "--answer"}, {"sign", "slack", "--secret", "x", "--text", "a", "b.json"}, {"serve", "--addr", "nowhere"}} {
		if code, _, stderr := s.run("", args...); code != 2 {
			t.Errorf("tairssl %v exits with %d:\n%s", args, code, stderr)
		}
	}
}

func TestWrongUsageNamesTheRightUsage(t *testing.T) {
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
			t.Errorf("%q exits with %d, and says no %q but\n%s%s", test.args, code, test.want, errs, out)
		}
	}
}
