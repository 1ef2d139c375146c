package chatops

import (
	"regexp"
	"strings"
	"sync"
	"unicode"

	"golang.org/x/text/unicode/norm"
)

// pattern compiles on first use: together these take a millisecond, which a cold
// start should not pay. Inlined, each would make the package half a kilobyte larger.
//
//go:noinline
func pattern(s string) func() *regexp.Regexp {
	return sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(s) })
}

var (
	// mention is how platforms put the bot's name, or a person's or a channel's, into
	// a text.
	mention = pattern(`<at[^>]*>[^<]*</at>|<[@!#][^>]*>|(^|\s)@\S+`)
	// angled is a link as Slack writes it: what it points at, and what it shows.
	angled = pattern(`<([A-Za-z][A-Za-z0-9+.-]*:[^<>|\s]+)(?:\|[^<>]*)?>`)
	// marked is a link in markdown.
	marked = pattern(`\[[^\]\n]*\]\(\s*<?([^()\s<>]+)>?\s*\)`)
	// addressed begins what a link of a mail or a telephone points at.
	addressed = pattern(`(?i)\b(?:mailto|tel):`)
	// smiley is a picture by its name: :pray: as Slack and Mattermost write it, and
	// [抱拳] as DingTalk, Feishu and WeCom do.
	smiley = pattern(`(^|\s):[a-z0-9_+-]+:|\[\p{Han}+\]`)
)

// escapes are what Slack writes for the three signs that mean something in its texts.
var escapes = strings.NewReplacer("&lt;", "<", "&gt;", ">", "&amp;", "&")

// folded are characters that NFKC leaves as they are, and what people mean by them:
// signs that telephones and input methods write in place of plain ones.
var folded = strings.NewReplacer(
	"—", "--", "―", "--", "–", "-", "‐", "-", "−", "-",
	"“", "", "”", "", "‘", "", "’", "", "„", "", `"`, "", "`", "", "'", "", "*", "", "«", "", "»", "",
	"。", ". ", "、", ", ",
	"「", " ", "」", " ", "『", " ", "』", " ", "【", " ", "】", " ", "《", " ", "》", " ", "〈", " ", "〉", " ", "〔", " ", "〕", " ",
)

// normal is a text as it is understood: full-width letters and signs are as plain
// ones (NFKC, whose tables make the package 27 kB larger), and links are what they
// point at. There are no mentions, quoted messages, quotation marks, pictures, or
// characters that do not show.
func normal(text string) string {
	text = mention().ReplaceAllString(norm.NFKC.String(text), " ")
	text = unquoted(escapes.Replace(text))
	text = angled().ReplaceAllString(text, " $1 ")
	text = marked().ReplaceAllString(text, " $1 ")
	text = addressed().ReplaceAllString(text, "")
	text = smiley().ReplaceAllString(text, " ")
	return strings.Map(shown, folded.Replace(text))
}

// unquoted leaves out the lines that quote another message, as markdown marks them:
// what somebody answers is not what they say. A message that is nothing but such
// lines says what they say.
func unquoted(text string) string {
	var own strings.Builder
	for _, line := range strings.SplitAfter(text, "\n") {
		if !strings.HasPrefix(strings.TrimSpace(line), ">") {
			own.WriteString(line)
		}
	}
	if strings.ContainsFunc(own.String(), isLetter) {
		return own.String()
	}
	return text
}

func isLetter(r rune) bool { return unicode.IsLetter(r) || unicode.IsDigit(r) }

// shown drops what has no width, and puts a space in the place of a picture.
func shown(r rune) rune {
	switch {
	case r < 0x80:
		return r
	case unicode.In(r, unicode.Cf, unicode.Variation_Selector, unicode.Me):
		return -1
	case unicode.IsSymbol(r):
		return ' '
	}
	return r
}

// chinese reports whether a text is in Chinese: one character is enough, for ids
// and code are Latin anyway.
func chinese(text string) bool { return strings.ContainsFunc(text, isHan) }

func isHan(r rune) bool { return unicode.Is(unicode.Han, r) }
