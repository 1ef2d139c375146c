package cli_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// readmes are all pages of the repository, the top README first.
func readmes(t *testing.T) []string {
	t.Helper()
	pages := []string{"../../README.md"}
	for _, folder := range []string{"..", "../../handler"} {
		err := filepath.WalkDir(folder, func(path string, entry fs.DirEntry, err error) error {
			switch {
			case err != nil:
				return err
			case entry.IsDir() && (entry.Name() == "testdata" || entry.Name() == "node_modules"):
				return fs.SkipDir
			case strings.HasSuffix(path, ".md"):
				pages = append(pages, path)
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if len(pages) < 10 {
		t.Fatalf("only these pages are found: %v", pages)
	}
	return pages
}

func textOf(t *testing.T, file string) string {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// Each command that the text of a page names in back quotes exists.
func TestCommandsInTheREADMEsTextExist(t *testing.T) {
	t.Parallel()
	var text strings.Builder
	for _, file := range readmes(t) {
		text.WriteString(textOf(t, file))
	}
	seen := 0
	for _, m := range regexp.MustCompile("`(?:dist/)?tairssl ([a-z]+)((?: [^`]*)?)`").FindAllStringSubmatch(text.String(), -1) {
		seen++
		code, out, errs := newShell(t).run("", m[1], "--help")
		if code != 0 || !strings.Contains(out, "tairssl "+m[1]) {
			t.Errorf("%s exits with %d: %s%s", m[0], code, out, errs)
		}
		for _, flag := range regexp.MustCompile(`--[a-z-]+`).FindAllString(m[2], -1) {
			if !strings.Contains(out, flag) {
				t.Errorf("%s: there is no flag %s", m[0], flag)
			}
		}
	}
	if seen < 3 {
		t.Errorf("only %d commands are found", seen)
	}
}

// Each link leads to an existing file or folder, and to an existing heading.
func TestLinksOfTheREADMEsLeadSomewhere(t *testing.T) {
	t.Parallel()
	link, seen := regexp.MustCompile(`\]\(([^)\s]+)\)`), 0
	anchors := map[string][]string{} // of each page that was read
	for _, file := range readmes(t) {
		for _, m := range link.FindAllStringSubmatch(textOf(t, file), -1) {
			path, anchor, _ := strings.Cut(m[1], "#")
			if strings.Contains(path, "://") {
				continue
			}
			seen++
			target := file
			if path != "" {
				target = filepath.Join(filepath.Dir(file), path)
			}
			if _, err := os.Stat(target); err != nil {
				t.Errorf("%s links to %s: %v", file, m[1], err)
				continue
			}
			if anchor == "" {
				continue
			}
			if anchors[target] == nil {
				anchors[target] = anchorsOf(textOf(t, target))
			}
			if !slices.Contains(anchors[target], anchor) {
				t.Errorf("%s links to %s, and there is no such heading", file, m[1])
			}
		}
	}
	if seen < 50 {
		t.Errorf("only %d links are found", seen)
	}
}

// anchorsOf are the anchors of a page's headings.
func anchorsOf(page string) (anchors []string) {
	notInAnchors := regexp.MustCompile(`[^\pL\pN _-]`)
	for _, h := range regexp.MustCompile(`(?m)^#+ (.*)$`).FindAllStringSubmatch(page, -1) {
		anchors = append(anchors, strings.ReplaceAll(notInAnchors.ReplaceAllString(strings.ToLower(h[1]), ""), " ", "-"))
	}
	return anchors
}

// The terminal in the top README shows the real output of the commands. Digits may differ,
// because they are times, and so may the width of columns.
func TestTerminalOfTheREADMEIsReal(t *testing.T) {
	t.Parallel() // it waits for a change
	_, shown, found := strings.Cut(textOf(t, "../../README.md"), "\n```\n$ dist/tairssl ")
	shown, _, closed := strings.Cut(shown, "\n```\n")
	if !found || !closed {
		t.Fatal("the README shows no terminal")
	}
	masked := func(text string) string {
		text = regexp.MustCompile(`[0-9]+d\b`).ReplaceAllString(text, "0d")
		text = regexp.MustCompile(`[0-9]`).ReplaceAllString(text, "0")
		return strings.TrimSpace(regexp.MustCompile(`(?m) +`).ReplaceAllString(text, " "))
	}
	sessions := strings.Split(shown, "\n$ dist/tairssl ")
	if len(sessions) < 2 {
		t.Errorf("the README shows only %d commands", len(sessions))
	}
	for _, session := range sessions {
		line, want, _ := strings.Cut(session, "\n")
		code, out, errs := newShell(t).run("", strings.Fields(line)...)
		if code != 0 || masked(out) != masked(want) {
			t.Errorf("tairssl %s exits with %d and prints\n%s%s\nThe README shows\n%s", line, code, out, errs, want)
		}
	}
}

// The Develop document names only existing files, and functions that these files contain.
func TestDevelopNamesExistingFilesAndFunctions(t *testing.T) {
	t.Parallel()
	text := textOf(t, "../README.md")
	steps, functions := 0, 0
	for step := range strings.Lines(text) {
		if !regexp.MustCompile(`^[0-9]+\. `).MatchString(step) {
			continue
		}
		steps++
		if !strings.Contains(step, ".go](") {
			t.Errorf("this step names no file: %s", step)
		}
		for _, m := range regexp.MustCompile("\\]\\(([^)]+\\.go)\\): `([A-Za-z]+)`").FindAllStringSubmatch(step, -1) {
			functions++
			if code := textOf(t, filepath.Join("..", m[1])); !regexp.MustCompile(`(?m)^func (\([^)]*\) )?` + m[2] + `\(`).MatchString(code) {
				t.Errorf("%s has no function %s", m[1], m[2])
			}
		}
	}
	if steps < 20 || functions < 6 {
		t.Errorf("only %d steps and %d functions are found", steps, functions)
	}
	seen := 0
	for _, m := range regexp.MustCompile("`((?:adapters|handler|events)/[a-z0-9/_.-]+)`").FindAllStringSubmatch(text, -1) {
		seen++
		if _, err := os.Stat(filepath.Join("../..", m[1])); err != nil {
			t.Errorf("%s is named: %v", m[1], err)
		}
	}
	if seen < 5 {
		t.Errorf("only %d folders are found", seen)
	}
}

// The top README is a map: it stays short.
func TestTheREADMEIsAMap(t *testing.T) {
	t.Parallel()
	if lines := strings.Count(textOf(t, "../../README.md"), "\n"); lines > 250 {
		t.Errorf("the README has %d lines, want 250 at most: put the rest beside the code", lines)
	}
}
