package chatops

import (
	"net/http"
	"net/url"
	"slices"
	"time"

	"tairssl/adapters/notify"
	"tairssl/adapters/webhook"
	"tairssl/handler"
)

// MattermostSettings are the settings of Mattermost.
type MattermostSettings struct {
	MattermostTokens webhook.Secrets `env:"MATTERMOST_TOKENS" help:"tokens of slash commands of Mattermost: opens /mattermost"`
}

// mattermost is a slash command. Source: Mattermost, Custom slash commands. Every
// operator runs Mattermost on hosts of their own, so it has no known hosts.
var mattermost = Platform{
	Name: "mattermost", Title: "Mattermost", Route: "/mattermost", Setting: "MATTERMOST_TOKENS", Media: "application/x-www-form-urlencoded",
	Sign: func(secret string, _ time.Time, body []byte) (Signed, error) {
		return signedBy(SignMattermost(secret), body), nil
	},
	Sample: slashCommand,
	within: shortLimit,
	media:  webhook.IsForm,
	schemes: func(s Settings) []webhook.Scheme {
		return webhook.IfSet(s.MattermostTokens, mattermostScheme(s.MattermostTokens))
	},
	decode: decodeMattermost,
	encode: func(_ *Chat, q webhook.Request, _ heard, r Reply) { answer(q, mattermostAnswer(r)) },
	later: func(c *Chat, p *Platform, to Address, r Reply) (notify.Send, error) {
		return c.toURL(p, to, mattermostAnswer(r))
	},
	unseen: func(c *Chat, p *Platform) string {
		if slices.ContainsFunc(c.ReplyHosts, func(host string) bool { return c.mayReply(p, host) }) {
			return ""
		}
		return "people in Mattermost do not see the result of a change: the host of your Mattermost is missing in TAIRSSL_CHAT_REPLY_HOSTS"
	},
}

// mattermostScheme is a token in a header or in the form. It does not cover the message.
func mattermostScheme(tokens webhook.Secrets) webhook.Scheme {
	return webhook.NewScheme("mattermost", handler.Weak, func(m webhook.Message) error {
		var token string
		if m.Header.Values("Authorization") != nil {
			var err error
			if token, err = m.Authorization("Token"); err != nil {
				return err
			}
		} else {
			values, err := mattermostForm(m.Body)
			if err != nil {
				return err
			}
			token = values.Get("token")
		}
		return tokens.Any(func(secret string) bool { return webhook.Same(secret, token) })
	})
}

// SignMattermost returns Mattermost's header: the token itself.
func SignMattermost(token string) http.Header {
	return http.Header{"Authorization": {"Token " + token}}
}

// mattermostForm reads the form of a command. The fields for mentions occur once for each
// mention.
func mattermostForm(body []byte) (url.Values, error) {
	return webhook.Form(body, "user_mentions", "user_mentions_ids", "channel_mentions", "channel_mentions_ids")
}

func decodeMattermost(c *Chat, p *Platform, q webhook.Request) heard {
	values, err := mattermostForm(q.Body())
	if err != nil {
		return heard{unread: err.Error()}
	}
	return heard{Message: Message{
		Tenant: values.Get("team_id"), User: values.Get("user_id"), Channel: values.Get("channel_id"), Text: values.Get("text"), Call: commandName(values),
		Reply: c.address(p, values.Get("response_url")),
	}}
}

type mattermostMessage struct {
	ResponseType string `json:"response_type"`
	Text         string `json:"text"`
}

func mattermostAnswer(r Reply) mattermostMessage {
	return mattermostMessage{visible(r), markdown(r)}
}
