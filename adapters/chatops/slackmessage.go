package chatops

import (
	"errors"
	"fmt"
	"net/url"
	"strings"

	"tairssl/adapters/notify"
	"tairssl/handler"
)

var errSlackToken = errors.New("a message in Slack cannot be answered: TAIRSSL_SLACK_BOT_TOKEN is missing")

// slackLater answers in a thread, or at the response_url, which takes five messages
// within 30 minutes.
func slackLater(c *Chat, p *Platform, to Address, r Reply) (notify.Send, error) {
	u, err := url.Parse(string(to))
	if err != nil || u.Scheme != slackThreadScheme {
		return c.toURL(p, to, slackAnswer(r))
	}
	message := slackAnswer(r)
	message.ResponseType = ""
	body := struct {
		Channel  string `json:"channel"`
		ThreadTS string `json:"thread_ts,omitempty"`
		slackMessage
	}{u.Query().Get("channel"), u.Query().Get("thread_ts"), message}
	post, err := c.postJSON(p, "https://"+slackAPI+"/api/chat.postMessage", string(c.Settings.SlackBotToken), body)
	return sendOf(post), err
}

// slackEscapes escapes the three special characters of Slack's texts.
var slackEscapes = strings.NewReplacer("&", "&amp;", "<", "&lt;", ">", "&gt;")

type slackText struct {
	Type string `json:"type"`
	Text string `json:"text"`
}

type slackBlock struct {
	Type     string        `json:"type"`
	Text     *slackText    `json:"text,omitempty"`
	Elements []slackButton `json:"elements,omitempty"`
}

type slackButton struct {
	Type     string    `json:"type"`
	Text     slackText `json:"text"`
	Style    string    `json:"style"`
	ActionID string    `json:"action_id"`
	Value    string    `json:"value"`
}

type slackMessage struct {
	ResponseType string       `json:"response_type,omitempty"`
	Text         string       `json:"text"`
	Blocks       []slackBlock `json:"blocks"`
	// ReplaceOriginal says that the answer replaces the message with the pressed button.
	ReplaceOriginal bool `json:"replace_original"`
}

// slackSection is the greatest length of a section, in characters. Slack does not show a
// message with a longer section.
const slackSection = 3000

func slackAnswer(r Reply) slackMessage {
	message := slackMessage{
		ResponseType: visible(r), Text: slackEscapes.Replace(strings.Join(r.Lines, "\n")),
		ReplaceOriginal: r.pressed && r.Decided != "",
	}
	section := ""
	end := func() {
		if section != "" {
			message.Blocks = append(message.Blocks, slackBlock{Type: "section", Text: &slackText{"mrkdwn", section}})
		}
		section = ""
	}
	for _, line := range r.Lines {
		line = slackEscapes.Replace(handler.ClipTo(line, slackSection/6)) // escaping may make it five times as long
		if len(section)+len(line) >= slackSection {
			end()
		}
		if section != "" {
			section += "\n"
		}
		section += line
	}
	end()
	if r.pressed && r.Decided != "" && plainID().MatchString(r.by) {
		section = fmt.Sprintf(slackEscapes.Replace(r.Decided), "<@"+r.by+">")
		end()
	}
	if r.Confirm != "" {
		message.Blocks = append(message.Blocks, slackBlock{Type: "actions", Elements: []slackButton{{
			Type: "button", Text: slackText{"plain_text", r.Button}, Style: "danger", ActionID: confirm, Value: r.Confirm,
		}}})
	}
	return message
}
