package cli

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"

	"tairssl/handler"
)

// change is the command of an action: it reads, shows what would happen, asks,
// and asks for exactly what was shown: every request carries the expiry that
// was seen, so that a confirmation cannot act on another certificate.
func (c *command) change(action handler.Action, short string) *cobra.Command {
	var (
		dryRun, yes, force bool
		wait, renewBefore  time.Duration
	)
	name := strings.ToLower(string(action))
	cmd := &cobra.Command{
		Use:   name + " INSTANCE…",
		Short: short,
		Long:  short + ".\n\n" + costs[action] + "\n\n" + namings,
		Example: fmt.Sprintf(`  tairssl %[1]s r-bp1zxszhcgatnx01 --dry-run
  tairssl %[1]s orders-cache r-bp1zxszhcgatnx02.redis.rds.aliyuncs.com:6379 --dry-run
  tairssl %[1]s r-bp1zxszhcgatnx01 r-bp1zxszhcgatnx02 --yes -o json`, name),
		Args: atLeastOne("instance"),
		RunE: func(cmd *cobra.Command, names []string) error {
			if len(names) > handler.MaxBatch {
				return usagef("%d instances at once are too many: at most %d", len(names), handler.MaxBatch)
			}
			h, done, err := c.connect(cmd.Context())
			if err != nil {
				return err
			}
			defer done()
			requests := make([]handler.Delivery, len(names))
			for i, name := range names {
				requests[i] = handler.Delivery{Trust: handler.Trusted, Request: handler.Request{InstanceID: name, SSLEnabled: action, Force: force}}
				if cmd.Flags().Changed("wait") || h.Wait == 0 {
					requests[i].Wait = (*handler.Duration)(&wait)
				}
				if cmd.Flags().Changed("renew-before") {
					requests[i].RenewBefore = (*handler.Duration)(&renewBefore)
				}
			}
			return c.carryOut(cmd.Context(), h, requests, dryRun, yes)
		},
	}
	if action == handler.Update {
		cmd.Aliases = []string{"renew"}
	}
	cmd.ValidArgsFunction = c.completeInstances
	flags := cmd.Flags()
	flags.BoolVar(&dryRun, "dry-run", false, "say what would happen and change nothing")
	flags.BoolVarP(&yes, "yes", "y", false, "do not ask; needed where nobody can be asked")
	flags.DurationVar(&wait, "wait", 5*time.Minute, "how long to watch the change come true, 0s not at all")
	if action == handler.Update {
		flags.BoolVar(&force, "force", false, "renew although the certificate is not due")
		flags.DurationVar(&renewBefore, "renew-before", 0, "renew what expires within this (default: TAIRSSL_RENEW_BEFORE)")
	}
	return cmd
}

// costs says what a change does to an instance, and what has to allow it.
var costs = map[handler.Action]string{
	handler.Update: `The instance restarts: connections to it drop for some seconds. What is not due is left as it
is, unless --force is given. You act now: the maintenance window is not waited for.`,
	handler.Enable: `The instance restarts: connections to it drop for some seconds. TAIRSSL_ACTIONS has to name
Enable; by default only Update is allowed.`,
	handler.Disable: `Encryption ends, and data goes in the clear. On legacy instances it can never be enabled again.
The instance restarts: connections to it drop for some seconds. TAIRSSL_ACTIONS has to name
Disable; by default only Update is allowed.`,
}

// namings says how people may name an instance.
const namings = `An instance is named by its id, its endpoint (also as host:port or URL) or its name, which
must belong to one instance only. It is looked for in all regions of TAIRSSL_REGION, or in
the one of --region.`

func (c *command) carryOut(ctx context.Context, h instances, requests []handler.Delivery, dryRun, yes bool) error {
	shown := c.gauge("reading")
	results := plan(ctx, h, requests)
	shown.end()
	var due []int
	for i, r := range results {
		if r.Outcome == handler.Planned {
			due = append(due, i)
		}
	}
	if dryRun || len(due) == 0 {
		return c.print(c.Stdout, results)
	}
	if !yes && !c.confirm(ctx, results, due, requests[0].ApprovedBy != "") {
		for _, i := range due {
			results[i].Outcome, results[i].Reason = handler.Refused, "not confirmed: "+results[i].Reason
			if !c.Ask {
				results[i].Reason += "; add --yes where nobody can be asked"
			}
		}
		return c.print(c.Stdout, results)
	}
	chosen := make([]handler.Delivery, len(due))
	for n, i := range due {
		chosen[n] = requests[i]
	}
	doing := "changing"
	if requests[0].ApprovedBy != "" {
		doing = "approving"
	}
	shown = c.gauge(fmt.Sprintf("%s %d of %d", doing, len(due), len(requests)))
	changed := h.Handle(ctx, chosen)
	shown.end()
	if ctx.Err() != nil {
		c.tellInterrupted(changed)
	}
	for n, i := range due {
		results[i] = changed[n]
	}
	return c.print(c.Stdout, results)
}

// plan finds the instances that the requests name, says what would happen, and
// pins every request to the certificate seen.
func plan(ctx context.Context, h instances, requests []handler.Delivery) []handler.Result {
	results := make([]handler.Result, len(requests))
	var group errgroup.Group
	group.SetLimit(h.Concurrency)
	for i := range requests {
		group.Go(func() error {
			r := &requests[i]
			ref, err := h.named(ctx, r.InstanceID)
			if err != nil {
				e := handler.AsError(err)
				results[i] = handler.Result{InstanceID: handler.Quoted(r.InstanceID), SSLEnabled: r.SSLEnabled, Outcome: handler.Failed, Reason: e.Message, Error: e}
				return nil
			}
			r.InstanceID, r.RegionID = ref.InstanceID, ref.RegionID
			results[i], *r = h.Plan(ctx, *r)
			return nil
		})
	}
	_ = group.Wait() // no function fails
	return results
}

// confirm shows the plan and asks.
func (c *command) confirm(ctx context.Context, results []handler.Result, due []int, approving bool) bool {
	if !c.Ask {
		return false
	}
	shown := make([]handler.Result, len(due))
	for n, i := range due {
		shown[n] = results[i]
	}
	asTable := *c
	asTable.output = "table"
	_ = asTable.print(c.Stderr, shown)
	if shown[0].SSLEnabled == handler.Disable {
		fmt.Fprintln(c.Stderr, "\nEncryption ends. On legacy instances it can never be enabled again.")
	}
	if approving {
		return c.agree(ctx, fmt.Sprintf("\n%s then, and connections to it drop for some seconds. Approve? [y/N] ", counted(len(due), "instance restarts", "instances restart")))
	}
	what := "the instance restarts"
	if len(due) > 1 {
		what = fmt.Sprintf("these %d instances restart", len(due))
	}
	return c.agree(ctx, fmt.Sprintf("\nConnections drop while %s. Go on? [y/N] ", what))
}
