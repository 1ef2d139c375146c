package handler

import (
	"strings"
	"unicode/utf8"
)

const (
	// longestWord is how many bytes of a sender's word an answer quotes.
	longestWord = 60
	// longestText is how many bytes of somebody else's text stand in a log line, a
	// finding or a notice.
	longestText = 200
)

// Clip shortens a word that a sender wrote, so that an answer can quote it.
func Clip(word string) string { return ClipTo(word, longestWord) }

// ClipText shortens a text of somebody else's for a log line, a finding or a notice:
// a header, an id, or the error of a vendor.
func ClipText(text string) string { return ClipTo(text, longestText) }

// ClipTo shortens a text to at most so many bytes, where a vendor sets the limit, and
// puts "…" behind what it cut. It cuts no letter in two, and replaces bytes that are
// not UTF-8 by "?".
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
