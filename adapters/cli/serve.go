package cli

import (
	"context"
	"net/http"
	"time"

	"github.com/spf13/cobra"

	"tairssl/adapters/cli/exporter"
	"tairssl/adapters/function"
)

// graceful is how long requests, and then what was handed over, may go on after
// an interrupt: a change may be watched.
const graceful = 20 * time.Second

// serving is what the flags of serve ask for.
type serving struct {
	addr, metricsAddr string
	every             time.Duration // between two looks for /metrics; 0: none
}

func (c *command) serve() *cobra.Command {
	var s serving
	cmd := &cobra.Command{
		Use:   "serve",
		Short: "Answer the function's HTTP routes on this machine, until interrupted",
		Long: `Answer the function's HTTP routes on this machine, until interrupted.

What lasts longer than a chat waits goes on after the answer. An interrupt waits for it some
seconds; then its people are told what is known.

A route is open if its secret is set; see adapters/function/README.md. The first line says
where it listens, the next which routes are open. The log goes to standard error.

GET /metrics shows the fleet to Prometheus. The fleet is read in the background, at each
--metrics-interval, and never by a scrape. /metrics needs no secret and shows none, but it shows
the ids and names of the instances: if others can reach --addr, give /metrics an address of its
own with --metrics-addr.`,
		Example: `  TAIRSSL_SLACK_SIGNING_SECRETS=s3cret TAIRSSL_CHAT_ALLOW='slack:T1/U1 * *' \
    TAIRSSL_CONFIRM_KEY=0123456789abcdef tairssl serve --addr 127.0.0.1:8080 --emulate
  tairssl serve --addr :8080 --metrics-addr 127.0.0.1:9464 --metrics-interval 10m`,
		Args:        cobra.NoArgs,
		Annotations: map[string]string{untilInterrupted: "yes"},
		RunE:        func(cmd *cobra.Command, _ []string) error { return c.runServer(cmd.Context(), s) },
	}
	flags := cmd.Flags()
	flags.StringVar(&s.addr, "addr", "127.0.0.1:8080", "address to listen on")
	flags.StringVar(&s.metricsAddr, "metrics-addr", "", "address for /metrics alone (default: that of --addr)")
	flags.DurationVar(&s.every, "metrics-interval", 5*time.Minute, "how often to read the fleet for /metrics; 0s: never, and there is no /metrics")
	return cmd
}

func (c *command) runServer(ctx context.Context, s serving) error {
	if s.every != 0 && s.every < exporter.Shortest {
		return usagef("--metrics-interval takes 0s, or at least %s: each time the whole fleet is read", exporter.Shortest)
	}
	environ, done, err := c.cloud()
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
