package function

import (
	"flag"
	"log/slog"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"tairssl/adapters/chatops"
	"tairssl/adapters/event"
	"tairssl/adapters/notify"
	"tairssl/adapters/tair"
	"tairssl/adapters/tair/cachain"
	"tairssl/adapters/webhook"
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

// badValues has a bad value for each type of setting. For plain texts and numbers, the
// tags words and range give the bad value. So only a new type needs an entry.
func badValues(t *testing.T) map[reflect.Type]string {
	return map[reflect.Type]string{
		reflect.TypeFor[Regions](): "cn-hangzhou,Evil/../", reflect.TypeFor[tair.Endpoint](): "http://example.com", reflect.TypeFor[URL](): "http://lambda.eu-west-1.amazonaws.com",
		reflect.TypeFor[RootCAs](): filepath.Join(t.TempDir(), "none.pem"), reflect.TypeFor[Actions](): "Update,Delete", reflect.TypeFor[Globs](): "r-[", reflect.TypeFor[Hosts](): "https://x/",
		reflect.TypeFor[Audience](): "two of them", reflect.TypeFor[handler.Window](): "Sat 02:00-02:00", reflect.TypeFor[handler.Freezes](): "christmas", reflect.TypeFor[bool](): "perhaps",
		reflect.TypeFor[cachain.Fingerprints](): "abc", reflect.TypeFor[event.CertMap](): "example.com", reflect.TypeFor[Metrics](): "statsd", reflect.TypeFor[*slog.Level](): "loud", reflect.TypeFor[Bundle](): "RATE=20",
		reflect.TypeFor[webhook.Secrets](): "a,,b", reflect.TypeFor[webhook.StandardSecrets](): "whsec_!", reflect.TypeFor[webhook.BasicSecrets](): "user",
		reflect.TypeFor[chatops.TeamsSecrets](): "%", reflect.TypeFor[chatops.WeComCallbacks](): ",", reflect.TypeFor[chatops.Rules](): "slack:T1 status *",
		reflect.TypeFor[notify.URLs](): "mail://x", reflect.TypeFor[notify.On](): "tuesdays",
	}
}

// acceptsAnyText lists the settings that accept every text, apart from those of type Secret.
var acceptsAnyText = []string{"FEISHU_APP_ID", "WECOM_CORP_ID"}

func TestAllFaultsOfTheSettingsAreNamedAtOnce(t *testing.T) {
	byType := badValues(t)
	for what, number := range map[string]func(greatest, unit string) string{
		"numbers that are too great": func(greatest, unit string) string { return greatest + "1" + unit },
		"numbers without a digit":    func(string, string) string { return "fast" },
	} {
		t.Run(what, func(t *testing.T) { faultsAreNamed(t, badSettings(t, byType, number)) })
	}
}

// badSettings returns a bad value for each setting. It leaves out the settings that
// accept any text.
func badSettings(t *testing.T, byType map[reflect.Type]string, number func(greatest, unit string) string) map[string]string {
	t.Helper()
	bad := map[string]string{}
	for _, f := range fields() {
		name := f.Tag.Get("env")
		_, greatest, ranged := strings.Cut(f.Tag.Get("range"), " ")
		switch value, ok := byType[f.Type]; {
		case f.Tag.Get("words") != "":
			bad[name] = "perhaps"
		case ranged && f.Type == reflect.TypeFor[time.Duration]():
			bad[name] = number(greatest, "s")
		case ranged:
			bad[name] = number(greatest, "")
		case ok:
			bad[name] = value
		case f.Type != reflect.TypeFor[Secret]() && !slices.Contains(acceptsAnyText, name):
			t.Errorf("%s has the type %s: add a value that this type refuses to badValues", name, f.Type)
		}
	}
	if len(bad) < 40 {
		t.Fatalf("only %d of the settings have a bad value", len(bad))
	}
	return bad
}

func faultsAreNamed(t *testing.T, bad map[string]string) {
	t.Helper()
	var environ []string
	for name, value := range bad {
		environ = append(environ, Prefix+name+"="+value)
	}
	_, _, err := ParseSettings(environ)
	if err == nil {
		t.Fatal("all these bad values are accepted")
	}
	for name, value := range bad {
		if !strings.Contains(err.Error(), Prefix+name+":") {
			t.Errorf("no fault names %s, whose value is %q:\n%v", name, value, err)
		}
	}
}

// Every default is one of its setting's words, and lies within its range.
func TestTheDefaultsOfSettingsPassTheirOwnChecks(t *testing.T) {
	bounded, worded := 0, 0
	for _, f := range fields() {
		name, fallback := f.Tag.Get("env"), f.Tag.Get("envDefault")
		if words := strings.Fields(f.Tag.Get("words")); len(words) > 0 {
			worded++
			if len(words) < 2 || !slices.Contains(words, fallback) {
				t.Errorf("%s accepts %v, but its default is %q", name, words, fallback)
			}
		}
		if least, greatest, found := strings.Cut(f.Tag.Get("range"), " "); found {
			bounded++
			if !(number(least) < number(greatest) && number(least) <= number(fallback) && number(fallback) <= number(greatest)) {
				t.Errorf("%s accepts %s to %s, but its default is %q", name, least, greatest, fallback)
			}
		}
	}
	if bounded < 6 || worded < 6 {
		t.Errorf("only %d settings have a range, and %d have words", bounded, worded)
	}
}

// A value just outside of the range is a fault that names the range.
func TestSettingsOutOfTheirRange(t *testing.T) {
	for setting, want := range map[string]string{
		"RENEW_BEFORE=-1s": "-1s is not between 0s and 4320h", "RENEW_BEFORE=4320h1s": "4320h0m1s is not between 0s and 4320h",
		"MAX_TARGETS=0": "0 is not between 1 and 1000", "MAX_TARGETS=1001": "1001 is not between 1 and 1000", "CONCURRENCY=257": "257 is not between 1 and 256",
		"RATE=-0.1": "-0.1 is not between 0 and 10000", "RATE=NaN": "NaN is not between 0 and 10000", "RATE=+Inf": "+Inf is not between 0 and 10000",
		"WAIT=24h1ns": "24h0m0.000000001s is not between 0s and 24h", "LEASE_PAUSE=1m1ms": "1m0.001s is not between 0s and 1m",
		"RATE=x": `"x" is not a number`, "PAUSE=yes": `"yes" is not 1 or 0`, "RENEW_BEFORE=30d": `"30d" is not a time such as 720h`, "MAX_TARGETS=1.5": `"1.5" is not a whole number`,
		"LEASE=Tag": `"Tag" is neither tag nor none`, "CONFIRM_BY=both": `"both" is neither self nor second`, "VERIFY=" + strings.Repeat("x", 70): `"` + strings.Repeat("x", 60) + `…" is neither api nor tls`,
		"REGION=cn-hangzhou,,cn beijing": "\"\" is not a region id such as cn-hangzhou\nTAIRSSL_REGION: \"cn beijing\" is not a region id such as cn-hangzhou",
	} {
		name, _, _ := strings.Cut(setting, "=")
		if _, _, err := ParseSettings([]string{Prefix + setting}); err == nil || err.Error() != Prefix+name+": "+want {
			t.Errorf("the fault of %s is\n%v, want\n%s: %s", setting, err, Prefix+name, want)
		}
	}
	for _, setting := range []string{"RENEW_BEFORE=0s", "RENEW_BEFORE=4320h", "MAX_TARGETS=1", "MAX_TARGETS=1000", "CONCURRENCY=256", "RATE=0", "RATE=10000", "WAIT=24h", "LEASE_PAUSE=60s", "REGION= cn-hangzhou , cn-beijing ", "CHAT_REPLY_HOSTS=Chat.Example.com:8443"} {
		if _, _, err := ParseSettings([]string{Prefix + setting}); err != nil {
			t.Errorf("%s is refused: %v", setting, err)
		}
	}
}

func TestAMisspeltSettingIsReported(t *testing.T) {
	_, unknown, err := ParseSettings([]string{"TAIRSSL_RENEWBEFORE=1h"})
	if err != nil || !slices.Equal(unknown, []string{"TAIRSSL_RENEWBEFORE"}) {
		t.Errorf("the unknown variables are %v, want the misspelt one; the fault is %v", unknown, err)
	}
	if _, _, err := ParseSettings([]string{"DEBUG=x,sdk"}); err == nil {
		t.Error("DEBUG=sdk is accepted: the SDK would print signed requests")
	}
}

var update = flag.Bool("update", false, "write the table of settings in README.md anew")

func TestREADMEHasEverySetting(t *testing.T) {
	readme, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	const head = "| variable | default | |\n|---|---|---|\n"
	before, table, found := strings.Cut(string(readme), head)
	_, after, closed := strings.Cut(table, "\n\n")
	if !found || !closed {
		t.Fatal("README.md has no table of settings")
	}
	want := before + head + strings.Join(SettingsTable(), "\n") + "\n\n" + after
	switch {
	case string(readme) == want:
	case *update:
		if err := os.WriteFile("README.md", []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	default:
		t.Error("the table of settings in README.md differs from the code: run go test ./adapters/function -run README -update")
	}
}
