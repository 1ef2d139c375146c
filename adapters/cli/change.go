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

// changeOptions are the flags of enable, disable and update.
type changeOptions struct {
	dryRun, yes, force bool
	wait, renewBefore  time.Duration
}

// change is the command of an action. It reads the instances, shows the plan, asks, and
// then carries out exactly this plan. Each request carries the expiry in the plan, so a
// confirmation never acts on another certificate.
func (c *command) change(action handler.Action, short string) *cobra.Command {
	var o changeOptions
	name := strings.ToLower(string(action))
	cmd := &cobra.Command{
		Use:   name + " INSTANCE…",
		Short: short,
		Long:  short + ".\n\n" + costs[action] + "\n\n" + namings,
		Example: fmt.Sprintf(`  tairssl %[1]s r-bp1zxszhcgatnx01 --dry-run
  tairssl %[1]s orders-cache r-bp1zxszhcgatnx02.redis.rds.aliyuncs.com:6379 --dry-run
  tairssl %[1]s r-bp1zxszhcgatnx01 r-bp1zxszhcgatnx02 --yes -o json`, name),
		Args: instanceNames,
		RunE: func(cmd *cobra.Command, names []string) error {
			return c.changeAll(cmd.Context(), names, o.dryRun, o.yes, func(h instances) handler.Delivery {
				return o.request(cmd, h, action)
			})
		},
	}
	if action == handler.Update {
		cmd.Aliases = []string{"renew"}
	}
	cmd.ValidArgsFunction = c.completeInstances
	o.register(cmd, action)
	return cmd
}

func (o *changeOptions) register(cmd *cobra.Command, action handler.Action) {
	flags := cmd.Flags()
	flags.BoolVar(&o.dryRun, "dry-run", false, "show what would happen and change nothing")
	flags.BoolVarP(&o.yes, "yes", "y", false, "do not ask for confirmation; required if there is no terminal")
	flags.DurationVar(&o.wait, "wait", 5*time.Minute, "how long to watch until the change is complete; 0s: do not watch")
	if action == handler.Update {
		flags.BoolVar(&o.force, "force", false, "renew the certificate even if it is not due")
		flags.DurationVar(&o.renewBefore, "renew-before", 0, "renew certificates that expire within this time (default: TAIRSSL_RENEW_BEFORE)")
	}
}

// request is the request that the flags describe, without an instance.
func (o *changeOptions) request(cmd *cobra.Command, h instances, action handler.Action) handler.Delivery {
	d := handler.Delivery{Trust: handler.Trusted, Request: handler.Request{SSLEnabled: action, Force: o.force}}
	if cmd.Flags().Changed("wait") || h.Wait == 0 {
		d.Wait = (*handler.Duration)(&o.wait)
	}
	if cmd.Flags().Changed("renew-before") {
		d.RenewBefore = (*handler.Duration)(&o.renewBefore)
	}
	return d
}

// costs says what an action does to an instance, and which setting must allow it.
var costs = map[handler.Action]string{
	handler.Update: `The instance restarts: its connections drop for some seconds. A certificate that is not due is
not renewed, unless you add --force. The command acts at once: it does not wait for the
maintenance window.`,
	handler.Enable: `The instance restarts: its connections drop for some seconds. TAIRSSL_ACTIONS must contain
Enable; by default it contains only Update.`,
	handler.Disable: `Encryption ends, and data travels unencrypted. Legacy instances can never switch it on again.
The instance restarts: its connections drop for some seconds. TAIRSSL_ACTIONS must contain
Disable; by default it contains only Update.`,
}

// namings says how people may name an instance.
const namings = `Name an instance by its id, its endpoint (host, host:port or URL) or its name. A name must
belong to one instance only. tairssl looks in all regions of TAIRSSL_REGION, or in the region
of --region.`

// instanceNames accepts the names of one or more instances, as many as a batch may have.
func instanceNames(cmd *cobra.Command, names []string) error {
	if len(names) > handler.MaxBatch {
		return usagef("%d instances at once are too many: name at most %d", len(names), handler.MaxBatch)
	}
	return atLeastOne("instance")(cmd, names)
}

// changeAll sends the same request for each named instance.
func (c *command) changeAll(ctx context.Context, names []string, dryRun, yes bool, request func(instances) handler.Delivery) error {
	h, done, err := c.connect(ctx)
	if err != nil {
		return err
	}
	defer done()
	requests := make([]handler.Delivery, len(names))
	for i, name := range names {
		requests[i] = request(h)
		requests[i].InstanceID = name
	}
	return c.carryOut(ctx, h, requests, dryRun, yes)
}

// carryOut plans the requests, asks, carries out those that are due, and shows all results.
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
	approving := requests[0].ApprovedBy != ""
	if !yes && !c.confirm(ctx, results, due, approving) {
		for _, i := range due {
			results[i].Outcome, results[i].Reason = handler.Refused, "not confirmed: "+results[i].Reason
			if !c.Ask {
				results[i].Reason += "; add --yes if there is no terminal"
			}
		}
		return c.print(c.Stdout, results)
	}
	chosen := make([]handler.Delivery, len(due))
	for n, i := range due {
		chosen[n] = requests[i]
	}
	doing := "changing"
	if approving {
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

// plan finds the named instances, says what would happen, and pins each request to the
// certificate that it read.
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
	_ = group.Wait() // the functions return no error
	return results
}

// confirm shows the planned changes and asks a person.
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
		fmt.Fprintln(c.Stderr, "\nEncryption ends. Legacy instances can never switch it on again.")
	}
	if approving {
		return c.agree(ctx, fmt.Sprintf("\nIn the maintenance window %s, and connections drop for some seconds. Approve? [y/N] ", counted(len(due), "instance restarts", "instances restart")))
	}
	restarting := "the instance restarts"
	if len(due) > 1 {
		restarting = fmt.Sprintf("these %d instances restart", len(due))
	}
	return c.agree(ctx, fmt.Sprintf("\nConnections drop while %s. Go on? [y/N] ", restarting))
}
