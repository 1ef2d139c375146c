package doctor

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"tairssl/adapters/function"
	"tairssl/handler"
)

// readSettings reads the settings in the same way as the functions do. If ok, all
// settings are valid, and every reference in x.Environ is replaced by its value.
func (x *examination) readSettings() (findings []Finding, ok bool) {
	environ, unread := function.Resolve(x.ctx, x.Environ)
	settings, unknown, err := function.ParseSettings(environ)
	if err = errors.Join(unread, err); err != nil {
		for _, fault := range strings.Split(err.Error(), "\n") {
			findings = append(findings, x.faulty(fault))
		}
		return findings, false
	}
	x.Environ, x.settings = environ, settings
	set, get := map[string]bool{}, function.Getenv(environ)
	for _, entry := range environ {
		if name, _, _ := strings.Cut(entry, "="); function.Help(name) != "" && strings.TrimSpace(get(name)) != "" {
			set[name] = true
		}
	}
	findings = append(findings, pass(Settings, "", "%d set, the rest by default", len(set)))
	for _, name := range unknown {
		findings = append(findings, warn(Settings, name, "is no setting of tairssl and has no effect", "correct its name, or remove it"))
	}
	for _, a := range advice {
		if a.when(settings, get) {
			findings = append(findings, warn(Settings, function.Prefix+a.setting, a.found, a.fix))
		}
	}
	return findings, true
}

// faulty is the finding of one fault. The text of a fault begins with the name of
// the variable.
func (x *examination) faulty(fault string) Finding {
	variable, found, named := strings.Cut(fault, ": ")
	if !named || strings.Contains(variable, " ") {
		return fail(Settings, "", handler.Invalid, fault, "correct it where the function's environment is set")
	}
	fix := "correct it where the function's environment is set"
	if help := function.Help(variable); help != "" {
		fix = "set it to: " + help
	}
	return fail(Settings, variable, handler.Invalid, found, fix)
}

// shortestPause is the shortest lease pause that the doctor accepts without advice.
// A new tag may need that long to become visible, even in a fast network.
const shortestPause = 500 * time.Millisecond

// advice lists valid settings that deserve a warning.
var advice = []struct {
	setting    string
	when       func(s function.Settings, get func(string) string) bool
	found, fix string
}{
	{"REGION", func(_ function.Settings, get func(string) string) bool { return get(function.Prefix+"REGION") == "" },
		"is not set: sweeps cover only " + handler.DefaultRegion, "set it to the regions of your instances, comma-separated"},
	{"PAUSE", func(s function.Settings, _ func(string) string) bool { return s.Pause },
		"stops every change", "unset it when changes are allowed again"},
	{"ACTIONS", func(s function.Settings, _ func(string) string) bool {
		return slices.Contains(s.Actions, handler.Disable)
	},
		"allows Disable; a legacy instance can never be encrypted again after it", "allow Disable only while you need it"},
	{"LEASE", func(s function.Settings, _ func(string) string) bool { return s.Lease == "none" },
		"is none: two writers may restart an instance twice", "set it to tag, unless only one process changes these instances"},
	{"LEASE_PAUSE", func(s function.Settings, _ func(string) string) bool {
		return s.Lease == "tag" && s.LeasePause < shortestPause
	},
		fmt.Sprintf("is shorter than %s: a new tag may become visible later", shortestPause), "measure it with --tag-probe --instance ID, or set it to 2s"},
	{"WAIT", func(s function.Settings, _ func(string) string) bool {
		return s.Wait == 0 && (s.CACheck || s.Verify == function.VerifyTLS)
	}, "is 0s: nothing waits for a change to finish, so neither the handshake nor the CA is checked after it", "set it to 5m"},
	{"CA_ACCEPT", func(s function.Settings, _ func(string) string) bool { return len(s.CAAccept) > 0 && !s.CACheck },
		"does nothing without TAIRSSL_CA_CHECK", "set TAIRSSL_CA_CHECK=1, or remove TAIRSSL_CA_ACCEPT"},
	{"CHAT_ALLOW", func(s function.Settings, _ func(string) string) bool { return chats(s) && len(s.ChatAllow) == 0 },
		"is not set: chat is open, but nobody is allowed to use it", "set a rule, such as slack:T123/U456 status,update r-bp1*"},
	{"CONFIRM_KEY", func(s function.Settings, _ func(string) string) bool { return chats(s) && s.ConfirmKey == "" },
		"is not set: chat can read, but not change anything", "to allow changes from chat, set it to 16 random characters or more"},
	{"CONFIRM_KEY", func(s function.Settings, _ func(string) string) bool {
		return s.ConfirmKey != "" && len(s.ConfirmKey) < 16
	},
		"is so short that it can be guessed", "set it to 16 random characters or more"},
	{"FEISHU_APP_ID", func(s function.Settings, _ func(string) string) bool {
		return len(s.FeishuEncryptKeys) > 0 && (s.FeishuAppID == "" || s.FeishuAppSecret == "")
	}, "or TAIRSSL_FEISHU_APP_SECRET is not set: messages in Feishu are not answered", "set both; Feishu shows them as the app's credentials"},
	{"APPROVAL", func(s function.Settings, _ func(string) string) bool {
		return s.Approval == "required" && len(s.NotifyURLs) == 0
	}, "is required, but TAIRSSL_NOTIFY_URLS is not set: nobody is told which changes wait for an approval", "set TAIRSSL_NOTIFY_URLS to a chat that people read"},
	{"NOTIFY_URLS", func(s function.Settings, _ func(string) string) bool { return len(s.NotifyURLs) == 0 },
		"is not set: nobody is told when a renewal fails", "set it to a chat that people read, such as slack://hooks.slack.com/services/…"},
}

// chats reports whether the settings open any chat.
func chats(s function.Settings) bool {
	return s.Settings.Open()
}
