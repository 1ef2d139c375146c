package doctor

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"tairssl/adapters/function"
	"tairssl/handler"
)

// readSettings reads the settings as the functions do. ok says that none is
// wrong; then the environment holds no more references.
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
		findings = append(findings, warn(Settings, name, "is no setting: it does nothing", "correct its name, or remove it"))
	}
	for _, a := range advice {
		if a.when(settings, get) {
			findings = append(findings, warn(Settings, function.Prefix+a.setting, a.found, a.fix))
		}
	}
	return findings, true
}

// faulty is the finding of one fault, which begins with its variable.
func (x *examination) faulty(fault string) Finding {
	variable, found, named := strings.Cut(fault, ": ")
	if !named || strings.Contains(variable, " ") {
		return fail(Settings, "", handler.Invalid, fault, "correct it where the function's environment is set")
	}
	fix := "correct it where the function's environment is set"
	if help := function.Help(variable); help != "" {
		fix = "it takes: " + help
	}
	return fail(Settings, variable, handler.Invalid, found, fix)
}

// shortestPause is below what a tag can be trusted to show, however fast the
// network; the lease's own measures take no writer to be faster.
const shortestPause = 500 * time.Millisecond

// advice is what may be as it is, and had better be otherwise.
var advice = []struct {
	setting    string
	when       func(s function.Settings, get func(string) string) bool
	found, fix string
}{
	{"REGION", func(_ function.Settings, get func(string) string) bool { return get(function.Prefix+"REGION") == "" },
		"is not set: only " + handler.DefaultRegion + " is swept", "set it to the regions of your instances, comma-separated"},
	{"PAUSE", func(s function.Settings, _ func(string) string) bool { return s.Pause },
		"stops every change", "unset it when changes may be made again"},
	{"ACTIONS", func(s function.Settings, _ func(string) string) bool {
		for _, a := range s.Actions {
			if a == handler.Disable {
				return true
			}
		}
		return false
	}, "grants Disable, after which legacy instances can never be encrypted again", "leave Disable out but for the time in which it is needed"},
	{"LEASE", func(s function.Settings, _ func(string) string) bool { return s.Lease == "none" },
		"is none: nothing keeps two writers from restarting an instance twice", "set it to tag, unless this is the only process that changes these instances"},
	{"LEASE_PAUSE", func(s function.Settings, _ func(string) string) bool {
		return s.Lease == "tag" && s.LeasePause < shortestPause
	},
		fmt.Sprintf("is shorter than %s: a tag may show later", shortestPause), "measure it with --tag-probe --instance ID, or leave it at 2s"},
	{"WAIT", func(s function.Settings, _ func(string) string) bool {
		return s.Wait == 0 && (s.CACheck || s.Verify == function.VerifyTLS)
	}, "is 0s: what an event or a request changes is not watched, so neither a handshake nor the CA shows how it ended", "set it to 5m"},
	{"CA_ACCEPT", func(s function.Settings, _ func(string) string) bool { return len(s.CAAccept) > 0 && !s.CACheck },
		"does nothing without TAIRSSL_CA_CHECK", "set TAIRSSL_CA_CHECK=1, or remove it"},
	{"CHAT_ALLOW", func(s function.Settings, _ func(string) string) bool { return chats(s) && len(s.ChatAllow) == 0 },
		"is not set: nobody may do anything in the chat that is open", "set a rule, such as slack:T123/U456 status,update r-bp1*"},
	{"CONFIRM_KEY", func(s function.Settings, _ func(string) string) bool { return chats(s) && s.ConfirmKey == "" },
		"is not set: the chat that is open only reads", "set it to 16 random characters or more, to let a chat change something"},
	{"CONFIRM_KEY", func(s function.Settings, _ func(string) string) bool {
		return s.ConfirmKey != "" && len(s.ConfirmKey) < 16
	},
		"is short, and can be guessed", "set it to 16 random characters or more"},
	{"FEISHU_APP_ID", func(s function.Settings, _ func(string) string) bool {
		return len(s.FeishuEncryptKeys) > 0 && (s.FeishuAppID == "" || s.FeishuAppSecret == "")
	}, "or TAIRSSL_FEISHU_APP_SECRET is not set: messages in Feishu are not answered", "set both, from the app's credentials"},
	{"APPROVAL", func(s function.Settings, _ func(string) string) bool {
		return s.Approval == "required" && len(s.NotifyURLs) == 0
	}, "is required, and TAIRSSL_NOTIFY_URLS is not set: nobody is told what waits for an approval", "set TAIRSSL_NOTIFY_URLS to where people read"},
	{"NOTIFY_URLS", func(s function.Settings, _ func(string) string) bool { return len(s.NotifyURLs) == 0 },
		"is not set: nobody is told when a renewal fails", "set it to where people read, such as slack://hooks.slack.com/services/…"},
}

// chats reports whether a chat is open.
func chats(s function.Settings) bool {
	return s.Settings.Open()
}
