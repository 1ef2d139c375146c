package chatops_test

import (
	"encoding/json"
	"fmt"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"

	"tairssl/adapters/chatops"
	"tairssl/handler"
)

// An approval takes two steps, like every other change, and sets the tag. With --now it is
// an update.
func TestAnApprovalTakesTwoSteps(t *testing.T) {
	for text, want := range map[string]struct{ plan, end, confirm string }{
		"approve " + id:    {"The renewal of its certificate is approved. The renewal happens later", "Approved.", "confirm "},
		"批准 " + id:         {"更新稍后在维护窗口内进行", "已批准。", "确认 "},
		"请批准" + id + "的证书": {"更新稍后在维护窗口内进行", "已批准。", "确认 "},
	} {
		c := newCloud(id)
		answer, code := say(c.bot("slack:T1/U1 approve r-bp1*"), anna, text)
		if !strings.Contains(answer, want.plan) || code == "" || len(c.tags[id]) != 0 {
			t.Errorf("%q is answered %q, the tags are %v", text, answer, c.tags[id])
			continue
		}
		answer, _ = say(c.bot("slack:T1/U1 approve r-bp1*"), anna, want.confirm+code) // in a process that never saw the plan
		if a, ok := handler.ParseApproval(c.tags[id][handler.ApprovalTag]); !strings.Contains(answer, want.end) || !ok || a.Who != "slack:U1" || a.Expires.String() != "2026-12-06T12:00:00Z" || c.restarts != 0 {
			t.Errorf("the confirmation of %q is answered %q, the tags are %v after %d restarts", text, answer, c.tags[id], c.restarts)
		}
	}
	c := newCloud(id)
	b := c.bot("slack:T1/U1 approve,update *")
	for _, text := range []string{"approve " + id + " --now", "approve " + id + " —now", "批准 " + id + " －－ｎｏｗ"} {
		answer, code := say(b, anna, text)
		if !strings.HasPrefix(answer, "update "+id) && !strings.HasPrefix(answer, "更新 "+id) || code == "" {
			t.Errorf("%q is answered %q", text, answer)
		}
	}
	answer, code := say(b, anna, "approve "+id+" --now")
	if say(b, anna, "confirm "+code); c.restarts != 1 || len(c.tags[id][handler.ApprovalTag]) != 0 {
		t.Errorf("%q restarted the instance %d times, the tags are %v", answer, c.restarts, c.tags[id])
	}
}

// The right to update does not include the right to approve, and the right to approve does
// not include the right to update.
func TestTheRightToApprove(t *testing.T) {
	c := newCloud(id)
	for rules, want := range map[string][2]bool{ // to approve, to approve now
		"slack:T1/U1 update *":         {false, true},
		"slack:T1/U1 approve *":        {true, false},
		"slack:T1/U1 * *":              {true, true},
		"slack:T1/U1 approve r-other*": {false, false},
		"slack:T1/U1 status *":         {false, false},
	} {
		for i, text := range []string{"approve " + id, "approve " + id + " --now"} {
			if answer, code := say(c.bot(rules), anna, text); code != "" != want[i] {
				t.Errorf("with %q %q is answered %q", rules, text, answer)
			}
		}
	}
	answer, _ := say(c.bot(""), anna, "approve "+id)
	if !strings.Contains(answer, "slack:T1/U1 approve "+id) {
		t.Errorf("the answer without a rule is %q", answer)
	}
	if help, _ := say(c.bot("slack:T1/U1 approve *"), anna, "help"); !strings.Contains(help, "approve INSTANCE") {
		t.Errorf("help shows %q", help)
	}
}

// A person who sees a message of a weak platform can forge another one. So a weak platform
// approves nothing, not even with a confirmation.
func TestWeakPlatformsDoNotApprove(t *testing.T) {
	c := newCloud(id)
	weak := chatops.Message{Platform: "teams", Tenant: "T1", User: "U1", Channel: "C1"}
	b := c.bot("teams:T1/U1 * *; slack:T1/U1 * *")
	answer, code := say(b, weak, "approve "+id)
	if code != "" || !strings.Contains(answer, "Use Slack, Feishu or WeCom, or the command line") {
		t.Errorf("the answer is %q", answer)
	}
	if help, _ := say(b, weak, "help"); strings.Contains(help, "approve") {
		t.Errorf("help shows %q", help)
	}
	for _, platform := range []string{"dingtalk", "teams", "mattermost"} {
		chat := newChat()
		if w := chat.send(said(platform, "approve "+id)); codeIn.MatchString(w.Body.String()) || !strings.Contains(w.Body.String(), "or the command line") || len(chat.tags) != 0 {
			t.Errorf("%s: the answer is %s, the tags are %v", platform, w.Body, chat.tags)
		}
	}
}

// If a second person has to confirm, the tag names the second person.
func TestASecondPersonConfirmsAnApproval(t *testing.T) {
	second := func(o *chatops.Options) { o.Second = true }
	const rules = "slack:T1/U1,U2 approve *; slack:T1/U3 update *"
	c := newCloud(id)
	_, code := say(c.bot(rules, second), anna, "approve "+id)
	bob, carl := anna, anna
	bob.User, carl.User = "U2", "U3"
	for name, who := range map[string]chatops.Message{"the person who asked": anna, "a person with the right to update only": carl} {
		if answer, _ := say(c.bot(rules, second), who, code); len(c.tags[id]) != 0 {
			t.Errorf("%s is answered %q, the tags are %v", name, answer, c.tags[id])
		}
	}
	answer, _ := say(c.bot(rules, second), bob, code)
	if a, _ := handler.ParseApproval(c.tags[id][handler.ApprovalTag]); a.Who != "slack:U2" {
		t.Errorf("the answer to the second person is %q, the tags are %v", answer, c.tags[id])
	}
}

// waiting is the result of a renewal that waits for an approval.
func waiting(c *chat) handler.Result {
	return handler.Result{
		InstanceID: id, RegionID: handler.DefaultRegion, SSLEnabled: handler.Update, Outcome: handler.Deferred, Rule: handler.RuleApproval,
		Before: &handler.State{SSLEnabled: "Enable", SSLExpiredTime: handler.At(c.ssl.Expires)},
	}
}

// pressNotice presses the button of a notice in Slack.
func (c *chat) pressNotice(user, value string) *httptest.ResponseRecorder {
	quoted, _ := json.Marshal(value)
	payload := fmt.Sprintf(`{"type":"block_actions","user":{"id":%q},"team":{"id":"T1"},"channel":{"id":"C9"},"response_url":"https://hooks.slack.com/actions/T1/secret","actions":[{"action_id":"approve","value":%s}]}`, user, quoted)
	body := url.Values{"payload": {payload}}.Encode()
	return c.send(knock{path: "/slack", body: body, header: chatops.SignSlack("slack-secret", now, []byte(body))})
}

// The button of a notice approves the renewal in the notice. Every person with the right
// may press it, in any channel. The notice stays.
func TestTheButtonOfANoticeApproves(t *testing.T) {
	c := newChat()
	button, ok := c.Invitations(waiting(c))["slack"]
	if !ok || button.Action != "approve" || len(button.Value) > 500 || strings.Contains(button.Value, id) {
		t.Fatalf("the button is %+v", button)
	}
	if w := c.pressNotice("U2", button.Value); !strings.Contains(w.Body.String(), "may not approve") || len(c.handed) != 0 {
		t.Errorf("a press without the right is answered %s", w.Body)
	}
	w := c.pressNotice("U1", button.Value)
	if !strings.Contains(w.Body.String(), "Started: approve "+id) || !strings.Contains(w.Body.String(), `"replace_original":false`) {
		t.Errorf("the press is answered %s", w.Body)
	}
	told := c.work(t, 60e9)
	if a, ok := handler.ParseApproval(c.tags[handler.ApprovalTag]); !ok || a.Who != "slack:U1" || c.restarts != 0 || !strings.Contains(told, "Approved.") {
		t.Errorf("the tags are %v after %d restarts, and the answer is %s", c.tags, c.restarts, told)
	}
	if w := c.pressNotice("U1", button.Value); !strings.Contains(w.Body.String(), "used already") || len(c.handed) != 0 {
		t.Errorf("the answer to the second press is %s", w.Body)
	}
	if !strings.Contains(c.log.String(), `"verb":"confirm approve"`) {
		t.Errorf("the log has no line about the answer: %s", c.log)
	}
}

// After the certificate has changed, the button of an old notice approves nothing.
func TestTheButtonOfAnOldNoticeApprovesNothing(t *testing.T) {
	c := newChat()
	button := c.Invitations(waiting(c))["slack"]
	c.ssl.Expires = c.ssl.Expires.AddDate(3, 0, 0)
	c.pressNotice("U1", button.Value)
	if told := c.work(t, 60e9); len(c.tags) != 0 || !strings.Contains(told, "has changed") {
		t.Errorf("the tags are %v, and the answer is %s", c.tags, told)
	}
}

// If a second person has to confirm, the press shows a plan with a code.
func TestAPressDoesNotReplaceTheSecondPerson(t *testing.T) {
	c := newChat(func(_ *chatops.ChatOptions, o *chatops.Options) { o.Second = true })
	w := c.pressNotice("U1", c.Invitations(waiting(c))["slack"].Value)
	if !codeIn.MatchString(w.Body.String()) || !strings.Contains(w.Body.String(), "Another person") || len(c.tags) != 0 || len(c.handed) != 0 {
		t.Errorf("the press is answered %s, the tags are %v", w.Body, c.tags)
	}
}

// Nobody else can make the value that a button sends, and the value is not accepted for
// anything else.
func TestNobodyElseCanMakeAButton(t *testing.T) {
	c := newChat()
	good := c.Invitations(waiting(c))["slack"].Value
	altered := "A"
	if good[0] == 'A' {
		altered = "B"
	}
	other := newChat(func(_ *chatops.ChatOptions, o *chatops.Options) { o.Key = []byte("another key of codes") })
	handed := []byte(nil)
	bot := newDesk(newCloud(id))
	code := bot.plan(t)
	if bot.say(t.Context(), annaInSlack, "confirm "+code); len(bot.handed) == 1 {
		handed = bot.handed[0]
	}
	for name, value := range map[string]string{
		"nothing": "", "a word": "approve", "another key": other.Invitations(waiting(c))["slack"].Value, "another platform": c.Invitations(waiting(c))["feishu"].Value,
		"cut": good[:len(good)-1], "longer": good + "A", "altered": altered + good[1:], "handed work": string(handed), "huge": strings.Repeat("A", 60000), "a code": code,
	} {
		if w := c.pressNotice("U1", value); w.Code != 200 || len(c.handed) != 0 || len(c.tags) != 0 {
			t.Errorf("%s is answered %d %s", name, w.Code, w.Body)
		}
	}
	for name, change := range map[string]func(*handler.Result){
		"another rule": func(r *handler.Result) { r.Rule = handler.RuleFreeze },
		"unread":       func(r *handler.Result) { r.Before = nil },
	} {
		r := waiting(c)
		if change(&r); c.Invitations(r) != nil {
			t.Errorf("%s: there is a button", name)
		}
	}
	for name, change := range map[string]func(*chatops.ChatOptions, *chatops.Options){
		"no key":  func(_ *chatops.ChatOptions, o *chatops.Options) { o.Key = nil },
		"no hand": func(_ *chatops.ChatOptions, o *chatops.Options) { o.Hand = nil },
		"closed":  func(o *chatops.ChatOptions, _ *chatops.Options) { o.Settings.SlackSigningSecrets = nil },
	} {
		if _, ok := newChat(change).Invitations(waiting(c))["slack"]; ok {
			t.Errorf("%s: there is a button", name)
		}
	}
}

// pressCard presses the button of a notice in Feishu.
func (c *chat) pressCard(user, code string) *httptest.ResponseRecorder {
	quoted, _ := json.Marshal(code)
	body := sealed(fmt.Sprintf(`{"schema":"2.0","header":{"event_id":"%d","event_type":"card.action.trigger","token":"feishu-token","tenant_key":"T1"},"event":{"operator":{"tenant_key":"T1","open_id":%q},"action":{"value":{"action":"approve","code":%s},"tag":"button"},"context":{"open_message_id":"om_9","open_chat_id":"C9"}}}`, events.Add(1), user, quoted))
	return c.send(knock{path: "/feishu", body: body, header: chatops.SignFeishu("test key", "abc", now, []byte(body))})
}

// In Feishu, the answer to the press is a note, and the card stays.
func TestTheButtonOfACardApproves(t *testing.T) {
	c := newChat()
	button := c.Invitations(waiting(c))["feishu"]
	w := c.pressCard("U1", button.Value)
	if !strings.Contains(w.Body.String(), `"toast"`) || !strings.Contains(w.Body.String(), "Started: approve "+id) || strings.Contains(w.Body.String(), `"card"`) {
		t.Errorf("the press is answered %s", w.Body)
	}
	told := c.work(t, 60e9)
	if a, ok := handler.ParseApproval(c.tags[handler.ApprovalTag]); !ok || a.Who != "feishu:U1" || !strings.Contains(told, "Approved.") {
		t.Errorf("the tags are %v, and the answer is %s", c.tags, told)
	}
	if w := c.pressCard("U2", button.Value); !strings.Contains(w.Body.String(), "may not approve") || len(c.handed) != 0 {
		t.Errorf("a press without the right is answered %s", w.Body)
	}
	second := newChat(func(_ *chatops.ChatOptions, o *chatops.Options) { o.Second = true })
	before := len(second.vendor.got)
	second.pressCard("U1", second.Invitations(waiting(second))["feishu"].Value)
	if posted := strings.Join(second.vendor.got[before:], "\n"); !codeIn.MatchString(posted) || !strings.Contains(posted, `\"tag\":\"button\"`) || len(second.tags) != 0 {
		t.Errorf("with a second person, the answer to the press is %s", posted)
	}
}

// The app's secret is only sent to the app's own open platform.
func TestOnlyTheAppsOwnPlatformGetsItsSecret(t *testing.T) {
	for name, test := range map[string]struct {
		host  string
		hosts []string
		app   string
		says  string
	}{
		"the app's own platform":    {"open.feishu.cn", nil, "app", ""},
		"Lark":                      {"open.larksuite.com", []string{"open.larksuite.com"}, "app", ""},
		"Lark, without the setting": {"open.larksuite.com", nil, "app", "TAIRSSL_CHAT_REPLY_HOSTS"},
		"a strange host":            {"evil.example", []string{"evil.example"}, "app", "belongs to open.feishu.cn"},
		"no app":                    {"open.feishu.cn", nil, "", "TAIRSSL_FEISHU_APP_ID"},
	} {
		c := newChat(func(o *chatops.ChatOptions, _ *chatops.Options) {
			o.ReplyHosts, o.Settings.FeishuAppID = test.hosts, test.app
		})
		token, err := c.FeishuToken(t.Context(), test.host, false)
		if test.says == "" && (err != nil || token == "" || len(c.vendor.got) != 1) || test.says != "" && (err == nil || !strings.Contains(err.Error(), test.says) || len(c.vendor.got) != 0) {
			t.Errorf("%s: %q, %v, after %q", name, token, err, c.vendor.got)
		}
		if err != nil && strings.Contains(err.Error(), "app-secret") {
			t.Errorf("%s: the fault shows the secret: %v", name, err)
		}
	}
}
