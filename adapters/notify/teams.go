package notify

import (
	"fmt"
	"strings"
	"time"

	"tairssl/handler"
)

// teams is a Power Automate workflow that posts to Microsoft Teams "when a webhook
// request is received", or an incoming webhook of the older kind. Both take a message
// with an adaptive card. Source: Microsoft's "Create incoming webhooks with Workflows for
// Microsoft Teams".
var teams = vendor{
	hosts:    []string{"*.logic.azure.com", "*.api.powerplatform.com", "*.webhook.office.com"},
	path:     "/",
	anyQuery: true,
	limit:    28_000,
	compose:  composeTeams,
	accepted: func(status int, body []byte) error {
		// The older kind answers 200 even if Teams refused the message.
		if answer := handler.ClipText(string(body)); strings.Contains(answer, "returned HTTP error") {
			return kindOf(false, strings.Contains(answer, "error 429") || strings.Contains(answer, "error 5"), "refused by Teams: %s", answer)
		}
		if !isSuccess(status) {
			return fmt.Errorf("refused with status %d: %s", status, handler.ClipText(string(body)))
		}
		return nil
	},
}

type teamsText struct {
	Type   string `json:"type"`
	Text   string `json:"text"`
	Wrap   bool   `json:"wrap"`
	Weight string `json:"weight,omitempty"`
}

type teamsCard struct {
	Schema  string      `json:"$schema"`
	Type    string      `json:"type"`
	Version string      `json:"version"`
	Body    []teamsText `json:"body"`
}

type teamsAttachment struct {
	ContentType string    `json:"contentType"`
	Content     teamsCard `json:"content"`
}

type teamsMessage struct {
	Type        string            `json:"type"`
	Attachments []teamsAttachment `json:"attachments"`
}

// composeTeams makes one text block of each line. A text block understands some markdown.
func composeTeams(t *target, d digest, _ time.Time) Post {
	card := teamsCard{Schema: "http://adaptivecards.io/schemas/adaptive-card.json", Type: "AdaptiveCard", Version: "1.4"}
	for i, part := range paragraphs(d) {
		text := teamsText{Type: "TextBlock", Text: part, Wrap: true}
		if i == 0 {
			text.Weight = "Bolder"
		}
		card.Body = append(card.Body, text)
	}
	return posted(t, teamsMessage{"message", []teamsAttachment{{"application/vnd.microsoft.card.adaptive", card}}})
}
