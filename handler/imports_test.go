package handler_test

import (
	"encoding/json"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// vendors says in which folder each vendor's SDK may be used.
var (
	vendors = map[string]string{
		"github.com/aws/":                        "tairssl/adapters/lambda",
		"github.com/aliyun/fc-runtime-go-sdk":    "tairssl/adapters/fc",
		"github.com/aliyun/alibaba-cloud-sdk-go": "tairssl/adapters/tair",
	}
	// inward lists the packages of this module. Each imports only packages before it.
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
		ImportPath, Dir string
		Imports         []string
		Standard        bool
	}
	out, err := exec.Command("go", "list", "-json=ImportPath,Imports", "tairssl/...").Output()
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

// A test that draws by chance must draw by handlertest. handlertest reads SEED, so the
// test can repeat its draws.
func TestEveryTestThatDrawsTakesItsSeed(t *testing.T) {
	draws, byItself := regexp.MustCompile(`handlertest\.(Check|Chance|Seed)\(`), regexp.MustCompile(`\brapid\.Check\(|\brand\.[A-Z]\w*\(`)
	drawing := 0
	for _, folder := range []string{".", "../adapters"} {
		err := filepath.WalkDir(folder, func(path string, _ fs.DirEntry, err error) error {
			if err != nil || !strings.HasSuffix(path, "_test.go") {
				return err
			}
			text, err := os.ReadFile(path)
			switch {
			case err != nil:
				return err
			case draws.Match(text):
				drawing++
			case byItself.Match(text):
				t.Errorf("%s draws by itself, %s…: use handlertest.Check, Chance or Seed", path, byItself.Find(text))
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if drawing < 10 {
		t.Errorf("only %d files draw", drawing)
	}
}
