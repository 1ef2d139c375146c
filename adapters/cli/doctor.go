package cli

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/jedib0t/go-pretty/v6/text"
	"github.com/spf13/cobra"

	"tairssl/adapters/cli/doctor"
	"tairssl/handler"
)

// marks are how the state of a finding is shown, in the order of their count.
var marks = []struct {
	state     doctor.State
	mark      string
	color     text.Color
	word      string
	attention bool // shown without being asked for
}{
	{doctor.Failed, "✗", text.FgRed, "failed", true},
	{doctor.Unknown, "?", text.FgYellow, "not known", true},
	{doctor.Warning, "!", text.FgYellow, "advised", true},
	{doctor.OK, "✓", text.FgGreen, "fine", false},
	{doctor.Skipped, "–", text.FgHiBlack, "skipped", false},
}

func (c *command) doctor() *cobra.Command {
	var o doctor.Options
	var verbose bool
	cmd := &cobra.Command{
		Use:   "doctor",
		Short: "Look for what would keep certificates from being renewed",
		Long: `Look for what would keep certificates from being renewed.

It checks the settings, the credential, the clock, the endpoint and each right, which
routes are open, whether a window opens in time, and whether people would be told. It
changes and restarts nothing: rights to write are asked about with an instance that is
not there. With --tag-probe it sets the tag tairssl-doctor on --instance, to measure how
soon it shows, and removes it again.

It shows what needs attention, the most important first; -v shows what is fine and what was
skipped as well.
✗ failed, ? cannot be told without changing something, ! advised, ✓ fine, – skipped.
The exit code is the worst of what failed: 2 settings, 3 credential or right, 4 no such
instance, 5 not reached, 1 anything else.`,
		Example: `  tairssl doctor --emulate
  tairssl doctor --instance r-bp1zxszhcgatnx01 -v
  tairssl doctor --instance orders-cache --tag-probe
  tairssl doctor -o json | jq '.[] | select(.State == "failed")'`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if o.TagProbe && o.Instance == "" {
				return usagef("--tag-probe goes with --instance: it sets a tag on it")
			}
			if o.Instance != "" {
				if err := handler.CheckName(o.Instance); err != nil {
					return usageError{err}
				}
			}
			if o.Limit <= 0 {
				return usagef("--timeout takes a time such as 1m, not %s", o.Limit)
			}
			environ, done, err := c.cloud()
			if err != nil {
				return err
			}
			defer done()
			environ, who, err := c.settled(environ)
			if err != nil {
				return err
			}
			o.Environ, o.Transport = environ, c.Transport
			o.Credentials, o.Source = who.credentials, who.source
			shown := c.gauge("examining")
			findings := doctor.Examine(cmd.Context(), o)
			shown.end()
			return c.printFindings(cmd.Context(), findings, verbose)
		},
	}
	flags := cmd.Flags()
	flags.StringVar(&o.Instance, "instance", "", "look at this instance more closely, by its `id`, endpoint or name")
	flags.BoolVar(&o.TagProbe, "tag-probe", false, "set a tag on --instance several times, measure how soon it shows, and remove it")
	flags.BoolVar(&o.Notify, "notify", false, "send a test message to every place of TAIRSSL_NOTIFY_URLS")
	flags.BoolVarP(&verbose, "verbose", "v", false, "show what is fine and what was skipped, too")
	flags.DurationVar(&o.Limit, "timeout", time.Minute, "how long all of it may take")
	return cmd
}

// taken is how wide the columns before the last are.
func taken(findings []doctor.Finding) int {
	check, on := 0, 0
	for _, f := range findings {
		check, on = max(check, len(f.Check)), max(on, len(f.On))
	}
	return 1 + check + on + 3*2 // a mark, and the blanks between
}

// printFindings shows what was found; JSON is always an array of all.
func (c *command) printFindings(ctx context.Context, findings []doctor.Finding, verbose bool) error {
	if c.output == "json" {
		if err := printJSON(c.Stdout, findings, true); err != nil {
			return err
		}
	} else {
		fmt.Fprint(c.Stdout, c.findingsTable(shownOf(findings, verbose)))
		fmt.Fprintln(c.Stdout, sumOf(findings, verbose))
	}
	code := doctor.ExitCode(findings)
	if ctx.Err() != nil { // not all of it was looked at
		code = max(code, handler.Unavailable.ExitCode())
	}
	if code != 0 {
		return exit(code)
	}
	return nil
}

// shownOf are the findings that are shown. What needs attention comes first, the
// most important on top; with verbose all are shown, in the order of the checks.
func shownOf(findings []doctor.Finding, verbose bool) (shown []doctor.Finding) {
	if verbose {
		return findings
	}
	for _, m := range marks {
		for _, f := range findings {
			if f.State == m.state && m.attention {
				shown = append(shown, f)
			}
		}
	}
	return shown
}

// findingsTable is empty if there is nothing to show.
func (c *command) findingsTable(findings []doctor.Finding) string {
	if len(findings) == 0 {
		return ""
	}
	t := newTable("", "CHECK", "ON", "FOUND")
	if room := c.Columns - taken(findings); c.Columns > 0 {
		t.SetColumnConfigs([]table.ColumnConfig{{Number: 4, WidthMax: max(room, 30), WidthMaxEnforcer: text.WrapSoft}})
	}
	for _, f := range findings {
		for _, m := range marks {
			if m.state == f.State {
				t.AppendRow(table.Row{c.paint(m.color, m.mark), f.Check, f.On, f.Found})
			}
		}
		if f.Fix != "" {
			t.AppendRow(table.Row{"", "", "", "→ " + f.Fix})
		}
	}
	return t.Render() + "\n\n"
}

// sumOf counts the findings.
func sumOf(findings []doctor.Finding, verbose bool) string {
	var sum []string
	well := true
	for _, m := range marks {
		n := 0
		for _, f := range findings {
			if f.State == m.state {
				n++
			}
		}
		if n > 0 {
			sum = append(sum, fmt.Sprintf("%d %s", n, m.word))
			well = well && !m.attention
		}
	}
	text := strings.Join(sum, ", ")
	if well {
		text = "All is well: " + text
	}
	if !verbose {
		text += " (-v shows all)"
	}
	return text
}
