package chatops

import (
	"cmp"
	"encoding/json"
	"errors"
	"maps"
	"slices"
	"strings"

	"tairssl/adapters/webhook"
)

// The types of the events that the bot reads.
const (
	feishuMessageEvent = "im.message.receive_v1"
	feishuCardEvent    = "card.action.trigger"
)

// feishuEvent contains the fields that the bot uses. An event is a challenge, a message
// or a button.
type feishuEvent struct {
	// Fields of a challenge.
	Type, Token, Challenge string
	// Field of a card's button in the old version, which has no header.
	OpenMessageID string `json:"open_message_id"`

	Header struct {
		EventID   string `json:"event_id"`
		EventType string `json:"event_type"`
		TenantKey string `json:"tenant_key"`
		Token     string
	}
	Event struct {
		// Fields of a message.
		Sender struct {
			SenderID struct {
				OpenID string `json:"open_id"`
			} `json:"sender_id"`
			SenderType string `json:"sender_type"` // "app" for a bot
			TenantKey  string `json:"tenant_key"`
		}
		Message struct {
			MessageID   string `json:"message_id"`
			ChatID      string `json:"chat_id"`
			MessageType string `json:"message_type"`
			Content     string
			Mentions    []struct{ Key string }
		}
		// Fields of a button.
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

// isOldCard reports whether a card's button came in the old version of events. Its events
// have no header.
func (e feishuEvent) isOldCard() bool {
	return e.Header.EventType == "" && e.Type == "" && e.OpenMessageID != ""
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
		answer(q, feishuToast("error", "This app sends the buttons of its cards in the old version, which I cannot read. "+
			"In the settings of the app, subscribe to the callback card.action.trigger. Or send the code as a message."))
		return heard{done: true, unread: "a card's button of the old version: subscribe to card.action.trigger"}
	case e.Header.EventType == feishuMessageEvent:
		return c.feishuMessage(q, e)
	case e.Header.EventType == feishuCardEvent:
		return c.feishuPress(q, e)
	}
	return ignored(q) // an event that asks for nothing
}

// feishuMessage reads a message to the bot.
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

// feishuPress reads the press of a button.
func (c *Chat) feishuPress(q webhook.Request, e feishuEvent) heard {
	var value struct{ Action, Code string }
	if json.Unmarshal(e.Event.Action.Value, &value) != nil || value.Action != confirm && value.Action != approve {
		return unreadEvent(q, "the button is not from this bot")
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

// feishuText is the text of a message. The message is a text, or a post with paragraphs.
func feishuText(kind, content string) (string, error) {
	switch kind {
	case "text":
		var body struct{ Text string }
		if read([]byte(content), &body) != nil {
			return "", errors.New("the content of its message is not JSON")
		}
		return body.Text, nil
	case "post":
		post, err := feishuPostIn([]byte(content), 3)
		return post, err
	}
	return "help", nil // a picture asks for nothing
}

// feishuPostIn reads a post. The post may be in a member for its language. That member
// may be in a member "post".
func feishuPostIn(content []byte, depth int) (string, error) {
	var post struct {
		Title   string
		Content [][]struct{ Tag, Text, Href string }
	}
	if read(content, &post) == nil && post.Content != nil {
		lines := []string{post.Title}
		for _, paragraph := range post.Content {
			var line strings.Builder
			for _, piece := range paragraph {
				switch piece.Tag {
				case "at", "img", "media", "emotion":
					line.WriteByte(' ')
				case "a":
					line.WriteString(" " + cmp.Or(piece.Href, piece.Text) + " ")
				default:
					line.WriteString(piece.Text)
				}
			}
			lines = append(lines, line.String())
		}
		return strings.Join(lines, "\n"), nil
	}
	var wrapped map[string]json.RawMessage
	if depth == 0 || json.Unmarshal(content, &wrapped) != nil {
		return "", errors.New("the content of its message is not JSON")
	}
	for _, language := range slices.Sorted(maps.Keys(wrapped)) {
		if text, err := feishuPostIn(wrapped[language], depth-1); err == nil {
			return text, nil
		}
	}
	return "", errors.New("its post has no content")
}
