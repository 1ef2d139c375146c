package notify

import (
	"cmp"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"net/url"
	"slices"
	"strings"
)

// URLs are the places for notices. Each is the URL from the vendor, with the vendor's
// name in place of https:
//
//	slack://hooks.slack.com/services/T…/B…/…
//	dingtalk://oapi.dingtalk.com/robot/send?access_token=…&secret=SEC…
//	feishu://open.feishu.cn/open-apis/bot/v2/hook/…?secret=… (or open.larksuite.com)
//	feishu://open.feishu.cn/open-apis/im/v1/messages?receive_id=oc_… (or open.larksuite.com)
//	wecom://qyapi.weixin.qq.com/cgi-bin/webhook/send?key=…
//	teams://….logic.azure.com/workflows/…?…&sig=… (or …api.powerplatform.com, ….webhook.office.com)
//	mattermost://chat.example.com/hooks/…
//	webhook://example.com/path?secret=whsec_…
//
// The parameter secret signs the messages and is not sent. DingTalk and Feishu need it if
// the robot requires signatures. A webhook always needs it. All messages go over https.
//
// Words after a URL select the instances of the notices. An instance must fit all of the
// words: region=cn-beijing|cn-shanghai, tag:team=payments.
type URLs []*target

// target is one place.
type target struct {
	*vendor
	name    string  // name of the vendor
	url     url.URL // https, without the parameter secret
	key     []byte  // key of the signature; nil for unsigned messages
	secrets []string
	filter  filter
}

// UnmarshalText reads comma-separated URLs. Its error names every fault of each URL. It
// quotes no part of a URL, because every part may be secret.
func (u *URLs) UnmarshalText(text []byte) error {
	*u = nil
	var faults []string
	for i, entry := range strings.Split(string(text), ",") {
		entry = strings.TrimSpace(entry)
		if entry == "" {
			continue
		}
		words := strings.Fields(entry)
		t, wrong := parseTarget(words[0])
		var filtered []string
		t.filter, filtered = parseFilter(words[1:])
		wrong = append(wrong, filtered...)
		if wrong == nil && slices.ContainsFunc(*u, func(other *target) bool { return other.url == t.url }) {
			wrong = []string{"the same URL is in the list twice"}
		}
		for _, w := range wrong {
			faults = append(faults, fmt.Sprintf("entry %d (%s): %s", i+1, t.name, w))
		}
		if wrong == nil {
			*u = append(*u, t)
		}
	}
	if faults != nil {
		return errors.New(strings.Join(faults, "; "))
	}
	return nil
}

// parseTarget reads one URL. wrong lists the faults of the URL.
func parseTarget(s string) (t *target, wrong []string) {
	t = &target{name: "unknown"}
	u, err := url.Parse(s)
	if err != nil {
		return t, []string{"it is not a URL"}
	}
	var known bool
	if t.vendor, known = vendors[u.Scheme]; !known {
		for name, v := range vendors {
			if v.at(u.Host) {
				return t, []string{fmt.Sprintf("it must begin with %s:// in place of https://", name)}
			}
		}
		return t, []string{"it must begin with one of " + strings.Join(slices.Sorted(maps.Keys(vendors)), ", ") + ", followed by ://"}
	}
	t.name = u.Scheme
	if t.app != nil && u.Path == t.app.path {
		t.vendor = t.app
	}
	fault := func(bad bool, what string) {
		if bad {
			wrong = append(wrong, what)
		}
	}
	rest, begins := strings.CutPrefix(u.Path, t.path)
	if t.hosts != nil || t.path != "" {
		open := strings.HasSuffix(t.path, "/")
		fault(t.hosts != nil && !t.at(u.Host), "its host must be "+strings.Join(t.hosts, " or "))
		fault(!begins || open == (rest == ""), "its path must be "+t.path+map[bool]string{true: "…"}[open])
	}
	fault(u.Hostname() == "" && t.hosts == nil, "it has no host")
	fault(u.User != nil, "it must not contain a user or a password")
	fault(strings.Contains(s, "#"), "it must not contain a #")
	q, err := url.ParseQuery(u.RawQuery)
	fault(err != nil, "the parameters after the ? cannot be read")
	// A + in a query means a blank, which no secret contains. Base64 does contain +.
	secret := strings.ReplaceAll(q.Get(secretParam), " ", "+")
	wrong = append(wrong, t.parameters(q, secret)...)
	if t.sign != nil {
		q.Del(secretParam)
	}
	t.url = url.URL{Scheme: "https", Host: u.Host, Path: u.Path, RawPath: u.RawPath, RawQuery: q.Encode()}
	t.secrets = append(strings.Split(rest, "/"), t.url.String(), u.Path, t.url.RawQuery, secret, strings.TrimPrefix(secret, whsec))
	for _, values := range q {
		t.secrets = append(t.secrets, values...)
	}
	return t, wrong
}

const secretParam = "secret"

// parameters makes the key. wrong lists the faults of the parameters.
func (t *target) parameters(q url.Values, secret string) (wrong []string) {
	var takes []string
	if t.query != "" {
		takes = append(takes, t.query)
	}
	if t.sign != nil {
		takes = append(takes, secretParam)
	}
	for _, name := range takes {
		if len(q[name]) > 1 {
			wrong = append(wrong, name+" is in it twice")
		}
	}
	if t.query != "" && q.Get(t.query) == "" {
		wrong = append(wrong, "it needs the parameter "+t.query+"=…")
	}
	if t.hosts != nil && !t.anyQuery && slices.ContainsFunc(slices.Collect(maps.Keys(q)), func(name string) bool { return !slices.Contains(takes, name) }) {
		wrong = append(wrong, "the only parameters that it may have: "+cmp.Or(strings.Join(takes, " and "), "none"))
	}
	switch {
	case t.sign == nil:
	case secret != "":
		var err error
		if t.key, err = t.sign(secret); err != nil {
			wrong = append(wrong, err.Error())
		}
	case !t.unsigned:
		wrong = append(wrong, "it needs the parameter "+secretParam+"=…")
	}
	return wrong
}

// redact removes the secrets from a text, because the vendor's answer may repeat the
// request.
func (t *target) redact(s string) string { return hide(s, t.secrets, 8) }

// String keeps the URLs out of texts.
func (u URLs) String() string {
	var names []string
	for _, t := range u {
		names = append(names, t.name)
	}
	return "[" + strings.Join(names, " ") + "]"
}

// GoString keeps the URLs out of %#v.
func (u URLs) GoString() string { return u.String() }

// LogValue keeps the URLs out of logs.
func (u URLs) LogValue() slog.Value { return slog.StringValue(u.String()) }

// String keeps the URL out of texts.
func (t *target) String() string { return t.name }

// GoString keeps the URL out of %#v.
func (t *target) GoString() string { return t.name }
