package cli_test

import (
	"encoding/json"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"
)

// readmes are all pages for operators, the map first.
func readmes(t *testing.T) []string {
	t.Helper()
	beside, err := filepath.Glob("../*/README.md")
	if err != nil || len(beside) < 2 {
		t.Fatalf("beside the code there are %v, %v", beside, err)
	}
	return append([]string{"../../README.md"}, beside...)
}

func textOf(t *testing.T, file string) string {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// Each page is one script: its blocks in their order, one page after the other. What
// belongs to a cloud meets a stand-in that notes how it was called; the project's own
// commands are the real ones.
func TestEveryCommandOfTheREADMEsRuns(t *testing.T) {
	t.Parallel() // it waits for changes, mostly
	dir, tools := t.TempDir(), t.TempDir()
	for _, name := range []string{"adapters", "events", "handler", "template.yaml", "s.yaml", "Makefile", "README.md"} {
		target, err := filepath.Abs("../../" + name)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.Symlink(target, filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	for path, pkg := range map[string]string{"tairssl": "cli/tairssl", "lambda/bootstrap": "lambda/bootstrap", "fc/bootstrap": "fc/bootstrap"} {
		out, err := exec.Command("go", "build", "-tags", "lambda.norpc,validator_novalidatefn", "-o", filepath.Join(dir, "dist", path), "../"+pkg).CombinedOutput()
		if err != nil {
			t.Fatalf("%s does not build: %v\n%s", pkg, err, out)
		}
	}
	log := filepath.Join(tools, "calls")
	for name, does := range map[string]string{
		"aws": `case "$*" in *info*IssuerIdentifier*) echo https://abc.tokens.sts.global.api.aws;; esac`, "aliyun": "", "make": "", "s": "",
		"sam":     `case "$*" in *stack-outputs*) echo '[]';; esac`,
		"jq":      "cat >/dev/null; echo tairssl-TairSSLFunction-1",
		"openssl": "cat >/dev/null; echo sha1 Fingerprint=AA:BB:CC",
	} {
		script := "#!/bin/sh\nprintf '%s\\0' " + name + ` "$@" >>'` + log + "'\nprintf '\\001' >>'" + log + "'\n" + does + "\n"
		if err := os.WriteFile(filepath.Join(tools, name), []byte(script), 0o700); err != nil {
			t.Fatal(err)
		}
	}

	script := exec.Command("sh", "-u", "-c", readmeScript(t))
	script.Dir = dir
	script.Env = []string{"PATH=" + tools + ":" + os.Getenv("PATH"), "HOME=" + dir}
	script.WaitDelay = 5 * time.Second
	out, err := script.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	for _, sign := range []string{
		`"Outcome": "verified"`, // of the update by hand
		"10 seen, 3 due",        // of the sweep
		"certificate expires in 12d",
		"confirm",                      // the code that Slack is given
		"证书需要更新",                       // of a plan in Chinese
		"\ntt-bp1zxszhcgatnx05: until", // of WeCom's answer, decrypted
		"teams:T1/U2 status *",         // the rule for who is not allowed
	} {
		if !strings.Contains(string(out), sign) {
			t.Errorf("the README's commands print no %q:\n%s", sign, out)
		}
	}
	t.Logf("%s", out)
	// Not by the exit codes, for what may not be changed is refused by one.
	if fault := regexp.MustCompile(`(?i).*(not found|no such file|unknown (flag|command)|unexpected|usage:|syntax error|unbound|connection refused).*`).Find(out); fault != nil {
		t.Errorf("one of the README's commands says: %s", fault)
	}
	noted, err := os.ReadFile(log)
	if err != nil {
		t.Fatal(err)
	}
	calls := strings.Split(strings.TrimSuffix(string(noted), "\x00\x01"), "\x00\x01")
	if len(calls) < 20 {
		t.Errorf("only %d commands of others were called", len(calls))
	}
	for _, call := range calls {
		judgeCall(t, dir, strings.Split(call, "\x00"))
	}
}

var block = regexp.MustCompile("(?ms)^( *)```sh\n(.*?)^ *```$")

// readmeScript makes one script of all blocks. The server that one of them
// starts runs beside the rest, at a free port.
func readmeScript(t *testing.T) string {
	t.Helper()
	var blocks [][]string
	for _, file := range readmes(t) {
		blocks = append(blocks, block.FindAllStringSubmatch(textOf(t, file), -1)...)
	}
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	addr := listener.Addr().String()
	_ = listener.Close()
	var script strings.Builder
	for _, m := range blocks {
		script.WriteString("echo '--- next block' >&2\n")
		for line := range strings.Lines(m[2]) {
			line = strings.ReplaceAll(strings.TrimPrefix(line, m[1]), "127.0.0.1:8080", addr)
			if strings.Contains(line, "dist/tairssl serve") {
				line = strings.TrimSuffix(line, "\n") + " >serve.log 2>&1 &\nserver=$!\n" +
					"tries=0; until curl -sf http://" + addr + "/healthz; do tries=$((tries+1)); test $tries -lt 500 || { cat serve.log; exit 1; }; done\n"
			}
			script.WriteString(line)
		}
	}
	text := script.String()
	if strings.Count(text, "\nserver=$!\n") != 1 || strings.Count(text, "--- next block") < 10 {
		t.Fatalf("the READMEs have no longer the blocks that they had:\n%s", text)
	}
	return text + "kill $server\nwait $server || true\n"
}

// judgeCall looks at what a command of a cloud, or make, was given.
func judgeCall(t *testing.T, dir string, call []string) {
	t.Helper()
	line := strings.Join(call, " ")
	for n, arg := range call {
		if file, ok := strings.CutPrefix(arg, "file://"); ok {
			text, err := os.ReadFile(filepath.Join(dir, file))
			if err != nil || !json.Valid(text) {
				t.Errorf("%s: %s holds no JSON, %v", line, file, err)
			}
		}
		if strings.HasPrefix(arg, "{") && !json.Valid([]byte(arg)) {
			t.Errorf("%s: the argument %d is no JSON", line, n)
		}
		if (call[n-min(n, 1)] == "--payload" || call[n-min(n, 1)] == "-e") && !strings.HasPrefix(arg, "-") {
			invoke := exec.Command("dist/tairssl", "invoke", "-", "--emulate")
			invoke.Dir, invoke.Stdin = dir, strings.NewReader(arg)
			if out, err := invoke.CombinedOutput(); err != nil {
				t.Errorf("%s: the function answers %v\n%s", line, err, out)
			}
		}
	}
	text := func(file string) string {
		data, err := os.ReadFile(filepath.Join(dir, file))
		if err != nil {
			t.Fatal(err)
		}
		return string(data)
	}
	switch call[0] {
	case "make":
		for _, target := range call[1:] {
			if !strings.Contains(text("Makefile"), "\n"+target+":") {
				t.Errorf("%s: the Makefile has no such target", line)
			}
		}
	case "sam":
		if at := slices.Index(call, "--parameter-overrides"); at > 0 {
			for _, pair := range call[at+1:] {
				name, _, _ := strings.Cut(pair, "=")
				if !strings.Contains(text("template.yaml"), "\n  "+name+":\n    Type: ") {
					t.Errorf("%s: template.yaml has no parameter %s", line, name)
				}
			}
		}
	}
}

// What stands in the text, between back quotes, is a command that there is.
func TestCommandsInTheREADMEsTextExist(t *testing.T) {
	var text strings.Builder
	for _, file := range readmes(t) {
		text.WriteString(textOf(t, file))
	}
	seen := 0
	for _, m := range regexp.MustCompile("`(?:dist/)?tairssl ([a-z]+)((?: [^`]*)?)`").FindAllStringSubmatch(text.String(), -1) {
		seen++
		code, out, errs := newShell(t).run("", m[1], "--help")
		if code != 0 || !strings.Contains(out, "tairssl "+m[1]) {
			t.Errorf("%s ends %d: %s%s", m[0], code, out, errs)
		}
		for _, flag := range regexp.MustCompile(`--[a-z-]+`).FindAllString(m[2], -1) {
			if !strings.Contains(out, flag) {
				t.Errorf("%s: there is no flag %s", m[0], flag)
			}
		}
	}
	if seen < 3 {
		t.Errorf("only %d commands are found", seen)
	}
}

// A link leads to a file or folder that is there, and to a heading of it if it names one.
func TestLinksOfTheREADMEsLeadSomewhere(t *testing.T) {
	heading, odd := regexp.MustCompile(`(?m)^#+ (.*)$`), regexp.MustCompile(`[^\pL\pN _-]`)
	seen := 0
	for _, file := range readmes(t) {
		for _, m := range regexp.MustCompile(`\]\(([^)\s]+)\)`).FindAllStringSubmatch(textOf(t, file), -1) {
			path, anchor, _ := strings.Cut(m[1], "#")
			if strings.Contains(path, "://") {
				continue
			}
			seen++
			target := file
			if path != "" {
				target = filepath.Join(filepath.Dir(file), path)
			}
			if _, err := os.Stat(target); err != nil {
				t.Errorf("%s links to %s: %v", file, m[1], err)
				continue
			}
			if anchor != "" && !slices.ContainsFunc(heading.FindAllStringSubmatch(textOf(t, target), -1), func(h []string) bool {
				return strings.ReplaceAll(odd.ReplaceAllString(strings.ToLower(h[1]), ""), " ", "-") == anchor
			}) {
				t.Errorf("%s links to %s, and there is no such heading", file, m[1])
			}
		}
	}
	if seen < 50 {
		t.Errorf("only %d links are found", seen)
	}
}
