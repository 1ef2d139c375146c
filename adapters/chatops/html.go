package chatops

import (
	"strconv"
	"strings"
	"sync"
	"unicode/utf8"
)

// tag is one of HTML, with its name and what else is in it. A lone < is none.
var (
	tag  = pattern(`<(/?)([A-Za-z][A-Za-z0-9]*)((?:[^<>"']|"[^"]*"|'[^']*')*)>|<!--.*?-->`)
	href = pattern(`(?i)\bhref\s*=\s*("[^"]*"|'[^']*'|[^\s"'>]+)`)
)

// htmlText is the text of a little HTML, as Teams makes of what somebody types:
// of a link its address, of a mention nothing, of a paragraph a line.
func htmlText(s string) string {
	var b strings.Builder
	hidden, inLink := 0, 0 // within a mention; within a link whose address was written
	at := 0
	text := func(s string) {
		if hidden == 0 && inLink == 0 {
			b.WriteString(entities().ReplaceAllStringFunc(s, character))
		}
	}
	for _, m := range tag().FindAllStringSubmatchIndex(s, -1) {
		text(s[at:m[0]])
		at = m[1]
		if m[4] < 0 { // a comment
			continue
		}
		closing, name := m[3] > m[2], strings.ToLower(s[m[4]:m[5]])
		switch name {
		case "at":
			hidden = step(hidden, closing)
			b.WriteByte(' ')
		case "a":
			if closing {
				inLink = 0
				b.WriteByte(' ')
			} else if address := hrefIn(s[m[6]:m[7]]); address != "" {
				text(" " + address)
				inLink = 1
			}
		case "p", "div", "br", "li", "ul", "ol", "tr", "blockquote", "pre":
			b.WriteByte('\n')
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

// entityNames is made on first use: a cold start does not pay for it.
var entityNames = sync.OnceValue(func() map[string]string {
	return map[string]string{
		"nbsp": " ", "amp": "&", "lt": "<", "gt": ">", "quot": `"`, "apos": "'", "ndash": "–", "mdash": "—",
		"lsquo": "‘", "rsquo": "’", "ldquo": "“", "rdquo": "”", "hellip": "…",
	}
})

// character is what an entity stands for.
func character(entity string) string {
	name := entity[1 : len(entity)-1]
	digits, isNumber := strings.CutPrefix(name, "#")
	if !isNumber {
		return entityNames()[name]
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
