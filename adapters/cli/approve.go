package cli

import (
	"time"

	"github.com/spf13/cobra"

	"tairssl/adapters/function"
	"tairssl/handler"
)

// approve is the command by which a person agrees to the next renewal of an
// instance: the sweeps make it in the maintenance window, or with --now this
// command does at once.
func (c *command) approve() *cobra.Command {
	var (
		dryRun, yes, now bool
		wait             time.Duration
	)
	cmd := &cobra.Command{
		Use:   "approve INSTANCE…",
		Short: "Approve the next renewal of certificates, which then happens in the maintenance window",
		Long: `Approve the next renewal of certificates, which then happens in the maintenance window.

With TAIRSSL_APPROVAL=required an unattended renewal waits for this. The approval is the
instance's tag tairssl-approved. It is for the certificate that the instance has now, and
worth nothing for the next one. With --now the certificate is renewed at once, if it is due.

` + namings,
		Example: `  tairssl approve r-bp1zxszhcgatnx01 --dry-run
  tairssl approve orders-cache r-bp1zxszhcgatnx02 --yes -o json
  tairssl approve r-bp1zxszhcgatnx01 --now`,
		Args: atLeastOne("instance"),
		RunE: func(cmd *cobra.Command, names []string) error {
			switch {
			case len(names) > handler.MaxBatch:
				return usagef("%d instances at once are too many: at most %d", len(names), handler.MaxBatch)
			case cmd.Flags().Changed("wait") && !now:
				return usagef("--wait goes with --now: an approval changes nothing that could be watched")
			}
			h, done, err := c.connect(cmd.Context())
			if err != nil {
				return err
			}
			defer done()
			requests := make([]handler.Delivery, len(names))
			for i, name := range names {
				requests[i] = handler.Delivery{Trust: handler.Trusted, Request: handler.Request{InstanceID: name, SSLEnabled: handler.Update}}
				switch {
				case !now:
					requests[i].ApprovedBy = "cli:" + c.user()
				case cmd.Flags().Changed("wait") || h.Wait == 0:
					requests[i].Wait = (*handler.Duration)(&wait)
				}
			}
			return c.carryOut(cmd.Context(), h, requests, dryRun, yes)
		},
	}
	cmd.ValidArgsFunction = c.completeInstances
	flags := cmd.Flags()
	flags.BoolVar(&dryRun, "dry-run", false, "say what would happen and approve nothing")
	flags.BoolVarP(&yes, "yes", "y", false, "do not ask; needed where nobody can be asked")
	flags.BoolVar(&now, "now", false, "do not wait for the window: renew at once, as tairssl update does")
	flags.DurationVar(&wait, "wait", 5*time.Minute, "with --now: how long to watch the change come true, 0s not at all")
	return cmd
}

// user is who uses this machine, as its system says.
func (c *command) user() string {
	get := function.Getenv(c.Environ)
	for _, name := range []string{"USER", "LOGNAME", "USERNAME"} {
		if user := get(name); user != "" {
			return user
		}
	}
	return "unknown"
}
