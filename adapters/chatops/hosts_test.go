package chatops_test

import (
	"context"
	"fmt"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"tairssl/adapters/chatops"
)

// posted records the requests that send answers.
type posted struct{ urls []string }

func (p *posted) RoundTrip(r *http.Request) (*http.Response, error) {
	p.urls = append(p.urls, r.URL.String())
	return &http.Response{StatusCode: 200, Body: io.NopCloser(strings.NewReader(`{"code":0,"tenant_access_token":"t-1","expire":7200}`)), Header: http.Header{}}, nil
}

// pressTo is the press of a button in Slack. The answer has to go to the given URL.
func pressTo(to string) knock {
	payload := fmt.Sprintf(`{"type":"block_actions","user":{"id":"U1"},"team":{"id":"T1"},"channel":{"id":"C1"},"response_url":%q,"actions":[{"action_id":"confirm","value":"x"}]}`, to)
	body := url.Values{"payload": {payload}}.Encode()
	return knock{path: "/slack", body: body, header: chatops.SignSlack("slack-secret", now, []byte(body))}
}

// sessionTo is a message in DingTalk. The answer has to go to the given URL.
func sessionTo(to string) knock {
	body := fmt.Sprintf(`{"msgtype":"text","text":{"content":"help"},"senderStaffId":"U1","senderCorpId":"T1","sessionWebhook":%q}`, to)
	return knock{path: "/dingtalk", body: body, header: chatops.SignDingTalk("ding-secret", now)}
}

// A platform's answers go to the platform's own hosts, and to hosts that the operator adds.
// They never go to a host of another vendor.
func TestAnswersAreSentToTheRightHostsOnly(t *testing.T) {
	const relay, everyone = "relay.example.com:8443", "relay.example.com:8443,hooks.slack.com,oapi.dingtalk.com,open.feishu.cn,oapi.dingtalk.com:443"
	for _, test := range []struct {
		knock
		hosts string
		want  string // the host of the last request
	}{
		{pressTo("https://hooks.slack.com/x"), "", "hooks.slack.com"},
		{pressTo("https://hooks.slack-gov.com/x"), "", "hooks.slack-gov.com"},
		{pressTo("http://hooks.slack.com/x"), "", ""},
		{pressTo("https://user@hooks.slack.com/x"), "", ""},
		{pressTo("https://hooks.slack.com.evil.example/x"), "", ""},
		{pressTo("https://hooks.slack.com:8443/x"), "", ""},
		{pressTo("https://relay.example.com:8443/x"), "", ""},
		{pressTo("https://relay.example.com:8443/x"), relay, relay},
		{pressTo("https://relay.example.com/x"), relay, ""},
		{pressTo("https://oapi.dingtalk.com/x"), everyone, ""},
		{pressTo("https://oapi.dingtalk.com:443/x"), everyone, ""},
		{pressTo("https://open.feishu.cn/x"), everyone, ""},
		{sessionTo("https://oapi.dingtalk.com/x"), "", "oapi.dingtalk.com"},
		{sessionTo("https://api.dingtalk.com/x"), "", "api.dingtalk.com"},
		{sessionTo("https://hooks.slack.com/x"), everyone, ""},
		{sessionTo("https://evil.example/x"), "", ""},
		{said("feishu", "help"), "", "open.feishu.cn"},
		{said("feishu", "help"), "open.larksuite.com", "open.larksuite.com"},
	} {
		p := &posted{}
		c := newChat(func(o *chatops.ChatOptions, _ *chatops.Options) {
			o.Transport, o.ReplyHosts = p, nil
			if test.hosts != "" {
				o.ReplyHosts = strings.Split(test.hosts, ",")
			}
		})
		c.send(test.knock)
		got := ""
		for _, to := range p.urls {
			u, _ := url.Parse(to)
			got = u.Host
		}
		if got != test.want {
			t.Errorf("%s %s with the hosts %q: the answer went to %v, want %q", test.path, test.body, test.hosts, p.urls, test.want)
		}
		if test.want == "" && !strings.Contains(c.log.String(), "TAIRSSL_CHAT_REPLY_HOSTS") {
			t.Errorf("the log does not say that an answer was not sent: %s", c.log)
		}
		for _, secret := range []string{"app-secret", "t-1", "session=secret", "slack-secret", "/x"} {
			if strings.Contains(c.log.String(), secret+`"`) {
				t.Errorf("the log shows %q:\n%s", secret, c.log)
			}
		}
	}
}

func TestAnAnswerIsNotPostedAfterTheInvocation(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		v := &vendor{takes: time.Hour}
		c := newChat(func(o *chatops.ChatOptions, _ *chatops.Options) {
			o.Transport = v
		})
		ctx, cancel := context.WithTimeout(context.Background(), 500*time.Millisecond)
		defer cancel()
		k := said("dingtalk", "help")
		r := httptest.NewRequestWithContext(ctx, http.MethodPost, k.path, strings.NewReader(k.body))
		maps.Copy(r.Header, k.header)
		began := time.Now()
		c.web.ServeHTTP(httptest.NewRecorder(), r)
		if took := time.Since(began); took > 500*time.Millisecond || len(v.got) > 0 {
			t.Errorf("an invocation of 500ms took %s", took)
		}
	})
}

func TestChatsWithoutVisibleAnswersAreNamed(t *testing.T) {
	for hosts, want := range map[string]string{"": "Mattermost", "hooks.slack.com,oapi.dingtalk.com": "Mattermost", "chat.example.com": ""} {
		c := newChat(func(o *chatops.ChatOptions, _ *chatops.Options) {
			o.ReplyHosts = strings.FieldsFunc(hosts, func(r rune) bool { return r == ',' })
		})
		got := strings.Join(c.Unseen(), "; ")
		for _, platform := range []string{"Feishu", "Slack", "DingTalk", "Mattermost"} {
			if strings.Contains(got, platform) != (platform == want) {
				t.Errorf("with the hosts %q, the named chats are %q", hosts, got)
			}
		}
	}
	c := newChat(func(o *chatops.ChatOptions, _ *chatops.Options) { o.Settings.FeishuAppSecret = "" })
	if got := c.Unseen(); len(got) != 1 || !strings.Contains(got[0], "TAIRSSL_FEISHU_APP_SECRET") {
		t.Errorf("without the app's secret, the named chats are %q", got)
	}
}
