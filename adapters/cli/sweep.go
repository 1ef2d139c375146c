package cli

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"tairssl/handler"
	"tairssl/handler/fleet"
)

func (c *command) sweep() *cobra.Command {
	var (
		dryRun, yes bool
		renewBefore time.Duration
		maxTargets  int
		tags        map[string]string
	)
	cmd := &cobra.Command{
		Use:   "sweep",
		Short: "Renew whatever is due, the most urgent first, within the maintenance windows",
		Long: `Renew whatever is due, the most urgent first, within the maintenance windows.

Each instance that is renewed restarts: connections to it drop for some seconds. On a terminal
the plan is shown first, and you are asked.

This is what the function does every hour. The first change is watched, and if it cannot
be verified the sweep stops there; what waits for a window, or for the next sweep, is deferred.`,
		Example: `  tairssl sweep --dry-run --emulate
  tairssl sweep --yes --max-targets 3 --tag env=prod -o json`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			order := fleet.Order{Tags: tags, DryRun: dryRun}
			if cmd.Flags().Changed("renew-before") {
				order.RenewBefore = (*handler.Duration)(&renewBefore)
			}
			if cmd.Flags().Changed("max-targets") {
				order.MaxTargets = &maxTargets
			}
			if _, err := fleet.Decode(handler.JSON(order)); err != nil {
				return usageError{err}
			}
			if !dryRun && !yes && !c.Ask {
				fmt.Fprintln(c.Stderr, "tairssl: not confirmed, so nothing was changed: add --dry-run to look, or --yes where nobody can be asked")
				return declined
			}
			h, done, err := c.connect(cmd.Context())
			if err != nil {
				return err
			}
			defer done()
			if !dryRun && !yes {
				planned := order
				planned.DryRun = true
				swept, err := c.sweepOnce(cmd.Context(), h, planned)
				if err != nil {
					return err
				}
				n := swept.Summary.Outcomes[handler.Planned]
				if n == 0 {
					return c.printSweep(swept)
				}
				asTable := *c
				asTable.output, asTable.Stdout = "table", c.Stderr
				_ = asTable.printSweep(swept) // the code is that of what happens then
				if !c.agree(cmd.Context(), fmt.Sprintf("\n%s, and connections to them drop for some seconds. Renew now? [y/N] ", counted(n, "instance restarts", "instances restart"))) {
					fmt.Fprintln(c.Stderr, "tairssl: not confirmed, so nothing was changed")
					return declined
				}
			}
			swept, err := c.sweepOnce(cmd.Context(), h, order)
			if err != nil {
				return err
			}
			if cmd.Context().Err() != nil {
				c.tellInterrupted(swept.Results)
			}
			return c.printSweep(swept)
		},
	}
	flags := cmd.Flags()
	flags.BoolVar(&dryRun, "dry-run", false, "say what would happen and change nothing")
	flags.BoolVarP(&yes, "yes", "y", false, "do not ask; needed where nobody can be asked")
	flags.DurationVar(&renewBefore, "renew-before", 0, "renew what expires within this (default: TAIRSSL_RENEW_BEFORE)")
	flags.IntVar(&maxTargets, "max-targets", 0, "change at most so many (default and limit: TAIRSSL_MAX_TARGETS)")
	flags.StringToStringVar(&tags, "tag", nil, "only instances that have this tag, as `key=value`")
	return cmd
}

// sweepOnce sweeps, and shows how far it is.
func (c *command) sweepOnce(ctx context.Context, h instances, order fleet.Order) (fleet.Result, error) {
	shown := c.counter("reading")
	defer func() { shown.end() }()
	order.Progress = func(read, total int) { // called by one at a time
		shown.set(read, total)
		if read == total && !order.DryRun {
			shown.end()
			shown = c.gauge("renewing what is due")
		}
	}
	return h.Sweep(ctx, order)
}

// printSweep shows a sweep and returns its exit.
func (c *command) printSweep(swept fleet.Result) error {
	c.warnEmpty(swept.Summary.Regions)
	unread := c.unread(swept.Summary.Regions)
	if c.output == "json" {
		if err := printJSON(c.Stdout, []fleet.Result{swept}, false); err != nil {
			return err
		}
		return worse(worstOf(swept), unread)
	}
	// A region that was not read is told above.
	rows := slices.DeleteFunc(slices.Clone(swept.Results), func(r handler.Result) bool { return r.InstanceID == "" })
	if len(rows) > 0 {
		_ = c.print(c.Stdout, rows) // the code is that of all, shown or not
		fmt.Fprintln(c.Stdout)
	}
	fmt.Fprintf(c.Stdout, "%d seen, %d due", swept.Summary.Seen, swept.Summary.Due)
	if n := swept.Summary.NoTLS; n > 0 {
		fmt.Fprintf(c.Stdout, ", %d of a type without TLS", n)
	}
	for _, o := range []handler.Outcome{handler.Verified, handler.Accepted, handler.Planned, handler.Deferred, handler.InProgress, handler.Refused, handler.Unknown, handler.Failed, handler.Unchanged} {
		if n := swept.Summary.Outcomes[o]; n > 0 {
			fmt.Fprintf(c.Stdout, ", %d %s", n, o)
		}
	}
	fmt.Fprintln(c.Stdout)
	return worse(worstOf(swept), unread)
}

// worstOf is the exit of a sweep, those that are only counted included. What is
// tagged off is its owner's business and no failure.
func worstOf(swept fleet.Result) error {
	var all []handler.Result
	for _, r := range swept.Results {
		if r.Outcome == handler.Failed { // the kind tells its code; failures are shown first
			all = append(all, r)
		}
	}
	for outcome, n := range swept.Summary.Outcomes {
		if outcome == handler.Refused {
			n -= swept.Summary.OptedOut
		}
		if outcome != handler.Failed && n > 0 {
			all = append(all, handler.Result{Outcome: outcome})
		}
	}
	return worst(all)
}
