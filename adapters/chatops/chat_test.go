package chatops_test

import (
	"bytes"
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
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
	"testing/synctest"
	"time"

	"tairssl/adapters/chatops"
	"tairssl/adapters/webhook"
	"tairssl/handler"
	"tairssl/handler/fleet"
)

var now = time.Date(2026, 11, 24, 12, 0, 0, 0, time.UTC)

// instance is an API of one instance whose certificate is due. A change shows
// at once.
type instance struct {
	mu       sync.Mutex
	ssl      handler.SSL
	tags     map[string]string
	restarts int
	slow     time.Duration // how long the write takes
	looks    time.Duration // how long a read takes
	fault    error         // of a read
}

func newInstance() *instance {
	return &instance{ssl: handler.SSL{Enabled: true, Expires: now.Add(12*24*time.Hour + time.Hour)}, tags: map[string]string{}}
}

func (i *instance) Instance(context.Context, handler.Ref) (handler.Instance, error) {
	i.mu.Lock()
	defer i.mu.Unlock()
	return handler.Instance{Status: "Normal", ConnectionDomain: id + ".redis.rds.aliyuncs.com", Tags: maps.Clone(i.tags), At: now}, nil
}

func (i *instance) SSL(ctx context.Context, _ handler.Ref) (handler.SSL, error) {
	if i.looks > 0 {
		select {
		case <-ctx.Done():
			return handler.SSL{}, handler.AsError(ctx.Err())
		case <-time.After(i.looks):
		}
	}
	i.mu.Lock()
	defer i.mu.Unlock()
	ssl := i.ssl
	ssl.At = now
	return ssl, i.fault
}

func (i *instance) List(context.Context, string, handler.Filter, int) (handler.Listing, error) {
	return handler.Listing{Instances: []handler.Listed{{Ref: handler.Ref{InstanceID: id, RegionID: handler.DefaultRegion}}}, Total: 1, At: now}, nil
}

func (i *instance) Schedule(context.Context, handler.Ref) ([]handler.Renewal, error) { return nil, nil }

func (i *instance) Move(context.Context, handler.Renewal, time.Time, time.Time) error {
	return errors.New("there is nothing to move")
}

func (i *instance) Modify(ctx context.Context, _ handler.Ref, a handler.Action, _ time.Time) (handler.Receipt, error) {
	if i.slow > 0 {
		select {
		case <-ctx.Done():
		case <-time.After(i.slow):
		}
		if ctx.Err() != nil {
			return handler.Receipt{}, &handler.Error{Kind: handler.Unavailable, Message: "no answer in time", Retryable: true, Uncertain: true}
		}
	}
	i.mu.Lock()
	defer i.mu.Unlock()
	i.restarts++
	i.ssl = handler.SSL{Enabled: a != handler.Disable}
	if i.ssl.Enabled {
		i.ssl.Expires = now.AddDate(3, 0, 0)
	}
	return handler.Receipt{RequestID: "AD7E16AA", TaskID: "1"}, nil
}

func (i *instance) Tag(_ context.Context, _ handler.Ref, key, value string) error {
	i.mu.Lock()
	defer i.mu.Unlock()
	i.tags[key] = value
	return nil
}

func (i *instance) Untag(_ context.Context, _ handler.Ref, keys ...string) error {
	i.mu.Lock()
	defer i.mu.Unlock()
	for _, key := range keys {
		delete(i.tags, key)
	}
	return nil
}

const teamsToken = "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY="

// chat is a handler with all chat routes over one instance.
type chat struct {
	*chatops.Chat
	*instance
	web    http.Handler
	log    *bytes.Buffer
	handed [][]byte // what was handed over and not worked on yet
	vendor *vendor  // where answers are posted
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

// work does what was handed over, each in an invocation that lasts so long, and
// gives what was posted meanwhile.
func (c *chat) work(t *testing.T, lasts time.Duration) string {
	t.Helper()
	payloads, before := c.handed, len(c.vendor.got)
	c.handed = nil
	for _, payload := range payloads {
		ctx, cancel := context.WithTimeout(context.Background(), lasts)
		if err := c.Handed(ctx, payload); err != nil {
			t.Errorf("handed work ends %v", err)
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

// events counts those of Feishu, which have an id each.
var events atomic.Int64

// said is a text as each platform would send it, signed.
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

// sealed encrypts as Feishu does.
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
			t.Errorf("%s: the end is told as %s after %d restarts", platform, told, c.restarts)
		}
		if w := c.send(said(platform, "confirm "+found[1])); w.Code != 200 || len(c.handed) != 0 || c.restarts != 1 {
			t.Errorf("%s: confirmed twice it is answered %d %s after %d restarts", platform, w.Code, w.Body, c.restarts)
		}
		if n := strings.Count(c.log.String(), `"msg":"audit"`); n != 4 {
			t.Errorf("%s: three decisions and the work leave %d audit lines", platform, n)
		}
	}
}

func TestSlackButton(t *testing.T) {
	c := newChat()
	var answer struct {
		ResponseType string `json:"response_type"`
		Blocks       []struct {
			Elements []struct {
				ActionID string `json:"action_id"`
				Value    string
			}
		}
	}
	w := c.send(said("slack", "update "+id))
	if err := json.Unmarshal(w.Body.Bytes(), &answer); err != nil || answer.ResponseType != "ephemeral" || len(answer.Blocks) != 2 || answer.Blocks[1].Elements[0].ActionID != "confirm" {
		t.Fatalf("the plan is %s, %v", w.Body, err)
	}
	press := func(user, code string) *httptest.ResponseRecorder {
		payload := fmt.Sprintf(`{"type":"block_actions","user":{"id":%q},"team":{"id":"T1"},"channel":{"id":"C1"},"response_url":"https://evil.example/x","actions":[{"action_id":"confirm","value":%q}]}`, user, code)
		body := url.Values{"payload": {payload}}.Encode()
		return c.send(knock{path: "/slack", body: body, header: chatops.SignSlack("slack-secret", now, []byte(body))})
	}
	code := answer.Blocks[1].Elements[0].Value
	if w := press("U2", code); w.Code != 200 || c.restarts != 0 {
		t.Errorf("somebody else's press is answered %d %s after %d restarts", w.Code, w.Body, c.restarts)
	}
	if w := press("U1", code); w.Code != 200 || !strings.Contains(w.Body.String(), "Started") {
		t.Errorf("the press is answered %d %s", w.Code, w.Body)
	}
	if c.work(t, time.Minute); c.restarts != 1 {
		t.Errorf("the press restarted the instance %d times", c.restarts)
	}
}

// Where somebody else has to confirm, an answer that only the asker sees would
// hold a button that nobody may press.
func TestAPlanThatSomebodyElseConfirmsIsSeenByAll(t *testing.T) {
	for _, platform := range []string{"slack", "mattermost"} {
		for second, want := range map[bool]string{true: "in_channel", false: "ephemeral"} {
			if second && platform == "mattermost" {
				continue // which cannot make a change that needs two
			}
			c := newChat(func(_ *chatops.ChatOptions, o *chatops.Options) { o.Second = second })
			if w := c.send(said(platform, "update "+id)); !strings.Contains(w.Body.String(), `"response_type":"`+want+`"`) {
				t.Errorf("%s: with a second person %t the plan is not %s: %s", platform, second, want, w.Body)
			}
			if w := c.send(said(platform, "status "+id)); !strings.Contains(w.Body.String(), `"response_type":"ephemeral"`) {
				t.Errorf("%s: with a second person %t everybody sees a status: %s", platform, second, w.Body)
			}
		}
	}
}

// Slack shows nothing of a section of more than 3000 characters, nor of a
// message of more than 50 blocks.
func TestALongAnswerKeepsToSlacksLimits(t *testing.T) {
	c := newChat()
	c.fault = handler.Errorf(handler.Forbidden, "%s", strings.Repeat("<&> allow this", 20))
	asked := "status"
	for n := range 20 {
		asked += fmt.Sprintf(" r-long%05d", n)
	}
	w := c.send(said("slack", asked))
	var answer struct {
		Blocks []struct{ Text struct{ Text string } }
	}
	if err := json.Unmarshal(w.Body.Bytes(), &answer); err != nil || len(answer.Blocks) < 2 || len(answer.Blocks) > 50 {
		t.Fatalf("it is answered with %d blocks, %v: %s", len(answer.Blocks), err, w.Body)
	}
	said := 0
	for _, b := range answer.Blocks {
		said += strings.Count(b.Text.Text, "r-long")
		if n := len(b.Text.Text); n == 0 || n > 3000 {
			t.Errorf("a section has %d characters", n)
		}
	}
	if said != 20 {
		t.Errorf("of 20 instances %d are told", said)
	}
}

func TestFeishuChallengeAndCard(t *testing.T) {
	c := newChat()
	for name, test := range map[string]struct {
		body string
		code int
	}{
		"plain":             {`{"challenge":"xyz","token":"feishu-token","type":"url_verification"}`, 200},
		"encrypted":         {sealed(`{"challenge":"xyz","token":"feishu-token","type":"url_verification"}`), 200},
		"with a bad token":  {`{"challenge":"xyz","token":"other","type":"url_verification"}`, 401},
		"an unsigned event": {sealed(`{"token":"feishu-token","header":{"event_type":"im.message.receive_v1","token":"feishu-token"}}`), 401},
	} {
		if w := c.send(knock{path: "/feishu", body: test.body}); w.Code != test.code || test.code == 200 && !strings.Contains(w.Body.String(), `{"challenge":"xyz"}`) {
			t.Errorf("a challenge, %s, is answered %d %s", name, w.Code, w.Body)
		}
	}
	w := c.send(said("feishu", "update "+id))
	code := codeIn.FindStringSubmatch(w.Body.String())[1]
	press := fmt.Sprintf(`{"schema":"2.0","header":{"event_type":"card.action.trigger","token":"feishu-token","tenant_key":"T1"},"event":{"operator":{"open_id":"U1"},"action":{"value":{"action":"confirm","code":%q}},"context":{"open_chat_id":"C1","open_message_id":"om_2"}}}`, code)
	if w := c.send(knock{path: "/feishu", body: press, header: chatops.SignFeishu("test key", "abc", now, []byte(press))}); w.Code != 200 || !strings.Contains(w.Body.String(), "toast") || !strings.Contains(w.Body.String(), "I will report the result here") {
		t.Errorf("the card's button, signed and plain, is answered %d %s", w.Code, w.Body)
	}
	if told := c.work(t, time.Minute); c.restarts != 1 || !strings.Contains(told, "/messages/om_2/reply") || !strings.Contains(told, "Done: ") {
		t.Errorf("the end is told as %s after %d restarts", told, c.restarts)
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
				t.Errorf("%s: %s tells itself apart: %s", platform, name, w.Body)
			}
		}
	}
	if n < 60 {
		t.Fatalf("only %d forgeries were tried", n)
	}
}

// What others wrote where an answer quotes it, here the name in a certificate,
// stays a text: no link, no mention, no tag.
func TestNothingThatOthersWroteIsFormatting(t *testing.T) {
	formatting := regexp.MustCompile(`<!channel>|\[click\]\(`)
	for _, platform := range platforms {
		c := newChat()
		c.ssl.CommonName = "<!channel>[click](evil.example)"
		body := c.send(said(platform, "update "+id)).Body.String()
		if !strings.Contains(body, "click") {
			t.Fatalf("%s: the name is not quoted: %s", platform, body)
		}
		if platform == "slack" || platform == "feishu" { // where brackets are no link
			body = strings.ReplaceAll(body, "[click](", "")
		}
		if platform == "feishu" { // a plain_text knows no mention
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

func TestSlackSSLCheck(t *testing.T) {
	c := newChat()
	w := httptest.NewRecorder()
	c.web.ServeHTTP(w, httptest.NewRequest("GET", "/slack?ssl_check=1", nil))
	if w.Code != 200 {
		t.Errorf("GET is answered %d", w.Code)
	}
	if w := c.send(knock{path: "/slack", body: "ssl_check=1&token=x"}); w.Code != 200 {
		t.Errorf("POST is answered %d", w.Code)
	}
	if w := c.send(knock{path: "/slack", body: "ssl_check=1&text=update"}); w.Code != 401 {
		t.Errorf("a check with a command in it is answered %d", w.Code)
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
	// Anything but a 200 a platform shows as its own error, or sends again.
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

// The answer to a confirmation is there at once, however long the change takes;
// what is not known at the end is told as that.
func TestAConfirmationIsAnsweredAtOnceAndItsEndTold(t *testing.T) {
	for _, platform := range []string{"slack", "feishu", "dingtalk", "mattermost"} {
		synctest.Test(t, func(t *testing.T) {
			c := newChat()
			c.vendor.takes = 200 * time.Millisecond
			code := codeIn.FindStringSubmatch(c.send(said(platform, "update "+id)).Body.String())[1]
			c.slow = time.Hour
			began := time.Now()
			if w := c.send(said(platform, "confirm "+code)); !strings.Contains(w.Body.String(), "Started") || time.Since(began) > 2500*time.Millisecond {
				t.Errorf("%s: after %s it is answered %s", platform, time.Since(began), w.Body)
			}
			began = time.Now()
			if told := c.work(t, time.Minute); !strings.Contains(strings.ToLower(told), "unknown") || time.Since(began) > time.Minute {
				t.Errorf("%s: after %s it is told %s", platform, time.Since(began), told)
			}
		})
	}
}

// posted records the requests that answers make.
type posted struct{ urls []string }

func (p *posted) RoundTrip(r *http.Request) (*http.Response, error) {
	p.urls = append(p.urls, r.URL.String())
	return &http.Response{StatusCode: 200, Body: io.NopCloser(strings.NewReader(`{"code":0,"tenant_access_token":"t-1","expire":7200}`)), Header: http.Header{}}, nil
}

// The platforms' own hosts are open to their own answers; the operator adds
// others, but never another vendor's.
func TestAnswersAreSentToTheRightHostsOnly(t *testing.T) {
	press := func(to string) knock {
		payload := fmt.Sprintf(`{"type":"block_actions","user":{"id":"U1"},"team":{"id":"T1"},"channel":{"id":"C1"},"response_url":%q,"actions":[{"action_id":"confirm","value":"x"}]}`, to)
		body := url.Values{"payload": {payload}}.Encode()
		return knock{path: "/slack", body: body, header: chatops.SignSlack("slack-secret", now, []byte(body))}
	}
	session := func(to string) knock {
		body := fmt.Sprintf(`{"msgtype":"text","text":{"content":"help"},"senderStaffId":"U1","senderCorpId":"T1","sessionWebhook":%q}`, to)
		return knock{path: "/dingtalk", body: body, header: chatops.SignDingTalk("ding-secret", now)}
	}
	const relay, everyone = "relay.example.com:8443", "relay.example.com:8443,hooks.slack.com,oapi.dingtalk.com,open.feishu.cn,oapi.dingtalk.com:443"
	for _, test := range []struct {
		knock
		hosts string
		want  string // the host of the last request
	}{
		{press("https://hooks.slack.com/x"), "", "hooks.slack.com"},
		{press("https://hooks.slack-gov.com/x"), "", "hooks.slack-gov.com"},
		{press("http://hooks.slack.com/x"), "", ""},
		{press("https://user@hooks.slack.com/x"), "", ""},
		{press("https://hooks.slack.com.evil.example/x"), "", ""},
		{press("https://hooks.slack.com:8443/x"), "", ""},
		{press("https://relay.example.com:8443/x"), "", ""},
		{press("https://relay.example.com:8443/x"), relay, relay},
		{press("https://relay.example.com/x"), relay, ""},
		{press("https://oapi.dingtalk.com/x"), everyone, ""},
		{press("https://oapi.dingtalk.com:443/x"), everyone, ""},
		{press("https://open.feishu.cn/x"), everyone, ""},
		{session("https://oapi.dingtalk.com/x"), "", "oapi.dingtalk.com"},
		{session("https://api.dingtalk.com/x"), "", "api.dingtalk.com"},
		{session("https://hooks.slack.com/x"), everyone, ""},
		{session("https://evil.example/x"), "", ""},
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
			t.Errorf("%s %s with the hosts %q: %v was sent to, want %q", test.path, test.body, test.hosts, p.urls, test.want)
		}
		if test.want == "" && !strings.Contains(c.log.String(), "TAIRSSL_CHAT_REPLY_HOSTS") {
			t.Errorf("that an answer was not sent is not in the log: %s", c.log)
		}
		for _, secret := range []string{"app-secret", "t-1", "session=secret", "slack-secret", "/x"} {
			if strings.Contains(c.log.String(), secret+`"`) {
				t.Errorf("the log shows %q:\n%s", secret, c.log)
			}
		}
	}
}

// vendor is a platform's end: what it takes to answer, what it answers, and
// what it was sent.
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

func TestAnAnswerIsNotPostedBeyondTheInvocation(t *testing.T) {
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
			t.Errorf("of an invocation of 500ms it took %s", took)
		}
	})
}

func TestFeishusTokenIsFetchedAnewAfterARefusal(t *testing.T) {
	refusing := false
	v := &vendor{answer: func(path string) (int, string) {
		if refusing && strings.HasSuffix(path, "/reply") {
			return 400, `{"code":99991663}`
		}
		return 200, `{"code":0,"tenant_access_token":"t-1","expire":7200}`
	}}
	c := newChat(func(o *chatops.ChatOptions, _ *chatops.Options) {
		o.Transport = v
	})
	tokens := func() (n int) {
		for _, got := range v.got {
			if strings.Contains(got, "tenant_access_token") {
				n++
			}
		}
		return n
	}
	c.send(said("feishu", "help"))
	c.send(said("feishu", "help"))
	if tokens() != 1 {
		t.Errorf("two answers took %d tokens", tokens())
	}
	refusing = true
	c.send(said("feishu", "help"))
	refusing = false
	c.send(said("feishu", "help"))
	if tokens() != 2 {
		t.Errorf("after a refusal %d tokens were fetched in all, want 2", tokens())
	}
}

// Feishu sends an event again if it waited too long: that is not the same
// person saying it twice.
func TestAnEventOfFeishuCountsOnce(t *testing.T) {
	c := newChat()
	k := said("feishu", "update "+id)
	code := codeIn.FindStringSubmatch(c.send(k).Body.String())[1]
	if w := c.send(k); w.Code != 200 || w.Body.String() != "{}" {
		t.Errorf("sent again it is answered %d %s", w.Code, w.Body)
	}
	confirm := said("feishu", "confirm "+code)
	if w := c.send(confirm); !strings.Contains(w.Body.String(), "Started") {
		t.Errorf("confirmed it is answered %s", w.Body)
	}
	if w := c.send(confirm); w.Body.String() != "{}" || len(c.handed) != 1 {
		t.Errorf("confirmed in an event sent again it is answered %s, and handed over %d times", w.Body, len(c.handed))
	}
}

func TestChatsWhoseAnswersNobodySeesAreNamed(t *testing.T) {
	for hosts, want := range map[string]string{"": "Mattermost", "hooks.slack.com,oapi.dingtalk.com": "Mattermost", "chat.example.com": ""} {
		c := newChat(func(o *chatops.ChatOptions, _ *chatops.Options) {
			o.ReplyHosts = strings.FieldsFunc(hosts, func(r rune) bool { return r == ',' })
		})
		got := strings.Join(c.Unseen(), "; ")
		for _, platform := range []string{"Feishu", "Slack", "DingTalk", "Mattermost"} {
			if strings.Contains(got, platform) != (platform == want) {
				t.Errorf("with the hosts %q it says %q", hosts, got)
			}
		}
	}
	c := newChat(func(o *chatops.ChatOptions, _ *chatops.Options) { o.Settings.FeishuAppSecret = "" })
	if got := c.Unseen(); len(got) != 1 || !strings.Contains(got[0], "TAIRSSL_FEISHU_APP_SECRET") {
		t.Errorf("without the app's secret it says %q", got)
	}
}

func TestChatVectors(t *testing.T) {
	body := "token=xyzz0WbapA4vBCDEFasx0q6G&team_id=T1DC2JH3J&team_domain=testteamnow&channel_id=G8PSS9T3V&channel_name=foobar&user_id=U2CERLKJA&user_name=roadrunner&command=%2Fwebhook-collect&text=&response_url=https%3A%2F%2Fhooks.slack.com%2Fcommands%2FT1DC2JH3J%2F397700885554%2F96rGlfmibIGlgcZRskXaIFfN&trigger_id=398738663015.47445629121.803a0bc887a14d10d2c447fce8b6703c"
	if got := chatops.SignSlack("8f742231b10e8888abcd99yyyzzz85a5", time.Unix(1531420618, 0), []byte(body)).Get("X-Slack-Signature"); got != "v0=a2114d57b48eac39b9ad189dd8316235a7b4a8d21a10bd27519666489c69b503" {
		t.Errorf("Slack signs %s", got)
	}
	if got := chatops.SignDingTalk("this is secret", time.UnixMilli(1577262236757)).Get("Sign"); got != "hmPWwU+7lVdm3ZZz0r9tSfx0L4Q26jWOZr9+Gs6EZQM=" {
		t.Errorf("DingTalk signs %s", got)
	}
	sealed := `{"encrypt":"P37w+VZImNgPEO1RBhJ6RtKl7n6zymIbEG1pReEzghk="}`
	if got := chatops.SignFeishu("test key", "abc", time.Unix(1700000000, 0), []byte(sealed)).Get("X-Lark-Signature"); got != "0c09d96c2aef2ad08179b3967ea410bbc91dab24ce3aec05af962cf1935844af" {
		t.Errorf("Feishu signs %s", got)
	}
	if got, err := chatops.FeishuDecrypt("test key", "P37w+VZImNgPEO1RBhJ6RtKl7n6zymIbEG1pReEzghk="); err != nil || string(got) != "hello world" {
		t.Errorf("Feishu's text is decrypted to %q, %v", got, err)
	}
	if h, err := chatops.SignTeams(teamsToken, []byte(`{"type":"message","text":"<at>tair</at> status"}`)); err != nil || h.Get("Authorization") != "HMAC 5Vkg0/uM+D7MSDoJ+YgUvnqpAQqv9SBZZZWdwLpwCoA=" {
		t.Errorf("Teams signs %v, %v", h, err)
	}

}

// Whatever a platform's decoder is handed, signed, is answered without a panic.
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
