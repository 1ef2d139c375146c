package cli

import (
	"bufio"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/schollz/progressbar/v3"
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

This is what the function does every hour. The first change is watched, and if it can not
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
			if !dryRun && !yes && !c.agree("Instances whose certificates are due restart, connections to them drop. Go on? [y/N] ") {
				fmt.Fprintln(c.Stderr, "tairssl: not confirmed, so nothing was changed: say --dry-run to look, or --yes where nobody can be asked")
				return exit(handler.Result{Outcome: handler.Refused}.ExitCode())
			}
			h, done, err := c.connect(cmd.Context())
			if err != nil {
				return err
			}
			defer done()
			if c.Progress {
				bar := progressbar.NewOptions(-1, progressbar.OptionSetWriter(c.Stderr), progressbar.OptionSetDescription("reading"),
					progressbar.OptionShowCount(), progressbar.OptionSetPredictTime(true), progressbar.OptionClearOnFinish(),
					progressbar.OptionThrottle(100*time.Millisecond)) // to write on a terminal takes longer than to read an instance
				known := 0
				order.Progress = func(read, total int) {
					if total != known { // it draws anew
						known = total
						bar.ChangeMax(total)
					}
					_ = bar.Set(read) // it is for the eye
				}
				defer func() { _ = bar.Finish() }()
			}
			swept, err := h.Sweep(cmd.Context(), order)
			if err != nil {
				return err
			}
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

// agree asks, where a person is there to be asked.
func (c *command) agree(question string) bool {
	if !c.Ask {
		return false
	}
	fmt.Fprint(c.Stderr, question)
	answer, _ := bufio.NewReader(c.Stdin).ReadString('\n')
	answer = strings.ToLower(strings.TrimSpace(answer))
	return answer == "y" || answer == "yes"
}
