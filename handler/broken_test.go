package handler_test

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// edit replaces a text that stands exactly once in a file of this package.
type edit struct{ file, old, new string }

// broken are versions of the protocol with a step left out. The proof has to
// find a second restart in each, or that nobody gets through.
var broken = map[string][]edit{
	"no second look": {
		{"attempt.go", "inTurn(ctx, a.raise, a.lookAgain, a.judgeAgain)", "inTurn(ctx, a.raise, a.judgeAgain)"},
	},
	"a pause shorter than tags take to show": {
		{"lease.go", "a.Sleep(ctx, a.LeasePause)", "a.Sleep(ctx, a.LeasePause/2)"},
	},
	"live flags of others removed": {
		{"flag.go", "if !f.live(now) {\n\t\t\tkeys", "if true {\n\t\t\tkeys"},
	},
	"the flag removed after an unknown write": {
		{"attempt.go", "a.receipt.RequestID = e.RequestID\n", "a.receipt.RequestID, a.stays = e.RequestID, false\n"},
	},
	"no order among flags": {
		{"lease.go", "first = first && a.flag.key < f.key", "first = false"},
	},
	"five minutes from the end of the tagging": {
		{"attempt.go", "wrote   bool\n", "wrote   bool\n\ttagged time.Time\n"},
		{"lease.go", "err := a.api.Tag(ctx, a.ref, a.flag.key, a.flag.value())\n", "err := a.api.Tag(ctx, a.ref, a.flag.key, a.flag.value())\n\ta.tagged = time.Now()\n"},
		{"attempt.go", "a.flag.time.Add(signWithin)", "a.tagged.Add(signWithin)"},
	},
	"no check of the signed time": {
		{"attempt.go", "a.flag.time.Add(signWithin)", "a.flag.time.Add(1000 * time.Hour)"},
	},
	"a life of 30 minutes": {
		{"flag.go", "flagLife = 45 * time.Minute", "flagLife = 30 * time.Minute"},
	},
	"one key for all attempts of a process": {
		{"attempt.go", "a.flag = newFlag(a.Delivery, a.before)\n", "a.flag = newFlag(a.Delivery, a.before)\n\tp := fmt.Sprintf(\"%012p\", a.Handler)\n\ta.flag.key = flagPrefix + p[len(p)-8:]\n"},
	},
	"spent flags removed": {
		{"lease.go", "remove = DeadTags(tags, a.before.Expires, now)\n", "remove = DeadTags(tags, a.before.Expires, now)\n\tfor _, f := range flagsOf(tags) {\n\t\tif f.spent(a.before.Observation) {\n\t\t\tremove = append(remove, f.key)\n\t\t}\n\t}\n"},
	},
	"a decision not pinned to the certificate": {
		{"attempt.go", "if before, now := a.before.Observation, a.now.Observation; before.Enabled", "if before, now := a.before.Observation, a.now.Observation; false && before.Enabled"},
		{"attempt.go", "before.Enabled != now.Enabled ||", "before.Enabled &&"},
	},
	"ages by the end of a look that took long": {
		{"look.go", "return answer.Add(-time.Since(began).Truncate(time.Second))", "return answer.Add(longestLook)"},
	},
}

// TestTheProofFindsEveryBrokenStep shows that the search is no formality: it runs
// against each broken version, made of the real source, and has to fail.
func TestTheProofFindsEveryBrokenStep(t *testing.T) {
	if testing.Short() {
		t.Skip("it builds the package once for each broken version")
	}
	for name, edits := range broken {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			list := overlaid(t, ".", edits...)
			cmd := exec.Command("go", "test", "-count=1", "-failfast", "-overlay", list, "-run", "^TestAtMostOneWriter", ".", "-search", "100000", "-rapid.nofailfile")
			out, err := cmd.CombinedOutput()
			switch {
			case err == nil:
				t.Errorf("the proof finds nothing wrong with it:\n%s", out)
			case !strings.Contains(string(out), "restarted the instance") && !strings.Contains(string(out), "nobody wrote") && !strings.Contains(string(out), "removed the flag"):
				t.Errorf("it fails for another reason than a second restart:\n%.2000s", out)
			default:
				t.Logf("found: %.300s", reason(string(out)))
			}
		})
	}
}

// overlaid writes a list for the flag -overlay, by which the package in a folder is
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

// reason is the line that tells what the proof found.
func reason(out string) string {
	for _, line := range strings.Split(out, "\n") {
		if strings.Contains(line, "restarted the instance") || strings.Contains(line, "nobody wrote") || strings.Contains(line, "removed the flag") {
			return strings.TrimSpace(line)
		}
	}
	return ""
}
