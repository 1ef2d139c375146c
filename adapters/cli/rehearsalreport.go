package cli

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/jedib0t/go-pretty/v6/text"

	"tairssl/adapters/cli/fleetpage"
	"tairssl/adapters/cli/rehearsal"
	"tairssl/handler"
)

// notesOf describes the rehearsal for the person who confirms it.
func notesOf(ctx context.Context, h instances, o rehearsal.Options, columns int) string {
	now := h.Now()
	called := o.Ref.InstanceID
	if o.Before.Name != "" && o.Before.Name != called {
		called += " (" + fleetpage.Plain(o.Before.Name) + ")"
	}
	rows := [][2]string{
		{"instance", fmt.Sprintf("%s in %s, %s", called, o.Ref.RegionID, o.Before.Status)},
		{"certificate", "expires " + days(handler.At(o.Before.Expires), now)},
		{"restart", "once; connections drop, and the report says for how long"},
		{"tags", "a tag for measuring is set and removed several times; one tag tairssl-lease-… stays for at most 45m"},
	}
	if h.LeaseNone {
		rows[3][1] = "none, because TAIRSSL_LEASE is none: how soon a tag is visible is not measured"
	}
	rows = append(rows, [2]string{"connections", reached(ctx, o)})
	if own, err := h.Renewal(ctx, o.Ref, o.Before); err == nil && own.Coming() {
		rows = append(rows, [2]string{"Alibaba", "has scheduled its own renewal " + days(handler.At(own.At), now) + ", which is one more restart"})
	}
	if opens := h.Policy.Window.Opens(o.Before.Instance, now); opens.After(now) {
		rows = append(rows, [2]string{"window", "the rehearsal does not wait for the maintenance window, which opens " + handler.At(opens).String()})
	}
	rows = append(rows, [2]string{"takes", fmt.Sprintf("some minutes; it ends at %s at the latest", now.Add(o.Limit).UTC().Format("15:04 UTC"))})
	t := newTable()
	t.ResetHeaders()
	wrap(t, 2, columns-len("  certificate  "))
	for _, row := range rows {
		t.AppendRow(table.Row{"  " + row[0], row[1]})
	}
	return "A rehearsal renews the certificate of a test instance once, now.\n\n" + t.Render() + "\n"
}

// reached tries the connection to the instance, and says how connections are measured.
func reached(ctx context.Context, o rehearsal.Options) string {
	ctx, cancel := context.WithTimeout(ctx, 3*time.Second)
	defer cancel()
	if _, err := o.Prober.Ping(ctx); err != nil {
		return "not measured: " + handler.AsError(err).Message
	}
	return fmt.Sprintf("%s:%d answers: a PING over TLS is sent five times a second", o.Before.ConnectionDomain, o.Before.Port)
}

// printRehearsal shows a report and returns the error for its exit code.
func (c *command) printRehearsal(r rehearsal.Report) error {
	if c.output == "json" {
		if err := printJSON(c.Stdout, []rehearsal.Report{r}, false); err != nil {
			return err
		}
	} else {
		fmt.Fprintln(c.Stdout, reportText(r, c.Columns))
	}
	for _, warning := range r.Warnings {
		fmt.Fprintf(c.Stderr, "tairssl: %s\n", warning)
	}
	if said := c.ending(r); said != "" {
		fmt.Fprintf(c.Stderr, "tairssl: %s\n", said)
	}
	return ended(r.ExitCode())
}

// ending says why a rehearsal is not complete, and what still goes on; "" if it is
// complete.
func (c *command) ending(r rehearsal.Report) string {
	look := "look at it with: " + c.line("status", r.InstanceID, r.RegionID)
	keeps := ""
	if r.Flag != "" {
		keeps = fmt.Sprintf("; the tag %s holds back other changes until the change is visible, for at most 45m", r.Flag)
	}
	switch {
	case r.End == rehearsal.Complete:
		return ""
	case r.End == rehearsal.Unseen:
		return "the change was not complete when the time was up; it goes on by itself" + keeps + "; " + look
	case r.End == rehearsal.Interrupted && !r.Sent:
		return "interrupted before the change was sent: nothing was changed"
	case r.End == rehearsal.Interrupted:
		return fmt.Sprintf("interrupted: the renewal of %s was sent. It goes on by itself, and the instance restarts once%s; %s", r.InstanceID, keeps, look)
	case r.Error != nil:
		return r.Error.Error()
	case r.Result != nil:
		return fmt.Sprintf("nothing was changed: %s: %s", r.Result.Outcome, r.Result.Reason)
	}
	return "nothing was changed"
}

// reportText is a report for people. columns is the width of the terminal; 0 means any
// width.
func reportText(r rehearsal.Report, columns int) string {
	parts := []string{measured(r, columns)}
	if len(r.Calls) > 0 {
		t := newTable("CALL", "COUNT", "FAILED", "MIN", "MEDIAN", "MAX")
		for _, s := range r.Calls {
			t.AppendRow(table.Row{s.Action, s.Count, s.Failed, brief(s.Min), brief(s.Median), brief(s.Max)})
		}
		parts = append(parts, t.Render())
	}
	if len(r.Advice) > 0 {
		t := newTable("RECOMMENDED", "VALUE", "NOW", "WHY")
		for _, a := range r.Advice {
			now := "-"
			if a.Now != nil {
				now = brief(*a.Now)
			}
			t.AppendRow(table.Row{a.Setting, brief(a.Value), now, a.Why})
		}
		wrap(t, 4, columns-len("timeout of the function  12m30s  12m30s  "))
		parts = append(parts, t.Render())
	}
	return strings.Join(parts, "\n\n")
}

// measured is the table of the measurements.
func measured(r rehearsal.Report, columns int) string {
	t := newTable("MEASURED", "VALUE")
	wrap(t, 2, columns-len("the new certificate is served  "))
	row := func(name, format string, args ...any) { t.AppendRow(table.Row{name, fmt.Sprintf(format, args...)}) }
	after := func(name string, d *handler.Duration, more string) {
		if d == nil {
			row(name, "not seen")
			return
		}
		row(name, "after %s%s", brief(*d), more)
	}
	if r.Tags != nil {
		row("a tag shows", "after %s to %s, median %s, measured %d times", brief(r.Tags.Min), brief(r.Tags.Max), brief(r.Tags.Median), r.Tags.Count)
	}
	if !r.Sent {
		row("the change", "was not sent")
		return t.Render()
	}
	e := r.Effect
	after("the change is accepted", e.Accepted, "")
	after("it shows", e.Shows, "")
	switch {
	case e.ModifyingFrom == nil:
		row("SSLModifying", "not seen")
	case e.ModifyingFor == nil:
		row("SSLModifying", "from %s on, until the end", brief(*e.ModifyingFrom))
	default:
		row("SSLModifying", "for %s, from %s on", brief(*e.ModifyingFor), brief(*e.ModifyingFrom))
	}
	moves := ""
	if e.ExpiryMoves != "" {
		moves = ", " + e.ExpiryMoves
	}
	after("SSLExpiredTime moves", e.ExpiryMoved, moves)
	after("it is complete", e.Complete, "")
	if e.Stale > 0 {
		row("old answers", "for %s after the first new answer", brief(e.Stale))
	}
	row("precision", "each event happened up to %s before it was seen", brief(e.Precision))
	connected(r, row, after)
	return t.Render()
}

// connected adds the rows about connections and the CA.
func connected(r rehearsal.Report, row func(name, format string, args ...any), after func(string, *handler.Duration, string)) {
	c := r.Connections
	if c == nil {
		row("connections", "not measured: %s", r.Unreached)
	} else {
		cut := []string{"not cut", "cut once"}[min(c.Cuts, 1)]
		if c.Cuts > 1 {
			cut = fmt.Sprintf("cut %d times", c.Cuts)
		}
		row("open connections", "%s", cut)
		if c.GoneFor == nil {
			row("new connections", "down for less than %s; %d tried, %d failed", brief(c.Precision), c.Pings, c.Failed)
		} else {
			row("new connections", "down for %s, from %s on; %d tried, %d failed", brief(*c.GoneFor), brief(*c.GoneFrom), c.Pings, c.Failed)
		}
		after("the new certificate is served", c.ServedNew, "")
	}
	switch {
	case r.CA == nil:
		row("CA", "not compared: %s", r.CAUnread)
	case r.CA.Changed:
		row("CA", "changed, from %s to %s", r.CA.Before, r.CA.After)
	default:
		row("CA", "unchanged: %s", r.CA.After)
	}
}

// wrap breaks the lines of a table's last column, so that the table fits the terminal and
// no part of a reason is missing. left is the room for that column. If left is 0 or less,
// there is no terminal, and wrap breaks no line.
func wrap(t table.Writer, column, left int) {
	if left > 0 {
		t.SetColumnConfigs([]table.ColumnConfig{{Number: column, WidthMax: max(left, 24), WidthMaxEnforcer: text.WrapSoft}})
	}
}

// brief is a measured time in the form that people read.
func brief(d handler.Duration) string { return rehearsal.Shown(time.Duration(d)) }
