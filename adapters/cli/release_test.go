package cli_test

import (
	"crypto/sha256"
	"encoding/hex"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// sources is a new folder with a copy of the source files of a release.
func sources(t *testing.T) string {
	t.Helper()
	dir := t.TempDir()
	for _, name := range []string{"adapters", "handler"} {
		if err := os.CopyFS(filepath.Join(dir, name), os.DirFS("../../"+name)); err != nil {
			t.Fatal(err)
		}
	}
	for _, name := range []string{"Makefile", "README.md", "go.mod", "go.sum"} {
		text, err := os.ReadFile("../../" + name)
		if err == nil {
			err = os.WriteFile(filepath.Join(dir, name), text, 0o600)
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

// runMake runs a target in a folder, as on a machine without git.
func runMake(t *testing.T, dir string, args ...string) string {
	t.Helper()
	command := exec.Command("make", append([]string{"--no-print-directory"}, args...)...)
	command.Dir, command.Env = dir, append(os.Environ(), "GIT_DIR=/nonexistent", "MAKEFLAGS=", "GOFLAGS=-buildvcs=false", "CGO_ENABLED=0")
	out, err := command.CombinedOutput()
	if err != nil {
		t.Fatalf("make %s: %v\n%s", strings.Join(args, " "), err, out)
	}
	return string(out)
}

// Builds of the same version in two folders are the same bytes, and contain the version.
func TestBuildsAreReproducible(t *testing.T) {
	t.Parallel()
	if _, err := exec.LookPath("make"); err != nil {
		t.Skip("make is not here")
	}
	const binary = "dist/lambda-arm64/bootstrap"
	sums := map[string]bool{}
	var last []byte
	for range 2 {
		dir := sources(t)
		runMake(t, dir, binary, "VERSION=v9.8.7")
		data, err := os.ReadFile(filepath.Join(dir, binary))
		if err != nil {
			t.Fatal(err)
		}
		sum := sha256.Sum256(data)
		sums[hex.EncodeToString(sum[:])] = true
		last = data
		if strings.Contains(string(data), dir) {
			t.Errorf("the binary holds the name of the folder %s", dir)
		}
	}
	if len(sums) != 1 {
		t.Errorf("two builds have the sums %v", sums)
	}
	if !strings.Contains(string(last), "v9.8.7") {
		t.Error("the binary does not know its version")
	}
}

// make release refuses a VERSION that is not a version.
func TestOnlyAVersionIsReleased(t *testing.T) {
	for _, version := range []string{"", "dev", "1.2.3", "v1", "latest; true"} {
		command := exec.Command("make", "--no-print-directory", "-n", "release", "VERSION="+version)
		command.Dir = "../.."
		out, err := command.CombinedOutput()
		if err != nil {
			t.Fatalf("%v\n%s", err, out)
		}
		check := regexp.MustCompile(`(?m)^case .*$`).FindString(string(out))
		if check == "" {
			t.Fatalf("make release checks nothing:\n%s", out)
		}
		if err := exec.Command("sh", "-c", check).Run(); err == nil {
			t.Errorf("%q can be released", version)
		}
	}
}
