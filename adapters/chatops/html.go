package chatops

import (
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// tag finds an HTML tag, its name, and its attributes. A single < is not a tag.
var (
	tag  = pattern(`<(/?)([A-Za-z][A-Za-z0-9]*)((?:[^<>"']|"[^"]*"|'[^']*')*)>|<!--.*?-->`)
	href = pattern(`(?i)\bhref\s*=\s*("[^"]*"|'[^']*'|[^\s"'>]+)`)
)

// inline lists the tags that do not end a line.
var inline = []string{"b", "strong", "i", "em", "u", "s", "strike", "del", "ins", "span", "font", "code", "sub", "sup", "mark", "small"}

// htmlText converts the simple HTML in which Teams sends a text. A link becomes its
// address, a mention disappears, and a quoted message becomes lines that begin with >.
func htmlText(s string) string {
	var b strings.Builder
	hidden, inLink, quoted := 0, 0, 0 // inside a mention; inside a link whose address is written already; inside a quotation
	at := 0
	text := func(s string) {
		if hidden > 0 || inLink > 0 {
			return
		}
		s = entities().ReplaceAllStringFunc(s, character)
		if quoted > 0 {
			s = strings.ReplaceAll(s, "\n", " ") // a line break in the HTML does not end a line
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
			if !strings.HasSuffix(attributes, "/") { // a mention with content
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

// entities finds HTML entities: numbers, and these names. Package html knows 2,200 more
// names, but they would make the function's zip larger.
var entities = pattern(`&(?:#[0-9]{1,7}|#[xX][0-9A-Fa-f]{1,6}|nbsp|amp|lt|gt|quot|apos|ndash|mdash|lsquo|rsquo|ldquo|rdquo|hellip|zwj|zwnj|shy);`)

// entityNames lists the names, each followed by its character.
var entityNames = []string{
	"nbsp", " ", "amp", "&", "lt", "<", "gt", ">", "quot", `"`, "apos", "'", "ndash", "–", "mdash", "—",
	"lsquo", "‘", "rsquo", "’", "ldquo", "“", "rdquo", "”", "hellip", "…", "zwj", "", "zwnj", "", "shy", "",
}

// character is the character of an entity.
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
