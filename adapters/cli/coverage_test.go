package cli_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"tairssl/adapters/tair/tairtest"
	"tairssl/handler"
	"tairssl/handler/fleet"
)

// newFleet is a shell for a cloud with only these instances, and with these regions.
func newFleet(t *testing.T, regions string, instances ...tairtest.Instance) *shell {
	t.Helper()
	s := newShellOn(t, quick, instances...)
	s.environ = append(s.environ, "TAIRSSL_REGION="+regions, "TAIRSSL_WINDOW=any", "TAIRSSL_RATE=0")
	return s
}

// An instance whose type has no TLS is no failure, and neither is one that does not run.
func TestAFleetWithoutTLSIsFine(t *testing.T) {
	s := newFleet(t, "cn-hangzhou",
		tairtest.Instance{InstanceID: "r-withouttls", NoTLS: true},
		tairtest.Instance{InstanceID: "vy3e8c2a7b41d809", InstanceType: "Memcache"},
		tairtest.Instance{InstanceID: "r-stopped1", InstanceStatus: "Inactive", SSLExpiredTime: "2020-01-01T00:00:00Z"},
		tairtest.Instance{InstanceID: "r-stopped2", InstanceStatus: "Inactive", NoTLS: true})
	if code, out, stderr := s.run("", "sweep", "--yes"); code != 0 || !strings.Contains(out, "4 seen, 0 due, 2 of a type without TLS, 4 unchanged") || stderr != "" {
		t.Errorf("a sweep exits with %d:\n%s%s", code, out, stderr)
	}
	for _, args := range [][]string{{"status", "--all"}, {"status", "r-withouttls", "vy3e8c2a7b41d809", "r-stopped1", "r-stopped2"}} {
		code, out, stderr := s.run("", args...)
		if code != 0 || stderr != "" {
			t.Errorf("%v exits with %d:\n%s%s", args, code, out, stderr)
		}
		for id, words := range map[string][]string{
			"r-withouttls": {"none", "this type of instance has no TLS"}, "vy3e8c2a7b41d809": {"none", "this type of instance has no TLS"},
			"r-stopped1": {"on", "(2", "the instance is Inactive, so nothing is renewed"}, "r-stopped2": {"Inactive"},
		} {
			for _, word := range words {
				if row := rowOf(out, id); !strings.Contains(row, word) {
					t.Errorf("%v: the row of %s does not say %q: %q", args, id, word, row)
				}
			}
		}
	}
	code, out, _ := s.run("", "status", "r-stopped1", "-o", "json")
	var row struct {
		Due      bool
		DaysLeft *int
	}
	if err := json.Unmarshal([]byte(out), &row); err != nil || code != 0 || row.Due || row.DaysLeft == nil {
		t.Errorf("an instance that does not run is %+v, %v", row, err)
	}
}

// rowOf is the line of a table for the instance with this id.
func rowOf(table, id string) string {
	for line := range strings.Lines(table) {
		if strings.HasPrefix(line, id+" ") {
			return line
		}
	}
	return ""
}

// A region without rights is reported, and does not hide the other regions.
func TestADeniedRegion(t *testing.T) {
	t.Parallel()
	s := newFleet(t, "cn-hangzhou,cn-shanghai,cn-qingdao",
		tairtest.Instance{InstanceID: "r-hangzhou1", SSLExpiredTime: "2020-01-01T00:00:00Z"},
		tairtest.Instance{InstanceID: "r-shanghai1", RegionID: "cn-shanghai", SSLExpiredTime: "2020-01-01T00:00:00Z"})
	if err := s.Policy([]byte(`{"Version":"1","Statement":[{"Effect":"Allow","Action":"*","Resource":"*"},{"Effect":"Deny","Action":"kvstore:DescribeInstances","Resource":"acs:kvstore:cn-shanghai:*:instance/*"}]}`)); err != nil {
		t.Fatal(err)
	}
	complains := func(what string, code int, stderr string) {
		t.Helper()
		if code != 3 || !strings.Contains(stderr, "tairssl: could not list cn-shanghai: ") || !strings.Contains(stderr, "kvstore:DescribeInstances") || strings.Count(stderr, "cn-shanghai") > 2 {
			t.Errorf("%s exits with %d, and says\n%s", what, code, stderr)
		}
		if !strings.Contains(stderr, "there is no instance in cn-qingdao: check TAIRSSL_REGION") {
			t.Errorf("%s does not say that cn-qingdao is empty:\n%s", what, stderr)
		}
	}
	code, out, stderr := s.run("", "status", "--all")
	complains("status --all", code, stderr)
	if rowOf(out, "r-hangzhou1") == "" || strings.Contains(out, "cn-shanghai") {
		t.Errorf("status --all shows\n%s", out)
	}
	page := filepath.Join(t.TempDir(), "fleet.html")
	code, _, stderr = s.run("", "status", "--all", "--html", page)
	complains("status --all --html", code, stderr)
	html, err := os.ReadFile(page)
	for _, want := range []string{"r-hangzhou1", "could not list cn-shanghai", "There is no instance in cn-qingdao"} {
		if err != nil || !strings.Contains(string(html), want) {
			t.Errorf("the page does not say %q, %v", want, err)
		}
	}
	code, out, stderr = s.run("", "sweep", "--dry-run")
	complains("a sweep", code, stderr)
	if !strings.Contains(rowOf(out, "r-hangzhou1"), "planned") || !strings.Contains(out, "1 seen, 1 due") {
		t.Errorf("a sweep shows\n%s", out)
	}
	code, out, stderr = s.run("", "sweep", "--yes", "-o", "json")
	complains("a sweep in JSON", code, stderr)
	var swept fleet.Result
	if err := json.Unmarshal([]byte(out), &swept); err != nil || swept.Summary.Outcomes[handler.Verified] != 1 || len(swept.Summary.Regions) != 3 || swept.Summary.Regions[1].Error == nil {
		t.Errorf("a sweep answers %v, %s", err, out)
	}
	if i, _ := s.Instance("r-hangzhou1"); i.Restarts != 1 {
		t.Errorf("the instance of the region that can be read restarted %d times", i.Restarts)
	}
	// A name may belong to an instance in the region that could not be read.
	if code, out, _ := s.run("", "status", "nobody"); code != 5 || !strings.Contains(out, "unavailable") || !strings.Contains(out, "cn-shanghai could not be listed") {
		t.Errorf("a name that is not found elsewhere exits with %d:\n%s", code, out)
	}
	if code, out, _ := s.run("", "status", "r-hangzhou1"); code != 0 || !strings.Contains(out, "on") {
		t.Errorf("an instance of another region exits with %d:\n%s", code, out)
	}
}
