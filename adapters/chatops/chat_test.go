package chatops_test

import (
	"maps"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"tairssl/adapters/chatops"
	"tairssl/adapters/webhook"
)

func TestAChangeTakesTwoStepsOnEveryPlatform(t *testing.T) {
	for _, platform := range platforms {
		c := newChat()
		w := c.send(said(platform, "update "+id))
		found := codeIn.FindStringSubmatch(w.Body.String())
		if w.Code != 200 || found == nil || len(found[1]) > 300 || c.restarts != 0 {
			t.Fatalf("%s: update is answered %d %s after %d restarts", platform, w.Code, w.Body, c.restarts)
		}
		for _, want := range []string{id, "restart", "2026-12-06", "connections drop"} {
			if !strings.Contains(w.Body.String(), want) {
				t.Errorf("%s: the plan does not say %q: %s", platform, want, w.Body)
			}
		}
		later := "I will report the result here"
		if platform == "teams" {
			later = "Send status " + id + " in a few minutes"
		}
		if w := c.send(said(platform, "confirm "+found[1])); w.Code != 200 || !strings.Contains(w.Body.String(), "Started: update "+id) || !strings.Contains(w.Body.String(), later) || c.restarts != 0 {
			t.Errorf("%s: confirm is answered %d %s after %d restarts", platform, w.Code, w.Body, c.restarts)
		}
		if told := c.work(t, time.Minute); c.restarts != 1 || strings.Contains(told, "Done: the certificate is renewed. The new certificate is valid until 2029-11-24 (in 1096d). I first saw it at 12:00 UTC.") == (platform == "teams") {
			t.Errorf("%s: the result is reported as %s after %d restarts", platform, told, c.restarts)
		}
		if w := c.send(said(platform, "confirm "+found[1])); w.Code != 200 || len(c.handed) != 0 || c.restarts != 1 {
			t.Errorf("%s: the answer to the second confirmation is %d %s after %d restarts", platform, w.Code, w.Body, c.restarts)
		}
		if n := strings.Count(c.log.String(), `"msg":"audit"`); n != 4 {
			t.Errorf("%s: three decisions and the work leave %d audit lines", platform, n)
		}
	}
}

// A confirmation is answered at once, even if the change takes an hour. If the result is
// unknown, the later answer says so.
func TestAConfirmationIsAnsweredAtOnceAndItsResultLater(t *testing.T) {
	for _, platform := range []string{"slack", "feishu", "dingtalk", "mattermost"} {
		synctest.Test(t, func(t *testing.T) {
			c := newChat()
			c.vendor.takes = 200 * time.Millisecond
			code := codeIn.FindStringSubmatch(c.send(said(platform, "update "+id)).Body.String())[1]
			c.slow = time.Hour
			began := time.Now()
			if w := c.send(said(platform, "confirm "+code)); !strings.Contains(w.Body.String(), "Started") || time.Since(began) > 2500*time.Millisecond {
				t.Errorf("%s: the answer after %s is %s", platform, time.Since(began), w.Body)
			}
			began = time.Now()
			if told := c.work(t, time.Minute); !strings.Contains(strings.ToLower(told), "unknown") || time.Since(began) > time.Minute {
				t.Errorf("%s: the later answer after %s is %s", platform, time.Since(began), told)
			}
		})
	}
}

func TestWeakPlatformsOnlyUpdate(t *testing.T) {
	for _, platform := range platforms {
		c := newChat()
		w := c.send(said(platform, "disable "+id))
		weak := platform == "dingtalk" || platform == "teams" || platform == "mattermost"
		if got := codeIn.MatchString(w.Body.String()); w.Code != 200 || got == weak {
			t.Errorf("%s: disable is answered %d %s", platform, w.Code, w.Body)
		}
	}
}

func TestChatForgeriesAllGetTheSame401(t *testing.T) {
	n := 0
	body := ""
	for _, platform := range platforms {
		k := said(platform, "status "+id)
		forged := forgeries(k)
		if platform == "dingtalk" || platform == "mattermost" { // cover no body: their own weakness, met by being weak
			maps.DeleteFunc(forged, func(name string, _ knock) bool { return strings.Contains(name, "body") || name == "a byte more" })
		}
		delete(forged, "both schemes at once") // but one scheme counts here
		if platform == "teams" {
			c := k
			c.body += " "
			forged["a byte more"] = c
		}
		for at, name := range map[time.Duration]string{-webhook.Window - time.Second: "stale", webhook.Window + time.Second: "future"} {
			when := now.Add(at)
			switch c := k; platform {
			case "slack":
				c.header = chatops.SignSlack("slack-secret", when, []byte(k.body))
				forged[name] = c
			case "dingtalk":
				c.header = chatops.SignDingTalk("ding-secret", when)
				forged[name] = c
			case "feishu":
				c.header = chatops.SignFeishu("test key", "abc", when, []byte(k.body))
				forged[name] = c
			}
		}
		for name, f := range forged {
			n++
			c := newChat()
			w := c.send(f)
			if w.Code != http.StatusUnauthorized {
				t.Errorf("%s: %s is answered %d %s", platform, name, w.Code, w.Body)
			}
			if body == "" {
				body = w.Body.String()
			}
			if w.Body.String() != body {
				t.Errorf("%s: %s has another body than the other forgeries: %s", platform, name, w.Body)
			}
		}
	}
	if n < 60 {
		t.Fatalf("only %d forgeries were tried", n)
	}
}

// An answer may quote a text that another person wrote, such as the name in a certificate.
// The quoted text must not become a link, a mention or a tag.
func TestTextsOfOthersAreNeverFormatting(t *testing.T) {
	formatting := regexp.MustCompile(`<!channel>|\[click\]\(`)
	for _, platform := range platforms {
		c := newChat()
		c.ssl.CommonName = "<!channel>[click](evil.example)"
		body := c.send(said(platform, "update "+id)).Body.String()
		if !strings.Contains(body, "click") {
			t.Fatalf("%s: the name is not quoted: %s", platform, body)
		}
		if platform == "slack" || platform == "feishu" { // in these texts brackets make no link
			body = strings.ReplaceAll(body, "[click](", "")
		}
		if platform == "feishu" { // a plain_text has no mentions
			body = strings.ReplaceAll(body, "<!channel>", "")
		}
		if found := formatting.FindString(body); found != "" {
			t.Errorf("%s: the answer holds %q: %s", platform, found, body)
		}
	}
}

func TestChatRoutesWithoutSecretsAreClosed(t *testing.T) {
	c := newChat(func(o *chatops.ChatOptions, _ *chatops.Options) {
		o.Settings = chatops.Settings{}
	})
	for _, platform := range platforms {
		if w := c.send(said(platform, "help")); w.Code != 404 {
			t.Errorf("%s is answered %d", platform, w.Code)
		}
	}
}

func TestBadChatBodies(t *testing.T) {
	slack := func(body string) knock {
		return knock{path: "/slack", body: body, header: chatops.SignSlack("slack-secret", now, []byte(body))}
	}
	teams, _ := chatops.SignTeams(teamsToken, []byte("x"))
	feishu := func(body string) knock {
		return knock{path: "/feishu", body: body, header: chatops.SignFeishu("test key", "abc", now, []byte(body))}
	}
	bomb := strings.Repeat("a&", 30000)
	const says = "I cannot read this message"
	// Any other status than 200 makes the platform show an error or send the message again.
	for name, test := range map[string]struct {
		knock
		want string
	}{
		"a doubled field":        {slack(slackBody("help") + "&user_id=U2"), says},
		"a form bomb":            {slack(bomb), says},
		"not a form":             {slack("%zz"), says},
		"a strange button":       {slack("payload=" + url.QueryEscape(`{"type":"view_submission"}`)), ""},
		"no JSON":                {knock{path: "/dingtalk", body: "x", header: chatops.SignDingTalk("ding-secret", now)}, says},
		"no JSON for Teams":      {knock{path: "/teams", body: "x", header: teams}, says},
		"no form for Mattermost": {knock{path: "/mattermost", body: "%zz", header: http.Header{"Authorization": {"Token matter-token"}}}, says},
		"a strange card":         {feishu(`{"header":{"event_type":"card.action.trigger","token":"feishu-token"},"event":{"action":{"value":"x"}}}`), "{}"},
		"a message without JSON": {feishu(`{"header":{"event_type":"im.message.receive_v1","token":"feishu-token"},"event":{"message":{"message_type":"text","content":"x"}}}`), "{}"},
	} {
		c := newChat()
		w := c.send(test.knock)
		if w.Code != 200 || test.want == says && !strings.Contains(w.Body.String(), says) || test.want != says && w.Body.String() != test.want || c.restarts > 0 {
			t.Errorf("%s is answered %d %s", name, w.Code, w.Body)
		}
		if !strings.Contains(c.log.String(), `"unread":`) {
			t.Errorf("%s is not in the log: %s", name, c.log)
		}
	}
	large := strings.Repeat("x", 10<<20)
	if w := newChat().send(knock{path: "/slack", body: large, header: chatops.SignSlack("slack-secret", now, []byte(large))}); w.Code != 413 {
		t.Errorf("10 MB are answered %d", w.Code)
	}
}

// Every signed body is answered without a panic.
func FuzzChat(f *testing.F) {
	for _, platform := range platforms {
		f.Add(said(platform, "update "+id).body)
	}
	f.Add(`{"encrypt":"AAAA"}`)
	f.Fuzz(func(t *testing.T, body string) {
		c := newChat()
		teams, _ := chatops.SignTeams(teamsToken, []byte(body))
		for path, h := range map[string]http.Header{
			"/slack": chatops.SignSlack("slack-secret", now, []byte(body)), "/dingtalk": chatops.SignDingTalk("ding-secret", now),
			"/feishu": chatops.SignFeishu("test key", "n", now, []byte(body)), "/teams": teams, "/mattermost": {"Authorization": {"Token matter-token"}},
		} {
			if w := c.send(knock{path: path, body: body, header: h}); w.Code >= 500 || c.restarts > 0 {
				t.Fatalf("%s answers %d %s after %d restarts", path, w.Code, w.Body, c.restarts)
			}
		}
	})
}
