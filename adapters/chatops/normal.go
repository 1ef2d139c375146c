package chatops

import (
	"regexp"
	"strings"
	"sync"
	"unicode"

	"golang.org/x/text/unicode/norm"
)

// pattern compiles on first use: together these take a millisecond, which a cold
// start should not pay.
func pattern(s string) func() *regexp.Regexp {
	return sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(s) })
}

var (
	// mention is how platforms put the bot's name, or a person's or a channel's, into
	// a text.
	mention = pattern(`<at[^>]*>[^<]*</at>|<[@!#][^>]*>`)
	// angled is a link as Slack writes it: what it points at, and what it shows.
	angled = pattern(`<([A-Za-z][A-Za-z0-9+.-]*:[^<>|\s]+)(?:\|[^<>]*)?>`)
	// marked is a link in markdown.
	marked = pattern(`\[[^\]\n]*\]\(\s*<?([^()\s<>]+)>?\s*\)`)
	// addressed begins what a link of a mail or a telephone points at.
	addressed = pattern(`(?i)\b(?:mailto|tel):`)
)

// folded are characters that NFKC leaves as they are, and what people mean by them:
// signs that telephones and input methods write in place of plain ones, and
// characters without a width.
var folded = strings.NewReplacer(
	"—", "--", "―", "--", "–", "-", "‐", "-", "−", "-",
	"“", "", "”", "", "‘", "", "’", "", "„", "", `"`, "", "`", "", "'", "", "*", "", "«", "", "»", "",
	"\u200b", "", "\u200c", "", "\u200d", "", "\u2060", "", "\ufeff", "", "\u00ad", "", "\u200e", "", "\u200f", "",
	"。", ". ", "、", ", ",
	"「", " ", "」", " ", "『", " ", "』", " ", "【", " ", "】", " ", "《", " ", "》", " ", "〈", " ", "〉", " ", "〔", " ", "〕", " ",
)

// normal is a text as it is understood: full-width letters and signs are as plain
// ones (NFKC, whose tables make the package 27 kB larger), links are what they point at, and there are no mentions, quotation marks
// or characters without a width.
func normal(text string) string {
	text = mention().ReplaceAllString(norm.NFKC.String(text), " ")
	text = angled().ReplaceAllString(text, " $1 ")
	text = marked().ReplaceAllString(text, " $1 ")
	text = addressed().ReplaceAllString(text, "")
	return folded.Replace(text)
}

// words takes a normal text apart. Signs at the ends of a word do not belong to it.
func words(normal string) (list []string) {
	split := strings.FieldsFunc(normal, func(r rune) bool { return unicode.IsSpace(r) || r == ',' || r == ';' })
	for _, word := range split {
		if strings.HasPrefix(word, "@") {
			continue // a mention
		}
		if word = strings.Trim(word, "()[]{}<>~|!?:."); word != "" {
			list = append(list, word)
		}
	}
	return list
}

// chinese reports whether a text is in Chinese: one character is enough, for ids
// and code are Latin anyway.
func chinese(text string) bool {
	return strings.ContainsFunc(text, func(r rune) bool { return unicode.Is(unicode.Han, r) })
}
