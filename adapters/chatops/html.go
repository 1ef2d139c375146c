package chatops

import (
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// tag is one of HTML, with its name and what else is in it. A lone < is none.
var (
	tag  = pattern(`<(/?)([A-Za-z][A-Za-z0-9]*)((?:[^<>"']|"[^"]*"|'[^']*')*)>|<!--.*?-->`)
	href = pattern(`(?i)\bhref\s*=\s*("[^"]*"|'[^']*'|[^\s"'>]+)`)
)

// inline are the tags that stand within a word. All others end a line.
var inline = []string{"b", "strong", "i", "em", "u", "s", "strike", "del", "ins", "span", "font", "code", "sub", "sup", "mark", "small"}

// htmlText is the text of a little HTML, as Teams makes of what somebody types: of a
// link its address, of a mention nothing, of a quoted message lines that begin with >.
func htmlText(s string) string {
	var b strings.Builder
	hidden, inLink, quoted := 0, 0, 0 // within a mention; a link whose address was written; a quotation
	at := 0
	text := func(s string) {
		if hidden > 0 || inLink > 0 {
			return
		}
		s = entities().ReplaceAllStringFunc(s, character)
		if quoted > 0 {
			s = strings.ReplaceAll(s, "\n", " ") // it stays in its line
		}
		b.WriteString(s)
	}
	for _, m := range tag().FindAllStringSubmatchIndex(s, -1) {
		text(s[at:m[0]])
		at = m[1]
		if m[4] < 0 { // a comment
			continue
		}
		closing, name, attributes := m[3] > m[2], strings.ToLower(s[m[4]:m[5]]), s[m[6]:m[7]]
		switch {
		case name == "at":
			if !strings.HasSuffix(attributes, "/") { // which holds nothing
				hidden = step(hidden, closing)
			}
			b.WriteByte(' ')
		case name == "a" && closing:
			inLink = 0
			b.WriteByte(' ')
		case name == "a":
			if address := hrefIn(attributes); address != "" {
				text(" " + address)
				inLink = 1
			}
		case !slices.Contains(inline, name):
			if name == "blockquote" {
				quoted = step(quoted, closing)
			}
			b.WriteString("\n" + strings.Repeat("> ", min(quoted, 1)))
		}
	}
	text(s[at:])
	return b.String()
}

func step(n int, closing bool) int {
	if closing {
		return max(0, n-1)
	}
	return n + 1
}

// hrefIn is the address among the attributes of a link.
func hrefIn(attributes string) string {
	m := href().FindStringSubmatch(attributes)
	if m == nil {
		return ""
	}
	return strings.Trim(m[1], `"'`)
}

// entities are characters as HTML writes them: by number, or these by name. Package
// html knows 2,200 more names, and would make the function's package larger by them.
var entities = pattern(`&(?:#[0-9]{1,7}|#[xX][0-9A-Fa-f]{1,6}|nbsp|amp|lt|gt|quot|apos|ndash|mdash|lsquo|rsquo|ldquo|rdquo|hellip|zwj|zwnj|shy);`)

// entityNames are the names, each before its character.
var entityNames = []string{
	"nbsp", " ", "amp", "&", "lt", "<", "gt", ">", "quot", `"`, "apos", "'", "ndash", "–", "mdash", "—",
	"lsquo", "‘", "rsquo", "’", "ldquo", "“", "rdquo", "”", "hellip", "…", "zwj", "", "zwnj", "", "shy", "",
}

// character is what an entity stands for.
func character(entity string) string {
	name := entity[1 : len(entity)-1]
	digits, isNumber := strings.CutPrefix(name, "#")
	if !isNumber {
		at := slices.Index(entityNames, name)
		return entityNames[at+1]
	}
	base := 10
	if hex, isHex := strings.CutPrefix(strings.ToLower(digits), "x"); isHex {
		digits, base = hex, 16
	}
	n, err := strconv.ParseInt(digits, base, 32)
	if err != nil || !utf8.ValidRune(rune(n)) {
		return ""
	}
	return string(rune(n))
}
