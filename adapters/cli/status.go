package cli

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strings"
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

	why    string // it is due, without what it waits for
	unseen error  // why Alibaba's own renewals could not be read
}

func (c *command) status() *cobra.Command {
	var (
		all  bool
		html string
		tags map[string]string
	)
	cmd := &cobra.Command{
		Use:   "status [INSTANCE…]",
		Short: "Show certificates and when they expire",
		Example: `  tairssl status r-bp1zxszhcgatnx01 r-bp1zxszhcgatnx02 --emulate
  tairssl status --all --tag env=prod
  tairssl status --all --html fleet.html --emulate`,
		RunE: func(cmd *cobra.Command, ids []string) error {
			switch {
			case len(ids) == 0 && !all:
				return usagef("name instances, or say --all")
			case len(ids) > 0 && all:
				return usagef("--all is every instance: name none beside it")
			case html != "" && !all:
				return usagef("--html goes with --all")
			case tags != nil && !all:
				return usagef("--tag goes with --all")
			}
			if _, err := handler.DecodeSweep(handler.JSON(handler.SweepOrder{Tags: tags})); err != nil {
				return usageError{err}
			}
			h, done, err := c.connect(cmd.Context())
			if err != nil {
				return err
			}
			defer done()
			instances := make([]handler.Listed, len(ids))
			for i, id := range ids {
				instances[i].Ref = handler.Ref{RegionID: h.Region, InstanceID: id}
			}
			stop := c.spin("reading")
			defer stop()
			if all {
				if instances, err = list(cmd.Context(), h, tags); err != nil {
					return err
				}
			}
			rows := make([]status, len(instances))
			var group errgroup.Group
			group.SetLimit(h.Concurrency)
			for i, l := range instances {
				group.Go(func() error {
					if all {
						rows[i] = lookAhead(cmd.Context(), h, l)
					} else {
						rows[i], _ = look(h, l.Ref, func() (handler.Observation, error) { return h.Observe(cmd.Context(), l.Ref) })
					}
					return nil
				})
			}
			_ = group.Wait() // no function fails
			stop()
			c.warnUnseen(rows)
			if all {
				slices.SortStableFunc(rows, soonest)
			}
			if html != "" {
				if err := writeFile(html, fleetPage{Generated: h.Now(), RenewBefore: h.Policy.RenewBefore, Regions: h.Regions, Rows: rows}); err != nil {
					return usageError{err}
				}
				fmt.Fprintf(c.Stderr, "wrote %s\n", html)
				return nil
			}
			if all && len(rows) == 0 && c.output != "json" {
				fmt.Fprintf(c.Stdout, "There is no instance in %s; see --region and TAIRSSL_REGION.\n", strings.Join(h.Regions, ", "))
				return nil
			}
			return c.printStatus(rows, all)
		},
	}
	flags := cmd.Flags()
	flags.BoolVar(&all, "all", false, "all instances of the regions, what expires first on top")
	flags.StringVar(&html, "html", "", "write the picture of the fleet to this `file`, one page that needs nothing else")
	flags.StringToStringVar(&tags, "tag", nil, "with --all: only instances that have this tag, as `key=value`")
	return cmd
}

// list names the instances of all regions, each once: a listing that shifts
// while it is read shows some of them twice.
func list(ctx context.Context, h *handler.Handler, tags map[string]string) (instances []handler.Listed, err error) {
	seen := map[handler.Ref]bool{}
	for _, region := range h.Regions {
		for page, total := 1, 1; (page-1)*handler.PageSize < total; page++ {
			var listed []handler.Listed
			if listed, total, err = h.List(ctx, region, tags, page); err != nil {
				return nil, err
			}
			for _, l := range listed {
				if !seen[l.Ref] {
					seen[l.Ref] = true
					instances = append(instances, l)
				}
			}
		}
	}
	return instances, nil
}

func writeFile(name string, p fleetPage) error {
	f, err := os.Create(name)
	if err != nil {
		return err
	}
	return errors.Join(writePage(f, p), f.Close())
}

// soonest puts what can not be read first, then what expires first, then what
// has no certificate.
func soonest(a, b status) int {
	rank := func(s status) int {
		switch {
		case s.Error != nil:
			return 0
		case s.DaysLeft == nil:
			return 2
		}
		return 1
	}
	return cmp.Or(rank(a)-rank(b), a.SSLExpiredTime.Compare(b.SSLExpiredTime.Time), strings.Compare(a.InstanceID, b.InstanceID))
}

// look makes the row of what is observed.
func look(h *handler.Handler, ref handler.Ref, observe func() (handler.Observation, error)) (status, handler.Observation) {
	o, err := observe()
	if err != nil {
		return status{InstanceID: ref.InstanceID, RegionID: ref.RegionID, Error: handler.AsError(err)}, o
	}
	state := o.State()
	row := status{
		InstanceID: ref.InstanceID, RegionID: ref.RegionID, InstanceStatus: o.Status, SSLEnabled: state.SSLEnabled, SSLExpiredTime: state.SSLExpiredTime,
		CertCommonName: o.CommonName, ConnectionDomain: o.ConnectionDomain, CertDownloadURL: o.CertDownloadURL,
	}
	if o.Enabled && !o.Expires.IsZero() {
		left := int(o.Expires.Sub(h.Now()) / (24 * time.Hour))
		row.DaysLeft = &left
		row.Due, row.Reason = h.Due(o)
		row.WrongName = o.WrongName()
	}
	return row, o
}

// lookAhead reads the encryption of an instance that was listed, and says when
// Alibaba renews it and, if it is due, what keeps an unattended change away.
func lookAhead(ctx context.Context, h *handler.Handler, l handler.Listed) status {
	row, o := look(h, l.Ref, func() (o handler.Observation, err error) {
		o.Instance = l.Instance
		o.SSL, err = h.SSL(ctx, l.Ref)
		return o, err
	})
	if row.DaysLeft == nil {
		return row
	}
	at, err := h.Renewal(ctx, l.Ref)
	row.unseen = err
	if err == nil && (at.After(h.Now()) || handler.RenewedBy(at, o, h.Now())) {
		row.ScheduledTime = handler.At(at)
	}
	if !row.Due {
		return row
	}
	r := h.Handle(ctx, []handler.Request{{InstanceID: l.InstanceID, RegionID: l.RegionID, SSLEnabled: handler.Update, Automatic: true, DryRun: true}})[0]
	row.Alert = r.Alert
	switch r.Outcome {
	case handler.Planned, handler.Unchanged:
	case handler.Deferred:
		row.why = row.Reason
		row.DeferredUntil, row.Reason = r.Until, r.Reason
	default: // the sweep does not renew it
		if !strings.HasPrefix(r.Reason, row.Reason) {
			r.Reason = row.Reason + ", but " + r.Reason
		}
		row.Reason = r.Reason
	}
	return row
}

// warnUnseen says that what Alibaba has scheduled is not known, once.
func (c *command) warnUnseen(rows []status) {
	n, why := 0, error(nil)
	for _, r := range rows {
		if r.unseen != nil {
			n, why = n+1, r.unseen
		}
	}
	if n > 0 {
		fmt.Fprintf(c.Stderr, "tairssl: what Alibaba itself has scheduled is not known of %d instances: %s\n", n, handler.AsError(why).Message)
	}
}

// printStatus shows the rows; several, or a fleet however small, are an array.
func (c *command) printStatus(rows []status, fleet bool) error {
	code := 0
	for _, r := range rows {
		if r.Error != nil {
			code = max(code, r.Error.Kind.ExitCode())
		}
	}
	if c.output == "json" {
		if err := printJSON(c.Stdout, rows, fleet); err != nil {
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
