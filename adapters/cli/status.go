package cli

import (
	"fmt"
	"time"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/jedib0t/go-pretty/v6/text"
	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"

	"tairssl/handler"
)

// status is what is shown of an instance, in the API's words where it has them.
type status struct {
	InstanceID       string `json:"InstanceId"`
	RegionID         string `json:"RegionId"`
	InstanceStatus   string
	SSLEnabled       string
	SSLExpiredTime   handler.Time
	DaysLeft         *int // null while there is no certificate
	Due              bool // an Update would renew it now
	Reason           string
	CertCommonName   string
	ConnectionDomain string
	CertDownloadURL  string
	WrongName        bool         // the certificate is not for ConnectionDomain
	DeferredUntil    handler.Time // Due, but an unattended Update waits until then
	ScheduledTime    handler.Time // when Alibaba renews it itself
	Alert            bool         // it expires before a maintenance window opens
	Error            *handler.Error
}

func (c *command) status() *cobra.Command {
	return &cobra.Command{
		Use:     "status INSTANCE…",
		Short:   "Show certificates and when they expire",
		Example: "  tairssl status r-bp1zxszhcgatnx01 r-bp1zxszhcgatnx02 --emulate",
		Args:    cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, ids []string) error {
			h, done, err := c.connect(cmd.Context())
			if err != nil {
				return err
			}
			defer done()
			stop := c.spin("reading")
			rows := make([]status, len(ids))
			var group errgroup.Group
			group.SetLimit(h.Concurrency)
			for i, id := range ids {
				group.Go(func() error {
					rows[i] = c.look(cmd, h, id)
					return nil
				})
			}
			_ = group.Wait() // no function fails
			stop()
			return c.printStatus(rows)
		},
	}
}

func (c *command) look(cmd *cobra.Command, h *handler.Handler, id string) status {
	ref := handler.Ref{RegionID: h.Region, InstanceID: id}
	o, err := h.Observe(cmd.Context(), ref)
	if err != nil {
		return status{InstanceID: id, RegionID: ref.RegionID, Error: handler.AsError(err)}
	}
	state := o.State()
	row := status{
		InstanceID: id, RegionID: ref.RegionID, InstanceStatus: o.Status, SSLEnabled: state.SSLEnabled, SSLExpiredTime: state.SSLExpiredTime,
		CertCommonName: o.CommonName, ConnectionDomain: o.ConnectionDomain, CertDownloadURL: o.CertDownloadURL,
	}
	if o.Enabled && !o.Expires.IsZero() {
		left := int(o.Expires.Sub(h.Now()) / (24 * time.Hour))
		row.DaysLeft = &left
		row.Due, row.Reason = h.Due(o)
	}
	return row
}

func (c *command) printStatus(rows []status) error {
	code := 0
	for _, r := range rows {
		if r.Error != nil {
			code = max(code, r.Error.Kind.ExitCode())
		}
	}
	if c.output == "json" {
		if err := printJSON(c.Stdout, rows); err != nil {
			return err
		}
	} else {
		now := time.Now()
		t := newTable("INSTANCE", "REGION", "STATUS", "TLS", "EXPIRES", "WHY")
		for _, r := range rows {
			switch {
			case r.Error != nil:
				t.AppendRow(table.Row{r.InstanceID, r.RegionID, c.paint(text.FgRed, string(r.Error.Kind)), "", "", r.Error.Message})
			case r.SSLEnabled == string(handler.Disable):
				t.AppendRow(table.Row{r.InstanceID, r.RegionID, r.InstanceStatus, "off", "-", "encryption is off"})
			default:
				color := text.FgGreen
				if r.Due {
					color = text.FgYellow
				}
				if r.DaysLeft != nil && r.SSLExpiredTime.Before(now) {
					color = text.FgRed
				}
				t.AppendRow(table.Row{r.InstanceID, r.RegionID, r.InstanceStatus, "on", c.paint(color, days(r.SSLExpiredTime, now)), r.Reason})
			}
		}
		fmt.Fprintln(c.Stdout, t.Render())
	}
	if code != 0 {
		return exit(code)
	}
	return nil
}
