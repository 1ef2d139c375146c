package cli_test

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"tairssl/adapters/tair/tairtest"
	"tairssl/handler"
)

// approval is the value of the sample instance's approval tag.
func (s *shell) approval() string {
	i, _ := s.Instance(id)
	return i.Tags[handler.ApprovalTag]
}

func TestApproveFromAScript(t *testing.T) {
	t.Parallel()
	s := newShell(t)
	s.environ = append(s.environ, "TAIRSSL_APPROVAL=required", "TAIRSSL_WINDOW=any", "USER=ann lee")
	if code, out, _ := s.run("", "approve", id); code != 3 || !strings.Contains(out, "--yes") || s.approval() != "" {
		t.Errorf("without --yes the exit code is %d, the tag is %q:\n%s", code, s.approval(), out)
	}
	if code, out, _ := s.run("", "approve", id, "--dry-run"); code != 0 || !strings.Contains(out, "planned") || s.approval() != "" {
		t.Errorf("--dry-run exits with %d, the tag is %q:\n%s", code, s.approval(), out)
	}
	if code, out, _ := s.run("", "sweep", "--yes"); code != 0 || s.restarts() != 0 || !strings.Contains(out, "tairssl approve "+id) {
		t.Errorf("a sweep without an approval exits with %d after %d restarts:\n%s", code, s.restarts(), out)
	}
	code, out, _ := s.run("", "approve", "orders-cache", "--yes", "-o", "json")
	var r handler.Result
	if err := json.Unmarshal([]byte(out), &r); err != nil || code != 0 || r.Outcome != handler.Deferred || r.ApprovedBy != "cli:ann_lee" || s.restarts() != 0 {
		t.Errorf("the exit code is %d after %d restarts, %v:\n%s", code, s.restarts(), err, out)
	}
	if a, ok := handler.ParseApproval(s.approval()); !ok || a.Who != "cli:ann_lee" || a.Expires != r.Before.SSLExpiredTime {
		t.Errorf("the tag is %q", s.approval())
	}
	if code, out, _ := s.run("", "approve", id, "--yes"); code != 0 || !strings.Contains(out, "unchanged") || !strings.Contains(out, "approved this certificate already") {
		t.Errorf("the second time the exit code is %d:\n%s", code, out)
	}
	if code, out, _ := s.run("", "status", id, "-o", "json"); code != 0 || !strings.Contains(out, `"ApprovedBy": "cli:ann_lee"`) {
		t.Errorf("status exits with %d:\n%s", code, out)
	}
	if code, out, _ := s.run("", "sweep", "--yes"); code != 0 || s.restarts() != 1 || !strings.Contains(out, "verified") {
		t.Errorf("a sweep with an approval exits with %d after %d restarts:\n%s", code, s.restarts(), out)
	}
	if other, _ := s.Instance("r-bp1zxszhcgatnx04"); other.Restarts != 0 {
		t.Errorf("an instance without an approval was restarted")
	}
}

func TestApproveOnATerminal(t *testing.T) {
	t.Parallel()
	s := newShell(t)
	s.ask = true
	code, out, prompt := s.run("n\n", "approve", id)
	if code != 3 || s.approval() != "" || !strings.Contains(prompt, "Approve? [y/N]") || !strings.Contains(prompt, "renewed from") || !strings.Contains(out, "not confirmed") {
		t.Errorf("declined, the exit code is %d, the tag is %q:\n%s\n%s", code, s.approval(), prompt, out)
	}
	if code, out, _ := s.run("y\n", "approve", id); code != 0 || s.approval() == "" || !strings.Contains(out, "approved") {
		t.Errorf("confirmed, the exit code is %d, the tag is %q:\n%s", code, s.approval(), out)
	}
}

// approve --now renews at once: it needs no approval, and sets no approval tag.
func TestApproveNow(t *testing.T) {
	t.Parallel()
	s := newShell(t)
	s.environ = append(s.environ, "TAIRSSL_APPROVAL=required")
	if code, out, _ := s.run("", "approve", id, "--now", "--yes"); code != 0 || s.restarts() != 1 || s.approval() != "" || !strings.Contains(out, "verified") {
		t.Errorf("the exit code is %d after %d restarts, the tag is %q:\n%s", code, s.restarts(), s.approval(), out)
	}
}

func TestApproveWrongly(t *testing.T) {
	t.Parallel()
	for name, args := range map[string][]string{
		"nothing":           {"approve"},
		"a wait in vain":    {"approve", id, "--yes", "--wait", "1m"},
		"a flag of updates": {"approve", id, "--yes", "--force"},
		"too many":          append([]string{"approve", "--yes"}, slices.Repeat([]string{id}, 101)...),
	} {
		s := newShell(t)
		if code, _, stderr := s.run("", args...); code != 2 || s.approval() != "" || !strings.Contains(stderr, "tairssl:") {
			t.Errorf("%s exits with %d, the tag is %q: %s", name, code, s.approval(), stderr)
		}
	}
	s := newShell(t)
	if code, out, _ := s.run("", "approve", "r-gonegone", "--yes"); code != 4 || !strings.Contains(out, "not_found") {
		t.Errorf("an instance that does not exist exits with %d:\n%s", code, out)
	}
	if err := s.Put(tairtest.Instance{InstanceID: "r-off00001"}); err != nil {
		t.Fatal(err)
	}
	if code, out, _ := s.run("", "approve", "r-bp1zxszhcgatnx03", "--yes"); code != 0 || !strings.Contains(out, "encryption is off") {
		t.Errorf("without encryption the exit code is %d:\n%s", code, out)
	}
	s.environ = append(s.environ, "TAIRSSL_PAUSE=1")
	if code, out, _ := s.run("", "approve", id, "--yes"); code != 3 || !strings.Contains(out, "TAIRSSL_PAUSE") || s.approval() != "" {
		t.Errorf("paused the exit code is %d, the tag is %q:\n%s", code, s.approval(), out)
	}
}

func TestPlanNamesEachTimeAndItsRule(t *testing.T) {
	t.Parallel()
	s := newShell(t)
	now := s.Now()
	day := func(n int) string { return now.AddDate(0, 0, n).Format(time.DateOnly) }
	s.environ = append(s.environ, "TAIRSSL_WINDOW=00:00-24:00", "TAIRSSL_FREEZE="+day(-1)+"/"+day(4))
	if err := s.Put(tairtest.Instance{InstanceID: "r-soon0001", SSLExpiredTime: handler.At(now.AddDate(0, 0, 3)).String()}); err != nil {
		t.Fatal(err)
	}
	code, out, _ := s.run("", "plan", "--until", "60d", "-o", "json")
	var rows []struct {
		InstanceId, RenewalTime, Rule, Reason string
		InTime, Alert                         bool
	}
	if err := json.Unmarshal([]byte(out), &rows); err != nil || code != 0 {
		t.Fatalf("the exit code is %d, %v:\n%s", code, err, out)
	}
	thaw, seen := day(5)+"T00:00:00Z", map[string]string{}
	for _, r := range rows {
		seen[r.InstanceId] = r.RenewalTime + " " + r.Rule
		if late := r.InstanceId == "r-soon0001" || r.InstanceId == "r-bp1zxszhcgatnx04"; late != (r.Alert && r.Rule == "freeze") || late == r.InTime && r.Rule == "freeze" {
			t.Errorf("%s is in time: %v, alert: %v: %s", r.InstanceId, r.InTime, r.Alert, r.Reason)
		}
	}
	for instance, want := range map[string]string{
		id: thaw + " freeze", "r-bp1zxszhcgatnx04": thaw + " freeze", "r-soon0001": thaw + " freeze", "tt-bp1zxszhcgatnx05": " opt-out",
	} {
		if seen[instance] != want {
			t.Errorf("%s is planned %q, want %q", instance, seen[instance], want)
		}
	}
	if seen["r-bp1zxszhcgatnx02"] != "" {
		t.Errorf("the plan for a certificate that is due in half a year is %q", seen["r-bp1zxszhcgatnx02"])
	}
	for _, output := range []string{"table", "wide"} {
		code, out, _ := s.run("", "plan", "--until", "60d", "-o", output)
		if code != 0 || !strings.Contains(out, "opt-out") || !strings.Contains(out, "renewed later than a day before the expiry, or never") || !strings.Contains(out, "frozen until "+day(5)+" 00:00 UTC") || (output == "wide") != strings.Contains(out, "DUE") {
			t.Errorf("-o %s exits with %d:\n%s", output, code, out)
		}
	}
	if code, out, _ := s.run("", "status", id); code != 0 || !strings.Contains(out, "\nChanges are frozen until "+day(5)+" 00:00 UTC") || !strings.Contains(out, "changes are frozen until "+thaw) {
		t.Errorf("status exits with %d:\n%s", code, out)
	}
	if code, out, _ := s.run("", "sweep", "--yes"); code != 0 || s.restarts() != 0 || !strings.Contains(out, "TAIRSSL_FREEZE") {
		t.Errorf("a sweep in a freeze exits with %d after %d restarts:\n%s", code, s.restarts(), out)
	}
}

func TestPlanUntil(t *testing.T) {
	s := newShell(t)
	for _, until := range []string{"", "soon", "-1d", "0d", "0s", "-3h", "9999d", "2020-01-01", "2026-13-01", "99999-01-01", "2020-01-01T00:00:00Z", "90", "90D", "1e9d", "1000000h"} {
		if code, out, stderr := s.run("", "plan", "--until", until); code != 2 || out != "" || !strings.Contains(stderr, "--until takes") {
			t.Errorf("--until %q exits with %d: %s%s", until, code, out, stderr)
		}
	}
	for _, until := range []string{"90d", "2160h", "1h30m", time.Now().AddDate(0, 0, 90).Format(time.DateOnly), time.Now().AddDate(1, 0, 0).Format(time.RFC3339)} {
		if code, out, stderr := s.run("", "plan", "--until", until); code != 0 || !strings.Contains(out, "renewed") {
			t.Errorf("--until %q exits with %d: %s%s", until, code, out, stderr)
		}
	}
	if code, _, stderr := s.run("", "plan", "--tag", "=x"); code != 2 || stderr == "" {
		t.Errorf("an empty tag exits with %d: %s", code, stderr)
	}
	if code, _, stderr := s.run("", "plan", id); code != 2 || stderr == "" {
		t.Errorf("an argument exits with %d: %s", code, stderr)
	}
}
