package cli_test

import (
	"encoding/json"
	"strings"
	"testing"

	"tairssl/handler"
)

func TestUpdateFromAScript(t *testing.T) {
	t.Parallel()
	s := newShell(t)
	if code, out, _ := s.run("", "update", id); code != 3 || !strings.Contains(out, "--yes") || s.restarts() != 0 {
		t.Errorf("without --yes the exit code is %d after %d restarts:\n%s", code, s.restarts(), out)
	}
	if code, out, _ := s.run("", "update", id, "--dry-run"); code != 0 || !strings.Contains(out, "planned") || s.restarts() != 0 {
		t.Errorf("--dry-run exits with %d after %d restarts:\n%s", code, s.restarts(), out)
	}
	code, out, _ := s.run("", "update", id, "--yes", "-o", "json")
	var r handler.Result
	if err := json.Unmarshal([]byte(out), &r); err != nil || code != 0 || r.Outcome != handler.Verified || s.restarts() != 1 {
		t.Fatalf("the exit code is %d after %d restarts, %v:\n%s", code, s.restarts(), err, out)
	}
	if code, out, _ := s.run("", "update", id, "--yes"); code != 0 || !strings.Contains(out, "unchanged") || s.restarts() != 1 {
		t.Errorf("the second time the exit code is %d after %d restarts:\n%s", code, s.restarts(), out)
	}
	if code, out, _ := s.run("", "update", id, "--yes", "--force", "--wait", "0s"); code != 0 || !strings.Contains(out, "accepted") || s.restarts() != 2 {
		t.Errorf("--force exits with %d after %d restarts:\n%s", code, s.restarts(), out)
	}
}

func TestUpdateOnATerminal(t *testing.T) {
	t.Parallel()
	s := newShell(t)
	s.ask = true
	code, out, prompt := s.run("n\n", "update", id)
	if code != 3 || s.restarts() != 0 || !strings.Contains(prompt, "Go on?") || !strings.Contains(prompt, "expires in 12d") || !strings.Contains(out, "not confirmed") {
		t.Errorf("declined, the exit code is %d after %d restarts:\n%s\n%s", code, s.restarts(), prompt, out)
	}
	if code, out, _ := s.run("y\n", "update", id); code != 0 || s.restarts() != 1 || !strings.Contains(out, "verified") {
		t.Errorf("confirmed, the exit code is %d after %d restarts:\n%s", code, s.restarts(), out)
	}
}

func TestSeveralInstancesExitWithTheWorstCode(t *testing.T) {
	t.Parallel()
	s := newShell(t)
	code, out, _ := s.run("", "update", id, "r-bp1zxszhcgatnx02", "r-gonegone", "--yes", "-o", "json")
	var results []handler.Result
	if err := json.Unmarshal([]byte(out), &results); err != nil || code != 4 || len(results) != 3 {
		t.Fatalf("the exit code is %d, %v:\n%s", code, err, out)
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
		t.Errorf("disable exits with %d:\n%s", code, out)
	}
	s.environ = append(s.environ, "TAIRSSL_ACTIONS=Enable,Disable")
	if code, out, _ := s.run("", "disable", id, "--yes"); code != 0 || !strings.Contains(out, "verified") {
		t.Errorf("disable, granted, exits with %d:\n%s", code, out)
	}
	if code, out, _ := s.run("", "enable", id, "--yes"); code != 0 || !strings.Contains(out, "verified") {
		t.Errorf("enable, granted, exits with %d:\n%s", code, out)
	}
}
