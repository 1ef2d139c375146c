package chatops

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"tairssl/adapters/notify"
	"tairssl/adapters/webhook"
	"tairssl/handler"
)

// DingTalkSettings are the settings of DingTalk.
type DingTalkSettings struct {
	DingTalkAppSecrets webhook.Secrets `env:"DINGTALK_APP_SECRETS" help:"app secrets of the DingTalk robot: opens /dingtalk"`
}

// dingTalk is an enterprise robot in HTTP mode. Source: DingTalk Open Platform, receiving
// a robot's messages.
var dingTalk = Platform{
	Name: "dingtalk", Title: "DingTalk", Route: "/dingtalk", Setting: "DINGTALK_APP_SECRETS", Media: "application/json",
	Sign: func(secret string, now time.Time, body []byte) (Signed, error) {
		return signedBy(SignDingTalk(secret, now), body), nil
	},
	Sample: func(s Speaker) []byte {
		return handler.JSON(map[string]any{
			"msgtype": "text", "text": map[string]string{"content": s.Text},
			"senderCorpId": s.Tenant, "senderStaffId": s.User, "conversationId": s.Channel,
		})
	},
	within: shortLimit,
	media:  webhook.IsJSON,
	hosts:  []string{"oapi.dingtalk.com", "api.dingtalk.com"},
	schemes: func(s Settings) []webhook.Scheme {
		return webhook.IfSet(s.DingTalkAppSecrets, dingTalkScheme(s.DingTalkAppSecrets))
	},
	decode: decodeDingTalk,
	encode: func(_ *Chat, q webhook.Request, _ heard, r Reply) { answer(q, dingTalkAnswer(r)) },
	// A sessionWebhook is valid for about 90 minutes.
	later: func(c *Chat, p *Platform, to Address, r Reply) (notify.Send, error) {
		return c.toURL(p, to, dingTalkAnswer(r))
	},
}

const (
	dingTalkTime      = "Timestamp"
	dingTalkSignature = "Sign"
)

// dingTalkScheme is an HMAC-SHA256 over the time. It does not cover the body. Source:
// DingTalk Open Platform, receiving a robot's messages.
func dingTalkScheme(secrets webhook.Secrets) webhook.Scheme {
	return webhook.NewScheme("dingtalk", handler.Weak, func(m webhook.Message) error {
		at, err := m.Fresh(dingTalkTime, time.Millisecond)
		if err != nil {
			return err
		}
		signature, err := m.Only(dingTalkSignature)
		if err != nil {
			return err
		}
		return secrets.Any(func(secret string) bool { return hmac.Equal([]byte(signature), []byte(dingTalkSign(secret, at))) })
	})
}

func dingTalkSign(secret, at string) string {
	return base64.StdEncoding.EncodeToString(webhook.MAC(sha256.New, []byte(secret), at, "\n", secret))
}

// SignDingTalk returns DingTalk's headers.
func SignDingTalk(secret string, now time.Time) http.Header {
	at := strconv.FormatInt(now.UnixMilli(), 10)
	return http.Header{dingTalkTime: {at}, dingTalkSignature: {dingTalkSign(secret, at)}}
}

// dingTalkText is the text of a message: one text, or pieces of text between pictures.
type dingTalkText struct {
	Content  string
	RichText []struct{ Text string }
}

func decodeDingTalk(c *Chat, p *Platform, q webhook.Request) heard {
	var message struct {
		MsgID          string `json:"msgId"`
		MsgType        string `json:"msgtype"`
		Text           dingTalkText
		Content        dingTalkText
		ConversationID string `json:"conversationId"`
		SenderID       string `json:"senderId"`
		SenderStaffID  string `json:"senderStaffId"`
		SenderCorpID   string `json:"senderCorpId"`
		ChatbotUserID  string `json:"chatbotUserId"`
		// The field chatbotCorpId is not read. It is the company of the robot, which may
		// not be the company of the sender.
		SessionWebhook string `json:"sessionWebhook"`
	}
	if read(q.Body(), &message) != nil {
		return heard{unread: "it is not the JSON of a message"}
	}
	if message.SenderID != "" && message.SenderID == message.ChatbotUserID {
		return ignored(q)
	}
	said := "help" // a picture asks for nothing
	switch message.MsgType {
	case "text":
		said = message.Text.Content
	case "richText":
		var parts []string
		for _, part := range message.Content.RichText {
			parts = append(parts, part.Text)
		}
		said = strings.Join(parts, " ")
	}
	return heard{
		id: message.MsgID, posted: true, to: message.SessionWebhook,
		Message: Message{
			Tenant: message.SenderCorpID, User: message.SenderStaffID, Channel: message.ConversationID, Text: said,
			Reply: c.address(p, message.SessionWebhook),
		},
	}
}

type dingTalkMarkdown struct {
	Title string `json:"title"`
	Text  string `json:"text"`
}

type dingTalkMessage struct {
	MsgType  string           `json:"msgtype"`
	Markdown dingTalkMarkdown `json:"markdown"`
}

// dingTalkAnswer ends with a link that sends the confirmation.
func dingTalkAnswer(r Reply) dingTalkMessage {
	body := markdown(r)
	if r.Confirm != "" {
		body += "\n\n[" + plain.Replace(r.Button) + "](dtmd://dingtalkclient/sendMessage?content=" + url.PathEscape(r.Confirm) + ")"
	}
	return dingTalkMessage{"markdown", dingTalkMarkdown{Title: plain.Replace(r.Lines[0]), Text: body}}
}
