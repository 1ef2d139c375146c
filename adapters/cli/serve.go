package cli

import (
	"context"
	"net/http"
	"time"

	"github.com/spf13/cobra"

	"tairssl/adapters/cli/exporter"
	"tairssl/adapters/function"
)

// graceful is the time that requests have to end after an interrupt. Handed-over work,
// which may be watching a change, then has the same time again.
const graceful = 20 * time.Second

// serving holds the flags of serve.
type serving struct {
	addr, metricsAddr string
	every             time.Duration // between two readings of the fleet for /metrics; 0 for no /metrics
}

func (c *command) serve() *cobra.Command {
	var s serving
	cmd := &cobra.Command{
		Use:   "serve",
		Short: "Answer the function's HTTP routes on this machine, until interrupted",
		Long: `Answer the function's HTTP routes on this machine, until interrupted.

Work that takes longer than a chat waits goes on after the answer. After an interrupt, serve waits
some seconds for this work, and then tells the people in the chat what is known.

A route is open if its secret is set: see adapters/function/README.md. The first line of output is
the address, the second line names the open routes. The log goes to standard error.

GET /metrics shows the fleet to Prometheus. serve reads the fleet in the background, once every
--metrics-interval, and never during a scrape. /metrics needs no secret and shows no secret, but it
shows the ids and names of the instances. If others can reach --addr, give /metrics another address
with --metrics-addr.`,
		Example: `  TAIRSSL_SLACK_SIGNING_SECRETS=s3cret TAIRSSL_CHAT_ALLOW='slack:T1/U1 * *' \
    TAIRSSL_CONFIRM_KEY=0123456789abcdef tairssl serve --addr 127.0.0.1:8080 --emulate
  tairssl serve --addr :8080 --metrics-addr 127.0.0.1:9464 --metrics-interval 10m`,
		Args:        cobra.NoArgs,
		Annotations: map[string]string{untilInterrupted: "yes"},
		RunE:        func(cmd *cobra.Command, _ []string) error { return c.runServer(cmd.Context(), s) },
	}
	flags := cmd.Flags()
	flags.StringVar(&s.addr, "addr", "127.0.0.1:8080", "address to listen on")
	flags.StringVar(&s.metricsAddr, "metrics-addr", "", "separate address for /metrics (default: that of --addr)")
	flags.DurationVar(&s.every, "metrics-interval", 5*time.Minute, "how often to read the fleet for /metrics; 0s: never, and without /metrics")
	return cmd
}

func (c *command) runServer(ctx context.Context, s serving) error {
	if s.every != 0 && s.every < exporter.Shortest {
		return usagef("--metrics-interval takes 0s, or at least %s, because each reading reads the whole fleet", exporter.Shortest)
	}
	environ, who, done, err := c.account()
	if err != nil {
		return err
	}
	defer done()
	work := newBackground()
	defer work.cut()
	var f *function.Function
	f = function.New(function.Options{Environ: environ, Credentials: who.credentials, Log: c.Stderr, Invoke: func(_ context.Context, _ function.InvokeAPI, payload []byte) error {
		return work.start(func(ctx context.Context) { _, _ = f.InvokeHanded(ctx, payload) }) // InvokeHanded itself logs the result and tells people
	}})
	h, err := f.Handler(ctx)
	if err != nil {
		return usageError{err}
	}
	main := &site{addr: s.addr, handler: h}
	for _, route := range function.Routes() {
		if len(route.Settings) == 0 || f.Open(ctx, route.Path) {
			main.open = append(main.open, route.Path)
		}
	}
	sites := []*site{main}
	if s.every > 0 {
		show, stop, err := c.export(ctx, f, s.every)
		if err != nil {
			return usageError{err}
		}
		defer stop()
		on := main
		if s.metricsAddr != "" {
			on = &site{addr: s.metricsAddr, handler: http.NotFoundHandler()}
			sites = append(sites, on)
		}
		on.add(metricsRoute, show)
	}
	if err := c.listen(ctx, sites); err != nil {
		return usageError{err}
	}
	return serveUntil(ctx, sites, work)
}
