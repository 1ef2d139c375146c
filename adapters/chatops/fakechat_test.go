package chatops_test

import (
	"bytes"
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"tairssl/adapters/chatops"
	"tairssl/adapters/webhook"
	"tairssl/handler"
	"tairssl/handler/fleet"
)

var now = time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)

const teamsToken = "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="

// chat serves all chat routes over one instance.
type chat struct {
	*chatops.Chat
	*instance
	web    http.Handler
	log    *bytes.Buffer
	handed [][]byte // handed work that is not done yet
	vendor *vendor  // the receiver of posted answers
}

func newChat(change ...func(*chatops.ChatOptions, *chatops.Options)) *chat {
	c := &chat{instance: newInstance(), log: &bytes.Buffer{}, vendor: &vendor{}}
	clock := func() time.Time { return now }
	log := slog.New(slog.NewJSONHandler(c.log, nil))
	bot := chatops.Options{Key: []byte("a key of confirmation codes"), Region: handler.DefaultRegion, Now: clock, Log: log}
	bot.Hand = func(_ context.Context, payload []byte) error {
		c.mu.Lock()
		defer c.mu.Unlock()
		c.handed = append(c.handed, payload)
		return nil
	}
	if err := bot.Allow.UnmarshalText([]byte("slack:T1/U1 * *; dingtalk:T1/U1 * *; feishu:T1/U1 * *; teams:T1/U1 * *; mattermost:T1/U1 * *")); err != nil {
		panic(err)
	}
	o := chatops.ChatOptions{Transport: c.vendor, ReplyHosts: []string{"chat.example.com"}, Now: clock, Log: log}
	o.Settings.SlackSigningSecrets = webhook.Secrets{"slack-secret"}
	o.Settings.DingTalkAppSecrets = webhook.Secrets{"ding-secret"}
	o.Settings.TeamsSecrets = chatops.TeamsSecrets{Secrets: webhook.Secrets{teamsToken}}
	o.Settings.MattermostTokens = webhook.Secrets{"matter-token"}
	o.Settings.FeishuSettings = chatops.FeishuSettings{
		FeishuEncryptKeys: webhook.Secrets{"test key"}, FeishuVerificationToken: "feishu-token", FeishuAppID: "app", FeishuAppSecret: "app-secret",
	}
	for _, f := range change {
		f(&o, &bot)
	}
	h := handler.New(c.instance, handler.Options{Now: clock, LeasePause: time.Millisecond, Policy: handler.Policy{Actions: []handler.Action{handler.Update, handler.Enable, handler.Disable}}})
	c.Chat = chatops.NewChat(chatops.New(fleet.New(h, c.instance, 0), bot), o)
	c.web = webhook.New(webhook.Options{Routes: c.Routes(), Now: clock, Log: log})
	return c
}

func (c *chat) send(k knock) *httptest.ResponseRecorder {
	r := httptest.NewRequest(http.MethodPost, k.path, strings.NewReader(k.body))
	maps.Copy(r.Header, k.header)
	w := httptest.NewRecorder()
	c.web.ServeHTTP(w, r)
	return w
}

// work does the handed work, each piece in an invocation of the given length. It returns the
// messages that were posted during the work.
func (c *chat) work(t *testing.T, lasts time.Duration) string {
	t.Helper()
	payloads, before := c.handed, len(c.vendor.got)
	c.handed = nil
	for _, payload := range payloads {
		ctx, cancel := context.WithTimeout(context.Background(), lasts)
		if err := c.Handed(ctx, payload); err != nil {
			t.Errorf("handed work ends with %v", err)
		}
		cancel()
	}
	return strings.Join(c.vendor.got[before:], "\n")
}

func slackBody(text string) string {
	return slashCommand(text, "https://hooks.slack.com/commands/T1/secret")
}

func slashCommand(text, responseURL string) string {
	return url.Values{"team_id": {"T1"}, "user_id": {"U1"}, "channel_id": {"C1"}, "command": {"/tair"}, "text": {text}, "response_url": {responseURL}}.Encode()
}

// events counts the events of Feishu, because each needs its own id.
var events atomic.Int64

// said is the signed request in which a platform sends a text.
func said(platform, text string) knock {
	quoted, _ := json.Marshal(text)
	switch platform {
	case "slack":
		body := slackBody(text)
		return knock{path: "/slack", body: body, header: with(chatops.SignSlack("slack-secret", now, []byte(body)), "Content-Type", "application/x-www-form-urlencoded")}
	case "dingtalk":
		body := fmt.Sprintf(`{"msgtype":"text","text":{"content":%s},"conversationId":"C1","senderId":"$:x","senderStaffId":"U1","senderCorpId":"T1","chatbotCorpId":"T1","sessionWebhook":"https://oapi.dingtalk.com/robot/sendBySession?session=secret"}`, quoted)
		return knock{path: "/dingtalk", body: body, header: chatops.SignDingTalk("ding-secret", now)}
	case "teams":
		body := fmt.Sprintf(`{"type":"message","text":%s,"from":{"id":"29:x","aadObjectId":"U1"},"conversation":{"id":"C1;messageid=1"},"channelData":{"tenant":{"id":"T1"}}}`, quoted)
		h, _ := chatops.SignTeams(teamsToken, []byte(body))
		return knock{path: "/teams", body: body, header: h}
	case "mattermost":
		return knock{path: "/mattermost", body: slashCommand(text, "https://chat.example.com/hooks/commands/secret"), header: http.Header{"Authorization": {"Token matter-token"}, "Content-Type": {"application/x-www-form-urlencoded"}}}
	case "feishu":
		content, _ := json.Marshal(map[string]string{"text": "@_user_1 " + text})
		inner, _ := json.Marshal(string(content))
		body := sealed(fmt.Sprintf(`{"schema":"2.0","header":{"event_id":"%d","event_type":"im.message.receive_v1","token":"feishu-token","tenant_key":"T1"},"event":{"sender":{"sender_id":{"open_id":"U1"}},"message":{"message_id":"om_1","chat_id":"C1","message_type":"text","content":%s,"mentions":[{"key":"@_user_1"}]}}}`, events.Add(1), inner))
		return knock{path: "/feishu", body: body, header: chatops.SignFeishu("test key", "abc", now, []byte(body))}
	}
	panic(platform)
}

// sealed encrypts a body in the way of Feishu.
func sealed(plain string) string {
	key := sha256.Sum256([]byte("test key"))
	block, _ := aes.NewCipher(key[:])
	n := aes.BlockSize - len(plain)%aes.BlockSize
	padded := append([]byte(plain), bytes.Repeat([]byte{byte(n)}, n)...)
	out := make([]byte, aes.BlockSize+len(padded))
	cipher.NewCBCEncrypter(block, out[:aes.BlockSize]).CryptBlocks(out[aes.BlockSize:], padded)
	return fmt.Sprintf(`{"encrypt":%q}`, base64.StdEncoding.EncodeToString(out))
}

var codeIn = regexp.MustCompile(`confirm ([A-Z0-9-]{19})`)

var platforms = []string{"slack", "dingtalk", "feishu", "teams", "mattermost"}

// vendor is the server of a platform. takes is the time until it answers, answer gives its
// answers, and got has the requests.
type vendor struct {
	takes  time.Duration
	answer func(path string) (status int, body string)
	mu     sync.Mutex
	got    []string // path and body
}

func (v *vendor) RoundTrip(r *http.Request) (*http.Response, error) {
	body, _ := io.ReadAll(r.Body)
	select {
	case <-r.Context().Done():
		return nil, r.Context().Err()
	case <-time.After(v.takes):
	}
	v.mu.Lock()
	defer v.mu.Unlock()
	v.got = append(v.got, r.URL.Path+" "+string(body))
	status, answer := 200, `{"code":0,"tenant_access_token":"t-1","expire":7200}`
	if v.answer != nil {
		status, answer = v.answer(r.URL.Path)
	}
	return &http.Response{StatusCode: status, Body: io.NopCloser(strings.NewReader(answer)), Header: http.Header{}}, nil
}
