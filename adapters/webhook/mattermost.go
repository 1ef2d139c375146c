package webhook

import (
	"net/http"

	"tairssl/adapters/chatops"
)

// Mattermost is the scheme of a slash command: a token, in a header or in the
// form. It covers nothing. Source: Mattermost, Custom slash commands.
func Mattermost(tokens Secrets) Scheme {
	return Scheme{
		Name: "mattermost",
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

// SignMattermost gives Mattermost's header: the token itself.
func SignMattermost(token string) http.Header {
	return http.Header{"Authorization": {"Token " + token}}
}

// mattermost answers a slash command.
func (h *Handler) mattermost(q *request) {
	values, err := form(q.body)
	if err != nil {
		q.reply(mattermostAnswer(q.unread(err.Error())))
		return
	}
	q.reply(mattermostAnswer(h.say(q, chatops.Message{
		Platform: "mattermost", Tenant: values.Get("team_id"), User: values.Get("user_id"), Channel: values.Get("channel_id"), Text: values.Get("text"),
		Reply: h.address("mattermost", values.Get("response_url")),
	})))
}

type mattermostMessage struct {
	ResponseType string `json:"response_type"`
	Text         string `json:"text"`
}

func mattermostAnswer(r chatops.Reply) mattermostMessage {
	return mattermostMessage{visible(r), markdown(r)}
}
