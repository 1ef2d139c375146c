//go:build mutants

package handler_test

import (
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// slipTests are the arguments for each folder's tests. Faults in the schemes are only
// tried against the tests of the schemes. Failing cases of rapid are not stored.
var slipTests = map[string][]string{
	".":                   {".", "-rapid.nofailfile"},
	"fleet":               {".", "-rapid.nofailfile"},
	"../adapters/webhook": {"-run", "Scheme|StandardWebhooks|ASignatureOf|AMessageOfGrafana|SecretsOfAList|Credentials", "."},
	"../adapters/chatops": {"-run", "^TestScheme", "."},
}

func TestEverySlipIsNoticed(t *testing.T) {
	for dir, all := range slips {
		test := func(t *testing.T, edits ...edit) (out string, passed bool) {
			args := []string{"test", "-short", "-count=1", "-failfast", "-timeout", "60s", "-overlay", overlaid(t, dir, edits...)}
			cmd := exec.Command("go", append(args, slipTests[dir]...)...)
			cmd.Dir = dir
			text, err := cmd.CombinedOutput()
			return string(text), err == nil
		}
		if out, passed := test(t); !passed {
			t.Fatalf("the tests of %s fail without a slip:\n%s", dir, out)
		}
		for _, s := range all {
			t.Run(filepath.Base(dir)+"/"+s.name, func(t *testing.T) {
				t.Parallel()
				switch out, passed := test(t, edit{s.file, s.old, s.new}); {
				case passed:
					t.Errorf("no test notices it: %s, %q instead of %q", s.file, s.new, s.old)
				case strings.Contains(out, "build failed]") || strings.Contains(out, "setup failed]"):
					t.Errorf("it does not compile:\n%.1000s", out)
				}
			})
		}
	}
}
