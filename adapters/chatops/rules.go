package chatops

import (
	"fmt"
	"path"
	"slices"
	"strings"
)

// Rules say who may do what; no rule means nobody.
type Rules []Rule

// Rule gives a tenant's users or channels rights over instances. All parts are
// globs on ids, never on names.
type Rule struct {
	Platform  string
	Tenant    string
	Who       []string // users or channels
	Verbs     []string
	Instances []string
}

// UnmarshalText reads rules separated by ";", each
// "platform:tenant/user-or-channel verbs instances", for example
// "slack:T123/U456 status,update r-bp1*; feishu:tenant1/oc_42 status *".
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
		return fmt.Errorf("there is no rule in it")
	}
	return nil
}

func parseRule(entry string) (Rule, error) {
	fault := func(format string, args ...any) (Rule, error) {
		return Rule{}, fmt.Errorf("%q: %s", strings.TrimSpace(entry), fmt.Sprintf(format, args...))
	}
	fields := strings.Fields(entry)
	if len(fields) != 3 {
		return fault("want three parts: platform:tenant/user-or-channel verbs instances")
	}
	platform, whose, _ := strings.Cut(fields[0], ":")
	tenant, who, ok := strings.Cut(whose, "/")
	if !ok || tenant == "" || who == "" {
		return fault("want platform:tenant/user-or-channel")
	}
	if !slices.Contains(names(), platform) {
		return fault("the platform is none of %s", strings.Join(names(), ", "))
	}
	r := Rule{platform, tenant, strings.Split(who, ","), strings.Split(fields[1], ","), strings.Split(fields[2], ",")}
	for _, verb := range r.Verbs {
		if _, changes := actions[verb]; !changes && verb != status && verb != "*" {
			return fault("the verb %q is none of status, update, enable, disable, *", verb)
		}
	}
	for _, glob := range slices.Concat([]string{r.Tenant}, r.Who, r.Instances) {
		if _, err := path.Match(glob, ""); err != nil || glob == "" {
			return fault("%q is not a glob", glob)
		}
	}
	return r, nil
}

// allow reports whether somebody may do something to an instance; "" asks
// whether to any at all.
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

// match is path.Match whose * takes in a slash, too: ids may hold one.
func match(glob, id string) bool {
	ok, _ := path.Match(strings.ReplaceAll(glob, "/", "\x00"), strings.ReplaceAll(id, "/", "\x00"))
	return ok
}
