package chatops

import (
	"cmp"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"net/http"
	"net/url"
	"strconv"
	"time"

	"tairssl/adapters/webhook"
	"tairssl/handler"
)

// SlackSettings are the settings of Slack.
type SlackSettings struct {
	SlackSigningSecrets webhook.Secrets `env:"SLACK_SIGNING_SECRETS" help:"signing secrets of the Slack app: opens /slack"`
	SlackBotToken       Secret          `env:"SLACK_BOT_TOKEN" help:"bot token of that app, xoxb-…: mentions and direct messages need it for their answers, slash commands do not"`
}

// slack is an app: its slash command, its buttons, and the messages that mention the app
// or are sent to it.
var slack = Platform{
	Name: "slack", Title: "Slack", Route: "/slack", Setting: "SLACK_SIGNING_SECRETS", Media: "application/x-www-form-urlencoded",
	Sign: func(secret string, now time.Time, body []byte) (Signed, error) {
		return signedBy(SignSlack(secret, now, body), body), nil
	},
	Sample:  slashCommand,
	within:  shortLimit,
	methods: "GET, POST",
	media:   func(media string) bool { return webhook.IsForm(media) || webhook.IsJSON(media) },
	hosts:   []string{"hooks.slack.com", "hooks.slack-gov.com", slackAPI},
	schemes: func(s Settings) []webhook.Scheme {
		return webhook.IfSet(s.SlackSigningSecrets, slackScheme(s.SlackSigningSecrets))
	},
	unsigned: sslCheck,
	decode:   decodeSlack,
	encode: func(_ *Chat, q webhook.Request, h heard, r Reply) {
		if h.event {
			answer(q, struct{}{}) // nobody sees this body
			return
		}
		answer(q, slackAnswer(r))
	},
	later:   slackLater,
	buttons: true,
}

const (
	slackSignature = "X-Slack-Signature"
	slackTime      = "X-Slack-Request-Timestamp"
	slackAPI       = "slack.com"
)

// slackScheme is an HMAC-SHA256 over the time and the body. Source: Slack, Verifying
// requests from Slack.
func slackScheme(secrets webhook.Secrets) webhook.Scheme {
	return webhook.NewScheme("slack", handler.Signed, func(m webhook.Message) error {
		at, err := m.Fresh(slackTime, time.Second)
		if err != nil {
			return err
		}
		signature, err := m.Only(slackSignature)
		if err != nil {
			return err
		}
		return secrets.Any(func(secret string) bool { return hmac.Equal([]byte(signature), []byte(slackSign(secret, at, m.Body))) })
	})
}

func slackSign(secret, at string, body []byte) string {
	return "v0=" + hex.EncodeToString(webhook.MAC(sha256.New, []byte(secret), "v0:", at, ":", string(body)))
}

// SignSlack returns Slack's headers for a body.
func SignSlack(secret string, now time.Time, body []byte) http.Header {
	at := strconv.FormatInt(now.Unix(), 10)
	return http.Header{slackTime: {at}, slackSignature: {slackSign(secret, at, body)}}
}

// sslCheck answers Slack's test of the route's own TLS certificate. The request is
// unsigned and asks for nothing.
func sslCheck(q webhook.Request) bool {
	values := q.HTTP().URL.Query()
	if q.HTTP().Method != http.MethodGet {
		var err error
		if values, err = webhook.Form(q.Body()); err != nil || values.Get("text") != "" || values.Get("payload") != "" {
			return false
		}
	}
	if values.Get("ssl_check") != "1" {
		return false
	}
	q.Write(http.StatusOK, nil)
	return true
}

// decodeSlack reads a slash command, a button of an earlier answer, or an event.
func decodeSlack(c *Chat, p *Platform, q webhook.Request) heard {
	if json.Valid(q.Body()) {
		return c.slackEvent(q)
	}
	values, err := webhook.Form(q.Body())
	if err != nil {
		return heard{unread: err.Error()}
	}
	if payload := values.Get("payload"); payload != "" {
		return c.slackPress(p, q, payload)
	}
	return heard{Message: Message{
		Tenant: cmp.Or(values.Get("team_id"), values.Get("enterprise_id")), User: values.Get("user_id"), Channel: values.Get("channel_id"),
		Text: values.Get("text"), Call: commandName(values), Reply: c.address(p, values.Get("response_url")),
	}}
}

// slackPress reads a button. If the app is installed for a whole organization, team is
// null.
func (c *Chat) slackPress(p *Platform, q webhook.Request, payload string) heard {
	var button struct {
		Type string
		User struct {
			ID     string
			TeamID string `json:"team_id"`
		}
		Team, Channel, Enterprise struct{ ID string }
		ResponseURL               string `json:"response_url"`
		Actions                   []struct {
			ActionID string `json:"action_id"`
			Value    string
		}
	}
	if read([]byte(payload), &button) != nil || button.Type != "block_actions" || len(button.Actions) != 1 || button.Actions[0].ActionID != confirm && button.Actions[0].ActionID != approve {
		q.Write(http.StatusOK, nil) // Slack only takes a confirmation of receipt here
		return heard{done: true, unread: "the button is not from this bot"}
	}
	h := heard{
		pressed: true, posted: true, to: button.ResponseURL,
		Message: Message{
			Tenant: cmp.Or(button.Team.ID, button.User.TeamID, button.Enterprise.ID), User: button.User.ID, Channel: button.Channel.ID,
			Text: confirm + " " + button.Actions[0].Value, Reply: c.address(p, button.ResponseURL),
		},
	}
	if button.Actions[0].ActionID == approve {
		h.Text, h.Invitation = "", button.Actions[0].Value
	}
	return h
}

// slackEventIn is an event of Slack's Events API.
type slackEventIn struct {
	Type, Challenge string
	TeamID          string `json:"team_id"`
	EventID         string `json:"event_id"`
	Authorizations  []struct {
		UserID string `json:"user_id"` // the bot's id
	}
	Event struct {
		Type, Subtype, User, Text, Channel, TS string
		BotID                                  string `json:"bot_id"`
		ThreadTS                               string `json:"thread_ts"`
		ChannelType                            string `json:"channel_type"`
		UserTeam                               string `json:"user_team"` // set in channels that are shared with other organizations
	}
}

// slackEvent reads a message that mentions the app or is sent to it directly. It ignores
// messages of bots, so that it never answers itself.
func (c *Chat) slackEvent(q webhook.Request) heard {
	var e slackEventIn
	if read(q.Body(), &e) != nil {
		return unreadEvent(q, "it is not an event")
	}
	if e.Type == "url_verification" {
		answer(q, struct {
			Challenge string `json:"challenge"`
		}{e.Challenge})
		return heard{done: true}
	}
	if e.Type != "event_callback" || !e.asks() {
		return ignored(q)
	}
	h := heard{
		// If the app also subscribes to messages, a mention comes twice, as app_mention
		// and as message, with two ids.
		id: e.TeamID + " " + e.Event.Channel + " " + cmp.Or(e.Event.TS, e.EventID), posted: true, event: true,
		Message: Message{
			Tenant: cmp.Or(e.Event.UserTeam, e.TeamID), User: e.Event.User, Channel: e.Event.Channel, Text: e.Event.Text,
			Reply: c.slackThread(e.Event.Channel, cmp.Or(e.Event.ThreadTS, e.Event.TS)),
		},
	}
	h.to = string(h.Reply)
	if h.Reply == "" {
		q.Note(replied(errSlackToken))
	}
	return h
}

// asks reports whether an event is a message of a person to the app.
func (e slackEventIn) asks() bool {
	for _, a := range e.Authorizations {
		if a.UserID != "" && a.UserID == e.Event.User {
			return false
		}
	}
	switch {
	case e.Event.BotID != "" || e.Event.User == "":
		return false
	case e.Event.Subtype != "" && e.Event.Subtype != "file_share" && e.Event.Subtype != "thread_broadcast":
		return false
	}
	return e.Event.Type == "app_mention" || e.Event.Type == "message" && e.Event.ChannelType == "im"
}

// slackThreadScheme begins an address of a channel and a thread.
const slackThreadScheme = "slack-thread"

// slackThread is the address for an answer to an event: in its thread, through the Web
// API, which needs a token.
func (c *Chat) slackThread(channel, thread string) Address {
	if c.Settings.SlackBotToken == "" || len(channel)+len(thread) > maxAddress {
		return ""
	}
	return Address((&url.URL{Scheme: slackThreadScheme, Host: "x", RawQuery: url.Values{"channel": {channel}, "thread_ts": {thread}}.Encode()}).String())
}
