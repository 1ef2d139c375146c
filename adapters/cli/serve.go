package cli

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"time"

	"github.com/spf13/cobra"

	"tairssl/adapters/function"
	"tairssl/adapters/tair/tairtest"
)

// routes are those that a server may have, for the list that it prints.
var routes = []string{"/ssl", "/slack", "/dingtalk", "/feishu", "/teams", "/mattermost", "/alertmanager", "/grafana", "/cloudevents", "/healthz"}

// graceful is how long requests may go on after an interrupt: the longest of
// them may be watching a change.
const graceful = 20 * time.Second

func (c *command) serve() *cobra.Command {
	var addr string
	cmd := &cobra.Command{
		Use:   "serve",
		Short: "Answer the function's HTTP routes on this machine, until interrupted",
		Long: `Answer the function's HTTP routes on this machine, until interrupted.

A route is open if its secret is set; see the settings in the README. The first line says
where it listens, the next which routes are open. The log goes to standard error.`,
		Example: `  TAIRSSL_SLACK_SIGNING_SECRETS=s3cret TAIRSSL_CHAT_ALLOW='slack:T1/U1 * *' \
    TAIRSSL_CONFIRM_KEY=0123456789abcdef tairssl serve --addr 127.0.0.1:8080 --emulate`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			environ, done, err := c.cloud(tairtest.Options{})
			if err != nil {
				return err
			}
			defer done()
			if c.region != "" {
				environ = append(environ, function.Prefix+"REGION="+c.region)
			}
			f := function.New(function.Options{Environ: environ, Log: c.Stderr})
			h, err := f.Handler(cmd.Context())
			if err != nil {
				return usageError{err}
			}
			listener, err := (&net.ListenConfig{}).Listen(cmd.Context(), "tcp", addr)
			if err != nil {
				return usageError{err}
			}
			open := []string{}
			for _, route := range routes {
				if route == "/healthz" || f.Open(cmd.Context(), route) {
					open = append(open, route)
				}
			}
			fmt.Fprintf(c.Stdout, "http://%s\nopen: %v\n", listener.Addr(), open)
			server := &http.Server{Handler: h, ReadHeaderTimeout: 10 * time.Second, ReadTimeout: 30 * time.Second, IdleTimeout: time.Minute}
			served := make(chan error, 1)
			go func() { served <- server.Serve(listener) }()
			select {
			case err := <-served:
				return err
			case <-cmd.Context().Done():
			}
			ctx, cancel := context.WithTimeout(context.WithoutCancel(cmd.Context()), graceful)
			defer cancel()
			err = server.Shutdown(ctx)
			if ended := <-served; !errors.Is(ended, http.ErrServerClosed) {
				err = errors.Join(err, ended)
			}
			return err
		},
	}
	cmd.Flags().StringVar(&addr, "addr", "127.0.0.1:8080", "address to listen on")
	return cmd
}
