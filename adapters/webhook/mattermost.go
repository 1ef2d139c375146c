package webhook

import (
	"tairssl/adapters/chatops"
)

// Mattermost is the scheme of a slash command: a token, in a header or in the
// form. It covers nothing. Source: Mattermost, Custom slash commands.
func Mattermost(tokens Secrets) Scheme {
	return Scheme{
		Name: "mattermost",
		Weak: true,
		verify: func(m Message) error {
			var token string
			if m.Header.Values("Authorization") != nil {
				var err error
				if token, err = m.authorization("Token"); err != nil {
					return err
				}
			} else {
				values, err := form(m.Body)
				if err != nil {
					return err
				}
				token = values.Get("token")
			}
			return tokens.any(func(secret string) bool { return same(secret, token) })
		},
	}
}

// mattermost answers a slash command.
func (h *Handler) mattermost(q *request) {
	values, err := form(q.body)
	if err != nil {
		q.malformed(err.Error())
		return
	}
	q.reply(mattermostMessage{"ephemeral", markdown(h.say(q, chatops.Message{
		Platform: "mattermost", Tenant: values.Get("team_id"), User: values.Get("user_id"), Channel: values.Get("channel_id"), Text: values.Get("text"),
	}))})
}

type mattermostMessage struct {
	ResponseType string `json:"response_type"`
	Text         string `json:"text"`
}
