package webhook

import (
	"cmp"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"net/http"
	"strings"

	"tairssl/adapters/chatops"
)

// TeamsSecrets are the security tokens of outgoing webhooks: base64.
type TeamsSecrets struct{ Secrets }

// UnmarshalText reads a comma-separated list.
func (s *TeamsSecrets) UnmarshalText(text []byte) error {
	if err := s.Secrets.UnmarshalText(text); err != nil {
		return err
	}
	for _, secret := range s.Secrets {
		if key, err := base64.StdEncoding.DecodeString(secret); err != nil || len(key) == 0 {
			return errors.New("an entry is not base64")
		}
	}
	return nil
}

// Teams is the scheme of outgoing webhooks of Microsoft Teams: an HMAC-SHA256
// over the body. It has no freshness. Source: Microsoft, Create Outgoing
// Webhooks.
func Teams(secrets TeamsSecrets) Scheme {
	return Scheme{
		Name: "teams",
		verify: func(m Message) error {
			signature, err := m.authorization("HMAC")
			if err != nil {
				return err
			}
			return secrets.any(func(secret string) bool {
				want, err := teamsSign(secret, m.Body)
				return err == nil && hmac.Equal([]byte(signature), []byte(want))
			})
		},
	}
}

func teamsSign(secret string, body []byte) (string, error) {
	key, err := base64.StdEncoding.DecodeString(secret)
	if err != nil || len(key) == 0 {
		return "", errors.New("the secret is not base64")
	}
	return base64.StdEncoding.EncodeToString(mac(sha256.New, key, string(body))), nil
}

// SignTeams gives Teams' header for a body.
func SignTeams(secret string, body []byte) (http.Header, error) {
	signature, err := teamsSign(secret, body)
	return http.Header{"Authorization": {"HMAC " + signature}}, err
}

// teams answers a message that names the webhook.
func (h *Handler) teams(q *request) {
	var message struct {
		Text string
		From struct {
			ID          string
			AADObjectID string `json:"aadObjectId"`
		}
		Conversation struct{ ID, TenantID string }
		ChannelData  struct {
			TeamsChannelID  string `json:"teamsChannelId"`
			Tenant, Channel struct{ ID string }
		}
	}
	if json.Unmarshal(q.body, &message) != nil {
		q.reply(teamsMessage{"message", markdown(q.unread("it is not JSON of a message"))})
		return
	}
	channel, _, _ := strings.Cut(message.Conversation.ID, ";") // what follows is the thread
	m := chatops.Message{
		Platform: "teams",
		Tenant:   cmp.Or(message.ChannelData.Tenant.ID, message.Conversation.TenantID),
		User:     cmp.Or(message.From.AADObjectID, message.From.ID),
		Channel:  cmp.Or(message.ChannelData.TeamsChannelID, message.ChannelData.Channel.ID, channel),
		Text:     teamsText.Replace(message.Text),
	}
	q.reply(teamsMessage{"message", markdown(h.say(q, m))})
}

// teamsText undoes the little HTML that Teams makes of what somebody types.
var teamsText = strings.NewReplacer("&nbsp;", " ", "<p>", " ", "</p>", " ", "<div>", " ", "</div>", " ", "<br>", " ", "<br/>", " ", "&lt;", "<", "&gt;", ">", "&amp;", "&")

type teamsMessage struct {
	Type string `json:"type"`
	Text string `json:"text"`
}
