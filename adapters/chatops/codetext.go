package chatops

import (
	"strings"
	"unicode"
)

var (
	// codeAfter is a code behind the word that says it, wherever that stands in a
	// message: somebody may have copied a whole answer.
	codeAfter = pattern(`(?i)(?:\b` + confirm + `|确认)[\s:.]*(` + codeShape + `)(?:[^A-Za-z0-9]|$)`)
	codeAlone = pattern(`(?i)^(` + codeShape + `)$`)
)

// codeShape is 16 letters or digits in groups of four. Dashes and spaces may stand
// between the groups.
const codeShape = `[a-z0-9]{4}[-\s]*[a-z0-9]{4}[-\s]*[a-z0-9]{4}[-\s]*[a-z0-9]{4}`

// ungrouped takes dashes and spaces out of a code.
func ungrouped(code string) string {
	return strings.Map(func(r rune) rune {
		if r == '-' || unicode.IsSpace(r) {
			return -1
		}
		return r
	}, code)
}

// codeIn finds the code that a message says; "" for none. Of several the last
// counts: people write below what they copy.
func codeIn(normal string) string {
	if m := codeAlone().FindStringSubmatch(strings.Trim(normal, " \t\n.,;:!?")); m != nil {
		return ungrouped(m[1])
	}
	all := codeAfter().FindAllStringSubmatch(normal, -1)
	if all == nil {
		return ""
	}
	return ungrouped(all[len(all)-1][1])
}
