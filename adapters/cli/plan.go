package cli

import (
	"cmp"
	"context"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/jedib0t/go-pretty/v6/text"
	"github.com/spf13/cobra"

	"tairssl/handler"
	"tairssl/handler/fleet"
)

// planned is a row of a plan. The JSON fields have the API's names where the API has
// the same field.
type planned struct {
	InstanceID     string `json:"InstanceId"`
	RegionID       string `json:"RegionId"`
	InstanceName   string
	SSLExpiredTime handler.Time
	DueTime        handler.Time // the certificate is due from this time on
	RenewalTime    handler.Time // "" if it will never be renewed unless something changes
	Rule           handler.Rule // the rule that sets RenewalTime; "" if the renewal happens as soon as it is due
	InTime         bool         // renewed at least a day before the expiry
	Alert          bool         // a person has to act
	Reason         string
	Error          *handler.Error
}

// planOptions are the flags of plan.
type planOptions struct {
	until string
	tags  map[string]string
}

func (c *command) plan() *cobra.Command {
	var o planOptions
	cmd := &cobra.Command{
		Use:   "plan",
		Short: "Show when each certificate will be renewed, and why then",
		Long: `Show when each certificate will be renewed, and why then.

The plan follows the rules of a sweep, in their order: approval, freeze, Alibaba's own
schedule, maintenance window, and how many instances one sweep changes. It assumes one sweep
an hour and no other changes. It lists every certificate that cannot be renewed at least a
day before its expiry. It changes nothing.`,
		Example: `  tairssl plan --until 90d --emulate
  tairssl plan --until 2027-01-31 -o wide
  tairssl plan --tag env=prod -o json`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return c.runPlan(cmd.Context(), o) },
	}
	flags := cmd.Flags()
	flags.StringVar(&o.until, "until", "90d", "how far to look ahead: a `time` such as 90d, 720h or 2027-01-31")
	flags.StringToStringVar(&o.tags, "tag", nil, "only instances with this tag, as `key=value`")
	return cmd
}

func (c *command) runPlan(ctx context.Context, o planOptions) error {
	end, err := parseUntil(o.until, time.Now())
	if err != nil {
		return usageError{err}
	}
	if err := validTags(o.tags); err != nil {
		return err
	}
	h, done, err := c.connect(ctx)
	if err != nil {
		return err
	}
	defer done()
	shown := c.gauge("reading")
	defer shown.end()
	all, coverage := h.Outlook(ctx, h.Regions, o.tags, end)
	shown.end()
	c.warnEmpty(coverage)
	return worse(c.printPlan(h, all, end), c.unread(coverage))
}

// longestPlan is the longest time that a plan looks ahead.
const longestPlan = 3660 * 24 * time.Hour

// parseUntil reads the end of a plan: a number of days, a duration, a date (the plan
// includes that day, in UTC) or a time.
func parseUntil(s string, now time.Time) (time.Time, error) {
	fault := fmt.Errorf("--until takes days such as 90d, a duration such as 720h, a date such as 2027-01-31 or a time such as 2027-01-31T08:00:00Z, in the next ten years, not %q", handler.Clip(s))
	var end time.Time
	days, isDays := strings.CutSuffix(s, "d")
	if n, err := strconv.Atoi(days); isDays && err == nil && n >= 0 && n <= 3660 {
		end = now.AddDate(0, 0, n)
	} else if d, err := time.ParseDuration(s); err == nil {
		end = now.Add(d)
	} else if t, err := time.Parse(time.DateOnly, s); err == nil {
		end = t.AddDate(0, 0, 1)
	} else if t, err := time.Parse(time.RFC3339, s); err == nil {
		end = t
	}
	if !end.After(now) || end.Sub(now) > longestPlan {
		return time.Time{}, fault
	}
	return end, nil
}

// printPlan shows the instances that a plan has to name, and counts the other instances.
func (c *command) printPlan(h instances, all []fleet.Outlook, end time.Time) error {
	code := 0
	rows := []planned{}
	for _, o := range all {
		if e := unreadRow(o); e != nil {
			code = max(code, e.Kind.ExitCode())
		}
		if o.Matters(end) {
			rows = append(rows, plannedRow(o))
		}
	}
	if c.output == "json" {
		if err := printJSON(c.Stdout, rows, true); err != nil {
			return err
		}
		return ended(code)
	}
	if len(rows) > 0 {
		fmt.Fprintln(c.Stdout, c.planTable(rows))
		fmt.Fprintln(c.Stdout)
	}
	totals := fleet.Count(all, end)
	fmt.Fprintf(c.Stdout, "Until %s: %s.\n", minute(end), totalsInWords(totals))
	if n := totals.Late; n > 0 {
		fmt.Fprintln(c.Stdout, c.paint(text.FgRed, counted(n, "certificate is", "certificates are")+" renewed later than a day before the expiry, or never: see WHY."))
	}
	c.tellFreezes(h, end, 5)
	return ended(code)
}

func plannedRow(o fleet.Outlook) planned {
	return planned{
		InstanceID: o.InstanceID, RegionID: o.RegionID, InstanceName: o.Observation.Name, SSLExpiredTime: handler.At(o.Observation.Expires),
		DueTime: o.Due, RenewalTime: o.At, Rule: o.Rule, InTime: o.InTime, Alert: o.Alert, Reason: o.Reason, Error: o.Err,
	}
}

// totalsInWords counts the certificates of a plan, except the late ones.
func totalsInWords(t fleet.Totals) string {
	words := counted(t.Renewed, "certificate is", "certificates are") + " renewed"
	if t.Later > 0 {
		words += ", " + counted(t.Later, "is", "are") + " not renewed before then"
	}
	if t.Without > 0 {
		words += ", " + counted(t.Without, "instance has no certificate or does not run", "instances have no certificate or do not run")
	}
	if t.Unread > 0 {
		words += ", " + counted(t.Unread, "instance", "instances") + " could not be read"
	}
	return words
}

// planTable shows the rows of a plan.
func (c *command) planTable(rows []planned) string {
	header := []string{"REGION", "EXPIRES", "RENEWED", "RULE", "WHY"}
	if c.output == "wide" {
		header = []string{"REGION", "EXPIRES", "DUE", "RENEWED", "RULE", "WHY"}
	}
	t := newInstanceTable(header...)
	now := time.Now()
	for _, r := range rows {
		if r.Error != nil {
			cells := make([]string, len(header))
			cells[0], cells[1], cells[len(cells)-1] = r.RegionID, c.paint(text.FgRed, string(r.Error.Kind)), r.Error.Message
			t.add(r.InstanceID, r.InstanceName, cells...)
			continue
		}
		cells := []string{r.RegionID, days(r.SSLExpiredTime, now)}
		if c.output == "wide" {
			cells = append(cells, minute(r.DueTime.Time))
		}
		renewed, color := r.renewed(now)
		t.add(r.InstanceID, r.InstanceName, append(cells, c.paint(color, renewed), cmp.Or(string(r.Rule), "due"), r.Reason)...)
	}
	return t.Render(c.width())
}

// renewed is the time of the renewal in words, with a color that shows whether the time
// is good.
func (r planned) renewed(now time.Time) (string, text.Color) {
	when, color := "never", text.FgRed
	switch {
	case !r.RenewalTime.IsZero() && !r.RenewalTime.After(now):
		when, color = "next sweep", text.FgGreen
	case !r.RenewalTime.IsZero():
		when, color = fmt.Sprintf("%s (in %s)", minute(r.RenewalTime.Time), handler.Span(r.RenewalTime.Sub(now))), text.FgGreen
	}
	switch {
	case !r.InTime:
		color = text.FgRed
	case r.Alert || r.Rule == handler.RuleApproval:
		color = text.FgYellow
	}
	return when, color
}

// tellFreezes names the freezes of automatic changes from now until end, at most limit of
// them.
func (c *command) tellFreezes(h instances, end time.Time, limit int) {
	freezes, now := h.Policy.Freezes, h.Now()
	for n, t := 0, now; ; n++ {
		from := freezes.Begins(t)
		if n == limit || !from.Before(end) {
			return
		}
		to := freezes.Ends(from)
		if from.Equal(now) {
			fmt.Fprintf(c.Stdout, "Automatic changes are frozen until %s (TAIRSSL_FREEZE).\n", minute(to))
		} else {
			fmt.Fprintf(c.Stdout, "Automatic changes will be frozen from %s to %s (TAIRSSL_FREEZE).\n", minute(from), minute(to))
		}
		t = to
	}
}
