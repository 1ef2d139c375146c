package chatops

import (
	"slices"
	"strings"
	"unicode/utf8"

	"tairssl/handler"
)

// Command is a command that was read from a message.
type Command struct {
	Verb      string
	Instances []string // as the sender named them: ids, endpoints or names
	Region    string   // "" for any region
	DryRun    bool
	Code      string // the code of a confirmation
	// Chinese says that the answer has to be in Chinese.
	Chinese bool
	// Alone says that the message is only a code, which has no language. The answer is in
	// the language of the code's plan.
	Alone bool
}

const (
	// MaxText is the greatest length of a command, in bytes. A code is also found in a
	// longer text, because people copy whole answers.
	MaxText = 512
	maxSaid = 16 << 10
)

// The verbs. Rules give rights for all verbs except help and confirm. Everyone may ask
// for help. A confirmation needs the right for the change.
const (
	help    = "help"
	status  = "status"
	confirm = "confirm"
)

// actions lists the verbs that change something.
var actions = map[string]handler.Action{approve: handler.Update, "update": handler.Update, "enable": handler.Enable, "disable": handler.Disable}

var verbs = []string{help, status, approve, "update", "enable", "disable", confirm}

var (
	dryRun = pattern(`(?i)\bdry\s+run\b|演练`)
)

// Parse reads a command. It does not guess: an unknown word is an error. The error suggests
// the word that the sender probably meant.
func Parse(text string) (Command, error) {
	c := Command{Chinese: chinese(text)}
	w := c.wording()
	switch {
	case !utf8.ValidString(text):
		return c, w.err(w.NotText)
	case len(text) > maxSaid:
		return c, w.errorf(w.TooLong, MaxText)
	}
	clean := dryRun().ReplaceAllString(normal(text), " dry-run ")
	c.Chinese = chinese(clean) // mentions may be in another language
	w = c.wording()
	list := politely(words(clean), "")
	if c.Code, c.Alone = codeIn(clean, list); c.Code != "" {
		c.Verb = confirm
		return c, nil
	}
	if len(clean) > MaxText {
		return c, w.errorf(w.TooLong, MaxText)
	}
	if len(list) == 0 {
		c.Verb = help
		return c, nil
	}
	first := list[0]
	c.Verb, list = verbOf(list)
	_, changes := actions[c.Verb]
	switch {
	case c.Verb == help:
		return c, nil
	case c.Verb == confirm:
		return c, w.err(w.ConfirmTakesACode)
	case c.Verb != status && !changes:
		return c, w.unknown(first, verbs)
	}
	return c, c.options(list)
}

// options reads the words after the verb: instances, a region, dry-run.
func (c *Command) options(list []string) error {
	w := c.wording()
	filler := func(word string) bool { return slices.Contains(fillers, strings.ToLower(word)) }
	if named := slices.DeleteFunc(slices.Clone(list), filler); len(named) > 0 {
		list = named
	}
	for _, word := range list {
		lower := strings.ToLower(word)
		option := strings.Replace(strings.TrimLeft(lower, "-"), "地域=", "region=", 1)
		region, isRegion := strings.CutPrefix(option, "region=")
		switch {
		case isRegion && c.Region != "":
			return w.err(w.TwoRegions)
		case isRegion && handler.ValidRegion(region):
			c.Region = region
		case isRegion:
			return w.errorf(w.NotARegion, quote(word))
		case option == "now" && lower != option && c.Verb == approve:
			c.Verb = "update"
		case option == "dry-run" && c.Verb != status:
			c.DryRun = true
		case option == "dry-run":
			return w.err(w.StatusChangesNothing)
		case strings.HasPrefix(lower, "-") || meant[lower] != "" || near(option, "dry-run"):
			return w.unknown(word, []string{"dry-run", "region=cn-hangzhou"})
		default:
			if handler.CheckName(word) != nil {
				return w.unknown(word, nil)
			}
			c.Instances = append(c.Instances, word)
		}
	}
	c.Instances = handler.Unique(c.Instances)
	switch n := len(c.Instances); {
	case c.Verb != status && n == 0:
		return w.errorf(w.TakesAnInstance, w.Verbs[c.Verb], w.Verbs[c.Verb])
	case c.Verb != status && n > maxPlans:
		return w.errorf(w.TooMany, n, maxPlans)
	case n > maxStatus:
		return w.errorf(w.TooMany, n, maxStatus)
	}
	return nil
}
