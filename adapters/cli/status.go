package cli

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/jedib0t/go-pretty/v6/text"
	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"

	"tairssl/handler"
	"tairssl/handler/fleet"
)

// status is what is shown of an instance, in the API's words where it has them.
type status struct {
	InstanceID       string `json:"InstanceId"`
	RegionID         string `json:"RegionId"`
	InstanceName     string
	GlobalInstanceID string `json:"GlobalInstanceId,omitempty"` // "" if it is a member of none
	InstanceStatus   string
	SSLEnabled       string // Enable, Disable, or none: this type of instance has no TLS
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
	Rule             handler.Rule `json:",omitempty"` // what holds an unattended Update back
	ApprovedBy       string       `json:",omitempty"` // who approved the Update of this certificate
	Alert            bool         // it expires before a maintenance window opens, or somebody has to do something
	Served           *handshake   `json:",omitempty"` // with --tls, and of what has a certificate
	Error            *handler.Error

	seen    handler.Observation
	because string          // it is due, or why not, without what holds it back
	outcome handler.Outcome // of an unattended Update, if one is due
	alibaba string          // what Alibaba does itself, in words
	byCA    string          // why all unattended changes in its region wait
	unseen  error           // why Alibaba's own renewals could not be read
}

func (c *command) status() *cobra.Command {
	var (
		all, tls, check bool
		html, ics       string
		tags            map[string]string
	)
	cmd := &cobra.Command{
		Use:   "status [INSTANCE…]",
		Short: "Show certificates and when they expire",
		Long: `Show certificates and when they expire.

Of one instance it also says, in sentences, why it was not renewed or when it will be. With
--check it is for cron and CI.

` + namings,
		Example: `  tairssl status r-bp1zxszhcgatnx01 r-bp1zxszhcgatnx02 --emulate
  tairssl status orders-cache --emulate
  tairssl status --all --tag env=prod -o wide
  tairssl status --all --check
  tairssl status --all --tls
  tairssl status --all --html fleet.html --emulate
  tairssl status --all --ics renewals.ics --emulate`,
		RunE: func(cmd *cobra.Command, names []string) error {
			switch {
			case len(names) == 0 && !all:
				return usagef("name instances, or say --all")
			case len(names) > 0 && all:
				return usagef("--all is every instance: name none beside it")
			case (html != "" || ics != "") && tls:
				return usagef("--tls and --html or --ics exclude each other: a page and a calendar show what the API tells")
			case (html != "" || ics != "") && !all:
				return usagef("--html and --ics go with --all")
			case html != "" && ics != "":
				return usagef("--html and --ics exclude each other: write one, then the other")
			case check && !all:
				return usagef("--check goes with --all")
			case check && (tls || html != "" || ics != ""):
				return usagef("--check excludes --tls, --html and --ics: run it by itself")
			case tags != nil && !all:
				return usagef("--tag goes with --all")
			}
			if _, err := fleet.Decode(handler.JSON(fleet.Order{Tags: tags})); err != nil {
				return usageError{err}
			}
			h, done, err := c.connect(cmd.Context())
			if err != nil {
				return err
			}
			defer done()
			if ics != "" {
				return c.writeCalendar(cmd.Context(), h, tags, ics)
			}
			shown := c.gauge("reading")
			defer shown.end()
			var rows []status
			var coverage []fleet.Coverage
			if all {
				rows, coverage = statusOfAll(cmd.Context(), h, tags)
			} else {
				rows = statusOf(cmd.Context(), h, names)
			}
			shown.end()
			c.warnUnseen(rows)
			if html != "" {
				if err := writeFile(html, fleetPage{Generated: h.Now(), Policy: h.Policy, Regions: h.Regions, Coverage: coverage, Rows: rows, Again: c.again(html, tags), Line: c.line}); err != nil {
					return usageError{err}
				}
				fmt.Fprintf(c.Stderr, "wrote %s\n", html)
				c.warnEmpty(coverage)
				return c.unread(coverage)
			}
			if all && len(rows) == 0 && c.output != "json" {
				if empty := (fleet.Summary{Regions: coverage}).Empty(); empty != nil {
					fmt.Fprintf(c.Stdout, "There is no instance in %s; see --region, --tag and TAIRSSL_REGION.\n", strings.Join(empty, ", "))
				}
				return c.unread(coverage)
			}
			c.warnEmpty(coverage)
			if tls {
				lookAtServed(cmd.Context(), h, rows, c.counter("shaking hands"))
				return worse(c.printServed(h, rows, all), c.unread(coverage))
			}
			if check {
				return worse(c.check(h, rows), c.unread(coverage))
			}
			printed := c.printStatus(h, rows, all)
			if c.output != "json" && len(names) != 1 {
				c.tellFreezes(h, h.Now().Add(handler.DefaultRenewBefore), 1)
			}
			return worse(printed, c.unread(coverage))
		},
	}
	cmd.ValidArgsFunction = c.completeInstances
	flags := cmd.Flags()
	flags.BoolVar(&all, "all", false, "all instances of the regions, what expires first on top")
	flags.BoolVar(&check, "check", false, "with --all, for cron and CI: name what a person has to look at, and exit 1 if something is due and nothing will renew it, 2 if something expired or cannot be renewed in time")
	flags.BoolVar(&tls, "tls", false, "shake hands with each instance and compare the certificate it serves with the API's; needs a way to it")
	flags.StringVar(&html, "html", "", "write the picture of the fleet to this `file`, one page that needs nothing else")
	flags.StringVar(&ics, "ics", "", "write a calendar of expiries and planned renewals to this `file` (iCalendar)")
	flags.StringToStringVar(&tags, "tag", nil, "with --all: only instances that have this tag, as `key=value`")
	return cmd
}

// statusOf reads the instances that were named, many at once.
func statusOf(ctx context.Context, h instances, names []string) []status {
	rows := make([]status, len(names))
	var group errgroup.Group
	group.SetLimit(h.Concurrency)
	for i, name := range names {
		group.Go(func() error {
			ref, err := h.named(ctx, name)
			if err != nil {
				rows[i] = rowOf(h, handler.Ref{InstanceID: handler.Quoted(name)}, handler.Observation{}, err)
				return nil
			}
			ref, o, err := h.Observe(ctx, ref)
			rows[i] = lookAhead(ctx, h, handler.Listed{Ref: ref, Instance: o.Instance}, o, err, h.Renewal)
			return nil
		})
	}
	_ = group.Wait() // no function fails
	return rows
}

// statusOfAll reads every instance of the regions, and says what could not be
// read.
func statusOfAll(ctx context.Context, h instances, tags map[string]string) (rows []status, coverage []fleet.Coverage) {
	var mu sync.Mutex
	every := func(handler.Listed) bool { return true }
	renewal := schedules(ctx, h)
	coverage = h.Each(ctx, h.Regions, tags, every, func(l handler.Listed, o handler.Observation, err error) {
		row := lookAhead(ctx, h, l, o, err, renewal)
		mu.Lock()
		defer mu.Unlock()
		rows = append(rows, row)
	})
	slices.SortFunc(rows, soonest)
	return rows, coverage
}

// soonest puts what cannot be read first, then what expires first, then what
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

// rowOf makes the row of what is observed.
func rowOf(h instances, ref handler.Ref, o handler.Observation, err error) status {
	row := status{InstanceID: ref.InstanceID, RegionID: ref.RegionID, InstanceName: o.Name, InstanceStatus: o.Status, seen: o}
	if err != nil {
		row.Error = handler.AsError(err)
		return row
	}
	if o.WithoutTLS() {
		row.SSLEnabled, row.Reason = noTLS, join("this type of instance has no TLS", notRunning(o))
		return row
	}
	state := o.State()
	row.SSLEnabled, row.SSLExpiredTime = state.SSLEnabled, state.SSLExpiredTime
	row.CertCommonName, row.ConnectionDomain, row.CertDownloadURL = o.CommonName, o.ConnectionDomain, o.CertDownloadURL
	if o.Enabled && !o.Expires.IsZero() {
		left := int(o.Expires.Sub(h.Now()) / (24 * time.Hour))
		row.DaysLeft = &left
		row.Due, row.Reason = h.Due(o)
		row.because = row.Reason
		row.WrongName = o.WrongName()
		if a, ok := o.Approval(); ok {
			row.ApprovedBy = a.Who
		}
	}
	if why := notRunning(o); why != "" {
		row.Due, row.Reason = false, join(why, row.Reason)
	}
	if o.GlobalID != "" {
		row.GlobalInstanceID, row.Reason = o.GlobalID, join(row.Reason, "a member of the global instance "+o.GlobalID)
	}
	return row
}

// join makes one text of those that say something.
func join(texts ...string) string {
	return strings.Join(slices.DeleteFunc(texts, func(s string) bool { return s == "" }), "; ")
}

// stopped reports that the instance does not run, and that nothing is wrong with that.
func (s status) stopped() bool { return handler.Instance{Status: s.InstanceStatus}.Stopped() }

// notRunning says that nothing is renewed because the instance does not run, "" if
// that is not so.
func notRunning(o handler.Observation) string {
	if !o.Stopped() {
		return ""
	}
	return "the instance is " + o.Status + ", so nothing is renewed"
}

// noTLS is SSLEnabled of an instance whose type has no TLS.
const noTLS = "none"

// lookAhead makes the row of an instance that was listed, and says when Alibaba
// renews it and, if it is due, what keeps an unattended change away.
func lookAhead(ctx context.Context, h instances, l handler.Listed, o handler.Observation, err error, renewal renewalOf) status {
	row := rowOf(h, l.Ref, o, err)
	if row.InstanceName == "" {
		row.InstanceName = l.Name
	}
	if row.DaysLeft == nil {
		return row
	}
	scheduled, err := renewal(ctx, l.Ref, o)
	row.unseen = err
	if scheduled.Coming() {
		row.ScheduledTime, row.alibaba = handler.At(scheduled.At), scheduled.String()
	}
	if !row.Due {
		return row
	}
	r := h.Handle(ctx, handler.Trusted.Deliver(handler.Request{InstanceID: l.InstanceID, RegionID: l.RegionID, SSLEnabled: handler.Update, Automatic: true, DryRun: true}))[0]
	row.Alert, row.outcome, row.Rule, row.byCA = r.Alert, r.Outcome, r.Rule, r.Held
	switch r.Outcome {
	case handler.Unchanged:
	case handler.Planned:
		if !r.MovedTo.IsZero() {
			row.Reason = r.Reason
		}
	case handler.Deferred:
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
func (c *command) printStatus(h instances, rows []status, fleet bool) error {
	failed := c.rowErrors(rows)
	if c.output == "json" {
		if err := printJSON(c.Stdout, rows, fleet); err != nil {
			return err
		}
	} else {
		now := time.Now()
		t := newInstanceTable("REGION", "STATUS", "TLS", "EXPIRES", "CERT NAME", "ENDPOINT", "WHY")
		add := func(r status, state, tls, expires, why string) {
			name, endpoint := "", ""
			if c.output == "wide" {
				name, endpoint = r.CertCommonName, r.ConnectionDomain
			}
			t.add(r.InstanceID, r.InstanceName, r.RegionID, state, tls, expires, name, endpoint, why)
		}
		for _, r := range rows {
			switch {
			case r.Error != nil:
				add(r, c.paint(text.FgRed, string(r.Error.Kind)), "", "", r.Error.Message)
			case r.SSLEnabled == noTLS:
				add(r, r.InstanceStatus, noTLS, "-", r.Reason)
			case r.SSLEnabled == string(handler.Disable):
				add(r, r.InstanceStatus, "off", "-", join("encryption is off", r.Reason))
			default:
				color := text.FgGreen
				if r.Due {
					color = text.FgYellow
				}
				if r.DaysLeft != nil && r.SSLExpiredTime.Before(now) {
					color = text.FgRed
				}
				why := r.brief(h)
				if c.output == "wide" {
					why = r.inFull()
				}
				add(r, r.InstanceStatus, "on", c.paint(color, days(r.SSLExpiredTime, now)), why)
			}
		}
		fmt.Fprintln(c.Stdout, t.Render(c.width()))
		if len(rows) == 1 && !fleet {
			if said := c.explain(h, rows[0]); said != nil {
				fmt.Fprintf(c.Stdout, "\n%s\n", strings.Join(said, "\n"))
			}
		}
	}
	return failed
}

// rowErrors is the exit of what could not be read, nil if there is none.
func (c *command) rowErrors(rows []status) error {
	code := 0
	var failed []handler.Result
	for _, r := range rows {
		failed = append(failed, handler.Result{Error: r.Error})
		if r.Error != nil && !r.stopped() { // of what does not run little can be read
			code = max(code, r.Error.Kind.ExitCode())
		}
	}
	c.nameSource(failed)
	if code != 0 {
		return exit(code)
	}
	return nil
}
