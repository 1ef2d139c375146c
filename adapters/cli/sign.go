package cli

import (
	"cmp"
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"tairssl/adapters/chatops"
	"tairssl/adapters/function"
	"tairssl/adapters/webhook"
)

// signing holds everything that a person needs to try a signature scheme by hand.
type signing struct {
	secret  string // the setting that holds the secrets
	path    string // the route
	media   string // the Content-Type
	sign    func(secret string, now time.Time, body []byte) (chatops.Signed, error)
	message func(chatops.Speaker) []byte                              // makes the body of a chat message; nil if the scheme is not a chat's
	read    func(secret string, answer []byte) (said string, _ error) // decrypts an answer; nil if answers are not encrypted
}

// signings are the signature schemes of programs and of chats. A program's scheme is
// tried on the first route that accepts it.
func signings() map[string]signing {
	all := map[string]signing{}
	for _, p := range webhook.Proofs {
		if p.Sign == nil {
			continue
		}
		at := slices.IndexFunc(webhook.Machines, func(m webhook.Machine) bool { return slices.Contains(m.Proofs, p) })
		all[p.Name] = signing{p.Setting, webhook.Machines[at].Path, "application/json", func(secret string, now time.Time, body []byte) (chatops.Signed, error) {
			h, err := p.Sign(secret, now, body)
			return chatops.Signed{Header: h, Body: body}, err
		}, nil, nil}
	}
	for _, p := range chatops.Platforms {
		all[p.Name] = signing{p.Setting, p.Route, p.Media, p.Sign, p.Sample, p.Read}
	}
	return all
}

// signOptions are the flags of sign.
type signOptions struct {
	chatops.Speaker
	secret, curl string
	answer       bool
}

func (c *command) sign() *cobra.Command {
	var o signOptions
	signings := signings()
	schemes := slices.Sorted(maps.Keys(signings))
	cmd := &cobra.Command{
		Use:   "sign SCHEME [BODY-FILE]",
		Short: "Print the headers that sign a webhook's body, or a curl command that sends it",
		Long: `Print the headers that sign a webhook's body, or with --curl a command that sends it.

SCHEME is one of ` + strings.Join(schemes, ", ") + `.
The body is a file (- is standard input), or for a chat the message of --text. The secret is
--secret, or the first secret in the scheme's setting (for slack ` + function.Prefix + `SLACK_SIGNING_SECRETS).

Mattermost does not sign: its header is the secret itself. WeCom signs the query, and encrypts
the body and the answer: --answer decrypts an answer and prints it.`,
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
				return usagef("%q is not one of %s", args[0], strings.Join(schemes, ", "))
			}
			secret, err := c.secretOf(cmd.Context(), scheme, o)
			switch {
			case err != nil:
				return err
			case o.answer:
				return c.readAnswer(scheme, secret, args)
			}
			return c.printSigned(cmd.Context(), scheme, secret, o, args)
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&o.secret, "secret", "", "the `secret` to sign with")
	flags.StringVar(&o.curl, "curl", "", "print a curl command for the server at this `URL`")
	flags.BoolVar(&o.answer, "answer", false, "decrypt and print an encrypted answer; give the answer instead of a body")
	flags.StringVar(&o.Text, "text", "", "text of the message, for a chat")
	flags.StringVar(&o.Tenant, "tenant", "T1", "workspace or company of the message")
	flags.StringVar(&o.User, "user", "U1", "sender of the message")
	flags.StringVar(&o.Channel, "channel", "C1", "channel of the message")
	return cmd
}

// secretOf is the secret to sign with.
func (c *command) secretOf(ctx context.Context, scheme signing, o signOptions) (string, error) {
	if o.secret != "" {
		return o.secret, nil
	}
	setting, err := c.setting(ctx, scheme.secret)
	if err != nil {
		return "", usageError{err}
	}
	first, _, _ := strings.Cut(setting, ",")
	if first = strings.TrimSpace(first); first == "" {
		return "", usagef("no secret: add --secret or set %s%s", function.Prefix, scheme.secret)
	}
	return first, nil
}

// readAnswer decrypts and prints an answer.
func (c *command) readAnswer(scheme signing, secret string, args []string) error {
	if scheme.read == nil {
		return usagef("answers to %s are not encrypted: read them as they are", args[0])
	}
	answer, err := c.read(append(args[1:], "-")[0])
	if err != nil {
		return usageError{err}
	}
	said, err := scheme.read(secret, answer)
	if err != nil {
		return usagef("the answer cannot be read: %v\n%s", err, answer)
	}
	fmt.Fprintln(c.Stdout, said)
	return nil
}

// printSigned signs a body, and prints the headers or a curl command.
func (c *command) printSigned(ctx context.Context, scheme signing, secret string, o signOptions, args []string) (err error) {
	if scheme.path == "/feishu" {
		if o.Token, err = c.setting(ctx, "FEISHU_VERIFICATION_TOKEN"); err != nil {
			return usageError{err}
		}
	}
	body, err := c.body(scheme, o.Speaker, args[1:])
	if err != nil {
		return err
	}
	signed, err := scheme.sign(secret, time.Now(), body)
	if err != nil {
		return usageError{err}
	}
	signed.Header.Set("Content-Type", scheme.media)
	path := scheme.path
	if signed.Query != nil {
		path += "?" + signed.Query.Encode()
	}
	if o.curl == "" {
		c.printHeaders(path, signed)
		return nil
	}
	fmt.Fprintf(c.Stdout, "curl -sS %s", shell(strings.TrimRight(o.curl, "/")+path))
	for _, name := range slices.Sorted(maps.Keys(signed.Header)) {
		fmt.Fprintf(c.Stdout, " \\\n  -H %s", shell(name+": "+signed.Header.Get(name)))
	}
	fmt.Fprintf(c.Stdout, " \\\n  --data-binary %s", shell(string(signed.Body)))
	if scheme.read != nil && o.secret == "" { // the printed command must not contain a secret of the command line
		fmt.Fprintf(c.Stdout, " |\n  %s sign %s --answer", shell(cmp.Or(c.Program, "tairssl")), args[0])
	}
	fmt.Fprintln(c.Stdout)
	return nil
}

// printHeaders prints the headers to send. A scheme that signs the query also encrypts
// the body. For such a scheme it also prints the path and the new body.
func (c *command) printHeaders(path string, signed chatops.Signed) {
	if signed.Query != nil {
		fmt.Fprintln(c.Stdout, path)
	}
	for _, name := range slices.Sorted(maps.Keys(signed.Header)) {
		fmt.Fprintf(c.Stdout, "%s: %s\n", name, signed.Header.Get(name))
	}
	if signed.Query != nil {
		fmt.Fprintf(c.Stdout, "\n%s\n", signed.Body)
	}
}

// setting reads a setting from the environment. The variable may hold the value, or a
// reference to the place of the value. The setting may also be part of TAIRSSL_SETTINGS
// or TAIRSSL_SECRETS.
func (c *command) setting(ctx context.Context, name string) (string, error) {
	name = function.Prefix + name
	var environ []string
	for _, variable := range []string{name, function.Prefix + "SETTINGS", function.Prefix + "SECRETS"} {
		environ = append(environ, variable+"="+function.Getenv(c.Environ)(variable))
	}
	environ, err := function.Resolve(ctx, environ)
	return strings.TrimSpace(function.Getenv(environ)(name)), err
}

// body is the body to sign.
func (c *command) body(scheme signing, s chatops.Speaker, files []string) ([]byte, error) {
	switch {
	case s.Text != "" && scheme.message == nil:
		return nil, usagef("--text needs the scheme of a chat: give a file instead")
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
