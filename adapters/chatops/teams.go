package chatops

import (
	"cmp"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"net/http"
	"strings"
	"time"

	"tairssl/adapters/webhook"
	"tairssl/handler"
)

// TeamsSettings are the settings of Microsoft Teams.
type TeamsSettings struct {
	TeamsSecrets TeamsSecrets `env:"TEAMS_SECRETS" help:"security tokens of outgoing webhooks of Teams, base64: opens /teams"`
}

// TeamsSecrets are the security tokens of outgoing webhooks, in base64.
type TeamsSecrets struct{ webhook.Secrets }

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

// teams is an outgoing webhook. It cannot be answered later. Source: Microsoft, Create
// Outgoing Webhooks.
var teams = Platform{
	Name: "teams", Title: "Teams", Route: "/teams", Setting: "TEAMS_SECRETS", Media: "application/json",
	Sign: func(secret string, _ time.Time, body []byte) (Signed, error) {
		h, err := SignTeams(secret, body)
		return signedBy(h, body), err
	},
	Sample: func(s Speaker) []byte {
		return handler.JSON(map[string]any{
			"type": "message", "text": s.Text, "from": map[string]string{"aadObjectId": s.User},
			"conversation": map[string]string{"id": s.Channel}, "channelData": map[string]any{"tenant": map[string]string{"id": s.Tenant}},
		})
	},
	within: longLimit,
	media:  webhook.IsJSON,
	schemes: func(s Settings) []webhook.Scheme {
		return webhook.IfSet(s.TeamsSecrets.Secrets, teamsScheme(s.TeamsSecrets))
	},
	decode: decodeTeams,
	encode: func(_ *Chat, q webhook.Request, _ heard, r Reply) { answer(q, teamsMessage{"message", markdown(r)}) },
}

// teamsScheme is an HMAC-SHA256 over the body. It covers no time.
func teamsScheme(secrets TeamsSecrets) webhook.Scheme {
	return webhook.NewScheme("teams", handler.Weak, func(m webhook.Message) error {
		signature, err := m.Authorization("HMAC")
		if err != nil {
			return err
		}
		return secrets.Any(func(secret string) bool {
			want, err := teamsSign(secret, m.Body)
			return err == nil && hmac.Equal([]byte(signature), []byte(want))
		})
	})
}

func teamsSign(secret string, body []byte) (string, error) {
	key, err := base64.StdEncoding.DecodeString(secret)
	if err != nil || len(key) == 0 {
		return "", errors.New("the secret is not base64")
	}
	return base64.StdEncoding.EncodeToString(webhook.MAC(sha256.New, key, string(body))), nil
}

// SignTeams gives Teams' header for a body.
func SignTeams(secret string, body []byte) (http.Header, error) {
	signature, err := teamsSign(secret, body)
	return http.Header{"Authorization": {"HMAC " + signature}}, err
}

// decodeTeams reads a message that mentions the webhook. Its text is HTML.
func decodeTeams(_ *Chat, _ *Platform, q webhook.Request) heard {
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
	if read(q.Body(), &message) != nil {
		return heard{unread: "it is not the JSON of a message"}
	}
	if strings.HasPrefix(message.From.ID, "28:") { // the sender is a bot
		return ignored(q)
	}
	channel, _, _ := strings.Cut(message.Conversation.ID, ";") // the rest is the thread
	return heard{Message: Message{
		Tenant:  cmp.Or(message.ChannelData.Tenant.ID, message.Conversation.TenantID),
		User:    cmp.Or(message.From.AADObjectID, message.From.ID),
		Channel: cmp.Or(message.ChannelData.TeamsChannelID, message.ChannelData.Channel.ID, channel),
		Text:    htmlText(message.Text),
		Call:    atName(message.Text),
	}}
}

// atName is the name of the webhook in a text: the first mention.
func atName(html string) string {
	m := firstMention().FindStringSubmatch(html)
	if m == nil {
		return ""
	}
	return "@" + m[1]
}

var firstMention = pattern(`<at(?:\s[^<>]*)?>([\pL\pN_. -]{1,60})</at>`)

type teamsMessage struct {
	Type string `json:"type"`
	Text string `json:"text"`
}
