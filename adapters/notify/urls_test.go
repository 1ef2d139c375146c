package notify

import (
	"bytes"
	"encoding/json"
	"fmt"
	"log/slog"
	"net/url"
	"strings"
	"testing"
)

const (
	slackURL    = "slack://hooks.slack.com/services/T0000SECRET/B0000SECRET/XXXXSECRETXXXX"
	dingtalkURL = "dingtalk://oapi.dingtalk.com/robot/send?access_token=0123456789SECRETabcdef&secret=SECRETthis-is"
	feishuURL   = "feishu://open.feishu.cn/open-apis/bot/v2/hook/SECRET01-2345-6789?secret=SECRETfeishu"
	wecomURL    = "wecom://qyapi.weixin.qq.com/cgi-bin/webhook/send?key=SECRET73-febd-cb1b"
	webhookURL  = "webhook://hooks.example.com:8443/SECRETpath/tair?team=SECRETteam&secret=whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
	teamsURL    = "teams://prod-27.westeurope.logic.azure.com:443/workflows/SECRETflow/triggers/manual/paths/invoke?api-version=2016-06-01&sig=SECRETsignature"
	matterURL   = "mattermost://chat.example.com/hooks/SECRETxyz"
	allURLs     = slackURL + ", " + dingtalkURL + "," + feishuURL + "," + wecomURL + "," + webhookURL + "," + teamsURL + "," + matterURL
)

func urlsOf(t testing.TB, setting string) (u URLs) {
	t.Helper()
	if err := u.UnmarshalText([]byte(setting)); err != nil {
		t.Fatal(err)
	}
	return u
}

func TestURLsGoOverHTTPSWithoutTheirSecret(t *testing.T) {
	for setting, want := range map[string]string{
		slackURL:    "https://hooks.slack.com/services/T0000SECRET/B0000SECRET/XXXXSECRETXXXX",
		dingtalkURL: "https://oapi.dingtalk.com/robot/send?access_token=0123456789SECRETabcdef",
		feishuURL:   "https://open.feishu.cn/open-apis/bot/v2/hook/SECRET01-2345-6789",
		wecomURL:    "https://qyapi.weixin.qq.com/cgi-bin/webhook/send?key=SECRET73-febd-cb1b",
		teamsURL:    "https://prod-27.westeurope.logic.azure.com:443/workflows/SECRETflow/triggers/manual/paths/invoke?api-version=2016-06-01&sig=SECRETsignature",
		matterURL:   "https://chat.example.com/hooks/SECRETxyz",
		webhookURL:  "https://hooks.example.com:8443/SECRETpath/tair?team=SECRETteam",
		"feishu://open.larksuite.com/open-apis/bot/v2/hook/a":                          "https://open.larksuite.com/open-apis/bot/v2/hook/a",
		"webhook://[::1]?secret=whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw":                "https://[::1]",
		"webhook://a.example/?secret=whsec_++//9r8GKYqrTwjUPD8ILPZIo2LaLaSw":           "https://a.example/",
		" dingtalk://oapi.dingtalk.com/robot/send?access_token=without-a-signature , ": "https://oapi.dingtalk.com/robot/send?access_token=without-a-signature",
	} {
		u := urlsOf(t, setting)
		if len(u) != 1 || u[0].url.String() != want {
			t.Errorf("%s is taken for %d URLs, the first %s", setting, len(u), &u[0].url)
		}
	}
	if u := urlsOf(t, allURLs); len(u) != len(vendors) {
		t.Errorf("of %d vendors only %d are tested", len(vendors), len(u))
	}
	if u := urlsOf(t, " , "); len(u) != 0 {
		t.Errorf("an empty list gives %v", u)
	}
}

func TestEveryFaultOfTheURLsIsNamedWithoutSecrets(t *testing.T) {
	for setting, faults := range map[string][]string{
		"https://hooks.slack.com/services/SECRET": {"entry 1", "slack://"},
		"SECRET":                                                                 {"must begin with one of dingtalk, feishu, mattermost, slack, teams, webhook, wecom"},
		"discord://SECRET":                                                       {"must begin with one of"},
		"teams://evil.example/SECRET":                                            {"its host must be *.logic.azure.com"},
		"teams://.logic.azure.com/SECRET":                                        {"its host must be"},
		"mattermost://chat.example.com/SECRET":                                   {"its path must be /hooks/…"},
		slackURL + " region":                                                     {"must be region=… or tag:KEY=…"},
		slackURL + " tag:=x":                                                     {"must be region=… or tag:KEY=…"},
		slackURL + " region=[":                                                   {"not a glob"},
		"slack://hooks.slack.com/services/%SECRET":                               {"not a URL"},
		"slack://hooks.slack.com/services/":                                      {"its path must be /services/…"},
		"slack://hooks.slack.com.SECRET.com/services/a":                          {"its host must be hooks.slack.com"},
		"slack://hooks.slack.com:8443/services/SECRET":                           {"its host must be"},
		"slack://hooks.slack.com/services/SECRET?secret=SECRET":                  {"the only parameters that it may have: none"},
		"slack://user:SECRET@hooks.slack.com/services/a":                         {"a user or a password"},
		"slack://hooks.slack.com/services/a#SECRET":                              {"a #"},
		"dingtalk://oapi.dingtalk.com/robot/send/SECRET":                         {"its path must be /robot/send", "access_token"},
		"dingtalk://oapi.dingtalk.com/robot/send?access_token=SECRET&SECRET":     {"the only parameters that it may have: access_token and secret"},
		"dingtalk://oapi.dingtalk.com/robot/send?access_token=&access_token=":    {"needs the parameter access_token", "access_token is in it twice"},
		"dingtalk://SECRET/x?%SECRET":                                            {"its host must be", "its path must be", "cannot be read", "needs the parameter access_token"},
		"feishu://open.feishu.cn/open-apis/bot/v2/hook/a?secret=SECRET&secret=b": {"secret is in it twice"},
		"wecom://qyapi.weixin.qq.com/cgi-bin/webhook/send?token=SECRET":          {"needs the parameter key", "the only parameters that it may have: key"},
		"webhook://example.com/SECRET":                                           {"needs the parameter secret"},
		"webhook:///SECRET?secret=SECRET":                                        {"has no host", "whsec_"},
		"webhook://example.com/?secret=whsec_SECRET":                             {"secret must be whsec_ and 24 to 64 bytes in base64"},
		"webhook://example.com/?secret=MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw":         {"secret must be whsec_"},
		slackURL + ",x://SECRET," + slackURL:                                     {"entry 2 (unknown)", "entry 3 (slack): the same URL is in the list twice"},
	} {
		var u URLs
		err := u.UnmarshalText([]byte(setting))
		if err == nil {
			t.Errorf("%s is taken", setting)
			continue
		}
		for _, fault := range faults {
			if !strings.Contains(err.Error(), fault) {
				t.Errorf("the error for %s does not say %q, but\n%v", setting, fault, err)
			}
		}
		if strings.Contains(err.Error(), "SECRET") || strings.Contains(err.Error(), "MfKQ") {
			t.Errorf("the error shows a secret: %v", err)
		}
	}
}

func TestURLsArePrintedByVendorOnly(t *testing.T) {
	settings := struct{ NotifyURLs URLs }{urlsOf(t, allURLs)}
	var log bytes.Buffer
	slog.New(slog.NewJSONHandler(&log, nil)).Info("x", "urls", settings.NotifyURLs, "settings", settings, "one", settings.NotifyURLs[0])
	asJSON, _ := json.Marshal(settings)
	for _, printed := range []string{
		fmt.Sprintf("%v %+v %#v %s", settings, settings, settings, settings), fmt.Sprintf("%v %+v %#v", settings.NotifyURLs, settings.NotifyURLs, settings.NotifyURLs),
		fmt.Sprintf("%v %+v %#v", settings.NotifyURLs[0], settings.NotifyURLs[1], settings.NotifyURLs[2]), log.String(), string(asJSON),
	} {
		if strings.Contains(printed, "SECRET") || strings.Contains(printed, "MfKQ") {
			t.Errorf("the printed text is\n%s", printed)
		}
	}
	if got := settings.NotifyURLs.String(); got != "[slack dingtalk feishu wecom webhook teams mattermost]" {
		t.Errorf("the URLs are printed as %s", got)
	}
}

func FuzzURLs(f *testing.F) {
	for _, setting := range strings.Split(allURLs, ",") {
		f.Add(setting)
	}
	f.Add("slack://hooks.slack.com@evil.example/services/x")
	f.Fuzz(func(t *testing.T, setting string) {
		var u URLs
		if u.UnmarshalText([]byte(setting)) != nil {
			return
		}
		for _, target := range u {
			sent, err := url.Parse(target.url.String())
			if err != nil || sent.Scheme != "https" || sent.Host == "" || sent.User != nil || target.hosts != nil && !target.at(sent.Host) {
				t.Errorf("%q goes to %s, %v", setting, &target.url, err)
			}
			if sent.Query().Has("secret") {
				t.Errorf("%q sends its secret", setting)
			}
		}
	})
}
