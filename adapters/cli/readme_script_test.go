package cli_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"tairssl/adapters/cli"
	"tairssl/adapters/cli/localruntime"
	"tairssl/adapters/cli/localruntime/runtimetest"
	"tairssl/handler"
	"tairssl/handler/handlertest"
)

// signs has texts that the commands of a page must print, and the least number of calls
// to commands of other projects.
var signs = map[string]struct {
	printed []string
	calls   int
}{

	"../../README.md": {nil, 4},
	"../README.md":    {nil, 8}, // the kinds of tests
	"../cli/README.md": {[]string{
		`"Outcome": "verified"`, // the update by hand
		"10 seen, 3 due",        // the sweep
		"certificate expires in 12d",
	}, 0},
	"../../handler/README.md": {[]string{"approved it"}, 0},
	"../chatops/README.md": {[]string{
		"confirm",                            // the code in the message for Slack
		"证书需要更新",                             // a plan in Chinese
		"\ntt-bp1zxszhcgatnx05: valid until", // WeCom's answer, decrypted
		"teams:T1/U2 status *",               // the rule for a person who has no right yet
	}, 0},
	"../lambda/README.md": {nil, 25},
	"../fc/README.md":     {nil, 25},
}

// The blocks of a page run in their order, as one script. Commands of a cloud are
// replaced by scripts that record their arguments. The project's own commands are the
// real commands.
func TestEveryCommandOfTheREADMEsRuns(t *testing.T) {
	t.Parallel() // most of the time it waits for changes
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
			// The exit codes do not help, because a refused change has one as well.
			if fault := regexp.MustCompile(`(?i).*(not found|no such file|unknown (flag|command)|unexpected|usage:|syntax error|unbound|connection refused).*`).FindString(out); fault != "" {
				t.Errorf("one of the commands says: %s", fault)
			}
			for _, sign := range signs[page].printed {
				if !strings.Contains(out, sign) {
					t.Errorf("the commands print no %q:\n%s", sign, out)
				}
			}
			if len(calls) < signs[page].calls {
				t.Errorf("only %d calls to stand-ins were made, want %d", len(calls), signs[page].calls)
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

// asCommand is a variable: if it is set, this test's binary is the command tairssl.
const asCommand = "RUN_AS_TAIRSSL"

// runCommand is the main function of the command, with a quick emulated cloud.
func runCommand() int {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	return cli.Run(ctx, cli.Environment{
		Args: os.Args[1:], Program: "dist/tairssl", Environ: os.Environ(), Emulated: quick, Rehearsal: fast,
		Stdin: os.Stdin, Stdout: os.Stdout, Stderr: os.Stderr, Version: handler.Version,
	})
}

// distribution is a folder like the one that make build fills. It contains the real
// functions, and this test's binary as the command.
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
	// GORACE removes the second that a process with the race detector sleeps at its end.
	command := "#!/bin/sh\n" + asCommand + "=1 TAIRSSL_LEASE_PAUSE=100ms GORACE=atexit_sleep_ms=0 exec '" + self + "' \"$@\"\n"
	if err := os.WriteFile(filepath.Join(dir, "tairssl"), []byte(command), 0o700); err != nil {
		t.Fatal(err)
	}
	return dir
}

// checkout is a folder with the files of a clone and those that make build writes.
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

// standIns replace commands that are not the project's. Each is a name and a script.
var standIns = map[string]string{
	"aws": `case "$*" in *info*IssuerIdentifier*) echo https://abc.tokens.sts.global.api.aws;; esac`, "aliyun": "", "make": "", "s": "", "sam": "",
	"terraform": "", "git": "", "openssl": "cat >/dev/null; echo sha1 Fingerprint=AA:BB:CC",
}

// runPage runs a page's script in a folder. It returns the output, and the arguments of
// each call to a stand-in.
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
		return string(out), nil // no stand-in was called
	} else if err != nil {
		t.Fatal(err)
	}
	for call := range strings.SplitSeq(strings.TrimSuffix(string(noted), "\x00\x01"), "\x00\x01") {
		calls = append(calls, strings.Split(call, "\x00"))
	}
	return string(out), calls
}

var block = regexp.MustCompile("(?ms)^( *)```sh\n(.*?)^ *```$")

// freeAddress is an address with a free port. Systems choose ports above this range by
// themselves, so no other process gets this port meanwhile.
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

// scriptOf makes one script of all blocks of a page. A block that starts a server runs it
// in the background, on a free port.
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
