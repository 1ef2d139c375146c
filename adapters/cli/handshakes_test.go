package cli_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"tairssl/handler"
)

// servedRow is a row of status --tls as JSON.
type servedRow struct {
	InstanceId, SSLExpiredTime string
	Served                     *struct {
		SSLExpiredTime, SHA256, TLS, Reason string
		Names                               []string
		Matches                             bool
		Error                               *handler.Error
	}
}

func (s *shell) servedRows(args ...string) (code int, rows map[string]servedRow) {
	s.t.Helper()
	code, out, stderr := s.run("", append([]string{"status", "--tls", "-o", "json"}, args...)...)
	var list []servedRow
	if err := json.Unmarshal([]byte(out), &list); err != nil {
		s.t.Fatalf("status --tls exits with %d, %v:\n%s%s", code, err, out, stderr)
	}
	rows = map[string]servedRow{}
	for _, r := range list {
		rows[r.InstanceId] = r
	}
	return code, rows
}

// renewQuietly renews an instance, and waits until the API reports the new certificate.
func (s *shell) renewQuietly(id string) {
	s.t.Helper()
	if code, out, stderr := s.run("", "update", id, "--yes", "--wait", "0s"); code != 0 {
		s.t.Fatalf("update exits with %d:\n%s%s", code, out, stderr)
	}
	s.Advance(10 * time.Second)
}

func TestStatusShowsServedCertificates(t *testing.T) {
	t.Parallel()
	s := newShell(t)
	code, rows := s.servedRows("--all")
	if code != 0 || len(rows) != 10 {
		t.Errorf("the exit code is %d with %d rows", code, len(rows))
	}
	for id, want := range map[string]bool{
		id: true, "r-bp1zxszhcgatnx02": true, "r-bp1zxszhcgatnx04": true, "tt-bp1zxszhcgatnx05": true, "r-bp1zxszhcgatnx06": true, "r-bp1zxszhcgatnx10": true,
		"r-bp1zxszhcgatnx03": false, "r-bp1zxszhcgatnx08": false, "vy3e8c2a7b41d809": false, "r-bp1zxszhcgatnx11": false,
	} {
		r, listed := rows[id]
		switch {
		case !listed || (r.Served != nil) != want:
			t.Errorf("%s is shown as %+v", id, r)
		case want && (!r.Served.Matches || r.Served.SSLExpiredTime != r.SSLExpiredTime || len(r.Served.SHA256) != 64 || r.Served.TLS != "TLS 1.3" || r.Served.Error != nil):
			t.Errorf("%s serves %+v, and the API reports %s", id, r.Served, r.SSLExpiredTime)
		}
	}
	if name := rows["r-bp1zxszhcgatnx06"].Served.Names; len(name) != 1 || name[0] != "old-endpoint.redis.rds.aliyuncs.com" {
		t.Errorf("the certificate with a wrong name is for %v", name)
	}
}

// If an instance serves another certificate than the API reports, status fails.
func TestStatusFailsIfAnotherCertificateIsServed(t *testing.T) {
	t.Parallel()
	s := newShell(t)
	s.StaleServing(time.Hour)
	before, _ := s.Instance(id)
	s.renewQuietly(id)
	code, rows := s.servedRows("--all")
	r := rows[id]
	if code != 1 || r.Served == nil || r.Served.Matches || r.Served.SSLExpiredTime != before.SSLExpiredTime || r.SSLExpiredTime == before.SSLExpiredTime || !strings.Contains(r.Served.Reason, "and not the one that expires") {
		t.Errorf("the exit code is %d with %+v", code, r)
	}
	code, out, _ := s.run("", "status", id, "r-bp1zxszhcgatnx02", "--tls")
	lines := strings.Split(strings.TrimSpace(out), "\n")
	if code != 1 || len(lines) != 3 || !strings.Contains(lines[0], "SERVED") || !strings.Contains(lines[1], "(in 12d)") || !strings.Contains(lines[1], "and not the one") || !strings.Contains(lines[2], "the same") {
		t.Errorf("the exit code is %d:\n%s", code, out)
	}
	s.StaleServing(0)
	if code, out, _ := s.run("", "status", id, "--tls"); code != 0 || !strings.Contains(out, "the same") {
		t.Errorf("when the new certificate is served the exit code is %d:\n%s", code, out)
	}
}

// If no handshake is possible, the served certificate is not known.
func TestStatusReportsFailedHandshakes(t *testing.T) {
	t.Parallel()
	s := newShell(t)
	s.environ = append(s.environ, "TAIRSSL_ACTIONS=Enable")
	const off = "r-bp1zxszhcgatnx03"
	s.StaleServing(time.Hour) // instances keep serving the old certificate
	if code, out, stderr := s.run("", "enable", off, "--yes", "--wait", "0s"); code != 0 {
		t.Fatalf("enable exits with %d:\n%s%s", code, out, stderr)
	}
	s.Advance(10 * time.Second)
	code, out, _ := s.run("", "status", off, id, "--tls")
	if code != 5 || !strings.Contains(out, "no handshake") || !strings.Contains(out, "it does not speak TLS") || !strings.Contains(out, "the same") {
		t.Errorf("the exit code is %d:\n%s", code, out)
	}
}

func TestStatusWritesNoPageOfServedCertificates(t *testing.T) {
	t.Parallel()
	s := newShell(t)
	if code, out, stderr := s.run("", "status", "--all", "--tls", "--html", t.TempDir()+"/x.html"); code != 2 || !strings.Contains(stderr, "does not go with") {
		t.Errorf("the exit code is %d:\n%s%s", code, out, stderr)
	}
}
