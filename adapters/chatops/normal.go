package chatops

import (
	"regexp"
	"strings"
	"sync"
	"unicode"

	"golang.org/x/text/unicode/norm"
)

// pattern compiles an expression at first use. All of them together take a millisecond,
// which a cold start should not pay. If this function were inlined, each use would add
// half a kilobyte to the package.
//
//go:noinline
func pattern(s string) func() *regexp.Regexp {
	return sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(s) })
}

var (
	// mention matches the name of the bot, a person or a channel in a text.
	mention = pattern(`<at[^>]*>[^<]*</at>|<[@!#][^>]*>|(^|\s)@\S+`)
	// angled matches a Slack link: its target, and the text that it shows.
	angled = pattern(`<([A-Za-z][A-Za-z0-9+.-]*:[^<>|\s]+)(?:\|[^<>]*)?>`)
	// marked matches a markdown link.
	marked = pattern(`\[[^\]\n]*\]\(\s*<?([^()\s<>]+)>?\s*\)`)
	// addressed matches the beginning of the target of a mail or telephone link.
	addressed = pattern(`(?i)\b(?:mailto|tel):`)
	// smiley matches the name of a picture: :pray: in Slack and Mattermost, [抱拳] in
	// DingTalk, Feishu and WeCom.
	smiley = pattern(`(^|\s):[a-z0-9_+-]+:|\[\p{Han}+\]`)
)

// escapes undoes Slack's escapes of three characters.
var escapes = strings.NewReplacer("&lt;", "<", "&gt;", ">", "&amp;", "&")

// folded replaces characters that phones and input methods write instead of plain
// characters, as far as NFKC does not replace them.
var folded = strings.NewReplacer(
	"—", "--", "―", "--", "–", "-", "‐", "-", "−", "-",
	"“", "", "”", "", "‘", "", "’", "", "„", "", `"`, "", "`", "", "'", "", "*", "", "«", "", "»", "",
	"。", ". ", "、", ", ",
	"「", " ", "」", " ", "『", " ", "』", " ", "【", " ", "】", " ", "《", " ", "》", " ", "〈", " ", "〉", " ", "〔", " ", "〕", " ",
)

// normal normalises a text. Full-width letters and signs become plain letters and signs,
// by NFKC. The tables of NFKC make the package 27 kB larger. Links become their targets.
// Mentions, quoted messages, quotation marks, pictures and invisible characters are
// removed.
func normal(text string) string {
	text = mention().ReplaceAllString(norm.NFKC.String(text), " ")
	text = unquoted(escapes.Replace(text))
	text = angled().ReplaceAllString(text, " $1 ")
	text = marked().ReplaceAllString(text, " $1 ")
	text = addressed().ReplaceAllString(text, "")
	text = smiley().ReplaceAllString(text, " ")
	return strings.Map(shown, folded.Replace(text))
}

// unquoted removes the lines that quote another message in markdown, because the sender
// did not write them. If there are no other lines, the quoted text counts.
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

// shown removes a character without width, and replaces a picture by a space.
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

// chinese reports whether a text is in Chinese. One character is enough, because ids and
// codes have Latin letters in any case.
func chinese(text string) bool { return strings.ContainsFunc(text, isHan) }

func isHan(r rune) bool { return unicode.Is(unicode.Han, r) }
