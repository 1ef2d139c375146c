package notify

import (
	"fmt"
	"net/http"
	"strings"
	"time"

	"tairssl/handler"
)

// slack is an incoming webhook of Slack. It answers "ok", or a status and a word. Source:
// Slack's "Sending messages using incoming webhooks" and "Block Kit".
var slack = vendor{
	hosts:   []string{"hooks.slack.com", "hooks.slack-gov.com"},
	path:    "/services/",
	limit:   40_000,
	compose: composeSlack,
	accepted: func(status int, body []byte) error {
		if status == http.StatusOK && strings.TrimSpace(string(body)) == "ok" {
			return nil
		}
		return fmt.Errorf("refused with status %d: %s", status, handler.ClipText(string(body)))
	},
}

type slackText struct {
	Type string `json:"type"`
	Text string `json:"text"`
}

type slackBlock struct {
	Type     string     `json:"type"`
	Text     *slackText `json:"text,omitempty"`
	Elements []any      `json:"elements,omitempty"` // texts or buttons
}

// slackButton asks for a confirmation before it sends anything to the app of the webhook.
type slackButton struct {
	Type     string      `json:"type"`
	Text     slackText   `json:"text"`
	Style    string      `json:"style"`
	ActionID string      `json:"action_id"`
	Value    string      `json:"value"`
	Confirm  slackDialog `json:"confirm"`
}

type slackDialog struct {
	Title   slackText `json:"title"`
	Text    slackText `json:"text"`
	Confirm slackText `json:"confirm"`
	Deny    slackText `json:"deny"`
}

// slackApprove is the button that approves the renewal in a line.
func slackApprove(l line) []slackBlock {
	b, ok := l.note.Approve["slack"]
	if !ok {
		return nil
	}
	text := func(s string) slackText { return slackText{"plain_text", s} }
	return []slackBlock{{Type: "actions", Elements: []any{slackButton{
		Type: "button", Text: text("Approve"), Style: "primary", ActionID: b.Action, Value: b.Value,
		Confirm: slackDialog{text("Approve the renewal?"), text(handler.ClipTo(approving(l), 250)), text("Approve"), text("Not now")},
	}}}}
}

// escapeSlack escapes as Slack requires. Nothing else can begin a link or a mention.
var escapeSlack = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;")

// composeSlack makes one section of each line. A section takes 3,000 characters, and a
// message takes 50 blocks. text is shown on a phone's lock screen.
func composeSlack(t *target, d digest, _ time.Time) Post {
	section := func(text string) slackBlock {
		return slackBlock{Type: "section", Text: &slackText{"mrkdwn", text}}
	}
	title := escapeSlack.Replace(d.title)
	blocks := []slackBlock{section("*" + title + "*")}
	for _, l := range d.lines {
		blocks = append(blocks, section("*"+escapeSlack.Replace(l.who)+"*: "+escapeSlack.Replace(l.text(d.most))))
		blocks = append(blocks, slackApprove(l)...)
	}
	if rest := d.rest(); rest != "" {
		blocks = append(blocks, section(rest))
	}
	var elements []any
	for _, n := range d.next {
		text := escapeSlack.Replace(n.text)
		if n.url != "" {
			text += ": <" + escapeSlack.Replace(n.url) + ">"
		}
		elements = append(elements, slackText{"mrkdwn", text})
	}
	if elements != nil {
		blocks = append(blocks, slackBlock{Type: "context", Elements: elements})
	}
	return posted(t, struct {
		Text        string       `json:"text"`
		Blocks      []slackBlock `json:"blocks"`
		UnfurlLinks bool         `json:"unfurl_links"`
	}{title, blocks, false})
}
