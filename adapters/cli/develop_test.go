package cli_test

import (
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// A step of a walk may name a second function, as `Name` in [file]. That file has the
// function.
func TestDevelopNamesFunctionsOfItsFiles(t *testing.T) {
	seen := 0
	for _, m := range regexp.MustCompile("`([A-Za-z]+)` in \\[[^]]+\\]\\(([^)]+\\.go)\\)").FindAllStringSubmatch(textOf(t, "../README.md"), -1) {
		seen++
		if code := textOf(t, filepath.Join("..", m[2])); !regexp.MustCompile(`(?m)^func (\([^)]*\) )?`+m[1]+`\(`).MatchString(code) && !strings.Contains(code, "var "+m[1]+" = ") {
			t.Errorf("%s has no function or table %s", m[2], m[1])
		}
	}
	if seen < 8 {
		t.Errorf("only %d functions are named as `Name` in [file]", seen)
	}
}

// The table of linked modules has exactly the modules of both functions.
func TestDevelopListsTheLinkedModules(t *testing.T) {
	if testing.Short() {
		t.Skip("it lists the packages of both functions")
	}
	out, err := exec.Command("go", "list", "-deps", "-f", "{{with .Module}}{{if not .Main}}{{.Path}}{{end}}{{end}}",
		"tairssl/adapters/lambda/bootstrap", "tairssl/adapters/fc/bootstrap").Output()
	if err != nil {
		t.Fatal(err)
	}
	linked := slices.Compact(slices.Sorted(slices.Values(strings.Fields(string(out)))))
	_, section, _ := strings.Cut(textOf(t, "../README.md"), "## What the functions link")
	section, _, _ = strings.Cut(section, "\n## ")
	var listed []string
	for row := range strings.Lines(section) {
		modules, _, _ := strings.Cut(strings.TrimPrefix(row, "| "), " |")
		for _, m := range regexp.MustCompile("`([a-z0-9]+\\.[a-z]+/[^`]+)`").FindAllStringSubmatch(modules, -1) {
			listed = append(listed, m[1])
		}
	}
	slices.Sort(listed)
	if len(linked) < 10 || !slices.Equal(listed, linked) {
		t.Errorf("the Develop document lists the modules\n%s\nthe functions link\n%s", strings.Join(listed, "\n"), strings.Join(linked, "\n"))
	}
}
