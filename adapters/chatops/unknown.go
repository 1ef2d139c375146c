package chatops

import (
	"cmp"
	"strings"
	"unicode"

	"tairssl/handler"
)

// meant lists the right words for words that people know from other commands and from the
// command line.
var meant = map[string]string{
	"refresh": "update", "rotate": "update", "list": status, "show": status, "ls": status, "yes": confirm, "ok": confirm,
	"region": "region=cn-hangzhou", "--region": "region=cn-hangzhou",
	"all": status, "--all": status,
}

// near reports whether a word is a mistyped form of another.
func near(word, right string) bool { return distance(word, right) < 3 }

// nearest is the right word that the sender probably meant; "" if no word is similar.
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

// unknown is the error for an unknown word. It suggests the word that was probably meant.
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

// quote repeats a sender's word without characters that a platform could take for
// formatting. Letters of every script are kept.
func quote(word string) string {
	clean := strings.Map(func(r rune) rune {
		if unicode.IsLetter(r) || unicode.IsDigit(r) || strings.ContainsRune("-_.=: ()…", r) {
			return r
		}
		return '?'
	}, handler.Quoted(word)) // it may be a URL with a password
	return "“" + clean + "”"
}
