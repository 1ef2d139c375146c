package localruntime_test

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"sync/atomic"
	"testing"
	"time"

	"tairssl/adapters/chatops"
	"tairssl/handler"
)

const (
	teamsSecret = "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="
	weComSecret = "wecom-token:jWmYm7qr5nMoAUwZRjGtBxmz3KA1tkAj3ykkR6q2B2C"
)

// chatSettings open all chats to one person with all rights.
var chatSettings = []string{
	"TAIRSSL_SLACK_SIGNING_SECRETS=slack-secret", "TAIRSSL_SLACK_BOT_TOKEN=xoxb-secret", "TAIRSSL_DINGTALK_APP_SECRETS=dingtalk-secret",
	"TAIRSSL_FEISHU_ENCRYPT_KEYS=feishu-secret", "TAIRSSL_FEISHU_VERIFICATION_TOKEN=feishu-token", "TAIRSSL_FEISHU_APP_ID=cli_1", "TAIRSSL_FEISHU_APP_SECRET=feishu-app-secret",
	"TAIRSSL_TEAMS_SECRETS=" + teamsSecret, "TAIRSSL_MATTERMOST_TOKENS=mattermost-secret", "TAIRSSL_WECOM_CALLBACKS=" + weComSecret,
	"TAIRSSL_CHAT_REPLY_HOSTS=chat.example.com", "TAIRSSL_CONFIRM_KEY=0123456789abcdef",
	"TAIRSSL_CHAT_ALLOW=slack:T1/U1 * *; dingtalk:T1/U1 * *; feishu:T1/U1 * *; teams:T1/U1 * *; mattermost:T1/U1 * *; wecom:T1/U1 * *",
}

// chatSecrets must not be in any log: the secrets of the settings and of addresses.
var chatSecrets = []string{
	"slack-secret", "xoxb-secret", "dingtalk-secret", "feishu-secret", "feishu-token", "feishu-app-secret", teamsSecret, "mattermost-secret",
	"jWmYm7qr5nMoAUwZRjGtBxmz3KA1tkAj3ykkR6q2B2C", "wecom-token", "0123456789abcdef", "emulator-secret", "t-secret", "an-address", "session=",
}

var messages atomic.Int64

// newMessage makes the id of a message.
func newMessage() string { return fmt.Sprintf("1700.%d", messages.Add(1)) }

// saying is the HTTP request of a chat message.
type saying struct {
	path   string
	query  url.Values
	header http.Header
	body   []byte
}

// client is the chat client of a person.
type client struct {
	name   string
	within time.Duration // the time limit of an answer
	says   func(text string) saying
	// later is the host and path that receives late answers and the results of changes;
	// "" if the platform has none.
	later  string
	posted bool                     // later receives every answer
	shows  bool                     // people see the body of the response
	reads  func(body string) string // decrypts a body; nil if bodies are not encrypted
}

// The time limits leave the network half a second or more: Slack waits for 3 s, Teams
// for 5 s.
const (
	inTime     = 2500 * time.Millisecond
	inLongTime = 4 * time.Second
)

var clients = []client{
	{name: "slack", within: inTime, says: slashCommand, later: "hooks.slack.com/commands/an-address", shows: true},
	{name: "slack, by a mention", within: inTime, says: slackMention, later: "slack.com/api/chat.postMessage", posted: true},
	{name: "dingtalk", within: inTime, says: dingTalkMessage, later: "oapi.dingtalk.com/robot/sendBySession", posted: true, shows: true},
	{name: "feishu", within: inTime, says: feishuMessage, later: "open.feishu.cn/open-apis/im/v1/messages/om_1/reply", posted: true},
	{name: "teams", within: inLongTime, says: teamsMessage, shows: true},
	{name: "mattermost", within: inTime, says: mattermostCommand, later: "chat.example.com/hooks/commands/an-address", shows: true},
	{name: "wecom", within: inLongTime, says: weComMessage, shows: true, reads: func(body string) string {
		said, err := platform("wecom").Read(weComSecret, []byte(body))
		if err != nil {
			return body
		}
		return said
	}},
}

func clientOf(t *testing.T, name string) client {
	t.Helper()
	i := slices.IndexFunc(clients, func(c client) bool { return c.name == name })
	if i < 0 {
		t.Fatalf("there is no client %s", name)
	}
	return clients[i]
}

func platform(name string) *chatops.Platform {
	return chatops.Platforms[slices.IndexFunc(chatops.Platforms, func(p *chatops.Platform) bool { return p.Name == name })]
}

func of(media string, h http.Header) http.Header {
	h.Set("Content-Type", media)
	return h
}

const (
	form     = "application/x-www-form-urlencoded"
	jsonType = "application/json"
)

func slashForm(text, responseURL string) []byte {
	return []byte(url.Values{"team_id": {"T1"}, "user_id": {"U1"}, "channel_id": {"C1"}, "command": {"/tair"}, "text": {text}, "response_url": {responseURL}}.Encode())
}

func slashCommand(text string) saying {
	body := slashForm(text, "https://hooks.slack.com/commands/an-address")
	return saying{"/slack", nil, of(form, chatops.SignSlack("slack-secret", time.Now(), body)), body}
}

func slackMention(text string) saying {
	body := handler.JSON(map[string]any{
		"type": "event_callback", "team_id": "T1", "event_id": newMessage(), "authorizations": []any{map[string]string{"user_id": "UBOT"}},
		"event": map[string]string{"type": "app_mention", "user": "U1", "text": "<@UBOT> " + text, "channel": "C1", "ts": newMessage()},
	})
	return saying{"/slack", nil, of(jsonType, chatops.SignSlack("slack-secret", time.Now(), body)), body}
}

func mattermostCommand(text string) saying {
	body := slashForm(text, "https://chat.example.com/hooks/commands/an-address")
	return saying{"/mattermost", nil, of(form, chatops.SignMattermost("mattermost-secret")), body}
}

func dingTalkMessage(text string) saying {
	return dingTalkSays(handler.JSON(map[string]any{
		"msgtype": "text", "text": map[string]string{"content": " " + text}, "msgId": newMessage(), "conversationId": "C1", "senderId": "$:x",
		"senderStaffId": "U1", "senderCorpId": "T1", "sessionWebhook": "https://oapi.dingtalk.com/robot/sendBySession?session=x",
	}))
}

func dingTalkSays(body []byte) saying {
	return saying{"/dingtalk", nil, of(jsonType, chatops.SignDingTalk("dingtalk-secret", time.Now())), body}
}

func feishuMessage(text string) saying {
	return feishuSays(handler.JSON(map[string]any{
		"schema": "2.0", "header": map[string]string{"event_id": newMessage(), "event_type": "im.message.receive_v1", "token": "feishu-token", "tenant_key": "T1"},
		"event": map[string]any{
			"sender":  map[string]any{"sender_id": map[string]string{"open_id": "U1"}, "sender_type": "user"},
			"message": map[string]any{"message_id": "om_1", "chat_id": "C1", "message_type": "text", "content": string(handler.JSON(map[string]string{"text": "@_user_1 " + text})), "mentions": []any{map[string]string{"key": "@_user_1"}}},
		},
	}))
}

func feishuSays(body []byte) saying {
	return saying{"/feishu", nil, of(jsonType, chatops.SignFeishu("feishu-secret", "n", time.Now(), body)), body}
}

func teamsMessage(text string) saying {
	return teamsSays(handler.JSON(map[string]any{
		"type": "message", "text": "<p><at>tair</at>&nbsp;" + text + "</p>", "from": map[string]string{"id": "29:x", "aadObjectId": "U1"},
		"conversation": map[string]string{"id": "C1;messageid=1"}, "channelData": map[string]any{"tenant": map[string]string{"id": "T1"}},
	}))
}

func teamsSays(body []byte) saying {
	h, err := chatops.SignTeams(teamsSecret, body)
	if err != nil {
		panic(err)
	}
	return saying{"/teams", nil, of(jsonType, h), body}
}

func weComMessage(text string) saying {
	p := platform("wecom")
	signed, err := p.Sign(weComSecret, time.Now(), p.Sample(chatops.Speaker{Tenant: "T1", User: "U1", Channel: "1", Text: text}))
	if err != nil {
		panic(err)
	}
	return saying{p.Route, signed.Query, of(p.Media, signed.Header), signed.Body}
}

// event is the event of a gateway for the request.
func (s saying) event(fc bool) []byte {
	headers, query := map[string]string{}, map[string]string{}
	for name := range s.header {
		headers[name] = s.header.Get(name)
	}
	for name := range s.query {
		query[name] = s.query.Get(name)
	}
	event := map[string]any{
		"version": "2.0", "routeKey": "$default", "rawPath": s.path, "rawQueryString": s.query.Encode(), "headers": headers, "body": string(s.body),
		"requestContext": map[string]any{"http": map[string]string{"method": http.MethodPost, "sourceIp": "192.0.2.1"}},
	}
	if fc {
		event["version"], event["queryParameters"] = "v1", query
	}
	return handler.JSON(event)
}

// bodyOf returns the body of a function's answer with status 200.
func bodyOf(payload []byte) (string, error) {
	var response struct {
		StatusCode int
		Body       string
	}
	if err := json.Unmarshal(payload, &response); err != nil || response.StatusCode != http.StatusOK {
		return "", fmt.Errorf("the answer is %s (%v), want status 200", payload, err)
	}
	return response.Body, nil
}
