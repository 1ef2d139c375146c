package cli_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"go.yaml.in/yaml/v3"

	"tairssl/adapters/cli"
	"tairssl/adapters/cli/localruntime"
	"tairssl/adapters/cli/localruntime/runtimetest"
	"tairssl/handler"
	"tairssl/handler/handlertest"
)

// readmes are all pages of the repository, the map first.
func readmes(t *testing.T) []string {
	t.Helper()
	pages := []string{"../../README.md"}
	for _, folder := range []string{"..", "../../handler"} {
		err := filepath.WalkDir(folder, func(path string, entry fs.DirEntry, err error) error {
			switch {
			case err != nil:
				return err
			case entry.IsDir() && (entry.Name() == "testdata" || entry.Name() == "node_modules"):
				return fs.SkipDir
			case strings.HasSuffix(path, ".md"):
				pages = append(pages, path)
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if len(pages) < 10 {
		t.Fatalf("only these pages are found: %v", pages)
	}
	return pages
}

func textOf(t *testing.T, file string) string {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// signs are what the commands of a page print, and calls how often they call those
// of others, at least.
var signs = map[string]struct {
	printed []string
	calls   int
}{
	"../../README.md": {nil, 4},
	"../README.md":    {nil, 8}, // the kinds of tests
	"../cli/README.md": {[]string{
		`"Outcome": "verified"`, // of the update by hand
		"10 seen, 3 due",        // of the sweep
		"certificate expires in 12d",
	}, 0},
	"../../handler/README.md": {[]string{"approved it"}, 0},
	"../chatops/README.md": {[]string{
		"confirm",                      // the code that Slack is given
		"证书需要更新",                       // of a plan in Chinese
		"\ntt-bp1zxszhcgatnx05: until", // of WeCom's answer, decrypted
		"teams:T1/U2 status *",         // the rule for who is not allowed
	}, 0},
	"../lambda/README.md": {nil, 25},
	"../fc/README.md":     {nil, 25},
}

// Each page is one script: its blocks in their order. What belongs to a cloud
// meets a stand-in that notes how it was called; the project's own commands are
// the real ones.
func TestEveryCommandOfTheREADMEsRuns(t *testing.T) {
	t.Parallel() // it waits for changes, mostly
	dist := distribution(t)
	ran := 0
	for _, page := range readmes(t) {
		if !block.MatchString(textOf(t, page)) {
			continue
		}
		ran++
		t.Run(page, func(t *testing.T) {
			t.Parallel()
			dir := checkout(t, dist)
			out, calls := runPage(t, dir, page)
			// Not by the exit codes, for what may not be changed is refused by one.
			if fault := regexp.MustCompile(`(?i).*(not found|no such file|unknown (flag|command)|unexpected|usage:|syntax error|unbound|connection refused).*`).FindString(out); fault != "" {
				t.Errorf("one of the commands says: %s", fault)
			}
			for _, sign := range signs[page].printed {
				if !strings.Contains(out, sign) {
					t.Errorf("the commands print no %q:\n%s", sign, out)
				}
			}
			if len(calls) < signs[page].calls {
				t.Errorf("only %d commands of others were called, want %d", len(calls), signs[page].calls)
			}
			for _, call := range calls {
				judgeCall(t, dir, call)
			}
		})
	}
	if ran < 2 {
		t.Errorf("only %d pages have commands", ran)
	}
}

// asCommand is the variable that makes this test's binary the command tairssl.
const asCommand = "RUN_AS_TAIRSSL"

// runCommand is the command's main, over an emulated cloud that is quick.
func runCommand() int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	return cli.Run(ctx, cli.Environment{
		Args: os.Args[1:], Program: "dist/tairssl", Environ: os.Environ(), Emulated: quick, Rehearsal: fast,
		Stdin: os.Stdin, Stdout: os.Stdout, Stderr: os.Stderr, Version: handler.Version,
	})
}

// distribution is the folder that make build fills: with the real functions, and with
// the command as this binary has it.
func distribution(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	for _, cloud := range []localruntime.Cloud{localruntime.Lambda, localruntime.FC} {
		if err := os.Mkdir(filepath.Join(dir, string(cloud)), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.Symlink(runtimetest.Function(t, cloud), filepath.Join(dir, string(cloud), "bootstrap")); err != nil {
			t.Fatal(err)
		}
	}
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	// With the race detector a process rests for a second at its end unless told otherwise.
	command := "#!/bin/sh\n" + asCommand + "=1 TAIRSSL_LEASE_PAUSE=100ms GORACE=atexit_sleep_ms=0 exec '" + self + "' \"$@\"\n"
	if err := os.WriteFile(filepath.Join(dir, "tairssl"), []byte(command), 0o700); err != nil {
		t.Fatal(err)
	}
	return dir
}

// checkout is a folder with what a clone has, and what make build makes.
func checkout(t *testing.T, dist string) string {
	t.Helper()
	dir := t.TempDir()
	for _, name := range []string{"adapters", "events", "handler", "template.yaml", "s.yaml", "Makefile", "README.md"} {
		target, err := filepath.Abs("../../" + name)
		if err != nil {
			t.Fatal(err)
		}
		if err := os.Symlink(target, filepath.Join(dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Symlink(dist, filepath.Join(dir, "dist")); err != nil {
		t.Fatal(err)
	}
	return dir
}

// standIns are the commands that belong to a cloud, and what each prints.
var standIns = map[string]string{
	"aws": `case "$*" in *info*IssuerIdentifier*) echo https://abc.tokens.sts.global.api.aws;; esac`, "aliyun": "", "make": "", "s": "", "sam": "",
	"terraform": "", "git": "", "openssl": "cat >/dev/null; echo sha1 Fingerprint=AA:BB:CC",
}

// runPage runs a page's script in a folder, and gives what it printed
// and how the stand-ins were called.
func runPage(t *testing.T, dir, page string) (printed string, calls [][]string) {
	t.Helper()
	tools := t.TempDir()
	log := filepath.Join(tools, "calls")
	for name, does := range standIns {
		script := "#!/bin/sh\nprintf '%s\\0' " + name + ` "$@" >>'` + log + "'\nprintf '\\001' >>'" + log + "'\n" + does + "\n"
		if err := os.WriteFile(filepath.Join(tools, name), []byte(script), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	script := exec.Command("sh", "-u", "-c", scriptOf(t, page))
	script.Dir = dir
	script.Env = []string{"PATH=" + tools + ":" + os.Getenv("PATH"), "HOME=" + dir}
	script.WaitDelay = 5 * time.Second
	out, err := script.CombinedOutput()
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	t.Logf("%s", out)
	noted, err := os.ReadFile(log)
	if errors.Is(err, fs.ErrNotExist) {
		return string(out), nil // nothing of others was called
	} else if err != nil {
		t.Fatal(err)
	}
	for call := range strings.SplitSeq(strings.TrimSuffix(string(noted), "\x00\x01"), "\x00\x01") {
		calls = append(calls, strings.Split(call, "\x00"))
	}
	return string(out), calls
}

var block = regexp.MustCompile("(?ms)^( *)```sh\n(.*?)^ *```$")

// freeAddress is one that can be listened at. Its port is below those that systems
// choose, so nothing else is given it meanwhile.
func freeAddress(t *testing.T) string {
	t.Helper()
	chance := handlertest.Chance(t)
	for range 100 {
		addr := fmt.Sprintf("127.0.0.1:%d", 10_000+chance.IntN(20_000))
		if listener, err := net.Listen("tcp", addr); err == nil {
			_ = listener.Close()
			return addr
		}
	}
	t.Fatal("no port is free")
	return ""
}

// scriptOf makes one script of all blocks of a page. The server that one of them
// starts runs beside the rest, at a free port.
func scriptOf(t *testing.T, page string) string {
	t.Helper()
	addr := freeAddress(t)
	var script strings.Builder
	servers := 0
	for _, m := range block.FindAllStringSubmatch(textOf(t, page), -1) {
		script.WriteString("echo '--- next block' >&2\n")
		for line := range strings.Lines(m[2]) {
			line = strings.ReplaceAll(strings.TrimPrefix(line, m[1]), "127.0.0.1:8080", addr)
			if strings.Contains(line, "dist/tairssl serve") {
				servers++
				line = strings.TrimSuffix(line, "\n") + " >serve.log 2>&1 &\nserver=$!\n" +
					"tries=0; until curl -sf http://" + addr + "/healthz; do tries=$((tries+1)); test $tries -lt 500 || { cat serve.log; exit 1; }; done\n"
			}
			script.WriteString(line)
		}
	}
	switch {
	case servers > 1:
		t.Fatalf("%s starts %d servers at one address", page, servers)
	case servers == 1:
		script.WriteString("kill $server\nwait $server || true\n")
	}
	return script.String()
}

// judgeCall looks at what a command of a cloud, or make, was given.
func judgeCall(t *testing.T, dir string, call []string) {
	t.Helper()
	line := strings.Join(call, " ")
	for n, arg := range call {
		if file, ok := strings.CutPrefix(arg, "file://"); ok && !strings.HasSuffix(arg, ".yaml") {
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
			if strings.Contains(target, "=") {
				continue // a variable
			}
			if !strings.Contains(text("Makefile"), "\n"+target+":") {
				t.Errorf("%s: the Makefile has no such target", line)
			}
		}
	case "sam":
		if at := slices.Index(call, "--parameter-overrides"); at > 0 {
			judgeParameters(t, line, text("template.yaml"), text(strings.TrimPrefix(call[at+1], "file://")))
		}
	case "aws":
		judgeAWS(t, dir, call[1:])
	}
}

// judgeParameters looks at a file of parameters: the template has them, and
// takes their values.
func judgeParameters(t *testing.T, line, template, file string) {
	t.Helper()
	var values map[string]string
	if err := yaml.Unmarshal([]byte(file), &values); err != nil || len(values) < 3 {
		t.Errorf("%s: the file holds no parameters, %v:\n%s", line, err, file)
	}
	var described struct {
		Parameters map[string]struct {
			AllowedPattern string   `yaml:"AllowedPattern"`
			AllowedValues  []string `yaml:"AllowedValues"`
		} `yaml:"Parameters"`
	}
	if err := yaml.Unmarshal([]byte(template), &described); err != nil {
		t.Fatal(err)
	}
	for name, value := range values {
		parameter, ok := described.Parameters[name]
		if !ok || !regexp.MustCompile(parameter.AllowedPattern).MatchString(value) || len(parameter.AllowedValues) > 0 && !slices.Contains(parameter.AllowedValues, value) {
			t.Errorf("%s: template.yaml takes no parameter %s with the value %q", line, name, value)
		}
	}
}

// judgeAWS has the real client of AWS make a call to a server of the test, if
// TAIRSSL_CHECK_AWS is set: a call that the client refuses never arrives.
func judgeAWS(t *testing.T, dir string, call []string) {
	t.Helper()
	if os.Getenv("TAIRSSL_CHECK_AWS") == "" {
		return
	}
	var arrived atomic.Int64
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		arrived.Add(1)
		w.WriteHeader(http.StatusBadRequest)
	}))
	defer server.Close()
	var args []string
	for i := 0; i < len(call); i++ {
		if call[i] == "--cli-binary-format" { // of version 2 of the client alone
			i++
			continue
		}
		args = append(args, call[i])
	}
	client := exec.Command("aws", args...)
	client.Dir = dir
	client.Env = append(os.Environ(), "AWS_ENDPOINT_URL="+server.URL, "AWS_MAX_ATTEMPTS=1", "AWS_DEFAULT_REGION=eu-central-1", "AWS_ACCESS_KEY_ID=x", "AWS_SECRET_ACCESS_KEY=x")
	out, _ := client.CombinedOutput() // it is answered by an error in any case
	if arrived.Load() == 0 {
		t.Errorf("aws %s: the client refuses it:\n%s", strings.Join(call, " "), out)
	}
}

// What stands in the text, between back quotes, is a command that there is.
func TestCommandsInTheREADMEsTextExist(t *testing.T) {
	t.Parallel()
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
	t.Parallel()
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

// What the map shows of a terminal is what the commands print: but for digits,
// which are times, and the width of what has them.
func TestTerminalOfTheREADMEIsReal(t *testing.T) {
	t.Parallel() // it waits for a change
	_, shown, found := strings.Cut(textOf(t, "../../README.md"), "\n```\n$ dist/tairssl ")
	shown, _, closed := strings.Cut(shown, "\n```\n")
	if !found || !closed {
		t.Fatal("the README shows no terminal")
	}
	masked := func(text string) string {
		text = regexp.MustCompile(`[0-9]+d\b`).ReplaceAllString(text, "0d")
		text = regexp.MustCompile(`[0-9]`).ReplaceAllString(text, "0")
		return strings.TrimSpace(regexp.MustCompile(`(?m) +`).ReplaceAllString(text, " "))
	}
	sessions := strings.Split(shown, "\n$ dist/tairssl ")
	if len(sessions) < 2 {
		t.Errorf("the README shows only %d commands", len(sessions))
	}
	for _, session := range sessions {
		line, want, _ := strings.Cut(session, "\n")
		code, out, errs := newShell(t).run("", strings.Fields(line)...)
		if code != 0 || masked(out) != masked(want) {
			t.Errorf("tairssl %s ends %d and prints\n%s%s\nThe README shows\n%s", line, code, out, errs, want)
		}
	}
}

// The straight lines of a payload and of an error go through files that are there,
// and what they name in one is a function of it.
func TestDevelopNamesWhatIsThere(t *testing.T) {
	t.Parallel()
	text := textOf(t, "../README.md")
	steps, functions := 0, 0
	for step := range strings.Lines(text) {
		if !regexp.MustCompile(`^[0-9]+\. `).MatchString(step) {
			continue
		}
		steps++
		if !strings.Contains(step, ".go](") {
			t.Errorf("this step names no file: %s", step)
		}
		for _, m := range regexp.MustCompile("\\]\\(([^)]+\\.go)\\): `([A-Za-z]+)`").FindAllStringSubmatch(step, -1) {
			functions++
			if code := textOf(t, filepath.Join("..", m[1])); !regexp.MustCompile(`(?m)^func (\([^)]*\) )?` + m[2] + `\(`).MatchString(code) {
				t.Errorf("%s has no function %s", m[1], m[2])
			}
		}
	}
	if steps < 20 || functions < 6 {
		t.Errorf("only %d steps and %d functions are found", steps, functions)
	}
	seen := 0
	for _, m := range regexp.MustCompile("`((?:adapters|handler|events)/[a-z0-9/_.-]+)`").FindAllStringSubmatch(text, -1) {
		seen++
		if _, err := os.Stat(filepath.Join("../..", m[1])); err != nil {
			t.Errorf("%s is named: %v", m[1], err)
		}
	}
	if seen < 5 {
		t.Errorf("only %d folders are found", seen)
	}
}

// The first page is a map: it stays short, and leads on.
func TestTheREADMEIsAMap(t *testing.T) {
	t.Parallel()
	if lines := strings.Count(textOf(t, "../../README.md"), "\n"); lines > 250 {
		t.Errorf("the README has %d lines, want 250 at most: put the rest beside the code", lines)
	}
}
