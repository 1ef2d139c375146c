package chatops_test

import (
	"bytes"
	"encoding/xml"
	"fmt"
	"net/http"
	"net/http/httptest"
	"net/url"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"tairssl/adapters/chatops"
	"tairssl/adapters/webhook"
	"tairssl/handler"
)

// This is the example in WeCom's documentation.
const (
	weComToken   = "QDG6eK"
	weComKey     = "jWmYm7qr5nMoAUwZRjGtBxmz3KA1tkAj3ykkR6q2B2C"
	weComCompany = "wx5823bf96d3bd56c7"
)

func newWeCom() *chat {
	return newChat(func(o *chatops.ChatOptions, b *chatops.Options) {
		o.Settings.WeComSettings = chatops.WeComSettings{WeComCallbacks: chatops.WeComCallbacks{Secrets: webhook.Secrets{"other:" + weComKey, weComToken + ":" + weComKey}}, WeComCorpID: weComCompany}
		if err := b.Allow.UnmarshalText([]byte("wecom:" + weComCompany + "/anna * *")); err != nil {
			panic(err)
		}
	})
}

// weCom sends a message and returns the decrypted answer.
func (c *chat) weCom(t *testing.T, id int, text string) string {
	t.Helper()
	sealed, err := chatops.WeComSeal(weComKey, fmt.Appendf(nil, "<xml><ToUserName><![CDATA[x]]></ToUserName><FromUserName><![CDATA[anna]]></FromUserName><CreateTime>1</CreateTime><MsgType><![CDATA[text]]></MsgType><Content><![CDATA[%s]]></Content><MsgId>%d</MsgId><AgentID>1</AgentID></xml>", text, id), weComCompany)
	if err != nil {
		t.Fatal(err)
	}
	at := fmt.Sprint(now.Unix())
	query := url.Values{"msg_signature": {chatops.WeComSign(weComToken, at, "n", sealed)}, "timestamp": {at}, "nonce": {"n"}}
	r := httptest.NewRequest(http.MethodPost, "/wecom?"+query.Encode(), strings.NewReader("<xml><ToUserName>x</ToUserName><Encrypt><![CDATA["+sealed+"]]></Encrypt></xml>"))
	r.Header.Set("Content-Type", "text/xml")
	w := httptest.NewRecorder()
	c.web.ServeHTTP(w, r)
	var answer struct{ Encrypt, MsgSignature, TimeStamp, Nonce string }
	if err := xml.Unmarshal(w.Body.Bytes(), &answer); err != nil {
		return w.Body.String()
	}
	if answer.MsgSignature != chatops.WeComSign(weComToken, answer.TimeStamp, answer.Nonce, answer.Encrypt) {
		t.Errorf("the answer to %s is signed wrong", text)
	}
	plain, company, err := chatops.WeComOpen(weComKey, answer.Encrypt)
	if err != nil || company != weComCompany {
		t.Errorf("the answer to %s is of %s, %v", text, company, err)
	}
	return string(plain)
}

func TestAChangeByWeComTakesTwoSteps(t *testing.T) {
	c := newWeCom()
	plan := c.weCom(t, 1, "更新 "+id)
	found := regexp.MustCompile(`确认 ([A-Z0-9-]{19})`).FindStringSubmatch(plan)
	if found == nil || !strings.Contains(plan, "<ToUserName><![CDATA[anna]]></ToUserName>") {
		t.Fatalf("the answer is %s", plan)
	}
	if answer := c.weCom(t, 2, found[1]); !strings.Contains(answer, "已开始：更新 "+id) || !strings.Contains(answer, "状态 "+id) {
		t.Errorf("the code is answered %s", answer)
	}
	if c.work(t, time.Minute); c.restarts != 1 {
		t.Errorf("the instance restarted %d times", c.restarts)
	}
	if answer := c.weCom(t, 2, found[1]); answer != "{}" {
		t.Errorf("the answer to the second delivery is %s", answer)
	}
}

// WeCom does not show a text of more than 2048 bytes.
func TestALongAnswerKeepsToWeComsLimit(t *testing.T) {
	c := newWeCom()
	c.fault = handler.Errorf(handler.Forbidden, "%s", strings.Repeat("没有权限", 20))
	asked := "状态"
	for n := range 20 {
		asked += fmt.Sprintf(" r-long%05d", n)
	}
	answer := c.weCom(t, 1, asked)
	said := strings.TrimSuffix(answer[strings.Index(answer, "<Content><![CDATA[")+18:], "]]></Content></xml>")
	if len(said) > 2048 || len(said) < 1700 || !strings.HasPrefix(said, "r-long00000：") && !strings.HasPrefix(said, "r-long00000:") || !strings.HasSuffix(said, "\n…") {
		t.Errorf("the answer has %d bytes: %s", len(said), answer)
	}
}

func TestWeComChecksTheAddress(t *testing.T) {
	at := time.Unix(1409659589, 0)
	c := newWeCom()
	web := webhook.New(webhook.Options{Routes: c.Routes(), Now: func() time.Time { return at }})
	query := url.Values{"msg_signature": {"5c45ff5e21c57e6ad56bac8758b79b1d9ac89fd3"}, "timestamp": {"1409659589"}, "nonce": {"263014780"},
		"echostr": {"P9nAzCzyDtyTWESHep1vC5X9xho/qYX3Zpb4yKa9SKld1DsH3Iyt3tP3zNdtp+4RPcs8TgAE7OaBO+FZXvnaqQ=="}}
	ask := func(query url.Values) *httptest.ResponseRecorder {
		w := httptest.NewRecorder()
		web.ServeHTTP(w, httptest.NewRequest(http.MethodGet, "/wecom?"+query.Encode(), nil))
		return w
	}
	if w := ask(query); w.Code != 200 || w.Body.String() != "1616140317555161061" {
		t.Errorf("the check is answered %d %s", w.Code, w.Body)
	}
	for name := range query {
		for what, values := range map[string][]string{"missing": nil, "empty": {""}, "doubled": {query.Get(name), query.Get(name)}, "altered": {query.Get(name)[1:] + "2"}} {
			forged := url.Values{}
			for other, v := range query {
				forged[other] = v
			}
			if forged[name] = values; name == "echostr" && what == "doubled" {
				continue // the first value counts
			}
			if w := ask(forged); w.Code != http.StatusUnauthorized {
				t.Errorf("the answer with %s %s is %d %s", name, what, w.Code, w.Body)
			}
		}
	}
	at = at.Add(webhook.Window + time.Second)
	if w := ask(query); w.Code != http.StatusUnauthorized {
		t.Errorf("the answer to the old request is %d", w.Code)
	}
}

// "tairssl sign" sends a message in WeCom's form, and decrypts the answer.
func TestWeComsSampleIsTakenAndItsAnswerRead(t *testing.T) {
	p := chatops.Platforms[slices.IndexFunc(chatops.Platforms, func(p *chatops.Platform) bool { return p.Name == "wecom" })]
	secret := weComToken + ":" + weComKey
	signed, err := p.Sign(secret, now, p.Sample(chatops.Speaker{Tenant: weComCompany, User: "anna", Channel: "1", Text: "status " + id}))
	if err != nil {
		t.Fatal(err)
	}
	c := newWeCom()
	r := httptest.NewRequest(http.MethodPost, p.Route+"?"+signed.Query.Encode(), bytes.NewReader(signed.Body))
	r.Header.Set("Content-Type", p.Media)
	w := httptest.NewRecorder()
	c.web.ServeHTTP(w, r)
	if said, err := p.Read(secret, w.Body.Bytes()); err != nil || !strings.HasPrefix(said, id+": valid until") {
		t.Errorf("the answer is %q, %v:\n%s", said, err, w.Body)
	}
	altered := bytes.Replace(w.Body.Bytes(), []byte("<TimeStamp><![CDATA[1"), []byte("<TimeStamp><![CDATA[2"), 1)
	for name, answer := range map[string][]byte{"altered": altered, "of another form": []byte("{}"), "empty": nil} {
		if said, err := p.Read(secret, answer); err == nil || said != "" {
			t.Errorf("an answer, %s, is read as %q", name, said)
		}
	}
	for name, secret := range map[string]string{"no key": "token", "a short key": "token:abc", "nothing": ""} {
		if _, err := p.Sign(secret, now, []byte("<xml></xml>")); err == nil {
			t.Errorf("a secret with %s signs", name)
		}
	}
}

func FuzzWeComOpen(f *testing.F) {
	f.Add("P9nAzCzyDtyTWESHep1vC5X9xho/qYX3Zpb4yKa9SKld1DsH3Iyt3tP3zNdtp+4RPcs8TgAE7OaBO+FZXvnaqQ==")
	f.Fuzz(func(_ *testing.T, sealed string) { _, _, _ = chatops.WeComOpen(weComKey, sealed) })
}
