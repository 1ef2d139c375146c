package chatops

import "strings"

var (
	// codeAfter is a code behind the word that says it, wherever that stands in a
	// message: somebody may have copied a whole answer. What stands before the word
	// may turn its meaning round.
	codeAfter = pattern(`(?i)(` + negation + `)?(?:\b` + confirm + `(?:\s+(?:the\s+)?code)?|(?:确认|確認)码?)` + between + `(` + codeShape + `)(?:[^A-Za-z0-9]|$)`)
	codeAlone = pattern(`(?i)^(` + codeShape + `)$`)
)

const (
	// codeShape is 16 letters or digits in groups of four. Dashes, spaces and other
	// signs may stand between the groups.
	codeShape = `[a-z0-9]{4}` + between + `[a-z0-9]{4}` + between + `[a-z0-9]{4}` + between + `[a-z0-9]{4}`
	between   = `[-\s._:,;|/=()<>\[\]~]*`
	// negation is how people say not to, right before a verb.
	negation = `\b(?:no|not|never|dont|cant|cannot|wont|shouldnt)[-\s,.:;!]+(?:\w+\s+)?|(?:[不别勿未没別沒]|取消)[要用能可以得想有先]{0,2}\s*`
)

// ungrouped takes dashes and spaces out of a code.
func ungrouped(code string) string {
	return strings.Map(func(r rune) rune {
		if !isLetter(r) {
			return -1
		}
		return r
	}, code)
}

// codeIn finds the code that a message says, and whether it says nothing else; "" for
// none. Of several the last counts: people write below what they copy. list are the
// words of the text, without the polite ones.
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
