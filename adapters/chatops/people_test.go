package chatops_test

import (
	"encoding/json"
	"fmt"
	"net/url"
	"os"
	"strings"
	"testing"
	"time"

	"tairssl/adapters/chatops"
)

func seconds(n int) time.Duration { return time.Duration(n) * time.Second }

const endpoint = id + ".redis.rds.aliyuncs.com"

func TestTextAsClientsSendItIsUnderstood(t *testing.T) {
	for typed, want := range map[string]string{
		"status <http://" + endpoint + "|" + endpoint + ">":    "status http://" + endpoint,
		"status [" + endpoint + "](https://" + endpoint + "/)": "status https://" + endpoint + "/",
		"status " + endpoint + ":6379":                         "status " + endpoint + ":6379",
		"Status " + id + ", r-bp1zxszhcgatnx02.":               "status " + id + " r-bp1zxszhcgatnx02",
		"状态 " + id:                                             "status " + id,
		"查询" + id + "的状态，谢谢！":                                  "status " + id,
		"更新 " + id:                                             "update " + id,
		"请帮我更新一下 " + id + "。":                                  "update " + id,
		"续期 orders-cache":                                      "update orders-cache",
		"续期：订单缓存":                                              "update 订单缓存",
		"ｕｐｄａｔｅ　" + id:                                         "update " + id,
		"ｓｔａｔｕｓ　ｒ－ｂｐ１ｚｘｓｚｈｃｇａｔｎｘ０１，ｒ－ｂｐ２ａｂｃｄｅｆ．": "status " + id + " r-bp2abcdef",
		"please renew " + id:                         "update " + id,
		"Could you please renew " + id + "? Thanks!": "update " + id,
		"renew the certificate of " + id + " now":    "update " + id,
		"@_user_1 status " + id:                      "status " + id,
		"<@U1|bot> status, " + id + ";":              "status " + id,
		"<!here> status `" + id + "`":                "status " + id,
		"状态":                                         "status",
		"帮助":                                         "help",
		"关闭" + id:                                    "disable " + id,
		"开启 " + id + " region=cn-beijing":            "enable " + id + " @cn-beijing",
		"确认 k7q2-9m4x-tpdw-6hac":                     "confirm k7q29m4xtpdw6hac",
	} {
		c, err := chatops.Parse(typed)
		got := strings.TrimSpace(c.Verb + " " + strings.Join(c.Instances, " ") + c.Code)
		if c.Region != "" {
			got += " @" + c.Region
		}
		if err != nil || got != want {
			t.Errorf("%q is read as %q, %v; want %q", typed, got, err, want)
		}
	}
}

func TestAnswersComeInTheLanguageOfTheQuestion(t *testing.T) {
	c := newCloud(id)
	b := c.bot("slack:T1/U1 * *")
	for _, text := range []string{"帮助", "状态", "状态 " + id, "更新 " + id, "重启 " + id, "确认", "确认 K7Q2-9M4X-TPDW-6HAC", "查询 订单缓存"} {
		if answer, _ := say(b, anna, text); !strings.ContainsFunc(answer, func(r rune) bool { return r >= 0x4e00 && r <= 0x9fff }) || strings.Contains(answer, "?") {
			t.Errorf("%s is answered %q", text, answer)
		}
	}
	answer, code := say(b, anna, "更新 "+id)
	if !strings.Contains(answer, "确认 "+code) || !strings.Contains(answer, "5 分钟") {
		t.Errorf("the plan is %q", answer)
	}
	if answer, _ := say(b, anna, "确认 "+code); !strings.Contains(answer, "已受理") || c.restarts != 1 {
		t.Errorf("the result is reported as %q after %d restarts", answer, c.restarts)
	}
	if answer, _ := say(b, anna, "重启 "+id); !strings.Contains(answer, "“重启”") {
		t.Errorf("a word that is not known is echoed as %q", answer)
	}
}

// A person who may see one instance learns nothing about other instances, by any name.
func TestAllowedInstancesAreFoundByEveryName(t *testing.T) {
	c := newCloud(id, "r-secret12345")
	c.names = map[string]string{id: "orders-cache", "r-secret12345": "payments"}
	c.domains = map[string]string{id: endpoint, "r-secret12345": "r-secret12345.redis.rds.aliyuncs.com"}
	b := c.bot("slack:T1/U1 * r-bp1*")
	for _, name := range []string{id, endpoint, "https://" + endpoint + ":6379/x", "orders-cache", "Orders-Cache", strings.ToUpper(id)} {
		if answer, _ := say(b, anna, "status "+name); !strings.HasPrefix(answer, id+": valid until") {
			t.Errorf("%s is answered %q", name, answer)
		}
		if answer, code := say(b, anna, "update "+name); code == "" {
			t.Errorf("an update of %s is answered %q", name, answer)
		}
	}
	unlike := func(name string) string {
		answer, _ := say(b, anna, "status "+name)
		return strings.ReplaceAll(answer, name, "X")
	}
	if a, b := unlike("payments"), unlike("nothing-like-it"); a != b || !strings.Contains(a, "o instance") {
		t.Errorf("a forbidden instance is answered %q, and a missing instance %q", a, b)
	}
}

// People can copy the last line of a plan. So it begins with the name of the slash command,
// or in Teams with a mention. An odd name is left out.
func TestAPlanSaysHowToAddressTheBot(t *testing.T) {
	teams := func(html string) knock { return said("teams", html+" update "+id) }
	renamed := func(name string) knock {
		k := said("mattermost", "update "+id)
		k.body = strings.Replace(k.body, url.QueryEscape("/tair"), url.QueryEscape(name), 1)
		return k
	}
	for want, k := range map[string]knock{
		"/tair confirm CODE":        said("slack", "update "+id),
		"/tair-ops confirm CODE":    renamed("/tair-ops"),
		"@tair confirm CODE":        teams("<p><at>tair</at>&nbsp;"),
		"@my tair bot confirm CODE": teams(`<at id="0">my tair bot</at> <at>anna</at>`),
		"minutes: confirm CODE":     renamed("/[click](https://evil.example)"),
		"minutes:  confirm CODE":    teams("<at>[click](x)</at>"),
		"minutes:   confirm CODE":   said("dingtalk", "update "+id),
	} {
		c := newChat()
		body := c.send(k).Body.String()
		code := codeIn.FindStringSubmatch(body)
		if code == nil {
			t.Errorf("the answer is %s", body)
			continue
		}
		plain := strings.ReplaceAll(strings.ReplaceAll(body, `\n\n`, " "), `\n`, " ")
		if !strings.Contains(plain, strings.Join(strings.Fields(strings.Replace(want, "CODE", code[1], 1)), " ")) {
			t.Errorf("the plan does not say %q: %s", want, body)
		}
	}
	c := newCloud(id)
	_, code := say(c.bot("slack:T1/U1 * *"), anna, "update "+id)
	for _, copied := range []string{"/tair confirm " + code, "@my tair bot confirm " + code} {
		c.restarts, c.tags[id] = 0, map[string]string{}
		if answer, _ := say(c.bot("slack:T1/U1 * *"), anna, copied); c.restarts != 1 {
			t.Errorf("the answer to the copied text %q is %q", copied, answer)
		}
	}
}

func TestAWeakPlatformSaysWhatIsPossible(t *testing.T) {
	for _, platform := range []string{"dingtalk", "teams", "mattermost"} {
		c := newChat()
		for text, want := range map[string]string{"disable " + id: "only status and an update that is due are possible here", "关闭 " + id: "这里只能查询状态", "help": "status"} {
			w := c.send(said(platform, text))
			if body := w.Body.String(); !strings.Contains(body, want) || strings.Contains(body, "Standard Webhooks") || strings.Contains(body, "disable I") {
				t.Errorf("%s: %s is answered %s", platform, text, body)
			}
		}
		if !strings.Contains(c.log.String(), `"outcome":"refused"`) {
			t.Errorf("%s: the log has\n%s", platform, c.log)
		}
	}
}

// example is a message that a vendor's client sent.
func example(t *testing.T, name string) []byte {
	t.Helper()
	body, err := os.ReadFile("testdata/" + name)
	if err != nil {
		t.Fatal(err)
	}
	return body
}

func TestRichTextOfEveryClientIsAnsweredWithTheState(t *testing.T) {
	wrapped := func(inner string) string {
		content, _ := json.Marshal(inner)
		return fmt.Sprintf(`{"header":{"event_id":"%d","event_type":"im.message.receive_v1","token":"feishu-token","tenant_key":"T1"},"event":{"sender":{"sender_id":{"open_id":"U1"},"sender_type":"user"},"message":{"message_id":"om_1","chat_id":"C1","message_type":"post","content":%s,"mentions":[{"key":"@_user_1"}]}}}`, events.Add(1), content)
	}
	post := `{"title":"","content":[[{"tag":"at","user_id":"@_user_1"},{"tag":"text","text":" status "},{"tag":"a","href":"http://` + endpoint + `","text":"it"}]]}`
	feishu := func(body string) knock {
		return knock{path: "/feishu", body: body, header: chatops.SignFeishu("test key", "abc", now, []byte(body))}
	}
	ding := func(body string) knock {
		return knock{path: "/dingtalk", body: body, header: chatops.SignDingTalk("ding-secret", now)}
	}
	teams := func(text string) knock { return said("teams", text) }
	matter := said("mattermost", "status "+id)
	matter.body += "&user_mentions=anna&user_mentions=bot&user_mentions_ids=1&user_mentions_ids=2"
	for name, k := range map[string]knock{
		"a post of Feishu":               feishu(wrapped(post)),
		"a post in a language":           feishu(wrapped(`{"zh_cn":` + post + `}`)),
		"a post in a word and language":  feishu(wrapped(`{"post":{"en_us":` + post + `}}`)),
		"rich text of DingTalk":          ding(string(example(t, "dingtalk-rich-text.json"))),
		"a paragraph of Teams":           teams(`<p><at>tair</at>&nbsp;status <span class="x">` + id + `</span></p>`),
		"a link of Teams":                teams(`<div><at id="0">my tair bot</at> status <a href="http://` + endpoint + `/" title="x">` + endpoint + `</a></div>`),
		"code of Teams":                  teams(`<p>status&nbsp;<code>` + id + `</code>&#8203;</p><p></p>`),
		"doubled mentions of Mattermost": matter,
		"a link of Slack":                said("slack", "status <http://"+endpoint+"|"+endpoint+">"),
	} {
		c := newChat()
		if w := c.send(k); w.Code != 200 || !strings.Contains(w.Body.String(), id+": valid until 2026-12-06") {
			t.Errorf("%s is answered %d %s\n%s", name, w.Code, w.Body, c.log)
		}
	}
}

func TestMessagesOfBotsAreIgnored(t *testing.T) {
	event := func(extra string) knock {
		body := `{"type":"event_callback","team_id":"T1","event_id":"Ev1","authorizations":[{"user_id":"UBOT"}],"event":{"type":"app_mention","text":"<@UBOT> status","channel":"C1","ts":"1.2",` + extra + `}}`
		return knock{path: "/slack", body: body, header: with(chatops.SignSlack("slack-secret", now, []byte(body)), "Content-Type", "application/json")}
	}
	ding := `{"msgtype":"text","text":{"content":"status"},"senderId":"bot","chatbotUserId":"bot","senderStaffId":"U1","senderCorpId":"T1","sessionWebhook":"https://oapi.dingtalk.com/robot/sendBySession?session=secret"}`
	app := `{"header":{"event_id":"x","event_type":"im.message.receive_v1","token":"feishu-token","tenant_key":"T1"},"event":{"sender":{"sender_id":{"open_id":"U1"},"sender_type":"app"},"message":{"message_id":"om_1","chat_id":"C1","message_type":"text","content":"{\"text\":\"status\"}"}}}`
	bot := `{"type":"message","text":"status","from":{"id":"28:x","aadObjectId":"U1"},"channelData":{"tenant":{"id":"T1"}}}`
	teams, _ := chatops.SignTeams(teamsToken, []byte(bot))
	for name, k := range map[string]knock{
		"Slack's, by id": event(`"user":"U1","bot_id":"B1"`), "Slack's, itself": event(`"user":"UBOT"`), "Slack's, by subtype": event(`"user":"U1","subtype":"bot_message"`),
		"DingTalk's": {path: "/dingtalk", body: ding, header: chatops.SignDingTalk("ding-secret", now)},
		"Feishu's":   {path: "/feishu", body: app, header: chatops.SignFeishu("test key", "abc", now, []byte(app))},
		"Teams's":    {path: "/teams", body: bot, header: teams},
	} {
		c := newChat(func(o *chatops.ChatOptions, _ *chatops.Options) { o.Settings.SlackBotToken = "xoxb-1" })
		if w := c.send(k); w.Code != 200 || w.Body.String() != "{}" || len(c.vendor.got) != 0 || strings.Contains(c.log.String(), `"audit"`) {
			t.Errorf("%s message is answered %d %s, posted %v", name, w.Code, w.Body, c.vendor.got)
		}
	}
}

func TestSlacksEventsAreAnsweredOnceInTheirThread(t *testing.T) {
	c := newChat(func(o *chatops.ChatOptions, _ *chatops.Options) { o.Settings.SlackBotToken = "xoxb-1" })
	send := func(body string) string {
		return c.send(knock{path: "/slack", body: body, header: with(chatops.SignSlack("slack-secret", now, []byte(body)), "Content-Type", "application/json")}).Body.String()
	}
	if got := send(`{"type":"url_verification","challenge":"xyz"}`); got != `{"challenge":"xyz"}` {
		t.Errorf("the challenge is answered %s", got)
	}
	mention := `{"type":"event_callback","team_id":"T1","event_id":"Ev1","event":{"type":"app_mention","user":"U1","text":"<@UBOT> update ` + id + `","channel":"C1","ts":"1700.1","thread_ts":"1600.1"}}`
	send(mention)
	send(mention)
	if len(c.vendor.got) != 1 || !strings.HasPrefix(c.vendor.got[0], "/api/chat.postMessage ") || !strings.Contains(c.vendor.got[0], `"channel":"C1","thread_ts":"1600.1"`) {
		t.Fatalf("the answer is %v", c.vendor.got)
	}
	code := codeIn.FindStringSubmatch(c.vendor.got[0])[1]
	send(`{"type":"event_callback","team_id":"T1","event_id":"Ev2","event":{"type":"message","channel_type":"im","user":"U1","text":"` + code + `","channel":"C1","ts":"1800.1"}}`)
	if told := c.work(t, 60e9); c.restarts != 1 || !strings.Contains(told, `"thread_ts":"1800.1"`) || !strings.Contains(told, "renewed") {
		t.Errorf("the result is reported as %s after %d restarts", told, c.restarts)
	}
	before := len(c.vendor.got)
	if got := send(`{"type":"event_callback","team_id":"T1","event_id":"Ev3","event":{"type":"message","channel_type":"channel","user":"U1","text":"status","channel":"C1","ts":"1900.1"}}`); got != "{}" || len(c.vendor.got) != before {
		t.Errorf("the answer to a message without a mention is %v", c.vendor.got[before:])
	}
}

// If the app is installed for a whole organization, a button has no team.
func TestAPressedButtonIsReplacedByThePerson(t *testing.T) {
	c := newChat()
	code := codeIn.FindStringSubmatch(c.send(said("slack", "update "+id)).Body.String())[1]
	press := func(user string) string {
		payload := strings.NewReplacer(`"U1"`, `"`+user+`"`, "the code", "confirm "+code).Replace(string(example(t, "slack-org-wide-button.json")))
		body := url.Values{"payload": {payload}}.Encode()
		before := len(c.vendor.got)
		c.send(knock{path: "/slack", body: body, header: chatops.SignSlack("slack-secret", now, []byte(body))})
		return strings.Join(c.vendor.got[before:], "\n")
	}
	if got := press("U2"); !strings.Contains(got, `"replace_original":false`) || strings.Contains(got, "Confirmed by") {
		t.Errorf("a press without effect removes the button: %s", got)
	}
	for range 2 {
		if got := press("U1"); !strings.Contains(got, `"replace_original":true`) || !strings.Contains(got, "Confirmed by <@U1>.") || strings.Contains(got, `"button"`) {
			t.Errorf("the press shows %s", got)
		}
	}
	if c.work(t, 60e9); c.restarts != 1 {
		t.Errorf("two presses restarted the instance %d times", c.restarts)
	}
}

func TestTheButtonOfAnOldCardIsAnsweredWithAdvice(t *testing.T) {
	body := `{"open_id":"U1","open_message_id":"om_1","open_chat_id":"C1","tenant_key":"T1","token":"feishu-token","action":{"value":{"action":"confirm","code":"x"},"tag":"button"}}`
	c := newChat()
	w := c.send(knock{path: "/feishu", body: body, header: chatops.SignFeishu("test key", "abc", now, []byte(body))})
	if w.Code != 200 || !strings.Contains(w.Body.String(), "card.action.trigger") || !strings.Contains(w.Body.String(), "toast") {
		t.Errorf("the answer is %d %s", w.Code, w.Body)
	}
}

func TestDingTalksErrorCodesAreLogged(t *testing.T) {
	c := newChat()
	c.vendor.answer = func(string) (int, string) {
		return 200, `{"errcode":310000,"errmsg":"sign not match: session=secret"}`
	}
	c.send(said("dingtalk", "status"))
	if log := c.log.String(); !strings.Contains(log, "310000") || strings.Contains(log, `"sent"`) || strings.Contains(log, "session=secret") {
		t.Errorf("the log has\n%s", log)
	}
}

// DingTalk and Feishu deliver a message again if the answer was late.
func TestAMessageThatIsDeliveredAgainIsReadOnce(t *testing.T) {
	c := newChat()
	body := `{"msgtype":"text","msgId":"m1","text":{"content":"status"},"senderStaffId":"U1","senderCorpId":"T1","sessionWebhook":"https://oapi.dingtalk.com/robot/sendBySession?session=secret"}`
	k := knock{path: "/dingtalk", body: body, header: chatops.SignDingTalk("ding-secret", now)}
	c.send(k)
	if w := c.send(k); w.Body.String() != "{}" || len(c.vendor.got) != 1 {
		t.Errorf("the answer is %s, and it is posted %d times", w.Body, len(c.vendor.got))
	}
}

func TestADingTalkPlanHasALinkThatSendsTheCode(t *testing.T) {
	c := newChat()
	body := c.send(said("dingtalk", "update "+id)).Body.String()
	code := codeIn.FindStringSubmatch(body)[1]
	if !strings.Contains(body, "[Do it](dtmd://dingtalkclient/sendMessage?content=confirm%20"+code+")") {
		t.Errorf("the plan is %s", body)
	}
}

func FuzzHTML(f *testing.F) {
	f.Add(`<p><at>x</at>&nbsp;status <a href="http://x">y</a><br/></p>`)
	f.Fuzz(func(t *testing.T, text string) {
		if got := chatops.HTMLText(text); len(got) > 6*len(text)+16 {
			t.Fatalf("%q becomes %d bytes", text, len(got))
		}
	})
}
