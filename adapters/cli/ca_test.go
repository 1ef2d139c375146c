package cli_test

import (
	"encoding/json"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"tairssl/handler"
)

type caRow struct {
	InstanceId, RegionId, CA, File string
	Written                        bool
	Certificates                   []struct{ Subject, Issuer, NotBefore, NotAfter, SHA256 string }
	Error                          *handler.Error
}

func (s *shell) caRows(args ...string) (code int, rows []caRow, stderr string) {
	s.t.Helper()
	code, out, stderr := s.run("", append([]string{"ca", "-o", "json"}, args...)...)
	if err := json.Unmarshal([]byte(out), &rows); err != nil {
		var row caRow
		if err := json.Unmarshal([]byte(out), &row); err != nil {
			s.t.Fatalf("ca exits with %d, %v:\n%s%s", code, err, out, stderr)
		}
		rows = []caRow{row}
	}
	return code, rows, stderr
}

func TestTheCAChainIsWrittenToAFile(t *testing.T) {
	t.Parallel()
	s := newShell(t)
	dir := filepath.Join(t.TempDir(), "new", "folder")
	code, rows, stderr := s.caRows("orders-cache", "--out", dir)
	if code != 0 || stderr != "" || len(rows) != 1 {
		t.Fatalf("the exit code is %d with %+v:\n%s", code, rows, stderr)
	}
	r := rows[0]
	if r.InstanceId != id || r.RegionId != "cn-hangzhou" || r.File != filepath.Join(dir, id+".pem") || !r.Written || r.Error != nil || len(r.Certificates) != 1 {
		t.Fatalf("the row is %+v", r)
	}
	if c := r.Certificates[0]; c.Subject != "CN=tairssl emulator CA" || c.Issuer != c.Subject || c.SHA256 != r.CA || len(r.CA) != 64 || c.NotBefore >= c.NotAfter {
		t.Errorf("the certificate is %+v", c)
	}
	text, err := os.ReadFile(r.File)
	if err != nil || string(text) != string(s.CAPEM()) {
		t.Errorf("the file holds %q, %v", text, err)
	}
	if info, err := os.Stat(r.File); err != nil || info.Mode() != 0o644 {
		t.Errorf("the file's mode is %v, %v", info.Mode(), err)
	}
	if all, err := os.ReadDir(dir); err != nil || len(all) != 1 {
		t.Errorf("the folder holds %v, %v", all, err)
	}
	if code, rows, _ := s.caRows(id, "--out", dir); code != 0 || rows[0].Written || rows[0].Error != nil {
		t.Errorf("the second time the exit code is %d with %+v", code, rows[0])
	}
}

func TestCAListsTheInstancesOfEachCA(t *testing.T) {
	t.Parallel()
	s := newShell(t)
	if err := s.RotateCA(); err != nil {
		t.Fatal(err)
	}
	s.renewQuietly(id)
	dir := t.TempDir()
	code, out, stderr := s.run("", "ca", id, "r-bp1zxszhcgatnx02", "r-bp1zxszhcgatnx10", "--out", dir)
	if code != 0 || stderr != "" || strings.Count(out, "\n    SHA-256 ") != 2 || !strings.Contains(out, "These instances have 2 different CAs") || !strings.Contains(out, "valid from 20") {
		t.Errorf("the exit code is %d:\n%s%s", code, out, stderr)
	}
	first, second, _ := strings.Cut(out, "\n\n")
	if !strings.Contains(first, "CN=tairssl emulator CA 2") || !strings.Contains(first, id+" (orders-cache, cn-hangzhou): written to "+filepath.Join(dir, id+".pem")) ||
		!strings.Contains(second, "r-bp1zxszhcgatnx02 (sessions") || !strings.Contains(second, "r-bp1zxszhcgatnx10 (accounts") {
		t.Errorf("the output does not list the instances below their CAs:\n%s", out)
	}
	code, rows, stderr := s.caRows(id, "r-bp1zxszhcgatnx02", "--dry-run")
	if code != 0 || rows[0].CA == rows[1].CA || rows[0].Written || rows[0].File != "" || !strings.Contains(stderr, "2 different CAs") {
		t.Errorf("as JSON the exit code is %d with %+v:\n%s", code, rows, stderr)
	}
	if code, out, _ := s.run("", "ca", "r-bp1zxszhcgatnx02", "r-bp1zxszhcgatnx10", "--out", dir); code != 0 || strings.Contains(out, "different") || !strings.Contains(out, "already in") {
		t.Errorf("with one CA the exit code is %d:\n%s", code, out)
	}
}

// An existing file is kept, because clients may trust its content.
func TestAFileIsOverwrittenOnlyByForce(t *testing.T) {
	t.Parallel()
	s := newShell(t)
	elsewhere := filepath.Join(t.TempDir(), "elsewhere")
	for name, test := range map[string]struct {
		put   func(file string) error
		force bool
		code  int
	}{
		"another text":         {func(file string) error { return os.WriteFile(file, []byte("mine"), 0o600) }, false, 3},
		"a text as long":       {func(file string) error { return os.WriteFile(file, make([]byte, len(s.CAPEM())), 0o600) }, false, 3},
		"a link":               {func(file string) error { return os.Symlink(elsewhere, file) }, false, 3},
		"a folder":             {func(file string) error { return os.Mkdir(file, 0o755) }, false, 3},
		"another text, forced": {func(file string) error { return os.WriteFile(file, []byte("mine"), 0o600) }, true, 0},
		"a link, forced":       {func(file string) error { return os.Symlink(elsewhere, file) }, true, 0},
		"a folder, forced":     {func(file string) error { return os.Mkdir(file, 0o755) }, true, 3},
		"the same text":        {func(file string) error { return os.WriteFile(file, s.CAPEM(), 0o600) }, false, 0},
		"nothing":              {func(string) error { return nil }, false, 0},
	} {
		dir := t.TempDir()
		file := filepath.Join(dir, id+".pem")
		if err := test.put(file); err != nil {
			t.Fatal(err)
		}
		before, _ := os.ReadFile(file)
		args := []string{id, "--out", dir}
		if test.force {
			args = append(args, "--force")
		}
		code, rows, _ := s.caRows(args...)
		if code != test.code || (rows[0].Error != nil) != (code != 0) {
			t.Errorf("%s: the exit code is %d with %+v", name, code, rows[0].Error)
		}
		after, _ := os.ReadFile(file)
		if want := map[bool]string{true: string(s.CAPEM()), false: string(before)}[code == 0]; string(after) != want {
			t.Errorf("%s: the file holds %q, want %q", name, after, want)
		}
		if info, err := os.Lstat(file); code == 0 && (err != nil || info.Mode()&fs.ModeSymlink != 0) {
			t.Errorf("%s: the file is still a link", name)
		}
	}
	if _, err := os.Lstat(elsewhere); err == nil {
		t.Error("a link was followed")
	}
}

func TestCAReportsWriteErrors(t *testing.T) {
	t.Parallel()
	s := newShell(t)
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if code, rows, _ := s.caRows(id, "--out", file); code != 1 || rows[0].Error == nil || rows[0].Written || rows[0].CA == "" {
		t.Errorf("if --out is a file, the exit code is %d with %+v", code, rows[0])
	}
	if code, _, stderr := s.run("", "ca", id, "--out", ""); code != 2 || !strings.Contains(stderr, "--out takes a folder") {
		t.Errorf("without a folder the exit code is %d: %s", code, stderr)
	}
	if code, _, stderr := s.run("", "ca"); code != 2 || !strings.Contains(stderr, "name at least one instance") {
		t.Errorf("without an instance the exit code is %d: %s", code, stderr)
	}
}

func TestInstancesWithoutAChain(t *testing.T) {
	t.Parallel()
	s := newShell(t)
	code, rows, _ := s.caRows("r-bp1zxszhcgatnx08", "nobody", id, "--dry-run")
	if code != 4 || len(rows) != 3 || rows[0].Error == nil || rows[0].Error.Kind != handler.Unsupported || rows[1].Error == nil || rows[1].Error.Kind != handler.NotFound || rows[2].Error != nil {
		t.Errorf("the exit code is %d with %+v", code, rows)
	}
}
