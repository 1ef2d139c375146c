package cli

import (
	"context"
	"crypto/tls"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"tairssl/adapters/cli/rehearsal"
	"tairssl/handler"
)

// shortestRehearsal leaves enough time to measure tags and set the lease tag, because no
// change begins in the last 5 seconds.
const shortestRehearsal = 10 * time.Second

// rehearseOptions are the flags of rehearse.
type rehearseOptions struct {
	yes   bool
	limit time.Duration
}

func (c *command) rehearse() *cobra.Command {
	var o rehearseOptions
	cmd := &cobra.Command{
		Use:   "rehearse INSTANCE",
		Short: "Renew a test instance once, and measure how long each step takes",
		Long: `Renew a test instance once, and measure how long each step takes.

The command makes one real, forced renewal, in the same way as any other: the instance restarts
once. It measures how soon a tag is visible, how soon and how long the change is visible, how long
connections are down (if this machine can reach the instance), when the instance serves the new
certificate, whether the CA changes, and how long each call takes. At the end it recommends
settings, and explains them.

It first shows what will happen, and asks you to type the instance's id. After an interrupt it
says what still goes on; only the tag tairssl-lease-… of a change that was sent stays. It does
not touch an instance with the tag tairssl=off.

` + namings,
		Example: `  tairssl rehearse r-bp1zxszhcgatnx01 --emulate
  tairssl rehearse r-bp1zxszhcgatnx01 --yes --timeout 45m -o json > rehearsal.json`,
		Args: func(_ *cobra.Command, args []string) error {
			if len(args) != 1 {
				return usagef("name one test instance")
			}
			return nil
		},
		RunE: func(cmd *cobra.Command, args []string) error {
			if o.limit < shortestRehearsal {
				return usagef("--timeout takes %s or more", shortestRehearsal)
			}
			h, done, err := c.connect(cmd.Context())
			if err != nil {
				return err
			}
			defer done()
			return c.runRehearsal(cmd.Context(), h, args[0], o)
		},
	}
	cmd.ValidArgsFunction = c.completeInstances
	flags := cmd.Flags()
	flags.BoolVarP(&o.yes, "yes", "y", false, "do not ask for confirmation; required if there is no terminal")
	flags.DurationVar(&o.limit, "timeout", rehearsal.DefaultLimit, "stop watching after this time, even if the change is not complete")
	return cmd
}

// runRehearsal plans, asks, rehearses and reports.
func (c *command) runRehearsal(ctx context.Context, h instances, name string, flags rehearseOptions) error {
	shown := c.gauge("reading")
	defer func() { shown.end() }()
	o, planned, err := c.planRehearsal(ctx, h, name)
	if err != nil {
		return err
	}
	if planned.Outcome != handler.Planned {
		shown.end()
		if err := c.print(c.Stdout, []handler.Result{planned}); err != nil {
			return err
		}
		return exit(handler.Unsupported.ExitCode()) // there is nothing to rehearse
	}
	o.Limit = flags.limit
	notes := notesOf(ctx, h, o, c.Columns)
	shown.end()
	fmt.Fprintln(c.Stderr, notes)
	if !flags.yes && !c.confirmRehearsal(ctx, o.Ref.InstanceID) {
		return declined
	}
	shown = c.gauge("rehearsing")
	o.Tell = func(m rehearsal.Mark) {
		c.tell(shown, fmt.Sprintf("%8.1fs  %s", time.Duration(m.After).Seconds(), m.What))
	}
	report := rehearsal.Run(ctx, o)
	shown.end()
	return c.printRehearsal(report)
}

// confirmRehearsal asks a person to type the instance's id.
func (c *command) confirmRehearsal(ctx context.Context, id string) bool {
	if c.ask(ctx, fmt.Sprintf("Type %s to go on: ", id)) == id {
		return true
	}
	why := "the typed text is not " + id
	switch {
	case ctx.Err() != nil:
		why = "interrupted"
	case !c.Ask:
		why = "add --yes if there is no terminal"
	}
	fmt.Fprintf(c.Stderr, "tairssl: not confirmed, so nothing was changed: %s\n", why)
	return false
}

// planRehearsal finds the instance, and plans its renewal.
func (c *command) planRehearsal(ctx context.Context, h instances, name string) (o rehearsal.Options, planned handler.Result, err error) {
	ref, err := h.named(ctx, name)
	if err != nil {
		return o, planned, err
	}
	ref, before, err := h.Observe(ctx, ref)
	if err != nil {
		return o, planned, err
	}
	if before.Off() {
		return o, planned, handler.Errorf(handler.Forbidden, "%s has the tag tairssl=off, so it is not touched: rehearse on another instance, or remove the tag", ref.InstanceID)
	}
	planned, change := h.Plan(ctx, handler.Delivery{Trust: handler.Trusted, Request: handler.Request{InstanceID: ref.InstanceID, RegionID: ref.RegionID, SSLEnabled: handler.Update, Force: true}})
	o = c.Rehearsal
	o.API, o.Settings, o.Ref, o.Before, o.Change, o.CA = h.api, h.Options, ref, before, change, h.api.CAFingerprint
	o.Prober = rehearsal.Redis(func(ctx context.Context) (*tls.Conn, error) {
		return h.probe.Dial(ctx, before.ConnectionDomain, before.Port)
	})
	return o, planned, nil
}
