package fleetpage

import (
	"regexp"
	"strings"
	"testing"
)

func TestPageNeedsNoOtherFile(t *testing.T) {
	t.Parallel()
	for name, p := range everyWrittenPage(t) {
		page, elements := p.text, p.elements
		for _, bad := range []string{"http:", "https:", "//cdn", "@import", "<link", "<img", "<iframe", "<form", " src=", " style=", " onclick", "javascript:"} {
			if strings.Contains(page, bad) {
				t.Errorf("the %s page contains %s", name, bad)
			}
		}
		seen := map[string]bool{}
		for _, e := range elements {
			if id := e.attrs["id"]; id != "" {
				if seen[id] {
					t.Errorf("the %s page has the id %s twice", name, id)
				}
				seen[id] = true
			}
		}
		for _, e := range elements {
			for _, attr := range []string{"href", "aria-labelledby"} {
				if target, ok := e.attrs[attr]; ok && !seen[strings.TrimPrefix(target, "#")] {
					t.Errorf("in the %s page %s=%q names no element", name, attr, target)
				}
			}
		}
	}
	for _, url := range regexp.MustCompile(`url\([^)]*\)`).FindAllString(pageCSS, -1) {
		if !strings.HasPrefix(url, "url(#") {
			t.Errorf("the styles refer to %s, want only parts of the page", url)
		}
	}
}

// A browser refuses a style or script whose hash is not in the policy. So the page
// must contain exactly the hashed bytes.
func TestPolicyAllowsOnlyTheStylesAndScriptOfThePage(t *testing.T) {
	page := render(t, smallFleet())
	between := func(from, to string) string {
		_, rest, ok := strings.Cut(page, from)
		text, _, closed := strings.Cut(rest, to)
		if !ok || !closed || strings.Count(page, from) != 1 {
			t.Fatalf("the page has %d %s elements, want 1", strings.Count(page, from), from)
		}
		return text
	}
	want := "default-src 'none'; style-src " + hash(between("<style>", "</style>")) + "; script-src " + hash(between("<script>", "</script>")) + "; base-uri 'none'; form-action 'none'"
	got := ""
	for _, e := range parse(t, page) {
		if e.attrs["http-equiv"] == "Content-Security-Policy" {
			got = e.attrs["content"]
		}
	}
	if got != want {
		t.Errorf("the policy is\n%s, want\n%s", got, want)
	}
}

func TestScriptWritesNoMarkupAndOpensNoConnection(t *testing.T) {
	for _, bad := range []string{"innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval(", "Function(", "fetch(", "XMLHttpRequest", "WebSocket", "EventSource", "sendBeacon", "import(", "localStorage", "cookie"} {
		if strings.Contains(pageJS, bad) {
			t.Errorf("the script uses %s", bad)
		}
	}
}

func TestHostileTextStaysText(t *testing.T) {
	t.Parallel()
	fill := func(text string) Page {
		p := Page{Generated: now, RenewBefore: 30 * day, Regions: []string{text}, Unread: []string{text}, Empty: []string{text}, Again: text}
		for g := range groups {
			r := on(text, "the name "+text, 5*day, region(text), why(text))
			r.Group, r.Facts, r.Commands = Group(g), []Fact{{text, text}}, []string{text}
			p.Rows = append(p.Rows, r)
			r.Region = "another region" // several regions, so that the page has a choice of regions
			p.Rows = append(p.Rows, r, Row{ID: text, Region: text, Group: Group(g)})
		}
		return p
	}
	want := shape(parse(t, render(t, fill("harmless"))))
	for hostile, shown := range map[string]string{
		`<script>alert(1)</script>`:            `<script>alert(1)</script>`,
		`"><img src=x onerror=alert(1)>`:       `"><img src=x onerror=alert(1)>`,
		`' onload='alert(1)`:                   `' onload='alert(1)`,
		`</td></table></style></title><b>`:     `</td></table></style></title><b>`,
		`{{.Groups}} &lt;b&gt; <!-- ]]>`:       `{{.Groups}} &lt;b&gt; <!-- ]]>`,
		"javascript:alert(1)":                  "javascript:alert(1)",
		"r-\u202edcba\u202c\u200f\u2066\u200b": `r-\u202edcba\u202c\u200f\u2066\u200b`,
		"a\x00b\x1b[31m\nc\xff":                `a\u0000b\u001b[31m\u000ac` + "\ufffd",
	} {
		page := render(t, fill(hostile))
		elements := parse(t, page)
		if got := shape(elements); got != want {
			t.Errorf("%q changes the elements of the page", hostile)
		}
		for _, id := range ids(elements) {
			if id != shown {
				t.Errorf("%q is shown as %q, want %q", hostile, id, shown)
			}
		}
		for _, name := range texts(under(elements, "instances", "bdi")) {
			if name != "the name "+shown {
				t.Errorf("the name %q is shown as %q, want %q", hostile, name, "the name "+shown)
			}
		}
		if strings.ContainsAny(page, "\u202e\u202c\u200f\u2066\u200b\x00\x1b") {
			t.Errorf("%q puts invisible characters on the page", hostile)
		}
	}
}

func TestPlainText(t *testing.T) {
	for text, want := range map[string]string{
		"购物车缓存":                  "购物车缓存",
		"سلة التسوق":             "سلة التسوق",
		"":                       "",
		"a\u00a0b":               `a\u00a0b`,
		strings.Repeat("€", 400): strings.Repeat("€", 400),
		strings.Repeat("€", 401): strings.Repeat("€", 400) + "…",
	} {
		if got := Plain(text); got != want {
			t.Errorf("%q is shown as %q, want %q", text, got, want)
		}
	}
}
