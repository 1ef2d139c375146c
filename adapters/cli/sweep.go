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

// sweepOptions are the flags of sweep.
type sweepOptions struct {
	dryRun, yes bool
	renewBefore time.Duration
	maxTargets  int
	tags        map[string]string
}

func (c *command) sweep() *cobra.Command {
	var o sweepOptions
	cmd := &cobra.Command{
		Use:   "sweep",
		Short: "Renew all certificates that are due, the most urgent first, in the maintenance windows",
		Long: `Renew all certificates that are due, the most urgent first, in the maintenance windows.

Each renewal restarts the instance: its connections drop for some seconds. On a terminal the
command shows the plan and asks before it changes anything.

The function does the same every hour. The sweep watches its first change. If that change
cannot be verified, the sweep stops. Renewals that wait for a window or for the next sweep
are deferred.`,
		Example: `  tairssl sweep --dry-run --emulate
  tairssl sweep --yes --max-targets 3 --tag env=prod -o json`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			order, err := o.order(cmd)
			if err != nil {
				return err
			}
			return c.runSweep(cmd.Context(), order, o.yes)
		},
	}
	o.register(cmd)
	return cmd
}

func (o *sweepOptions) register(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.BoolVar(&o.dryRun, "dry-run", false, "show what would happen and change nothing")
	flags.BoolVarP(&o.yes, "yes", "y", false, "do not ask for confirmation; required if there is no terminal")
	flags.DurationVar(&o.renewBefore, "renew-before", 0, "renew certificates that expire within this time (default: TAIRSSL_RENEW_BEFORE)")
	flags.IntVar(&o.maxTargets, "max-targets", 0, "change at most this many instances (default and upper limit: TAIRSSL_MAX_TARGETS)")
	flags.StringToStringVar(&o.tags, "tag", nil, "only instances with this tag, as `key=value`")
}

// order is the order that the flags describe.
func (o *sweepOptions) order(cmd *cobra.Command) (fleet.Order, error) {
	order := fleet.Order{Tags: o.tags, DryRun: o.dryRun}
	if cmd.Flags().Changed("renew-before") {
		order.RenewBefore = (*handler.Duration)(&o.renewBefore)
	}
	if cmd.Flags().Changed("max-targets") && o.maxTargets < 1 {
		return order, usagef("--max-targets takes 1 or more; to change nothing, use --dry-run")
	}
	if cmd.Flags().Changed("max-targets") {
		order.MaxTargets = &o.maxTargets
	}
	if _, err := fleet.Decode(handler.JSON(order)); err != nil {
		return fleet.Order{}, usageError{err}
	}
	return order, nil
}

// runSweep sweeps and shows the result. If a confirmation is needed, it first shows the
// plan and asks.
func (c *command) runSweep(ctx context.Context, order fleet.Order, yes bool) error {
	ask := !order.DryRun && !yes
	if ask && !c.Ask {
		fmt.Fprintln(c.Stderr, "tairssl: not confirmed, so nothing was changed: add --dry-run to look, or --yes if there is no terminal")
		return declined
	}
	h, done, err := c.connect(ctx)
	if err != nil {
		return err
	}
	defer done()
	if ask {
		plan := order
		plan.DryRun = true
		swept, err := c.sweepOnce(ctx, h, plan)
		if err != nil {
			return err
		}
		if swept.Summary.Outcomes[handler.Planned] == 0 {
			return c.printSweep(swept)
		}
		if !c.confirmSweep(ctx, swept) {
			fmt.Fprintln(c.Stderr, "tairssl: not confirmed, so nothing was changed")
			return declined
		}
	}
	swept, err := c.sweepOnce(ctx, h, order)
	if err != nil {
		return err
	}
	if ctx.Err() != nil {
		c.tellInterrupted(swept.Results)
	}
	return c.printSweep(swept)
}

// confirmSweep shows the plan of a sweep and asks a person.
func (c *command) confirmSweep(ctx context.Context, plan fleet.Result) bool {
	asTable := *c
	asTable.output, asTable.Stdout = "table", c.Stderr
	_ = asTable.printSweep(plan) // the plan has no exit code of its own
	restarts := counted(plan.Summary.Outcomes[handler.Planned], "instance restarts", "instances restart")
	return c.agree(ctx, fmt.Sprintf("\n%s, and connections drop for some seconds. Renew now? [y/N] ", restarts))
}

// sweepOnce sweeps and shows its progress.
func (c *command) sweepOnce(ctx context.Context, h instances, order fleet.Order) (fleet.Result, error) {
	shown := c.counter("reading")
	defer func() { shown.end() }()
	order.Progress = func(read, total int) { // never called concurrently
		shown.set(read, total)
		if read == total && !order.DryRun {
			shown.end()
			shown = c.gauge("renewing certificates that are due")
		}
	}
	return h.Sweep(ctx, order)
}

// outcomesShown are the outcomes in the order in which a sweep counts them.
var outcomesShown = [...]handler.Outcome{
	handler.Verified, handler.Accepted, handler.Planned, handler.Deferred, handler.InProgress,
	handler.Refused, handler.Unknown, handler.Failed, handler.Unchanged,
}

// printSweep shows a sweep and returns the error for its exit code.
func (c *command) printSweep(swept fleet.Result) error {
	c.warnEmpty(swept.Summary.Regions)
	unread := c.unread(swept.Summary.Regions)
	if c.output == "json" {
		if err := printJSON(c.Stdout, []fleet.Result{swept}, false); err != nil {
			return err
		}
		return worse(worstOf(swept), unread)
	}
	// Results without an instance are regions that could not be read: see unread.
	rows := slices.DeleteFunc(slices.Clone(swept.Results), func(r handler.Result) bool { return r.InstanceID == "" })
	if len(rows) > 0 {
		_ = c.print(c.Stdout, rows) // worstOf gives the exit code, because it also counts results that are not listed
		fmt.Fprintln(c.Stdout)
	}
	fmt.Fprintf(c.Stdout, "%d seen, %d due", swept.Summary.Seen, swept.Summary.Due)
	if n := swept.Summary.NoTLS; n > 0 {
		fmt.Fprintf(c.Stdout, ", %d of a type without TLS", n)
	}
	for _, o := range outcomesShown {
		if n := swept.Summary.Outcomes[o]; n > 0 {
			fmt.Fprintf(c.Stdout, ", %d %s", n, o)
		}
	}
	fmt.Fprintln(c.Stdout)
	return worse(worstOf(swept), unread)
}

// worstOf returns the error for the exit code of a sweep. It includes the instances that
// the summary only counts. An instance with the tag tairssl=off is no failure.
func worstOf(swept fleet.Result) error {
	var all []handler.Result
	for _, r := range swept.Results {
		if r.Outcome == handler.Failed { // its exit code depends on its kind, and failures are listed first
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
