package chatops

import (
	"fmt"
	"regexp"
	"strings"
	"sync"
	"unicode"
	"unicode/utf8"

	"github.com/agnivade/levenshtein"

	"tairssl/handler"
)

// Command is what somebody asks for.
type Command struct {
	Verb      string
	Instances []string
	Region    string // "" for the default
	DryRun    bool
	Code      string // of confirm
}

// MaxText bounds a message, in bytes.
const MaxText = 512

// The verbs. A right may be given for all but help and confirm: help is for
// everybody, and confirm needs the right for what is confirmed.
const (
	help    = "help"
	status  = "status"
	confirm = "confirm"
)

// actions are the verbs that change something.
var actions = map[string]handler.Action{"update": handler.Update, "enable": handler.Enable, "disable": handler.Disable}

var verbs = []string{help, status, "update", "enable", "disable", confirm}

var (
	instancePattern = pattern(`^((r|tt)-[a-z0-9]{4,40}|[a-z0-9]{16,40})$`)
	regionPattern   = pattern(`^[a-z]{2,8}(-[a-z0-9]{1,16}){1,5}$`)
	codePattern     = pattern(`^[A-Za-z0-9_.-]{1,300}$`)
	// mention is how platforms put the bot's name, or a person's, into a text.
	mention = pattern(`<at[^>]*>[^<]*</at>|<[@!][^>]*>`)
)

// pattern compiles on first use: together these take a millisecond, which a cold
// start should not pay.
func pattern(s string) func() *regexp.Regexp {
	return sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(s) })
}

// typed undoes what a phone does to a text.
var typed = strings.NewReplacer("—", "--", "–", "-", "‑", "-", "−", "-", "“", "", "”", "", "‘", "", "’", "", `"`, "", "`", "", "'", "", "*", "",
	"\u200b", "", "\ufeff", "", "\u2060", "", "＝", "=")

// words takes a text as people type it apart.
func words(text string) []string {
	text = typed.Replace(mention().ReplaceAllString(text, " "))
	split := strings.FieldsFunc(text, unicode.IsSpace) // NBSP and the full-width space are spaces, too
	for len(split) > 0 && strings.HasPrefix(split[0], "@") {
		split = split[1:]
	}
	return split
}

// Parse reads a command. Its error says what was meant, most likely; unknown
// words are errors, for nothing is guessed.
func Parse(text string) (Command, error) {
	if len(text) > MaxText {
		return Command{}, fmt.Errorf("that is too long: at most %d characters. Say help for what I understand", MaxText)
	}
	if !utf8.ValidString(text) {
		return Command{}, fmt.Errorf("that is not text. Say help for what I understand")
	}
	split := words(text)
	if len(split) == 0 {
		return Command{Verb: help}, nil
	}
	c := Command{Verb: strings.ToLower(split[0])}
	rest := split[1:]
	switch _, changes := actions[c.Verb]; {
	case c.Verb == help:
		return c, nil
	case c.Verb == confirm:
		if len(rest) != 1 || !codePattern().MatchString(rest[0]) {
			return Command{}, fmt.Errorf("confirm takes the one code that I gave")
		}
		c.Code = strings.TrimRight(rest[0], ".") // a phone ends a sentence
		return c, nil
	case c.Verb != status && !changes:
		return Command{}, unknown(split[0], verbs)
	}
	for _, word := range rest {
		word = strings.ToLower(word)
		option := strings.TrimLeft(word, "-")
		region, isRegion := strings.CutPrefix(option, "region=")
		switch {
		case isRegion && c.Region != "":
			return Command{}, fmt.Errorf("that is two regions, and an instance is in one")
		case isRegion && regionPattern().MatchString(region):
			c.Region = region
		case isRegion:
			return Command{}, fmt.Errorf("%s is not a region such as region=cn-hangzhou; it has to be one of TAIRSSL_REGION", quote(word))
		case option == "dry-run" && c.Verb != status:
			c.DryRun = true
		case instancePattern().MatchString(word):
			c.Instances = append(c.Instances, word)
		case option == "dry-run":
			return Command{}, fmt.Errorf("status changes nothing, so it takes no dry-run")
		default:
			return Command{}, unknown(word, []string{"dry-run", "region=cn-hangzhou"})
		}
	}
	if c.Verb != status && len(c.Instances) != 1 {
		return Command{}, fmt.Errorf("%s takes one instance: %s r-bp1zxszhcgatnx01", c.Verb, c.Verb)
	}
	if len(c.Instances) > maxStatus {
		return Command{}, fmt.Errorf("that is %d instances; at most %d at once", len(c.Instances), maxStatus)
	}
	return c, nil
}

// meant are right words for those that people bring along: the README's, other
// commands', and the command line's.
var meant = map[string]string{
	"renew": "update", "refresh": "update", "rotate": "update", "list": status, "show": status, "ls": status, "yes": confirm, "ok": confirm,
	"region": "region=cn-hangzhou, in one word", "--region": "region=cn-hangzhou, in one word",
	"all": "status alone, which is for all", "--all": "status alone, which is for all",
}

// unknown names the right word that was meant, or the nearest if there is a near
// one.
func unknown(word string, right []string) error {
	nearest, least := meant[strings.ToLower(word)], 4
	if nearest != "" {
		least = 0
	}
	for _, r := range right {
		if d := levenshtein.ComputeDistance(strings.ToLower(word), r); d < least && d < len(r) {
			nearest, least = r, d
		}
	}
	switch {
	case nearest != "":
		return fmt.Errorf("%s is not a word that I know: did you mean %s?", quote(word), nearest)
	case strings.HasPrefix(word, "r-") || strings.HasPrefix(word, "tt-"):
		return fmt.Errorf("%s is not an instance id such as r-bp1zxszhcgatnx01", quote(word))
	}
	return fmt.Errorf("%s is not a word that I know. Say help for what I understand", quote(word))
}

// quote repeats a word of somebody's without what a platform might take for
// formatting, or for more than a word.
func quote(word string) string {
	clean := strings.Map(func(r rune) rune {
		if r < utf8.RuneSelf && (unicode.IsLetter(r) || unicode.IsDigit(r) || strings.ContainsRune("-_.=", r)) {
			return r
		}
		return '?'
	}, word)
	if len(clean) > 40 {
		clean = clean[:40] + "…"
	}
	return "“" + clean + "”"
}
