package fleetpage

import (
	"math"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

func TestPageHasLandmarksAndHeadingsForScreenReaders(t *testing.T) {
	t.Parallel()
	for name, p := range everyWrittenPage(t) {
		elements := p.elements
		for _, landmark := range []string{"header", "main", "footer", "h1"} {
			if n := len(under(elements, "", landmark)); n != 1 {
				t.Errorf("the %s page has %d <%s> elements, want 1", name, n, landmark)
			}
		}
		level := 0
		for _, e := range elements {
			if len(e.name) != 2 || e.name[0] != 'h' || e.name[1] < '1' || e.name[1] > '6' {
				continue
			}
			next := int(e.name[1] - '0')
			if next > level+1 || strings.TrimSpace(e.text) == "" {
				t.Errorf("on the %s page <%s> %q follows a heading of level %d", name, e.name, e.text, level)
			}
			level = next
		}
		if skip := under(elements, "", "a")[0]; skip.attrs["class"] != "skip" || skip.attrs["href"] != "#instances" {
			t.Errorf("the first link of the %s page does not skip to the instances", name)
		}
	}
}

func TestTablesNameTheirRowsAndColumns(t *testing.T) {
	for name, p := range map[string]Page{"small": smallFleet(), "dense": denseFleet(300)} {
		elements := parse(t, render(t, p))
		headers := under(elements, "", "th")
		if len(headers) < 20 {
			t.Fatalf("the %s page has only %d headers", name, len(headers))
		}
		for _, e := range headers {
			inHead := slices.Contains(e.path, "thead#")
			if scope := e.attrs["scope"]; inHead && scope != "col" || !inHead && scope != "row" && scope != "rowgroup" {
				t.Errorf("on the %s page the header %q has the scope %q", name, e.text, scope)
			}
		}
	}
}

// Every row fills all five columns, so that each cell is below its header.
func TestRowsFillTheColumns(t *testing.T) {
	page := render(t, smallFleet())
	_, table, _ := strings.Cut(page, `<table class="rows"`)
	rows := regexp.MustCompile(`(?s)<tr.*?</tr>`).FindAllString(table, -1)
	if len(rows) < 25 {
		t.Fatalf("the table has only %d rows", len(rows))
	}
	for _, row := range rows {
		columns := 0
		for _, cell := range regexp.MustCompile(`<t[hd]\b[^>]*>`).FindAllString(row, -1) {
			span := 1
			if m := regexp.MustCompile(`colspan="(\d)"`).FindStringSubmatch(cell); m != nil {
				span, _ = strconv.Atoi(m[1])
			}
			columns += span
		}
		if columns != 5 {
			t.Errorf("a row has %d columns, want 5: %s", columns, row)
		}
	}
}

// Without its script the page has every row and every command. It hides the controls
// that need the script.
func TestPageCanBeReadWithoutItsScript(t *testing.T) {
	elements := parse(t, render(t, smallFleet()))
	if buttons := under(elements, "", "button"); len(buttons) != 0 {
		t.Errorf("without the script the page has %d buttons, want 0", len(buttons))
	}
	tools := under(elements, "", "div")
	tools = slices.DeleteFunc(tools, func(e *element) bool { return e.attrs["role"] != "search" })
	if len(tools) != 1 {
		t.Fatalf("there are %d groups of tools, want one", len(tools))
	}
	if _, hidden := tools[0].attrs["hidden"]; !hidden {
		t.Error("the tools are shown without the script")
	}
	for _, e := range slices.Concat(under(elements, "", "input"), under(elements, "", "select")) {
		if !slices.Equal(e.path[:len(tools[0].path)], tools[0].path) {
			t.Errorf("<%s id=%q> is shown without the script", e.name, e.attrs["id"])
		}
	}
	commands := texts(under(elements, "instances", "code"))
	for _, want := range []string{"tairssl update r-bp1zxszhcgatnx04 --region cn-hangzhou --profile prod", "tairssl enable r-bp1zxszhcgatnx03 --region cn-hangzhou --profile prod"} {
		if !slices.Contains(commands, want) {
			t.Errorf("the page does not show the command %q", want)
		}
	}
}

// TestColoursCanBeRead checks both colour schemes against WCAG 2: a contrast of 4.5:1
// for text on each of its backgrounds, and of 3:1 for drawings.
func TestColoursCanBeRead(t *testing.T) {
	schemes := regexp.MustCompile(`(?s):root \{(.*?)\}`).FindAllStringSubmatch(pageCSS, -1)
	if len(schemes) != 2 {
		t.Fatalf("there are %d schemes, want light and dark", len(schemes))
	}
	inks := []string{"text", "soft", "link"}
	for _, g := range order {
		inks = append(inks, g.ID())
	}
	drawn := []string{"text", "edge"}
	for f := range fates {
		drawn = append(drawn, fate(f).Class())
	}
	for n, scheme := range schemes {
		colors := map[string]string{}
		for _, m := range regexp.MustCompile(`--([a-z-]+): #([0-9a-f]{6});`).FindAllStringSubmatch(scheme[1], -1) {
			colors[m[1]] = m[2]
		}
		hold := func(inks []string, least float64, grounds ...string) {
			for _, ink := range inks {
				for _, ground := range grounds {
					if ratio := contrast(t, colors[ink], colors[ground]); ratio < least {
						t.Errorf("scheme %d: %s on %s has a contrast of %.2f, want at least %.1f", n, ink, ground, ratio, least)
					}
				}
			}
		}
		hold(inks, 4.5, "page", "sheet", "hover")
		hold([]string{"soft"}, 4.5, "freeze") // the totals of piles are drawn on freezes
		hold(drawn, 3, "sheet")
	}
}

// No information is in a colour alone: each group has a word and a mark with its own
// shape, and each bar has its own pattern.
func TestLooksDifferInMoreThanColour(t *testing.T) {
	for g, row := range groups {
		if row.id == "" || row.word == "" || row.note == "" {
			t.Errorf("the group %d lacks a text: %+v", g, row)
		}
		if !strings.Contains(pageCSS, "."+row.id+" { --c:") || !strings.Contains(pageCSS, "."+row.id+"::before") && row.id != "due" {
			t.Errorf("the group %s has no colour or no mark", row.id)
		}
	}
	patterns := map[string]bool{}
	for f, row := range fates {
		if row.word == "" || patterns[row.pattern] || !strings.Contains(pageCSS, "."+row.class+" { fill:") {
			t.Errorf("the fate %d lacks a word, a pattern or a colour: %+v", f, row)
		}
		patterns[row.pattern] = true
	}
	for r, words := range rules {
		if words == "" && Rule(r) != NothingToRenew {
			t.Errorf("the rule %d has no words", r)
		}
	}
	for _, want := range []string{":focus-visible", "prefers-color-scheme: dark", "@media print"} {
		if !strings.Contains(pageCSS, want) {
			t.Errorf("the styles have no %s", want)
		}
	}
	for _, moves := range []string{"transition", "animation", "smooth"} {
		if strings.Contains(pageCSS, moves) {
			t.Errorf("the styles use %s; movement makes some people ill", moves)
		}
	}
}

func contrast(t *testing.T, a, b string) float64 {
	x, y := luminance(t, a), luminance(t, b)
	return (max(x, y) + 0.05) / (min(x, y) + 0.05)
}

// luminance is the relative luminance of WCAG 2.
func luminance(t *testing.T, hex string) float64 {
	rgb, err := strconv.ParseUint(hex, 16, 32)
	if err != nil {
		t.Fatalf("%q is not a colour", hex)
	}
	part := func(shift int) float64 {
		c := float64(rgb>>shift&0xff) / 255
		if c <= 0.04045 {
			return c / 12.92
		}
		return math.Pow((c+0.055)/1.055, 2.4)
	}
	return 0.2126*part(16) + 0.7152*part(8) + 0.0722*part(0)
}
