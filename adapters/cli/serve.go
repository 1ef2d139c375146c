package cli

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"tairssl/adapters/chatops"
	"tairssl/adapters/function"
	"tairssl/adapters/tair/tairtest"
)

// routes are those that a server may have, for the list that it prints.
var routes = slices.Concat([]string{"/ssl"}, chatRoutes(), []string{"/alertmanager", "/grafana", "/cloudevents", "/healthz"})

func chatRoutes() (routes []string) {
	for _, p := range chatops.Platforms {
		routes = append(routes, p.Route)
	}
	return routes
}

// graceful is how long requests, and then what was handed over, may go on after
// an interrupt: a change may be watched.
const graceful = 20 * time.Second

func (c *command) serve() *cobra.Command {
	var addr string
	cmd := &cobra.Command{
		Use:   "serve",
		Short: "Answer the function's HTTP routes on this machine, until interrupted",
		Long: `Answer the function's HTTP routes on this machine, until interrupted.

What lasts longer than a chat waits goes on after the answer. An interrupt waits for it some
seconds; then its people are told what is known.

A route is open if its secret is set; see the settings in the README. The first line says
where it listens, the next which routes are open. The log goes to standard error.`,
		Example: `  TAIRSSL_SLACK_SIGNING_SECRETS=s3cret TAIRSSL_CHAT_ALLOW='slack:T1/U1 * *' \
    TAIRSSL_CONFIRM_KEY=0123456789abcdef tairssl serve --addr 127.0.0.1:8080 --emulate`,
		Args:        cobra.NoArgs,
		Annotations: map[string]string{untilInterrupted: "yes"},
		RunE: func(cmd *cobra.Command, _ []string) error {
			environ, done, err := c.cloud(tairtest.Options{})
			if err != nil {
				return err
			}
			defer done()
			environ, who, err := c.settled(environ)
			if err != nil {
				return err
			}
			work := newBackground()
			defer work.cut()
			var f *function.Function
			f = function.New(function.Options{Environ: environ, Credentials: who.credentials, Log: c.Stderr, Invoke: func(_ context.Context, _ function.InvokeAPI, payload []byte) error {
				return work.start(func(ctx context.Context) { _, _ = f.InvokeHanded(ctx, payload) }) // how it ends is told and logged
			}})
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
			return serveUntil(cmd.Context(), listener, h, work)
		},
	}
	cmd.Flags().StringVar(&addr, "addr", "127.0.0.1:8080", "address to listen on")
	return cmd
}

// serveUntil serves until ctx ends, and then lets requests and work come to
// their end.
func serveUntil(ctx context.Context, listener net.Listener, h http.Handler, work *background) error {
	server := &http.Server{Handler: h, ReadHeaderTimeout: 10 * time.Second, ReadTimeout: 30 * time.Second, IdleTimeout: time.Minute}
	served := make(chan error, 1)
	go func() { served <- server.Serve(listener) }()
	select {
	case err := <-served:
		work.end(0)
		return err
	case <-ctx.Done():
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), graceful)
	defer cancel()
	err := server.Shutdown(ctx)
	work.end(graceful)
	if ended := <-served; !errors.Is(ended, http.ErrServerClosed) {
		err = errors.Join(err, ended)
	}
	return err
}
