package function

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"tairssl/handler"
)

func TestSettingsDefaults(t *testing.T) {
	s, unknown, err := ParseSettings([]string{"PATH=/bin", "TAIRSSL_WAIT=", "TAIRSSL_REGION= "})
	if err != nil || len(unknown) > 0 {
		t.Fatal(err, unknown)
	}
	if s.Region[0] != "cn-hangzhou" || !slices.Equal(s.Actions, []handler.Action{handler.Update}) || s.RenewBefore != 720*time.Hour ||
		s.Concurrency != 16 || s.Lease != "tag" || s.LeasePause != 2*time.Second || s.Wait != 0 || s.Pause || s.Verify != VerifyAPI || s.CACheck || s.CAAccept != nil {
		t.Errorf("the defaults are %+v", s)
	}
}

func TestSettingsAllFaultsAtOnce(t *testing.T) {
	bad := map[string]string{
		"REGION": "cn-hangzhou,Evil/../", "ENDPOINT": "http://example.com", "CA_FILE": filepath.Join(t.TempDir(), "none.pem"), "ACTIONS": "Update,Delete",
		"INSTANCES": "r-[", "RENEW_BEFORE": "30d", "CONCURRENCY": "0", "RATE": "fast", "WAIT": "-1s", "VERIFY": "trust", "CA_CHECK": "perhaps", "CA_ACCEPT": "abc", "LEASE": "maybe", "LEASE_PAUSE": "2h", "PAUSE": "perhaps", "CERT_MAP": "example.com", "WINDOW": "Sat 02:00-02:00", "WINDOW_MISSED": "panic", "FREEZE": "christmas", "APPROVAL": "perhaps", "ALIBABA_RENEWAL": "never", "MAX_TARGETS": "0", "WEBHOOK_SECRETS": "whsec_!", "GITHUB_SECRETS": "a,,b", "ALERT_TOKENS": ",", "ALERT_BASIC": "user",
		"GRAFANA_SECRETS": ",", "CLOUDEVENTS_ORIGINS": "http://x", "SLACK_SIGNING_SECRETS": ",", "DINGTALK_APP_SECRETS": ",", "FEISHU_ENCRYPT_KEYS": ",",
		"TEAMS_SECRETS": "%", "MATTERMOST_TOKENS": ",", "WECOM_CALLBACKS": ",", "CHAT_ALLOW": "slack:T1 status *", "CHAT_REPLY_HOSTS": "https://x/", "CONFIRM_BY": "nobody", "NOTIFY_URLS": "mail://x", "NOTIFY_ON": "tuesdays", "LOG_LEVEL": "loud", "METRICS": "statsd",
		"OIDC_AUDIENCE": "two of them", "STS_ENDPOINT": "http://sts.cn-hangzhou.aliyuncs.com", "SETTINGS": "RATE=20", "SECRETS": "{", "INVOKE_ENDPOINT": "http://lambda.eu-west-1.amazonaws.com",
	}
	var environ []string
	for name, value := range bad {
		environ = append(environ, Prefix+name+"="+value)
	}
	_, _, err := ParseSettings(environ)
	if err == nil {
		t.Fatal("all these bad settings are taken")
	}
	for name := range bad {
		if !strings.Contains(err.Error(), Prefix+name+":") {
			t.Errorf("the fault of %s is not named in\n%v", name, err)
		}
	}
	// Any text will do for these.
	free := []string{"FEISHU_VERIFICATION_TOKEN", "FEISHU_APP_ID", "FEISHU_APP_SECRET", "CONFIRM_KEY", "SLACK_BOT_TOKEN", "WECOM_CORP_ID"}
	if len(bad)+len(free) != len(names()) {
		t.Errorf("%d settings are tested, there are %d", len(bad)+len(free), len(names()))
	}
}

// The tags that check a field can be read, and its default passes them.
func TestTheBoundsOfSettingsMakeSense(t *testing.T) {
	bounded, worded := 0, 0
	for _, f := range fields() {
		name, fallback := f.Tag.Get("env"), f.Tag.Get("envDefault")
		if words := strings.Fields(f.Tag.Get("words")); len(words) > 0 {
			worded++
			if len(words) < 2 || !slices.Contains(words, fallback) {
				t.Errorf("%s takes %v, and its default is %q", name, words, fallback)
			}
		}
		if least, greatest, found := strings.Cut(f.Tag.Get("range"), " "); found {
			bounded++
			if !(number(least) < number(greatest) && number(least) <= number(fallback) && number(fallback) <= number(greatest)) {
				t.Errorf("%s takes %s to %s, and its default is %q", name, least, greatest, fallback)
			}
		}
	}
	if bounded < 6 || worded < 6 {
		t.Errorf("only %d settings have bounds and %d have words", bounded, worded)
	}
}

// Each value just outside of a bound is a fault that names the bounds.
func TestSettingsOutOfBounds(t *testing.T) {
	for setting, want := range map[string]string{
		"RENEW_BEFORE=-1s": "-1s is not between 0s and 4320h", "RENEW_BEFORE=4320h1s": "4320h0m1s is not between 0s and 4320h",
		"MAX_TARGETS=0": "0 is not between 1 and 1000", "MAX_TARGETS=1001": "1001 is not between 1 and 1000", "CONCURRENCY=257": "257 is not between 1 and 256",
		"RATE=-0.1": "-0.1 is not between 0 and 10000", "RATE=NaN": "NaN is not between 0 and 10000", "RATE=+Inf": "+Inf is not between 0 and 10000",
		"WAIT=24h1ns": "24h0m0.000000001s is not between 0s and 24h", "LEASE_PAUSE=1m1ms": "1m0.001s is not between 0s and 1m",
		"LEASE=Tag": `"Tag" is neither tag nor none`, "CONFIRM_BY=both": `"both" is neither self nor second`, "VERIFY=" + strings.Repeat("x", 70): `"` + strings.Repeat("x", 60) + `…" is neither api nor tls`,
		"REGION=cn-hangzhou,,cn beijing": "\"\" is not a region id such as cn-hangzhou\nTAIRSSL_REGION: \"cn beijing\" is not a region id such as cn-hangzhou",
	} {
		name, _, _ := strings.Cut(setting, "=")
		if _, _, err := ParseSettings([]string{Prefix + setting}); err == nil || err.Error() != Prefix+name+": "+want {
			t.Errorf("%s ends with\n%v, want\n%s: %s", setting, err, Prefix+name, want)
		}
	}
	for _, setting := range []string{"RENEW_BEFORE=0s", "RENEW_BEFORE=4320h", "MAX_TARGETS=1", "MAX_TARGETS=1000", "CONCURRENCY=256", "RATE=0", "RATE=10000", "WAIT=24h", "LEASE_PAUSE=60s", "REGION= cn-hangzhou , cn-beijing ", "CHAT_REPLY_HOSTS=Chat.Example.com:8443"} {
		if _, _, err := ParseSettings([]string{Prefix + setting}); err != nil {
			t.Errorf("%s is refused: %v", setting, err)
		}
	}
}

func TestSettingsThatAreNone(t *testing.T) {
	_, unknown, err := ParseSettings([]string{"TAIRSSL_RENEWBEFORE=1h"})
	if err != nil || !slices.Equal(unknown, []string{"TAIRSSL_RENEWBEFORE"}) {
		t.Errorf("a misspelt setting gives %v, %v", unknown, err)
	}
	if _, _, err := ParseSettings([]string{"DEBUG=x,sdk"}); err == nil {
		t.Error("the SDK may print signed requests")
	}
}

func TestREADMEHasEverySetting(t *testing.T) {
	readme, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	rows := 0
	for _, line := range strings.Split(string(readme), "\n") {
		if strings.HasPrefix(line, "| `"+Prefix) {
			rows++
		}
	}
	if rows != len(names()) {
		t.Errorf("the README's table has %d settings, the code %d", rows, len(names()))
	}
	for _, row := range SettingsTable() {
		if !strings.Contains(string(readme), row) {
			t.Errorf("the README lacks the row\n%s", row)
		}
	}
}
