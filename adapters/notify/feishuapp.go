package notify

import (
	"errors"
	"net/http"
	"net/url"
	"strings"
	"time"

	"tairssl/handler"
)

// feishuApp is the bot of an app in a Feishu or Lark chat, the same bot to which people
// talk. Its cards may have buttons that answer; those of a custom bot may not. It needs
// an access token of the app. Source: Feishu Open Platform, "Send message" and "Card JSON
// structure".
var feishuApp = vendor{
	hosts:    []string{"open.feishu.cn", "open.larksuite.com"},
	path:     "/open-apis/im/v1/messages",
	query:    receiver,
	bearer:   true,
	limit:    28_000,
	compose:  composeFeishuApp,
	accepted: Taken,
}

// receiver is the parameter with the receiver of a message: a chat (oc_…) or a person
// (ou_…).
const receiver = "receive_id"

var errNoToken = errors.New("the message needs an access token of the app: set TAIRSSL_FEISHU_APP_ID and TAIRSSL_FEISHU_APP_SECRET")

// feishuTag is an element of a card.
type feishuTag map[string]any

// composeFeishuApp makes a card of plain texts, without markup.
func composeFeishuApp(t *target, d digest, _ time.Time) Post {
	text := func(s string) feishuTag { return feishuTag{"tag": "plain_text", "content": s} }
	div := func(s string) feishuTag { return feishuTag{"tag": "div", "text": text(s)} }
	var elements []feishuTag
	for _, l := range d.lines {
		elements = append(elements, div(l.who+": "+l.text(d.most)))
		if b, ok := l.note.Approve["feishu"]; ok {
			elements = append(elements, feishuTag{"tag": "action", "actions": []feishuTag{{
				"tag": "button", "type": "primary", "text": text("Approve"), "value": map[string]string{"action": b.Action, "code": b.Value},
				"confirm": feishuTag{"title": text("Approve the renewal?"), "text": text(approving(l))},
			}}})
		}
	}
	if rest := d.rest(); rest != "" {
		elements = append(elements, div(rest))
	}
	for _, n := range d.next {
		said := "→ " + n.text
		if n.url != "" {
			said += ": " + n.url
		}
		elements = append(elements, div(said))
	}
	card := feishuTag{"config": map[string]bool{"wide_screen_mode": true}, "header": feishuTag{"title": text(d.title)}, "elements": elements}
	whom := t.url.Query().Get(receiver)
	kind := "chat_id"
	if strings.HasPrefix(whom, "ou_") {
		kind = "open_id"
	}
	to := t.url
	to.RawQuery = url.Values{"receive_id_type": {kind}}.Encode()
	return Post{URL: to, Header: http.Header{"Content-Type": {"application/json; charset=utf-8"}}, Body: handler.JSON(map[string]string{
		receiver: whom, "msg_type": "interactive", "content": string(handler.JSON(card)),
	})}
}
