package chatops

import (
	"time"

	"tairssl/adapters/webhook"
	"tairssl/handler"
)

// FeishuSettings are the settings of Feishu and Lark.
type FeishuSettings struct {
	FeishuEncryptKeys       webhook.Secrets `env:"FEISHU_ENCRYPT_KEYS" help:"encrypt keys of the Feishu or Lark app: opens /feishu"`
	FeishuVerificationToken Secret          `env:"FEISHU_VERIFICATION_TOKEN" help:"verification token of that app; an unsigned challenge needs it"`
	FeishuAppID             string          `env:"FEISHU_APP_ID" help:"id of that app, for answers to messages"`
	FeishuAppSecret         Secret          `env:"FEISHU_APP_SECRET" help:"secret of that app"`
}

// feishu is the bot of an app in Feishu or Lark, with event subscriptions and cards.
var feishu = Platform{
	Name: "feishu", Title: "Feishu", Route: "/feishu", Setting: "FEISHU_ENCRYPT_KEYS", Media: "application/json",
	Sign: func(secret string, now time.Time, body []byte) (Signed, error) {
		return signedBy(SignFeishu(secret, "tairssl", now, body), body), nil
	},
	Sample: func(s Speaker) []byte {
		return handler.JSON(map[string]any{
			"header": map[string]string{"event_type": feishuMessageEvent, "tenant_key": s.Tenant, "token": s.Token},
			"event": map[string]any{
				"sender":  map[string]any{"sender_id": map[string]string{"open_id": s.User}},
				"message": map[string]string{"chat_id": s.Channel, "message_type": "text", "content": string(handler.JSON(map[string]string{"text": s.Text}))},
			},
		})
	},
	within: shortLimit,
	media:  webhook.IsJSON,
	hosts:  []string{"open.feishu.cn", "open.larksuite.com"},
	schemes: func(s Settings) []webhook.Scheme {
		return webhook.IfSet(s.FeishuEncryptKeys, feishuScheme(s.FeishuSettings))
	},
	decode:  decodeFeishu,
	encode:  encodeFeishu,
	later:   feishuLater,
	buttons: true,
	unseen: func(c *Chat, _ *Platform) string {
		if c.Settings.feishuReplies() {
			return ""
		}
		return "people in Feishu see no answers: TAIRSSL_FEISHU_APP_ID or TAIRSSL_FEISHU_APP_SECRET is missing"
	},
}
