package cli

import (
	"cmp"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/jedib0t/go-pretty/v6/text"
	"github.com/spf13/cobra"

	"tairssl/handler"
	"tairssl/handler/fleet"
)

// planned is a row of a plan, in the API's words where it has them.
type planned struct {
	InstanceID     string `json:"InstanceId"`
	RegionID       string `json:"RegionId"`
	InstanceName   string
	SSLExpiredTime handler.Time
	DueTime        handler.Time // from when the certificate is due
	RenewalTime    handler.Time // "" for never, as things are
	Rule           handler.Rule // that decides on the time; "" for none: it is due then
	InTime         bool         // renewed a day before the expiry at the latest
	Alert          bool         // somebody has to do something
	Reason         string
	Error          *handler.Error
}

func (c *command) plan() *cobra.Command {
	var (
		until string
		tags  map[string]string
	)
	cmd := &cobra.Command{
		Use:   "plan",
		Short: "Show when each certificate will be renewed, and why then",
		Long: `Show when each certificate will be renewed, and why then.

It asks the rules by which a sweep decides, in their order: approval, freeze, Alibaba's own
schedule, maintenance window, and how many one sweep changes. It reckons with one sweep an
hour, and that nothing else changes. What cannot be renewed a day before its expiry is told.
It changes nothing.`,
		Example: `  tairssl plan --until 90d --emulate
  tairssl plan --until 2027-01-31 -o wide
  tairssl plan --tag env=prod -o json`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			end, err := parseUntil(until, time.Now())
			if err != nil {
				return usageError{err}
			}
			if _, err := fleet.Decode(handler.JSON(fleet.Order{Tags: tags})); err != nil {
				return usageError{err}
			}
			h, done, err := c.connect(cmd.Context())
			if err != nil {
				return err
			}
			defer done()
			shown := c.gauge("reading")
			defer shown.end()
			all, coverage := h.Outlook(cmd.Context(), h.Regions, tags, end)
			shown.end()
			c.warnEmpty(coverage)
			return worse(c.printPlan(h, all, end), c.unread(coverage))
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&until, "until", "90d", "how far to look ahead: a `time` such as 90d, 720h or 2027-01-31")
	flags.StringToStringVar(&tags, "tag", nil, "only instances that have this tag, as `key=value`")
	return cmd
}

// longestPlan is how far a plan looks ahead at most.
const longestPlan = 3660 * 24 * time.Hour

// parseUntil reads how far to look ahead: days, a duration, a date (all of it, in
// UTC) or a time.
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

// inPlan reports whether a plan names an instance: it is renewed by then, or it has
// to be and is not.
func inPlan(o fleet.Outlook, end time.Time) bool {
	expires := o.Observation.Expires
	if o.Err == nil && o.Observation.Gone() {
		return false
	}
	return o.Err != nil || !o.At.IsZero() && !o.At.After(end) || !o.InTime && !expires.IsZero() && expires.Before(end.Add(handler.MissedBefore))
}

// printPlan shows a plan, and counts what it does not name.
func (c *command) printPlan(h instances, all []fleet.Outlook, end time.Time) error {
	code := 0
	rows := []planned{}
	late, never, without := 0, 0, 0
	for _, o := range all {
		row := planned{
			InstanceID: o.InstanceID, RegionID: o.RegionID, InstanceName: o.Observation.Name, SSLExpiredTime: handler.At(o.Observation.Expires),
			DueTime: o.Due, RenewalTime: o.At, Rule: o.Rule, InTime: o.InTime, Alert: o.Alert, Reason: o.Reason, Error: o.Err,
		}
		switch {
		case row.Error != nil && !(status{InstanceStatus: o.Observation.Status}).stopped():
			code = max(code, row.Error.Kind.ExitCode())
		case row.Error == nil && (row.SSLExpiredTime.IsZero() || o.Observation.Gone()):
			without++
		case !inPlan(o, end):
			never++
		case !o.InTime:
			late++
		}
		if inPlan(o, end) {
			rows = append(rows, row)
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
	fmt.Fprintf(c.Stdout, "Until %s: %s renewed", minute(end), counted(len(rows)-late, "certificate is", "certificates are"))
	if never > 0 {
		fmt.Fprintf(c.Stdout, ", %s later", counted(never, "is", "are"))
	}
	if without > 0 {
		fmt.Fprintf(c.Stdout, ", %s no certificate or %s not run", counted(without, "instance has", "instances have"), map[bool]string{true: "does", false: "do"}[without == 1])
	}
	fmt.Fprintln(c.Stdout, ".")
	if late > 0 {
		fmt.Fprintln(c.Stdout, c.paint(text.FgRed, counted(late, "certificate is", "certificates are")+" renewed later than a day before the expiry, or never: see WHY."))
	}
	c.tellFreezes(h, end, 5)
	return ended(code)
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
		renewed, color := "never", text.FgRed
		switch {
		case !r.RenewalTime.IsZero() && !r.RenewalTime.After(now):
			renewed, color = "next sweep", text.FgGreen
		case !r.RenewalTime.IsZero():
			renewed, color = fmt.Sprintf("%s (in %s)", minute(r.RenewalTime.Time), handler.Span(r.RenewalTime.Sub(now))), text.FgGreen
		}
		switch {
		case !r.InTime:
			color = text.FgRed
		case r.Alert || r.Rule == handler.RuleApproval:
			color = text.FgYellow
		}
		cells := []string{r.RegionID, days(r.SSLExpiredTime, now)}
		if c.output == "wide" {
			cells = append(cells, minute(r.DueTime.Time))
		}
		t.add(r.InstanceID, r.InstanceName, append(cells, c.paint(color, renewed), cmp.Or(string(r.Rule), "due"), r.Reason)...)
	}
	return t.Render(c.width())
}

// tellFreezes says when automatic changes are frozen by then, at most so many times.
func (c *command) tellFreezes(h instances, end time.Time, most int) {
	freezes, now := h.Policy.Freezes, h.Now()
	for n, t := 0, now; ; n++ {
		from := freezes.Begins(t)
		if n == most || !from.Before(end) {
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

// minute writes a time for people.
func minute(t time.Time) string {
	if t.IsZero() {
		return "-"
	}
	return t.UTC().Format("2006-01-02 15:04") + " UTC"
}

// ended is the exit of a code; nil for 0.
func ended(code int) error {
	if code == 0 {
		return nil
	}
	return exit(code)
}
