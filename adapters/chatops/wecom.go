package chatops

import (
	"encoding/xml"
	"errors"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"tairssl/adapters/webhook"
	"tairssl/handler"
)

// WeComSettings are the settings of WeCom.
type WeComSettings struct {
	WeComCallbacks WeComCallbacks `env:"WECOM_CALLBACKS" help:"TOKEN:EncodingAESKey pairs of the WeCom app's callback: opens /wecom"`
	WeComCorpID    string         `env:"WECOM_CORP_ID" help:"id of the company whose messages that callback takes; if it is empty, of any company"`
}

// WeComCallbacks are pairs of a token and an EncodingAESKey, which is base64 without the
// sign at its end.
type WeComCallbacks struct{ webhook.Secrets }

// UnmarshalText reads a comma-separated list.
func (s *WeComCallbacks) UnmarshalText(text []byte) error {
	if err := s.Secrets.UnmarshalText(text); err != nil {
		return err
	}
	for _, pair := range s.Secrets {
		token, key, _ := strings.Cut(pair, ":")
		if _, err := weComKey(key); err != nil || token == "" {
			return errors.New("an entry is not a token, a colon and an EncodingAESKey of 43 characters")
		}
	}
	return nil
}

// weCom is the callback of a self-built app in WeCom. Its answer is the body. A later
// answer would need another secret. Source: WeCom, 回调配置 and 加解密方案说明.
var weCom = Platform{
	Name: "wecom", Title: "WeCom", Route: "/wecom", Setting: "WECOM_CALLBACKS", Media: "text/xml",
	Sample:  weComSample,
	Sign:    signWeCom,
	Read:    readWeCom,
	within:  longLimit,
	methods: "GET, POST",
	media:   func(media string) bool { return media == "text/xml" || media == "application/xml" },
	schemes: func(s Settings) []webhook.Scheme {
		return webhook.IfSet(s.WeComCallbacks.Secrets, weComScheme(s.WeComSettings))
	},
	decode: decodeWeCom,
	encode: encodeWeCom,
}

// weComScheme is a SHA-1 over the token, the time, the nonce and the encrypted message.
// All but the message are in the query.
func weComScheme(s WeComSettings) webhook.Scheme {
	return webhook.NewScheme("wecom", handler.Signed, func(m webhook.Message) error {
		for _, name := range []string{"timestamp", "nonce", "msg_signature"} {
			if len(m.Query[name]) != 1 || m.Query.Get(name) == "" {
				return errors.New("the parameter " + name + " is missing, is empty or occurs twice")
			}
		}
		if err := m.Within("timestamp", m.Query.Get("timestamp"), time.Second); err != nil {
			return err
		}
		_, _, company, err := s.authentic(m.Query, m.Body)
		if err == nil && s.WeComCorpID != "" && company != s.WeComCorpID {
			err = errors.New("the message is from another company")
		}
		return err
	})
}

// authentic decrypts a message that was signed with one of the callbacks, and returns
// that callback.
func (s WeComSettings) authentic(query url.Values, body []byte) (message []byte, callback, company string, err error) {
	sealed := weComSealed(query.Get("echostr"), body)
	err = s.WeComCallbacks.Any(func(pair string) bool {
		token, key, _ := strings.Cut(pair, ":")
		if !webhook.Same(query.Get("msg_signature"), weComSign(token, query.Get("timestamp"), query.Get("nonce"), sealed)) {
			return false
		}
		var fault error
		message, company, fault = weComOpen(key, sealed)
		callback = pair
		return fault == nil
	})
	return message, callback, company, err
}

// decodeWeCom reads a message to the app, or answers the check of its address.
func decodeWeCom(c *Chat, _ *Platform, q webhook.Request) heard {
	plain, _, company, err := c.Settings.authentic(q.HTTP().URL.Query(), q.Body())
	if err == nil && q.HTTP().Method == http.MethodGet {
		q.WriteAs(http.StatusOK, "text/plain; charset=utf-8", plain)
		return heard{done: true}
	}
	var message struct {
		FromUserName, MsgType, Content, AgentID string
		ID                                      string `xml:"MsgId"`
	}
	if err != nil || xml.Unmarshal(plain, &message) != nil {
		return heard{unread: "it is not the XML of a message"}
	}
	if message.MsgType == "event" || message.FromUserName == "" {
		q.WriteAs(http.StatusOK, "text/plain; charset=utf-8", nil)
		return heard{done: true}
	}
	said := "help" // a picture asks for nothing
	if message.MsgType == "text" {
		said = message.Content
	}
	return heard{
		id:      message.ID,
		Message: Message{Tenant: company, User: message.FromUserName, Channel: message.AgentID, Text: said},
	}
}

// weComSample is a decrypted message to the app.
func weComSample(s Speaker) []byte {
	return []byte("<xml>" + element("ToUserName", s.Tenant) + element("FromUserName", s.User) + element("CreateTime", "0") +
		element("MsgType", "text") + element("Content", s.Text) + element("AgentID", s.Channel) + "</xml>")
}

// encodeWeCom answers with an encrypted message.
func encodeWeCom(c *Chat, q webhook.Request, h heard, r Reply) {
	now := strconv.FormatInt(c.Now().Unix(), 10)
	message := "<xml>" + element("ToUserName", h.User) + element("FromUserName", h.Tenant) + element("CreateTime", now) +
		element("MsgType", "text") + element("Content", weComText(r.Lines)) + "</xml>"
	query := q.HTTP().URL.Query()
	_, callback, company, _ := c.Settings.authentic(query, q.Body()) // it was authentic a moment ago
	sealed, err := weComEnvelope(callback, now, query.Get("nonce"), []byte(message), company)
	if err != nil {
		q.Write(http.StatusOK, nil)
		return
	}
	q.WriteAs(http.StatusOK, "application/xml; charset=utf-8", sealed)
}

// weComText joins as many lines as fit into a text of 2048 bytes.
func weComText(lines []string) string {
	const most, more = 2048, "\n…"
	text := strings.Join(lines, "\n")
	for len(text) > most && len(lines) > 1 {
		lines = lines[:len(lines)-1]
		text = strings.Join(lines, "\n") + more
	}
	return text
}

// element is an XML element with a text, in the vendor's form.
func element(name, text string) string {
	text = strings.Map(func(r rune) rune {
		if r < ' ' && r != '\n' && r != '\t' {
			return -1 // XML cannot contain it
		}
		return r
	}, strings.ToValidUTF8(text, "?"))
	return "<" + name + "><![CDATA[" + strings.ReplaceAll(text, "]]>", "]]]]><![CDATA[>") + "]]></" + name + ">"
}
