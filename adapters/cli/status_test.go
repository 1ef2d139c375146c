package cli_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"tairssl/adapters/tair/tairtest"
	"tairssl/handler"
	"tairssl/handler/fleet"
)

func TestStatus(t *testing.T) {
	t.Parallel()
	s := newShell(t)
	code, out, _ := s.run("", "status", id, "r-bp1zxszhcgatnx03")
	if code != 0 || !strings.Contains(out, "in 12d") || !strings.Contains(out, "encryption is off") {
		t.Errorf("the exit code is %d:\n%s", code, out)
	}
	code, out, _ = s.run("", "status", id, "-o", "json")
	var one struct {
		InstanceId, SSLEnabled string
		DaysLeft               int
		Due                    bool
	}
	if err := json.Unmarshal([]byte(out), &one); err != nil || code != 0 || one.InstanceId != id || one.DaysLeft != 12 || !one.Due {
		t.Errorf("the exit code is %d, %v:\n%s", code, err, out)
	}
	if code, out, _ := s.run("", "status", "r-gonegone"); code != 4 || !strings.Contains(out, "not_found") {
		t.Errorf("for an instance that does not exist the exit code is %d:\n%s", code, out)
	}
	if code, out, _ := s.run("", "status", "r/x"); code != 2 || !strings.Contains(out, "not an instance id") {
		t.Errorf("for an invalid id the exit code is %d:\n%s", code, out)
	}
}

func TestSweepAndTheWholeFleet(t *testing.T) {
	t.Parallel()
	s := newShell(t)
	s.environ = append(s.environ, "TAIRSSL_REGION=cn-hangzhou,cn-shanghai", "TAIRSSL_WINDOW=any", "TAIRSSL_RATE=0")
	if code, out, _ := s.run("", "sweep", "--dry-run"); code != 0 || !strings.Contains(out, "11 seen, 4 due, 2 of a type without TLS, 3 planned, 1 refused, 7 unchanged") || s.restarts() != 0 {
		t.Errorf("a dry run exits with %d:\n%s", code, out)
	}
	if code, _, stderr := s.run("", "sweep"); code != 3 || !strings.Contains(stderr, "--yes") {
		t.Errorf("without --yes the exit code is %d:\n%s", code, stderr)
	}
	code, out, _ := s.run("", "sweep", "--yes", "--max-targets", "2", "-o", "json")
	var swept fleet.Result
	if err := json.Unmarshal([]byte(out), &swept); err != nil || code != 0 || s.restarts() != 1 || swept.Summary.Outcomes[handler.Deferred] != 1 {
		t.Errorf("the exit code is %d, %v:\n%s", code, err, out)
	}
	page := filepath.Join(t.TempDir(), "fleet.html")
	if code, out, stderr := s.run("", "status", "--all", "--html", page); code != 0 {
		t.Errorf("the page exits with %d:\n%s%s", code, out, stderr)
	}
	if html, err := os.ReadFile(page); err != nil || !strings.Contains(string(html), "r-uf6zxszhcgatnx07") {
		t.Errorf("the page is %.80s, %v", html, err)
	}
	code, out, _ = s.run("", "status", "--all", "-o", "json")
	var rows []struct{ InstanceId string }
	if err := json.Unmarshal([]byte(out), &rows); err != nil || code != 0 || len(rows) != 11 || rows[0].InstanceId != "tt-bp1zxszhcgatnx05" {
		t.Errorf("the fleet exits with %d, %v:\n%s", code, err, out)
	}
	if code, out, _ := s.run("", "status", "--all", "--tag", "env=prod"); code != 0 || strings.Contains(out, id) || !strings.Contains(out, "r-uf6zxszhcgatnx07") {
		t.Errorf("status with --tag exits with %d:\n%s", code, out)
	}
	for _, args := range [][]string{{"status"}, {"status", id, "--all"}, {"status", id, "--html", page}, {"status", id, "--tag", "env=prod"}, {"status", "--all", "--tag", "=prod"},
		{"sweep", "--yes", "--renew-before", "9999h"}, {"sweep", "--yes", "--tag", "=prod"}, {"sweep", "--yes", "--max-targets", "-1"}, {"sweep", "--yes", "--max-targets", "0"}} {
		if code, _, stderr := s.run("", args...); code != 2 {
			t.Errorf("tairssl %v exits with %d:\n%s", args, code, stderr)
		}
	}
}

// Status says why a sweep does not renew an instance, and shows Alibaba's own renewals in
// advance.
func TestStatusOfTheWholeFleetLooksAhead(t *testing.T) {
	t.Parallel()
	s := newShell(t)
	now := s.Now() // read once, because the clock runs
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
		t.Fatalf("the exit code is %d, %v:\n%s%s", code, err, out, stderr)
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
			t.Errorf("the row of %s is %+v", id, rows[max(n, 0)])
		}
	}
}
