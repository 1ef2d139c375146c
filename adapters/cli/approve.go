package cli

import (
	"time"

	"github.com/spf13/cobra"

	"tairssl/adapters/function"
	"tairssl/handler"
)

// approveOptions are the flags of approve.
type approveOptions struct {
	dryRun, yes, now bool
	wait             time.Duration
}

// approve is the command by which a person approves the next renewal of an instance. A
// sweep then renews the certificate in the maintenance window. With --now the command
// renews it at once.
func (c *command) approve() *cobra.Command {
	var o approveOptions
	cmd := &cobra.Command{
		Use:   "approve INSTANCE…",
		Short: "Approve the next renewal of certificates, which then happens in the maintenance window",
		Long: `Approve the next renewal of certificates, which then happens in the maintenance window.

With TAIRSSL_APPROVAL=required, an unattended renewal waits for this approval. The approval is
the tag tairssl-approved of the instance. It holds only for the present certificate, not for the
next one. With --now the command renews the certificate at once, if it is due.

` + namings,
		Example: `  tairssl approve r-bp1zxszhcgatnx01 --dry-run
  tairssl approve orders-cache r-bp1zxszhcgatnx02 --yes -o json
  tairssl approve r-bp1zxszhcgatnx01 --now`,
		Args: instanceNames,
		RunE: func(cmd *cobra.Command, names []string) error {
			if cmd.Flags().Changed("wait") && !o.now {
				return usagef("--wait needs --now: an approval alone makes no change to watch")
			}
			return c.changeAll(cmd.Context(), names, o.dryRun, o.yes, func(h instances) handler.Delivery {
				d := handler.Delivery{Trust: handler.Trusted, Request: handler.Request{SSLEnabled: handler.Update}}
				switch {
				case !o.now:
					d.ApprovedBy = "cli:" + c.user()
				case cmd.Flags().Changed("wait") || h.Wait == 0:
					d.Wait = (*handler.Duration)(&o.wait)
				}
				return d
			})
		},
	}
	cmd.ValidArgsFunction = c.completeInstances
	o.register(cmd)
	return cmd
}

func (o *approveOptions) register(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.BoolVar(&o.dryRun, "dry-run", false, "show what would happen and approve nothing")
	flags.BoolVarP(&o.yes, "yes", "y", false, "do not ask for confirmation; required if there is no terminal")
	flags.BoolVar(&o.now, "now", false, "renew at once, as tairssl update does, and do not wait for the window")
	flags.DurationVar(&o.wait, "wait", 5*time.Minute, "with --now: how long to watch until the change is complete; 0s: do not watch")
}

// user is the name of the person who uses this machine; "unknown" if the environment
// does not have it.
func (c *command) user() string {
	get := function.Getenv(c.Environ)
	for _, name := range []string{"USER", "LOGNAME", "USERNAME"} {
		if user := get(name); user != "" {
			return user
		}
	}
	return "unknown"
}
