package chatops

import (
	"cmp"
	"crypto/sha1"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"net/http"
	"strconv"
	"strings"
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
		return "nobody sees an answer in Feishu: TAIRSSL_FEISHU_APP_ID or TAIRSSL_FEISHU_APP_SECRET is missing"
	},
}

const (
	feishuSignature = "X-Lark-Signature"
	feishuTime      = "X-Lark-Request-Timestamp"
	feishuNonce     = "X-Lark-Request-Nonce"

	feishuMessageEvent = "im.message.receive_v1"
	feishuCardEvent    = "card.action.trigger"
)

// feishuScheme is a SHA-256 over time, nonce, encrypt key and body. Source: Feishu Open
// Platform, Encrypt Key.
//
// The platform checks the ownership of an address by a challenge, which may come
// unsigned. Then it must contain the verification token.
func feishuScheme(o FeishuSettings) webhook.Scheme {
	return webhook.NewScheme("feishu", handler.Signed, func(m webhook.Message) error {
		token := string(o.FeishuVerificationToken)
		if m.Header.Values(feishuSignature) == nil {
			event, err := o.open(m.Body)
			if err != nil {
				return err
			}
			if event.Type != "url_verification" || token == "" || !webhook.Same(token, event.Token) {
				return errors.New("it is neither signed nor a challenge with our token")
			}
			return nil
		}
		at, err := m.Fresh(feishuTime, time.Second)
		if err != nil {
			return err
		}
		nonce, err := m.Only(feishuNonce)
		if err != nil {
			return err
		}
		signature, err := m.Only(feishuSignature)
		if err != nil {
			return err
		}
		if token != "" && webhook.Same(signature, oldFeishuSign(token, at, nonce, m.Body)) {
			event, err := o.open(m.Body)
			if err == nil && !event.isOldCard() {
				err = errors.New("it is signed as an old card, and is none")
			}
			return err
		}
		if err := o.FeishuEncryptKeys.Any(func(key string) bool { return webhook.Same(signature, feishuSign(key, at, nonce, m.Body)) }); err != nil {
			return err
		}
		event, err := o.open(m.Body)
		if err == nil && token != "" && !webhook.Same(token, cmp.Or(event.Header.Token, event.Token)) {
			err = errors.New("its token is not ours")
		}
		return err
	})
}

func feishuSign(key, at, nonce string, body []byte) string {
	sum := sha256.Sum256([]byte(at + nonce + key + string(body)))
	return hex.EncodeToString(sum[:])
}

// oldFeishuSign is the signature of a card's button in the old version. The only answer
// to such a button explains how to get the new version.
func oldFeishuSign(token, at, nonce string, body []byte) string {
	sum := sha1.Sum([]byte(at + nonce + token + string(body)))
	return hex.EncodeToString(sum[:])
}

// SignFeishu gives Feishu's headers for a body.
func SignFeishu(key, nonce string, now time.Time, body []byte) http.Header {
	at := strconv.FormatInt(now.Unix(), 10)
	return http.Header{feishuTime: {at}, feishuNonce: {nonce}, feishuSignature: {feishuSign(key, at, nonce, body)}}
}

// decodeFeishu reads a challenge, a message to the bot, or a card's button.
func decodeFeishu(c *Chat, _ *Platform, q webhook.Request) heard {
	e, err := c.Settings.FeishuSettings.open(q.Body())
	switch {
	case err != nil:
		return unreadEvent(q, "it is not an event")
	case e.Type == "url_verification":
		answer(q, struct {
			Challenge string `json:"challenge"`
		}{e.Challenge})
		return heard{done: true}
	case e.isOldCard():
		answer(q, feishuToast("error", "This app sends its cards' buttons in the old version, which I do not take. "+
			"In the app's settings subscribe to the callback card.action.trigger, or say the code."))
		return heard{done: true, unread: "a card's button of the old version: subscribe to card.action.trigger"}
	case e.Header.EventType == feishuMessageEvent:
		return c.feishuMessage(q, e)
	case e.Header.EventType == feishuCardEvent:
		return c.feishuPress(q, e)
	}
	return ignored(q) // an event that asks for nothing
}

// unreadEvent handles an event that cannot be read. Feishu shows the body of an answer to
// nobody.
func unreadEvent(q webhook.Request, what string) heard {
	h := ignored(q)
	h.unread = what
	return h
}

func (c *Chat) feishuMessage(q webhook.Request, e feishuEvent) heard {
	message := e.Event.Message
	if e.Event.Sender.SenderType == "app" {
		return ignored(q)
	}
	said, err := feishuText(message.MessageType, message.Content)
	if err != nil {
		return unreadEvent(q, err.Error())
	}
	for _, mention := range message.Mentions {
		if mention.Key != "" {
			said = strings.ReplaceAll(said, mention.Key, " ")
		}
	}
	reply := c.feishuAddress(message.MessageID)
	return heard{
		id: e.Header.EventID, posted: true, to: string(reply),
		Message: Message{
			Tenant: cmp.Or(e.Event.Sender.TenantKey, e.Header.TenantKey), User: e.Event.Sender.SenderID.OpenID,
			Channel: message.ChatID, Text: said, Reply: reply,
		},
	}
}

func (c *Chat) feishuPress(q webhook.Request, e feishuEvent) heard {
	var value struct{ Action, Code string }
	if json.Unmarshal(e.Event.Action.Value, &value) != nil || value.Action != confirm && value.Action != approve {
		return unreadEvent(q, "it is no button of ours")
	}
	h := heard{
		id: e.Header.EventID, pressed: true,
		Message: Message{
			Tenant: cmp.Or(e.Event.Operator.TenantKey, e.Header.TenantKey), User: e.Event.Operator.OpenID,
			Channel: e.Event.Context.OpenChatID, Text: confirm + " " + value.Code, Reply: c.feishuAddress(e.Event.Context.OpenMessageID),
		},
	}
	if value.Action == approve { // the answer may need a button, and a note cannot have one
		h.Text, h.Invitation, h.posted, h.to = "", value.Code, true, string(h.Reply)
	}
	return h
}

// encodeFeishu answers a card's button with a note, and with a new card if the button is
// used up. The body is not the answer to a message.
func encodeFeishu(_ *Chat, q webhook.Request, h heard, r Reply) {
	if !h.pressed {
		answer(q, feishuAnswer(r))
		return
	}
	body := feishuToast("info", strings.Join(r.Lines, "\n"))
	if r.Decided != "" {
		body["card"] = map[string]any{"type": "raw", "data": feishuCard(r)}
	}
	answer(q, body)
}

func feishuToast(kind, text string) map[string]any {
	return map[string]any{"toast": map[string]string{"type": kind, "content": text}}
}
