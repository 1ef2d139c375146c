package handler_test

import (
	"encoding/json"
	"io"
	"os/exec"
	"slices"
	"strings"
	"testing"
)

// allowed is which packages of this module each may import, and vendors in
// which folder alone each vendor's SDK may appear.
var (
	vendors = map[string]string{
		"github.com/aws/":                        "tairssl/adapters/lambda",
		"github.com/aliyun/fc-runtime-go-sdk":    "tairssl/adapters/fc",
		"github.com/aliyun/alibaba-cloud-sdk-go": "tairssl/adapters/tair",
	}
	// Outermost last: a package imports only what stands before it.
	inward = []string{
		"tairssl/handler", "tairssl/adapters/tair", "tairssl/adapters/event", "tairssl/adapters/webhook", "tairssl/adapters/notify",
		"tairssl/adapters/chatops", "tairssl/adapters/function", "tairssl/adapters/lambda", "tairssl/adapters/fc", "tairssl/adapters/cli",
	}
)

func TestImportsPointInward(t *testing.T) {
	if testing.Short() {
		t.Skip("it lists the packages of the whole module")
	}
	type pkg struct {
		ImportPath                         string
		Imports, TestImports, XTestImports []string
	}
	out, err := exec.Command("go", "list", "-json=ImportPath,Imports,TestImports,XTestImports", "tairssl/...").Output()
	if err != nil {
		t.Fatal(err)
	}
	layer := func(path string) int {
		return slices.IndexFunc(inward, func(p string) bool { return path == p || strings.HasPrefix(path, p+"/") })
	}
	seen := 0
	for dec := json.NewDecoder(strings.NewReader(string(out))); ; seen++ {
		var p pkg
		if err := dec.Decode(&p); err == io.EOF {
			break
		} else if err != nil {
			t.Fatal(err)
		}
		tests := append(p.TestImports, p.XTestImports...)
		if slices.Contains(tests, "pgregory.net/rapid") && !slices.Contains(tests, "tairssl/handler/handlertest") {
			t.Errorf("%s has tests that draw by rapid and do not import handlertest, by which SEED makes them draw the same again", p.ImportPath)
		}
		for _, imported := range p.Imports {
			first, _, _ := strings.Cut(imported, "/")
			for vendor, folder := range vendors {
				if strings.HasPrefix(imported, vendor) && p.ImportPath != folder && !strings.HasPrefix(p.ImportPath, folder+"/") {
					t.Errorf("%s imports %s, which belongs in %s alone", p.ImportPath, imported, folder)
				}
			}
			if p.ImportPath == "tairssl/handler" && strings.Contains(first, ".") &&
				!strings.HasPrefix(imported, "golang.org/x/") && !strings.HasPrefix(imported, "github.com/go-playground/validator/") {
				t.Errorf("handler imports %s", imported)
			}
			if layer(p.ImportPath) < 0 {
				t.Fatalf("%s has no layer: say where it stands", p.ImportPath)
			}
			if strings.HasPrefix(imported, "tairssl/") && layer(imported) > layer(p.ImportPath) {
				t.Errorf("%s imports %s, which is further out", p.ImportPath, imported)
			}
		}
	}
	if seen < 6 {
		t.Fatalf("only %d packages were looked at", seen)
	}
}

func TestBootstrapsLinkNothingNeedless(t *testing.T) {
	if testing.Short() {
		t.Skip("it lists the packages of the whole module")
	}
	for bootstrap, banned := range map[string][]string{
		"tairssl/adapters/lambda/bootstrap": {"github.com/spf13/cobra", "tairssl/adapters/tair/tairtest", "github.com/aliyun/fc-runtime-go-sdk", "tairssl/adapters/cli", "github.com/prometheus", "github.com/arran4/golang-ical"},
		"tairssl/adapters/fc/bootstrap":     {"github.com/spf13/cobra", "tairssl/adapters/tair/tairtest", "github.com/aws", "tairssl/adapters/cli", "github.com/prometheus", "github.com/arran4/golang-ical"},
	} {
		out, err := exec.Command("go", "list", "-deps", bootstrap).Output()
		if err != nil || !strings.Contains(string(out), "tairssl/handler") {
			t.Fatalf("go list -deps %s: %v\n%s", bootstrap, err, out)
		}
		for _, path := range strings.Fields(string(out)) {
			for _, ban := range banned {
				if path == ban || strings.HasPrefix(path, ban+"/") {
					t.Errorf("%s links %s", bootstrap, path)
				}
			}
		}
	}
}
