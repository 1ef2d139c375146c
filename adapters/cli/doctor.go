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

// marks say how each state is shown. They are in the order of the counts.
var marks = []struct {
	state     doctor.State
	mark      string
	color     text.Color
	word      string
	attention bool // shown also without --verbose
}{
	{doctor.Failed, "✗", text.FgRed, "failed", true},
	{doctor.Unknown, "?", text.FgYellow, "not known", true},
	{doctor.Warning, "!", text.FgYellow, "advised", true},
	{doctor.OK, "✓", text.FgGreen, "fine", false},
	{doctor.Skipped, "–", text.FgHiBlack, "skipped", false},
}

// doctorOptions are the flags of doctor.
type doctorOptions struct {
	doctor.Options
	verbose bool
}

func (c *command) doctor() *cobra.Command {
	var o doctorOptions
	cmd := &cobra.Command{
		Use:   "doctor",
		Short: "Look for everything that could prevent a renewal",
		Long: `Look for everything that could prevent a renewal.

doctor checks the settings, the credential, the clock, the endpoint and each right, which routes
are open, whether a maintenance window opens in time, and whether notices reach people. It
changes nothing and restarts nothing: to check a right to write, it names an instance that does
not exist. With --tag-probe it sets the tag tairssl-doctor on --instance, measures how soon the
tag is visible, and removes it.

doctor shows the findings that need attention, the most important first. With -v it also shows
what is fine and what was skipped.
✗ failed, ? not known without a change, ! advised, ✓ fine, – skipped.
The exit code is the worst of the failures: 2 settings, 3 credential or right, 4 no such
instance, 5 not reached, 1 any other failure.`,
		Example: `  tairssl doctor --emulate
  tairssl doctor --instance r-bp1zxszhcgatnx01 -v
  tairssl doctor --instance orders-cache --tag-probe
  tairssl doctor -o json | jq '.[] | select(.State == "failed")'`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := o.validate(); err != nil {
				return err
			}
			return c.runDoctor(cmd.Context(), o)
		},
	}
	o.register(cmd)
	return cmd
}

func (o *doctorOptions) register(cmd *cobra.Command) {
	flags := cmd.Flags()
	flags.StringVar(&o.Instance, "instance", "", "also check this instance; name it by its `id`, endpoint or name")
	flags.BoolVar(&o.TagProbe, "tag-probe", false, "set a tag on --instance several times, measure how soon it is visible, and remove it")
	flags.BoolVar(&o.Notify, "notify", false, "send a test message to each URL of TAIRSSL_NOTIFY_URLS")
	flags.BoolVarP(&o.verbose, "verbose", "v", false, "also show what is fine and what was skipped")
	flags.DurationVar(&o.Limit, "timeout", time.Minute, "the longest time that all checks together may take")
}

func (o *doctorOptions) validate() error {
	if o.TagProbe && o.Instance == "" {
		return usagef("--tag-probe needs --instance: it sets a tag on that instance")
	}
	if o.Instance != "" {
		if err := handler.CheckName(o.Instance); err != nil {
			return usageError{err}
		}
	}
	if o.Limit <= 0 {
		return usagef("--timeout takes a time such as 1m, not %s", o.Limit)
	}
	return nil
}

func (c *command) runDoctor(ctx context.Context, o doctorOptions) error {
	environ, who, done, err := c.account()
	if err != nil {
		return err
	}
	defer done()
	o.Environ, o.Transport = environ, c.Transport
	o.Credentials, o.Source = who.credentials, who.source
	shown := c.gauge("examining")
	findings := doctor.Examine(ctx, o.Options)
	shown.end()
	return c.printFindings(ctx, findings, o.verbose)
}

// printFindings shows the findings. JSON is always an array of all findings.
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
	if ctx.Err() != nil { // some checks did not run
		code = max(code, handler.Unavailable.ExitCode())
	}
	return ended(code)
}

// shownOf returns the findings to show. These are the findings that need attention, the
// most important first. If verbose is true, these are all findings, in the order of the
// checks.
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

// findingsTable shows findings, with the fix below each; "" if there are none.
func (c *command) findingsTable(findings []doctor.Finding) string {
	if len(findings) == 0 {
		return ""
	}
	t := newTable("", "CHECK", "ON", "FOUND")
	if room := c.Columns - beforeFound(findings); c.Columns > 0 {
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

// beforeFound is the width of the columns before FOUND.
func beforeFound(findings []doctor.Finding) int {
	check, on := 0, 0
	for _, f := range findings {
		check, on = max(check, len(f.Check)), max(on, len(f.On))
	}
	return 1 + check + on + 3*len(gap) // a mark, and the gaps between the columns
}

// sumOf counts the findings of each state.
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
