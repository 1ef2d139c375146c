package webhook

import (
	"cmp"
	"crypto/aes"
	"crypto/cipher"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"
	"strconv"
	"strings"
	"time"

	"tairssl/adapters/chatops"
	"tairssl/handler"
)

const (
	larkSignature = "X-Lark-Signature"
	larkTime      = "X-Lark-Request-Timestamp"
	larkNonce     = "X-Lark-Request-Nonce"
)

// FeishuOptions are what Feishu, or Lark, has beside its encrypt keys.
type FeishuOptions struct {
	Keys  Secrets // encrypt keys
	Token string  // verification token; needed for an unsigned challenge
	// AppID and AppSecret get the access token that a reply needs.
	AppID, AppSecret string
}

// Feishu is the scheme of Feishu's event subscriptions: a SHA-256 over time,
// nonce, encrypt key and body. Source: Feishu Open Platform, Encrypt Key.
//
// A challenge, by which the platform finds out whether an address is ours, may
// come unsigned: it has to hold the verification token then.
func Feishu(o FeishuOptions) Scheme {
	return Scheme{
		Name:  "feishu",
		Trust: handler.Signed,
		verify: func(m Message) error {
			if m.Header.Values(larkSignature) == nil {
				event, err := o.open(m.Body)
				if err != nil {
					return err
				}
				if event.Type != "url_verification" || o.Token == "" || !same(o.Token, event.Token) {
					return errors.New("it is neither signed nor a challenge with our token")
				}
				return nil
			}
			at, err := m.fresh(larkTime, time.Second)
			if err != nil {
				return err
			}
			nonce, err := m.header(larkNonce)
			if err != nil {
				return err
			}
			signature, err := m.header(larkSignature)
			if err != nil {
				return err
			}
			if err := o.Keys.any(func(key string) bool { return same(signature, larkSign(key, at, nonce, m.Body)) }); err != nil {
				return err
			}
			event, err := o.open(m.Body)
			if err == nil && o.Token != "" && !same(o.Token, cmp.Or(event.Header.Token, event.Token)) {
				err = errors.New("its token is not ours")
			}
			return err
		},
	}
}

func larkSign(key, at, nonce string, body []byte) string {
	sum := sha256.Sum256([]byte(at + nonce + key + string(body)))
	return hex.EncodeToString(sum[:])
}

// SignFeishu gives Feishu's headers for a body.
func SignFeishu(key, nonce string, now time.Time, body []byte) http.Header {
	at := strconv.FormatInt(now.Unix(), 10)
	return http.Header{larkTime: {at}, larkNonce: {nonce}, larkSignature: {larkSign(key, at, nonce, body)}}
}

// larkEvent is what is used of an event: a challenge, a message or a button.
type larkEvent struct {
	// Of a challenge.
	Type, Token, Challenge string

	Header struct {
		EventID   string `json:"event_id"`
		EventType string `json:"event_type"`
		TenantKey string `json:"tenant_key"`
		Token     string
	}
	Event struct {
		// Of a message.
		Sender struct {
			SenderID struct {
				OpenID string `json:"open_id"`
			} `json:"sender_id"`
		}
		Message struct {
			MessageID   string `json:"message_id"`
			ChatID      string `json:"chat_id"`
			MessageType string `json:"message_type"`
			Content     string
			Mentions    []struct{ Key string }
		}
		// Of a button.
		Operator struct {
			OpenID    string `json:"open_id"`
			TenantKey string `json:"tenant_key"`
		}
		Action  struct{ Value json.RawMessage }
		Context struct {
			OpenChatID    string `json:"open_chat_id"`
			OpenMessageID string `json:"open_message_id"`
		}
	}
}

// open decrypts a body, if it is encrypted, and reads it.
func (o FeishuOptions) open(body []byte) (e larkEvent, err error) {
	var envelope struct{ Encrypt string }
	if json.Unmarshal(body, &envelope) != nil {
		return e, errors.New("the body is not JSON")
	}
	if envelope.Encrypt == "" {
		return e, json.Unmarshal(body, &e)
	}
	for _, key := range o.Keys {
		plain, err := larkDecrypt(key, envelope.Encrypt)
		if err == nil && json.Unmarshal(plain, &e) == nil {
			return e, nil
		}
	}
	return e, errors.New("the body can not be decrypted by any of the keys")
}

// larkDecrypt is AES-256-CBC with the key's SHA-256 as key, the first block as
// IV, and padding of PKCS#7.
func larkDecrypt(key, text string) ([]byte, error) {
	bad := errors.New("this is not an encrypted body")
	sealed, err := base64.StdEncoding.DecodeString(text)
	if err != nil || len(sealed) < 2*aes.BlockSize || len(sealed)%aes.BlockSize != 0 {
		return nil, bad
	}
	sum := sha256.Sum256([]byte(key))
	block, err := aes.NewCipher(sum[:])
	if err != nil {
		return nil, err
	}
	plain := make([]byte, len(sealed)-aes.BlockSize)
	cipher.NewCBCDecrypter(block, sealed[:aes.BlockSize]).CryptBlocks(plain, sealed[aes.BlockSize:])
	n := int(plain[len(plain)-1])
	if n == 0 || n > aes.BlockSize {
		return nil, bad
	}
	for _, b := range plain[len(plain)-n:] {
		if int(b) != n {
			return nil, bad
		}
	}
	return plain[:len(plain)-n], nil
}

// feishu answers a challenge, a message to the bot or a button of a card.
func (h *Handler) feishu(q *request) {
	e, err := h.Feishu.open(q.body)
	if err != nil {
		q.unread("it is not an event")
		q.reply(struct{}{})
		return
	}
	if e.Type == "url_verification" {
		q.reply(struct {
			Challenge string `json:"challenge"`
		}{e.Challenge})
		return
	}
	m := chatops.Message{Platform: "feishu", Tenant: e.Header.TenantKey}
	switch e.Header.EventType {
	case "im.message.receive_v1":
		if e.Header.EventID != "" && !h.heard.first(e.Header.EventID, h.Now()) {
			q.attrs = append(q.attrs, slog.Bool("repeated", true))
			q.reply(struct{}{})
			return
		}
		message := e.Event.Message
		m.User, m.Channel, m.Text = e.Event.Sender.SenderID.OpenID, message.ChatID, "help"
		if message.MessageType == "text" {
			var content struct{ Text string }
			if json.Unmarshal([]byte(message.Content), &content) != nil {
				q.unread("the content of its message is not JSON")
				q.reply(struct{}{})
				return
			}
			m.Text = content.Text
			for _, mention := range message.Mentions {
				if mention.Key != "" {
					m.Text = strings.ReplaceAll(m.Text, mention.Key, " ")
				}
			}
		}
		m.Reply = h.feishuAddress(message.MessageID)
		reply := h.say(q, m)
		h.send(q, m.Platform, string(m.Reply), reply)
		q.reply(larkAnswer(reply))
	case "card.action.trigger":
		var value struct {
			Action string
			Code   string
		}
		if json.Unmarshal(e.Event.Action.Value, &value) != nil || value.Action != "confirm" {
			q.unread("it is no button of ours")
			q.reply(struct{}{})
			return
		}
		m.Tenant = cmp.Or(m.Tenant, e.Event.Operator.TenantKey)
		m.User, m.Channel, m.Text = e.Event.Operator.OpenID, e.Event.Context.OpenChatID, "confirm "+value.Code
		m.Reply = h.feishuAddress(e.Event.Context.OpenMessageID)
		reply := h.say(q, m)
		// A card's button is answered in the body: a note, and the card anew.
		q.reply(map[string]any{
			"toast": map[string]string{"type": "info", "content": strings.Join(reply.Lines, "\n")},
			"card":  map[string]any{"type": "raw", "data": larkCard(reply)},
		})
	default:
		q.reply(struct{}{}) // an event that asks for nothing
	}
}

// larkMessage is a message as the reply API takes it: its content is JSON in a
// string.
type larkMessage struct {
	MsgType string `json:"msg_type"`
	Content string `json:"content"`
}

func larkAnswer(r chatops.Reply) larkMessage {
	return larkMessage{"interactive", string(handler.JSON(larkCard(r)))}
}

type larkText struct {
	Tag     string `json:"tag"`
	Content string `json:"content"`
}

type larkElement struct {
	Tag     string       `json:"tag"`
	Text    *larkText    `json:"text,omitempty"`
	Actions []larkButton `json:"actions,omitempty"`
}

type larkButton struct {
	Tag   string            `json:"tag"`
	Text  larkText          `json:"text"`
	Type  string            `json:"type"`
	Value map[string]string `json:"value"`
}

type larkCardContent struct {
	Config   map[string]bool `json:"config"`
	Elements []larkElement   `json:"elements"`
}

func larkCard(r chatops.Reply) larkCardContent {
	card := larkCardContent{
		Config:   map[string]bool{"wide_screen_mode": true},
		Elements: []larkElement{{Tag: "div", Text: &larkText{"plain_text", strings.Join(r.Lines, "\n")}}},
	}
	if r.Code != "" {
		card.Elements = append(card.Elements, larkElement{Tag: "action", Actions: []larkButton{{
			Tag: "button", Text: larkText{"plain_text", "Do it"}, Type: "danger", Value: map[string]string{"action": "confirm", "code": r.Code},
		}}})
	}
	return card
}
