package chatops

import (
	"cmp"
	"strings"
	"unicode"

	"tairssl/handler"
)

// meant are right words for those that people bring along: other commands', and
// the command line's.
var meant = map[string]string{
	"refresh": "update", "rotate": "update", "list": status, "show": status, "ls": status, "yes": confirm, "ok": confirm,
	"region": "region=cn-hangzhou", "--region": "region=cn-hangzhou",
	"all": status, "--all": status,
}

// near reports whether a word is another, mistyped.
func near(word, right string) bool { return distance(word, right) < 3 }

// nearest is the right word that was meant; "" if none is near.
func nearest(word string, right []string) string {
	if m := meant[strings.ToLower(word)]; m != "" {
		return m
	}
	nearest, least := "", 4
	for _, r := range right {
		if d := distance(strings.ToLower(word), r); d < least && d < len(r) {
			nearest, least = r, d
		}
	}
	return nearest
}

// unknown names the right word that was meant, or the nearest if there is a near
// one.
func (w *wording) unknown(word string, right []string) error {
	switch m := nearest(word, right); {
	case m != "":
		return w.errorf(w.DidYouMean, quote(word), cmp.Or(w.Verbs[m], m))
	case isInstance(word):
		return w.errorf(w.DidYouMean, quote(word), w.Verbs[status]+" "+handler.Quoted(word))
	case handler.LooksLikeID(strings.ToLower(word)):
		return w.errorf(w.NotAnID, quote(word))
	}
	return w.errorf(w.UnknownWord, quote(word))
}

// quote repeats a word of somebody's without what a platform might take for
// formatting, or for more than a word. Letters of any script stay.
func quote(word string) string {
	clean := strings.Map(func(r rune) rune {
		if unicode.IsLetter(r) || unicode.IsDigit(r) || strings.ContainsRune("-_.=: ()…", r) {
			return r
		}
		return '?'
	}, handler.Quoted(word)) // it may be a URL with a password
	return "“" + clean + "”"
}
