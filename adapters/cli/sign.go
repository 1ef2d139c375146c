package cli

import (
	"context"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"tairssl/adapters/chatops"
	"tairssl/adapters/function"
	"tairssl/adapters/webhook"
)

// signing is how a scheme is tried by hand.
type signing struct {
	secret  string // the setting that holds its secrets
	path    string
	media   string
	sign    func(secret string, now time.Time, body []byte) (http.Header, error)
	message func(chatops.Speaker) []byte // a body that says a text; nil: no chat
}

// signings are the schemes that sign: those of the chats, and of machines.
func signings() map[string]signing {
	all := maps.Clone(machines)
	for _, p := range chatops.Platforms {
		if p.Sign == nil {
			continue
		}
		all[p.Name] = signing{p.Setting, p.Route, p.Media, p.Sign, p.Sample}
	}
	return all
}

var machines = map[string]signing{
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

func (c *command) sign() *cobra.Command {
	var secret, curl string
	var s chatops.Speaker
	signings := signings()
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
				if s.Token, err = c.setting(cmd.Context(), "FEISHU_VERIFICATION_TOKEN"); err != nil {
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
	flags.StringVar(&s.Text, "text", "", "what the message says, for a chat")
	flags.StringVar(&s.Tenant, "tenant", "T1", "in which workspace or company")
	flags.StringVar(&s.User, "user", "U1", "who says it")
	flags.StringVar(&s.Channel, "channel", "C1", "where")
	return cmd
}

// setting is one of the environment, which may say where it is instead.
func (c *command) setting(ctx context.Context, name string) (string, error) {
	name = function.Prefix + name
	environ, err := function.Resolve(ctx, []string{name + "=" + function.Getenv(c.Environ)(name)})
	return strings.TrimSpace(function.Getenv(environ)(name)), err
}

// body is what is signed.
func (c *command) body(scheme signing, s chatops.Speaker, files []string) ([]byte, error) {
	switch {
	case s.Text != "" && scheme.message == nil:
		return nil, usagef("--text goes with a chat; give a file")
	case s.Text != "" && len(files) > 0:
		return nil, usagef("give a file or --text, not both")
	case s.Text != "":
		return scheme.message(s), nil
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
