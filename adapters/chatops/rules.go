package chatops

import (
	"fmt"
	"path"
	"slices"
	"strings"
)

// Rules say who may do what. Without a rule, nobody may do anything.
type Rules []Rule

// Rule gives users or channels of a tenant rights over instances. All parts are globs for
// ids, never for names.
type Rule struct {
	Platform  string
	Tenant    string
	Who       []string // globs for users or channels
	Verbs     []string
	Instances []string
}

// rightRules is an example of two rules, for error messages.
const rightRules = "slack:T123/U456 status,update r-bp1*; feishu:tenant1/oc_42 status *"

// UnmarshalText reads rules separated by ";". Each has the form
// "platform:tenant/user-or-channel verbs instances"; see [rightRules].
func (rules *Rules) UnmarshalText(text []byte) error {
	*rules = nil
	for _, entry := range strings.Split(string(text), ";") {
		if strings.TrimSpace(entry) == "" {
			continue
		}
		rule, err := parseRule(entry)
		if err != nil {
			return err
		}
		*rules = append(*rules, rule)
	}
	if *rules == nil {
		return fmt.Errorf("it contains no rule")
	}
	return nil
}

func parseRule(entry string) (Rule, error) {
	fault := func(format string, args ...any) (Rule, error) {
		return Rule{}, fmt.Errorf("%q: %s", strings.TrimSpace(entry), fmt.Sprintf(format, args...))
	}
	fields := strings.Fields(entry)
	switch n := len(fields); {
	case n > 3:
		return fault("it has %d parts instead of three: separate rules by a semicolon, and the entries of one part by commas without spaces, as in %s", n, rightRules)
	case n < 3:
		return fault("a rule needs three parts, platform:tenant/user-or-channel verbs instances, as in %s", rightRules)
	}
	platform, whose, _ := strings.Cut(fields[0], ":")
	tenant, who, ok := strings.Cut(whose, "/")
	if !ok || tenant == "" || who == "" {
		return fault("%q is not platform:tenant/user-or-channel, as in %s", fields[0], rightRules)
	}
	if !slices.Contains(names(), platform) {
		return fault("the platform is not one of %s", strings.Join(names(), ", "))
	}
	r := Rule{platform, tenant, strings.Split(who, ","), strings.Split(fields[1], ","), strings.Split(fields[2], ",")}
	for _, part := range slices.Concat(r.Who, r.Verbs, r.Instances) {
		if beginning, _, found := strings.Cut(part, ":"); found && slices.Contains(names(), beginning) {
			return fault("%q is the beginning of another rule: separate rules by a semicolon, as in %s", part, rightRules)
		}
	}
	for _, verb := range r.Verbs {
		if _, changes := actions[verb]; !changes && verb != status && verb != "*" {
			return fault("the verb %q is not one of status, approve, update, enable, disable, *", verb)
		}
	}
	for _, glob := range slices.Concat([]string{r.Tenant}, r.Who, r.Instances) {
		if _, err := path.Match(glob, ""); err != nil || glob == "" {
			return fault("%q is not a glob", glob)
		}
	}
	return r, nil
}

// allow reports whether the sender has the right for a verb and an instance. With the
// instance "", a right for any instance is enough.
func (rules Rules) allow(m Message, verb, instance string) bool {
	if m.Tenant == "" || m.User == "" {
		return false
	}
	return slices.ContainsFunc(rules, func(r Rule) bool {
		return r.Platform == m.Platform && match(r.Tenant, m.Tenant) &&
			slices.ContainsFunc(r.Who, func(who string) bool { return match(who, m.User) || m.Channel != "" && match(who, m.Channel) }) &&
			(slices.Contains(r.Verbs, verb) || slices.Contains(r.Verbs, "*")) &&
			(instance == "" || slices.ContainsFunc(r.Instances, func(glob string) bool { return match(glob, instance) }))
	})
}

// match is path.Match, but * also matches a slash, because ids may contain slashes.
func match(glob, id string) bool {
	ok, _ := path.Match(strings.ReplaceAll(glob, "/", "\x00"), strings.ReplaceAll(id, "/", "\x00"))
	return ok
}
