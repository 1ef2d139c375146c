package handler_test

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// edit replaces a text that occurs exactly once in a file of this package.
type edit struct{ file, old, new string }

// breaking builds one version of the protocol that can leave out any step. The variable
// BROKEN names the step to leave out. For every step, the proof has to find a second
// restart, or that no writer gets through.
var breaking = []edit{
	{"attempt.go", "inTurn(ctx, a.raise, a.lookAgain, a.judgeAgain)",
		`inTurn(ctx, a.raise, broken("no second look", a.judgeAgain, a.lookAgain), a.judgeAgain)`},
	{"lease.go", "a.Sleep(ctx, a.LeasePause)",
		`a.Sleep(ctx, broken("a pause shorter than tags take to show", a.LeasePause/2, a.LeasePause))`},
	{"flag.go", "if !f.live(now) {\n\t\t\tkeys",
		`if broken("live flags of others removed", true, !f.live(now)) {` + "\n\t\t\tkeys"},
	{"attempt.go", "a.receipt.RequestID = e.RequestID\n",
		`a.receipt.RequestID, a.stays = e.RequestID, broken("the flag removed after an unknown write", false, a.stays)` + "\n"},
	{"lease.go", "first = first && a.flag.key < f.key",
		`first = broken("no order among flags", false, first && a.flag.key < f.key)`},
	{"attempt.go", "a.flag.time.Add(signWithin)",
		`broken("five minutes from the end of the tagging", a.tagged, a.flag.time.Time).Add(broken("no check of the signed time", 1000*time.Hour, signWithin))`},
	{"attempt.go", "wrote   bool\n", "wrote   bool\n\ttagged time.Time\n"},
	{"lease.go", "err := a.api.Tag(ctx, a.ref, a.flag.key, a.flag.value())\n",
		"err := a.api.Tag(ctx, a.ref, a.flag.key, a.flag.value())\n\ta.tagged = time.Now()\n"},
	{"flag.go", "flagLife = 45 * time.Minute", "lifeOfFlag = 45 * time.Minute"},
	{"flag.go", "// flag announces one attempt",
		`var flagLife = broken("a life of 30 minutes", 30*time.Minute, lifeOfFlag)` + "\n\n// flag announces one attempt"},
	{"attempt.go", "a.flag = newFlag(a.Delivery, a.before)\n", `a.flag = newFlag(a.Delivery, a.before)
		process := fmt.Sprintf("%012p", a.Handler)
		a.flag.key = broken("one key for all attempts of a process", flagPrefix+process[len(process)-8:], a.flag.key)
`},
	{"lease.go", "remove = DeadTags(tags, a.before.Expires, now)\n", `remove = DeadTags(tags, a.before.Expires, now)
	for _, f := range flagsOf(tags) {
		if broken("spent flags removed", f.spent(a.before.Observation), false) {
			remove = append(remove, f.key)
		}
	}
`},
	{"attempt.go", "before.Enabled != now.Enabled || !At(before.Expires).Equal(At(now.Expires).Time)",
		`broken("a decision not pinned to the certificate", false, before.Enabled != now.Enabled || !At(before.Expires).Equal(At(now.Expires).Time))`},
	{"look.go", "return answer.Add(-time.Since(began).Truncate(time.Second))",
		`return answer.Add(broken("ages by the end of a look that took long", longestLook, -time.Since(began).Truncate(time.Second)))`},
	{"lease.go", "// others lists the flags of all other attempts", `func broken[T any](name string, wrong, right T) T {
	if os.Getenv("BROKEN") == name {
		return wrong
	}
	return right
}

// others lists the flags of all other attempts`},
	{"lease.go", "\t\"fmt\"\n", "\t\"fmt\"\n\t\"os\"\n"},
}

// TestTheProofFindsEveryBrokenStep shows that the search can fail. It runs against each
// broken version, built from the real source, and has to find the fault.
func TestTheProofFindsEveryBrokenStep(t *testing.T) {
	if testing.Short() {
		t.Skip("it builds the package once more, to break it")
	}
	search := filepath.Join(t.TempDir(), "search")
	build := exec.Command("go", "test", "-c", "-vet=off", "-overlay", overlaid(t, ".", breaking...), "-o", search, ".")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("the package does not build: %v\n%s", err, out)
	}
	run := func(name string, args ...string) (string, error) {
		cmd := exec.Command(search, append(args, "-test.run", "^TestAtMostOneWriter", "-test.failfast", "-rapid.nofailfile")...)
		cmd.Env = append([]string{"SEED=48"}, append(os.Environ(), "BROKEN="+name)...) // a seed that finds each fault early; SEED in the environment counts more
		out, err := cmd.CombinedOutput()
		return string(out), err
	}
	if out, err := run("", "-test.short"); err != nil {
		t.Fatalf("the proof fails though nothing is broken: %v\n%s", err, out)
	}
	steps := 0
	for _, e := range breaking {
		for _, m := range regexp.MustCompile(`broken\("([^"]+)"`).FindAllStringSubmatch(e.new, -1) {
			steps++
			t.Run(m[1], func(t *testing.T) {
				t.Parallel()
				out, err := run(m[1], "-search", "100000")
				switch why := reason(out); {
				case err == nil:
					t.Errorf("the proof finds nothing wrong with it:\n%s", out)
				case why == "":
					t.Errorf("it fails for another reason than a second restart:\n%.2000s", out)
				default:
					t.Logf("found: %.300s", why)
				}
			})
		}
	}
	if steps < 12 {
		t.Errorf("only %d steps are broken", steps)
	}
}

// overlaid writes a file for the flag -overlay. With it, the package in the folder is
// built with these edits.
func overlaid(t *testing.T, folder string, edits ...edit) (list string) {
	t.Helper()
	dir := t.TempDir()
	overlay := map[string]map[string]string{"Replace": {}}
	sources := map[string]string{}
	for _, e := range edits {
		if sources[e.file] == "" {
			text, err := os.ReadFile(filepath.Join(folder, e.file))
			if err != nil {
				t.Fatal(err)
			}
			sources[e.file] = string(text)
		}
		if n := strings.Count(sources[e.file], e.old); n != 1 {
			t.Fatalf("%s has %q %d times: write this broken version anew", e.file, e.old, n)
		}
		sources[e.file] = strings.Replace(sources[e.file], e.old, e.new, 1)
	}
	for file, text := range sources {
		original, err := filepath.Abs(filepath.Join(folder, file))
		if err != nil {
			t.Fatal(err)
		}
		changed := filepath.Join(dir, file)
		if err := os.WriteFile(changed, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		overlay["Replace"][original] = changed
	}
	text, err := json.Marshal(overlay)
	if err != nil {
		t.Fatal(err)
	}
	list = filepath.Join(dir, "overlay.json")
	if err := os.WriteFile(list, text, 0o600); err != nil {
		t.Fatal(err)
	}
	return list
}

// reason is the line of the output with the fault that the proof found.
func reason(out string) string {
	for _, line := range strings.Split(out, "\n") {
		if strings.Contains(line, "restarted the instance") || strings.Contains(line, "nobody wrote") || strings.Contains(line, "removed the flag") {
			return strings.TrimSpace(line)
		}
	}
	return ""
}
