package cli

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"tairssl/adapters/function"
	"tairssl/adapters/webhook"
)

// speaker is who says something in a sample message.
type speaker struct {
	tenant, user, channel, text string
	token                       string // Feishu's verification token, which its messages hold
}

// signing is how a scheme is tried by hand.
type signing struct {
	secret  string // the setting that holds its secrets
	path    string
	media   string
	sign    func(secret string, now time.Time, body []byte) (http.Header, error)
	message func(speaker) any // a body that says a text; nil: no chat
}

// signings are the schemes that sign.
var signings = map[string]signing{
	"slack": {"SLACK_SIGNING_SECRETS", "/slack", "application/x-www-form-urlencoded", func(secret string, now time.Time, body []byte) (http.Header, error) {
		return webhook.SignSlack(secret, now, body), nil
	}, slashCommand},
	"mattermost": {"MATTERMOST_TOKENS", "/mattermost", "application/x-www-form-urlencoded", func(secret string, _ time.Time, _ []byte) (http.Header, error) {
		return webhook.SignMattermost(secret), nil
	}, slashCommand},
	"dingtalk": {"DINGTALK_APP_SECRETS", "/dingtalk", "application/json", func(secret string, now time.Time, _ []byte) (http.Header, error) {
		return webhook.SignDingTalk(secret, now), nil
	}, func(s speaker) any {
		return map[string]any{"msgtype": "text", "text": map[string]string{"content": s.text}, "senderCorpId": s.tenant, "senderStaffId": s.user, "conversationId": s.channel}
	}},
	"feishu": {"FEISHU_ENCRYPT_KEYS", "/feishu", "application/json", func(secret string, now time.Time, body []byte) (http.Header, error) {
		return webhook.SignFeishu(secret, "tairssl", now, body), nil
	}, func(s speaker) any {
		content, _ := json.Marshal(map[string]string{"text": s.text}) // a string always encodes
		return map[string]any{
			"header": map[string]string{"event_type": "im.message.receive_v1", "tenant_key": s.tenant, "token": s.token},
			"event": map[string]any{
				"sender":  map[string]any{"sender_id": map[string]string{"open_id": s.user}},
				"message": map[string]string{"chat_id": s.channel, "message_type": "text", "content": string(content)},
			},
		}
	}},
	"teams": {"TEAMS_SECRETS", "/teams", "application/json", func(secret string, _ time.Time, body []byte) (http.Header, error) {
		return webhook.SignTeams(secret, body)
	}, func(s speaker) any {
		return map[string]any{"type": "message", "text": s.text, "from": map[string]string{"aadObjectId": s.user}, "conversation": map[string]string{"id": s.channel}, "channelData": map[string]any{"tenant": map[string]string{"id": s.tenant}}}
	}},
	"standard": {"WEBHOOK_SECRETS", "/ssl", "application/json", func(secret string, now time.Time, body []byte) (http.Header, error) {
		return webhook.SignStandard(secret, fmt.Sprintf("msg_%d", now.UnixNano()), now, body)
	}, nil},
	"github": {"GITHUB_SECRETS", "/ssl", "application/json", func(secret string, _ time.Time, body []byte) (http.Header, error) {
		return webhook.SignGitHub(secret, body), nil
	}, nil},
	"grafana": {"GRAFANA_SECRETS", "/grafana", "application/json", func(secret string, now time.Time, body []byte) (http.Header, error) {
		return webhook.SignGrafana(secret, now, body), nil
	}, nil},
}

// slashCommand is the form that Slack and Mattermost send.
func slashCommand(s speaker) any {
	return url.Values{"team_id": {s.tenant}, "user_id": {s.user}, "channel_id": {s.channel}, "command": {"/tair"}, "text": {s.text}}.Encode()
}

func (c *command) sign() *cobra.Command {
	var secret, curl string
	var s speaker
	schemes := slices.Sorted(maps.Keys(signings))
	cmd := &cobra.Command{
		Use:   "sign SCHEME [BODY-FILE]",
		Short: "Print the headers that sign a webhook's body, or a curl command that sends it",
		Long: `Print the headers that sign a webhook's body, or with --curl a command that sends it.

SCHEME is one of ` + strings.Join(schemes, ", ") + `. The body is a file, - for standard
input, or for a chat a message that says --text. The secret is --secret, or the first of the
scheme's setting (` + function.Prefix + `SLACK_SIGNING_SECRETS and so on). Mattermost signs nothing:
its header is the secret itself.`,
		Example: `  tairssl sign slack --text 'status r-bp1zxszhcgatnx01' --curl http://127.0.0.1:8080
  tairssl sign github events/direct-update.json --secret s3cret`,
		Args: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				return usagef("name the scheme, one of %s", strings.Join(schemes, ", "))
			}
			return cobra.MaximumNArgs(2)(cmd, args)
		},
		ValidArgs: schemes,
		RunE: func(cmd *cobra.Command, args []string) error {
			scheme, ok := signings[args[0]]
			if !ok {
				return usagef("%q is none of %s", args[0], strings.Join(schemes, ", "))
			}
			setting, err := c.setting(cmd.Context(), scheme.secret)
			if err != nil && secret == "" {
				return usageError{err}
			}
			if secret == "" {
				first, _, _ := strings.Cut(setting, ",")
				secret = strings.TrimSpace(first)
			}
			if secret == "" {
				return usagef("no secret: give --secret or set %s%s", function.Prefix, scheme.secret)
			}
			if scheme.path == "/feishu" {
				if s.token, err = c.setting(cmd.Context(), "FEISHU_VERIFICATION_TOKEN"); err != nil {
					return usageError{err}
				}
			}
			body, err := c.body(scheme, s, args[1:])
			if err != nil {
				return err
			}
			header, err := scheme.sign(secret, time.Now(), body)
			if err != nil {
				return usageError{err}
			}
			header.Set("Content-Type", scheme.media)
			if curl == "" {
				for _, name := range slices.Sorted(maps.Keys(header)) {
					fmt.Fprintf(c.Stdout, "%s: %s\n", name, header.Get(name))
				}
				return nil
			}
			fmt.Fprintf(c.Stdout, "curl -sS %s", shell(strings.TrimRight(curl, "/")+scheme.path))
			for _, name := range slices.Sorted(maps.Keys(header)) {
				fmt.Fprintf(c.Stdout, " \\\n  -H %s", shell(name+": "+header.Get(name)))
			}
			fmt.Fprintf(c.Stdout, " \\\n  --data-binary %s\n", shell(string(body)))
			return nil
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&secret, "secret", "", "the `secret` to sign with")
	flags.StringVar(&curl, "curl", "", "print a curl command for the server at this `URL`")
	flags.StringVar(&s.text, "text", "", "what the message says, for a chat")
	flags.StringVar(&s.tenant, "tenant", "T1", "in which workspace or company")
	flags.StringVar(&s.user, "user", "U1", "who says it")
	flags.StringVar(&s.channel, "channel", "C1", "where")
	return cmd
}

// setting is one of the environment, which may say where it is instead.
func (c *command) setting(ctx context.Context, name string) (string, error) {
	name = function.Prefix + name
	environ, err := function.Resolve(ctx, []string{name + "=" + function.Getenv(c.Environ)(name)})
	return strings.TrimSpace(function.Getenv(environ)(name)), err
}

// body is what is signed.
func (c *command) body(scheme signing, s speaker, files []string) ([]byte, error) {
	switch {
	case s.text != "" && scheme.message == nil:
		return nil, usagef("--text goes with a chat; give a file")
	case s.text != "" && len(files) > 0:
		return nil, usagef("give a file or --text, not both")
	case s.text != "":
		message := scheme.message(s)
		if text, ok := message.(string); ok {
			return []byte(text), nil
		}
		return json.Marshal(message)
	case len(files) == 0:
		files = []string{"-"}
	}
	body, err := c.read(files[0])
	if err != nil {
		return nil, usageError{err}
	}
	return body, nil
}

// shell quotes a word for a POSIX shell.
func shell(word string) string { return "'" + strings.ReplaceAll(word, "'", `'\''`) + "'" }
