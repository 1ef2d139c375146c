package handler

import (
	"strings"
	"unicode/utf8"
)

const (
	// longestWord is the length, in bytes, to which an answer cuts a sender's word.
	longestWord = 60
	// longestText is the length, in bytes, to which a log line, a finding or a notice
	// cuts a text from outside.
	longestText = 200
)

// Clip shortens a word that a sender wrote, so that an answer can quote it.
func Clip(word string) string { return ClipTo(word, longestWord) }

// ClipText shortens a text from outside (a header, an id, a vendor's error) for a log
// line, a finding or a notice.
func ClipText(text string) string { return ClipTo(text, longestText) }

// ClipTo shortens a text to at most the given number of bytes, for example to a vendor's
// limit, and adds "…" if it cut anything. It never cuts a letter in two. It replaces
// invalid UTF-8 by "?".
func ClipTo(s string, most int) string {
	if len(s) > most {
		cut := most
		for cut > 0 && !utf8.RuneStart(s[cut]) {
			cut--
		}
		s = s[:cut] + "…"
	}
	return strings.ToValidUTF8(s, "?")
}
