package chatops

import (
	"slices"
	"strings"
	"unicode/utf8"

	"tairssl/handler"
)

// Command is what somebody asks for.
type Command struct {
	Verb      string
	Instances []string // as they were named: by ids, endpoints or names
	Region    string   // "" for any
	DryRun    bool
	Code      string // of confirm
	// Chinese says that the answer is to be in Chinese.
	Chinese bool
}

const (
	// MaxText bounds a command, in bytes. A code is found in a longer one: somebody may
	// have copied a whole answer.
	MaxText = 512
	maxSaid = 16 << 10
)

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

// spoken are the verbs as people say them.
var spoken = map[string]string{
	help: help, status: status, "update": "update", "enable": "enable", "disable": "disable", confirm: confirm,
	"renew": "update",
	"帮助":    help, "状态": status, "查询": status, "查看": status, "更新": "update", "续期": "update", "续签": "update",
	"开启": "enable", "启用": "enable", "关闭": "disable", "停用": "disable", "确认": confirm,
}

// polite are words around a command that ask for nothing. In Chinese they need no
// space behind them.
var (
	polite        = []string{"please", "pls", "plz", "kindly", "thanks", "thank", "thx", "hi", "hello", "hey", "can", "could", "would", "you", "证书", "实例"}
	politeChinese = []string{"请", "麻烦", "帮我", "帮忙", "你好", "您好", "一下", "谢谢", "多谢", "吧", "的证书", "的状态"}
	// fillers mean nothing beside an id or an endpoint. Alone they may be a name.
	fillers = []string{"the", "of", "for", "my", "our", "certificate", "cert", "ssl", "tls", "instance", "now", "me"}
)

var (
	regionPattern = pattern(`^[a-z]{2,8}(-[a-z0-9]{1,16}){1,5}$`)
	ownPrefix     = pattern(`^(?:r|tt)-`)
)

// Parse reads a command. Its error says what was meant, most likely; unknown
// words are errors, for nothing is guessed.
func Parse(text string) (Command, error) {
	c := Command{Chinese: chinese(text)}
	w := c.wording()
	switch {
	case !utf8.ValidString(text):
		return c, w.err(w.NotText)
	case len(text) > maxSaid:
		return c, w.errorf(w.TooLong, MaxText)
	}
	clean := normal(text)
	if c.Code = codeIn(clean); c.Code != "" {
		c.Verb = confirm
		return c, nil
	}
	if len(clean) > MaxText {
		return c, w.errorf(w.TooLong, MaxText)
	}
	list := politely(words(clean))
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

// verbOf takes the verb off. A Chinese one needs no space behind it.
func verbOf(list []string) (verb string, rest []string) {
	first := strings.ToLower(list[0])
	if verb := spoken[first]; verb != "" {
		return verb, politely(list[1:])
	}
	for word, verb := range spoken {
		if behind, found := strings.CutPrefix(first, word); found && chinese(word) {
			return verb, politely(append([]string{strings.TrimLeft(list[0][len(first)-len(behind):], ":.")}, list[1:]...))
		}
	}
	return first, list[1:]
}

// politely takes the words off both ends that ask for nothing.
func politely(list []string) []string {
	begin := func(word string) string {
		for again := true; again; {
			again = false
			for _, p := range politeChinese {
				if rest, found := strings.CutPrefix(word, p); found {
					word, again = rest, true
				}
			}
		}
		return word
	}
	end := func(word string) string {
		for again := true; again; {
			again = false
			for _, p := range politeChinese {
				if rest, found := strings.CutSuffix(word, p); found {
					word, again = rest, true
				}
			}
		}
		return word
	}
	list = slices.Clone(list)
	for len(list) > 0 {
		if list[0] = begin(list[0]); list[0] != "" && !slices.Contains(polite, strings.ToLower(list[0])) {
			break
		}
		list = list[1:]
	}
	for len(list) > 0 {
		last := len(list) - 1
		if list[last] = end(list[last]); list[last] != "" && !slices.Contains(polite, strings.ToLower(list[last])) {
			break
		}
		list = list[:last]
	}
	return list
}

// options reads what stands behind the verb: instances, a region, dry-run.
func (c *Command) options(list []string) error {
	w := c.wording()
	if slices.ContainsFunc(list, isInstance) {
		list = slices.DeleteFunc(list, func(word string) bool { return slices.Contains(fillers, strings.ToLower(word)) })
	}
	for _, word := range list {
		lower := strings.ToLower(word)
		option := strings.TrimLeft(lower, "-")
		region, isRegion := strings.CutPrefix(option, "region=")
		switch {
		case isRegion && c.Region != "":
			return w.err(w.TwoRegions)
		case isRegion && regionPattern().MatchString(region):
			c.Region = region
		case isRegion:
			return w.errorf(w.NotARegion, quote(word))
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
		return w.errorf(w.TakesAnInstance, c.Verb, c.Verb)
	case c.Verb != status && n > maxPlans:
		return w.errorf(w.TooMany, n, maxPlans)
	case n > maxStatus:
		return w.errorf(w.TooMany, n, maxStatus)
	}
	return nil
}

// isInstance reports whether a word names an instance by what it is.
func isInstance(word string) bool { _, ok := handler.ParseInstance(word); return ok }
