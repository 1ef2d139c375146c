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

// shortestRehearsal is enough to raise a flag, to send the change and to see it.
const shortestRehearsal = 10 * time.Second

func (c *command) rehearse() *cobra.Command {
	var yes bool
	var limit time.Duration
	cmd := &cobra.Command{
		Use:   "rehearse INSTANCE",
		Short: "Renew a test instance once, and measure what that takes",
		Long: `Renew a test instance once, and measure what that takes.

It makes one real, forced renewal, in the same way as any other: the instance restarts once.
It measures how soon a tag shows, how soon and for how long the change shows, for how long
connections are gone (if the instance can be reached from here), when the new certificate is
served, whether the CA changes, and how long each call takes. It ends with recommended
settings, and why.

It first shows what will happen, and asks for the instance's id. An interrupt leaves nothing
behind but the tag tairssl-lease-… of a change that was sent, and says what still goes on. An
instance that is tagged tairssl=off is not touched.

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
			if limit < shortestRehearsal {
				return usagef("--timeout takes %s or more", shortestRehearsal)
			}
			h, done, err := c.connect(cmd.Context())
			if err != nil {
				return err
			}
			defer done()
			return c.runRehearsal(cmd.Context(), h, args[0], yes, limit)
		},
	}
	cmd.ValidArgsFunction = c.completeInstances
	flags := cmd.Flags()
	flags.BoolVarP(&yes, "yes", "y", false, "do not ask; needed where nobody can be asked")
	flags.DurationVar(&limit, "timeout", rehearsal.DefaultLimit, "when to end if the change is not complete by then")
	return cmd
}

// runRehearsal plans, asks, rehearses and reports.
func (c *command) runRehearsal(ctx context.Context, h instances, name string, yes bool, limit time.Duration) error {
	shown := c.gauge("reading")
	defer func() { shown.end() }()
	o, planned, err := planRehearsal(ctx, h, name)
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
	o.Limit = limit
	notes := notesOf(ctx, h, o, c.Columns)
	shown.end()
	fmt.Fprintln(c.Stderr, notes)
	if !yes && c.ask(ctx, fmt.Sprintf("Type %s to go on: ", o.Ref.InstanceID)) != o.Ref.InstanceID {
		why := "what was typed is not " + o.Ref.InstanceID
		switch {
		case ctx.Err() != nil:
			why = "interrupted"
		case !c.Ask:
			why = "add --yes where nobody can be asked"
		}
		fmt.Fprintf(c.Stderr, "tairssl: not confirmed, so nothing was changed: %s\n", why)
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

// planRehearsal finds the instance, and says what would happen to it.
func planRehearsal(ctx context.Context, h instances, name string) (o rehearsal.Options, planned handler.Result, err error) {
	ref, err := h.named(ctx, name)
	if err != nil {
		return o, planned, err
	}
	ref, before, err := h.Observe(ctx, ref)
	if err != nil {
		return o, planned, err
	}
	if before.Off() {
		return o, planned, handler.Errorf(handler.Forbidden, "%s is tagged tairssl=off, so it is not touched: rehearse on another instance, or remove the tag", ref.InstanceID)
	}
	planned, change := h.Plan(ctx, handler.Delivery{Trust: handler.Trusted, Request: handler.Request{InstanceID: ref.InstanceID, RegionID: ref.RegionID, SSLEnabled: handler.Update, Force: true}})
	return rehearsal.Options{
		API: h.api, Settings: h.Options, Ref: ref, Before: before, Change: change,
		Prober: rehearsal.Redis(func(ctx context.Context) (*tls.Conn, error) {
			return h.probe.Dial(ctx, before.ConnectionDomain, before.Port)
		}),
		CA: h.api.CAFingerprint,
	}, planned, nil
}
