// Package runtimetest builds the binaries that tests run. Each binary is built once
// for all tests of a package, with the same options as a release but without symbols.
package runtimetest

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"testing"

	"go.uber.org/goleak"

	"tairssl/adapters/cli/localruntime"
	"tairssl/handler/handlertest"
)

var built struct {
	sync.Mutex
	dir   string
	paths map[string]string
}

// Function returns the path of the real function of a cloud.
func Function(t testing.TB, cloud localruntime.Cloud) string {
	t.Helper()
	return Binary(t, fmt.Sprintf("tairssl/adapters/%s/bootstrap", cloud))
}

// Binary returns the path of the binary of a package. [Main] removes it.
func Binary(t testing.TB, pkg string) string {
	t.Helper()
	built.Lock()
	defer built.Unlock()
	if path, ok := built.paths[pkg]; ok {
		return path
	}
	if built.dir == "" {
		dir, err := os.MkdirTemp("", "tairssl-built-")
		if err != nil {
			t.Fatal(err)
		}
		built.dir, built.paths = dir, map[string]string{}
	}
	path := filepath.Join(built.dir, fmt.Sprint(len(built.paths)), filepath.Base(pkg))
	out, err := exec.Command("go", "build", "-tags", "lambda.norpc,validator_novalidatefn", "-ldflags", "-s -w", "-o", path, pkg).CombinedOutput()
	if err != nil {
		t.Fatalf("%s does not build: %v\n%s", pkg, err, out)
	}
	built.paths[pkg] = path
	return path
}

// Main runs the tests of a package, atOnce of them in parallel. It removes the built
// binaries, and fails if a test leaves a goroutine behind.
func Main(m *testing.M, atOnce int) {
	handlertest.AtOnce(atOnce)
	goleak.VerifyTestMain(m, goleak.Cleanup(func(code int) {
		_ = os.RemoveAll(built.dir) // empty if nothing was built
		os.Exit(code)
	}))
}
