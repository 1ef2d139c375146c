package webhook

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"net/http"
	"strconv"
	"time"

	"tairssl/adapters/chatops"
)

const (
	dingTalkTime      = "Timestamp"
	dingTalkSignature = "Sign"
)

// DingTalk is the scheme of an enterprise robot in HTTP mode: an HMAC-SHA256
// over the time alone. It does not cover the body. Source: DingTalk Open
// Platform, receiving a robot's messages.
func DingTalk(secrets Secrets) Scheme {
	return Scheme{
		Name: "dingtalk",
		verify: func(m Message) error {
			at, err := m.fresh(dingTalkTime, time.Millisecond)
			if err != nil {
				return err
			}
			signature, err := m.header(dingTalkSignature)
			if err != nil {
				return err
			}
			return secrets.any(func(secret string) bool { return hmac.Equal([]byte(signature), []byte(dingTalkSign(secret, at))) })
		},
	}
}

func dingTalkSign(secret, at string) string {
	return base64.StdEncoding.EncodeToString(mac(sha256.New, []byte(secret), at, "\n", secret))
}

// SignDingTalk gives DingTalk's headers.
func SignDingTalk(secret string, now time.Time) http.Header {
	at := strconv.FormatInt(now.UnixMilli(), 10)
	return http.Header{dingTalkTime: {at}, dingTalkSignature: {dingTalkSign(secret, at)}}
}

// dingTalk answers a message to the robot.
func (h *Handler) dingTalk(q *request) {
	var message struct {
		MsgType       string `json:"msgtype"`
		Text          struct{ Content string }
		ConversationI string `json:"conversationId"`
		SenderStaffID string `json:"senderStaffId"`
		SenderCorpID  string `json:"senderCorpId"`
		// ChatbotCorpID is the robot's own, which is the sender's in a chat
		// within the company; where senderCorpId is missing it says nothing.
		SessionWebhook string `json:"sessionWebhook"`
	}
	if json.Unmarshal(q.body, &message) != nil {
		q.reply(dingTalkAnswer(q.unread("it is not JSON of a message")))
		return
	}
	text := message.Text.Content
	if message.MsgType != "text" {
		text = "help" // a picture asks for nothing
	}
	reply := h.say(q, chatops.Message{
		Platform: "dingtalk", Tenant: message.SenderCorpID, User: message.SenderStaffID, Channel: message.ConversationI, Text: text,
		Reply: h.address("dingtalk", message.SessionWebhook),
	})
	h.send(q, "dingtalk", message.SessionWebhook, reply)
	q.reply(dingTalkAnswer(reply))
}

// dingTalkReply answers a message by its sessionWebhook, which holds for some 90
// minutes. It is answered with 200 whether it took the answer or not.
func (h *Handler) dingTalkReply(ctx context.Context, to string, r chatops.Reply) error {
	var raw json.RawMessage
	if err := h.post(ctx, "dingtalk", to, "", dingTalkAnswer(r), &raw); err != nil {
		return err
	}
	var result struct{ ErrCode int }
	if json.Unmarshal(raw, &result) == nil && result.ErrCode != 0 {
		return errors.New("DingTalk refused the answer: code " + strconv.Itoa(result.ErrCode))
	}
	return nil
}

type dingTalkMarkdown struct {
	Title string `json:"title"`
	Text  string `json:"text"`
}

type dingTalkMessage struct {
	MsgType  string           `json:"msgtype"`
	Markdown dingTalkMarkdown `json:"markdown"`
}

func dingTalkAnswer(r chatops.Reply) dingTalkMessage {
	return dingTalkMessage{"markdown", dingTalkMarkdown{Title: plain.Replace(r.Lines[0]), Text: markdown(r)}}
}
