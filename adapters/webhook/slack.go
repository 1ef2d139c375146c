package webhook

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"net/http"
	"strconv"
	"strings"
	"time"

	"tairssl/adapters/chatops"
	"tairssl/handler"
)

const (
	slackSignature = "X-Slack-Signature"
	slackTime      = "X-Slack-Request-Timestamp"
)

// Slack is the scheme of Slack: an HMAC-SHA256 over time and body. Source:
// Slack, Verifying requests from Slack.
func Slack(secrets Secrets) Scheme {
	return Scheme{
		Name:  "slack",
		Trust: handler.Signed,
		verify: func(m Message) error {
			at, err := m.fresh(slackTime, time.Second)
			if err != nil {
				return err
			}
			signature, err := m.header(slackSignature)
			if err != nil {
				return err
			}
			return secrets.any(func(secret string) bool { return hmac.Equal([]byte(signature), []byte(slackSign(secret, at, m.Body))) })
		},
	}
}

func slackSign(secret, at string, body []byte) string {
	return "v0=" + hex.EncodeToString(mac(sha256.New, []byte(secret), "v0:", at, ":", string(body)))
}

// SignSlack gives Slack's headers for a body.
func SignSlack(secret string, now time.Time, body []byte) http.Header {
	at := strconv.FormatInt(now.Unix(), 10)
	return http.Header{slackTime: {at}, slackSignature: {slackSign(secret, at, body)}}
}

// sslCheck serves Slack's look at whether the route's own certificate is good:
// to be answered, unsigned, by doing nothing.
func (h *Handler) sslCheck(q *request) bool {
	values := q.http.URL.Query()
	if q.http.Method != http.MethodGet {
		var err error
		if values, err = form(q.body); err != nil || values.Get("text") != "" || values.Get("payload") != "" {
			return false
		}
	}
	if values.Get("ssl_check") != "1" {
		return false
	}
	q.write(http.StatusOK, nil)
	return true
}

// slack answers a slash command, or a button that one of its answers had.
func (h *Handler) slack(q *request) {
	values, err := form(q.body)
	if err != nil {
		q.reply(slackAnswer(q.unread(err.Error())))
		return
	}
	m := chatops.Message{Platform: "slack", Tenant: values.Get("team_id"), User: values.Get("user_id"), Channel: values.Get("channel_id"), Text: values.Get("text")}
	payload := values.Get("payload")
	if payload == "" {
		m.Reply = h.address("slack", values.Get("response_url"))
		q.reply(slackAnswer(h.say(q, m)))
		return
	}
	var button struct {
		Type                string
		User, Team, Channel struct{ ID string }
		ResponseURL         string `json:"response_url"`
		Actions             []struct {
			ActionID string `json:"action_id"`
			Value    string
		}
	}
	if json.Unmarshal([]byte(payload), &button) != nil || button.Type != "block_actions" || len(button.Actions) != 1 || button.Actions[0].ActionID != "confirm" {
		q.unread("it is no button of ours")
		q.write(http.StatusOK, nil) // that it was heard is all that Slack takes here
		return
	}
	m.Tenant, m.User, m.Channel, m.Text = button.Team.ID, button.User.ID, button.Channel.ID, "confirm "+button.Actions[0].Value
	m.Reply = h.address("slack", button.ResponseURL)
	reply := h.say(q, m)
	// Slack shows nobody the body that answers a button.
	h.send(q, m.Platform, button.ResponseURL, reply)
	q.reply(slackAnswer(reply))
}

// slackEscapes are the three characters that mean something in Slack's text.
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
	ResponseType string       `json:"response_type"`
	Text         string       `json:"text"`
	Blocks       []slackBlock `json:"blocks"`
}

// slackSection is how many characters Slack takes in a section; of a longer one
// it shows nothing at all.
const slackSection = 3000

func slackAnswer(r chatops.Reply) slackMessage {
	message := slackMessage{ResponseType: visible(r), Text: slackEscapes.Replace(strings.Join(r.Lines, "\n"))}
	section := ""
	end := func() {
		if section != "" {
			message.Blocks = append(message.Blocks, slackBlock{Type: "section", Text: &slackText{"mrkdwn", section}})
		}
		section = ""
	}
	for _, line := range r.Lines {
		if len(line) > slackSection/6 { // escaped it may be five times as long
			line = strings.ToValidUTF8(line[:slackSection/6], "") + "…"
		}
		line = slackEscapes.Replace(line)
		if len(section)+len(line) >= slackSection {
			end()
		}
		if section != "" {
			section += "\n"
		}
		section += line
	}
	end()
	if r.Code != "" {
		message.Blocks = append(message.Blocks, slackBlock{Type: "actions", Elements: []slackButton{{
			Type: "button", Text: slackText{"plain_text", "Do it"}, Style: "danger", ActionID: "confirm", Value: r.Code,
		}}})
	}
	return message
}

// visible says who sees the answer to a slash command: whoever gave it, unless
// somebody else has to.
func visible(r chatops.Reply) string {
	if r.Public {
		return "in_channel"
	}
	return "ephemeral"
}
