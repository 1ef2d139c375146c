package chatops

import "strings"

var (
	// codeAfter finds a code after the word confirm, anywhere in a message, because
	// people copy whole answers. A negation before the word reverses its meaning.
	codeAfter = pattern(`(?i)(` + negation + `)?(?:\b` + confirm + `(?:\s+(?:the\s+)?code)?|(?:确认|確認)码?)` + between + `(` + codeShape + `)(?:[^A-Za-z0-9]|$)`)
	codeAlone = pattern(`(?i)^(` + codeShape + `)$`)
)

const (
	// codeShape is 16 letters or digits in groups of four, with or without dashes, spaces
	// and other signs between them.
	codeShape = `[a-z0-9]{4}` + between + `[a-z0-9]{4}` + between + `[a-z0-9]{4}` + between + `[a-z0-9]{4}`
	between   = `[-\s._:,;|/=()<>\[\]~]*`
	// negation matches the ways of saying not to do something, directly before a verb.
	negation = `\b(?:no|not|never|dont|cant|cannot|wont|shouldnt)[-\s,.:;!]+(?:\w+\s+)?|(?:[不别勿未没別沒]|取消)[要用能可以得想有先]{0,2}\s*`
)

// ungrouped removes dashes and spaces from a code.
func ungrouped(code string) string {
	return strings.Map(func(r rune) rune {
		if !isLetter(r) {
			return -1
		}
		return r
	}, code)
}

// codeIn finds the code in a message; "" if the message has no code. alone reports
// whether the message says nothing else. If there are several codes, the last one counts,
// because people write below what they copy. list has the words of the text without
// polite words.
func codeIn(normal string, list []string) (code string, alone bool) {
	if m := codeAlone().FindStringSubmatch(strings.Join(list, " ")); m != nil {
		return ungrouped(m[1]), codeAlone().MatchString(strings.Join(words(normal), " "))
	}
	for _, m := range codeAfter().FindAllStringSubmatch(normal, -1) {
		if code = ungrouped(m[2]); m[1] != "" {
			code = ""
		}
	}
	return code, false
}
